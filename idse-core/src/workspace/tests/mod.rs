#![expect(clippy::disallowed_methods, reason = "a test is the other program that touches the disk")]

mod artifact;
mod init;
mod select;
mod state;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::artifact::BlockedReason;

const P: &str = ".idse/projects/demo";

struct Fixture {
    root: tempfile::TempDir,
    context: Context,
}

impl Fixture {
    fn empty() -> Self {
        Self { root: tempfile::tempdir().unwrap(), context: Context::default() }
    }

    /// A workspace with the project `demo` and its session `one`.
    fn new() -> Self {
        let fixture = Self::empty();
        fixture.init("demo", Some("one")).unwrap();
        fixture
    }

    fn init(&self, project: &str, session: Option<&str>) -> Result<InitReport> {
        let session = session.map(|session| session.parse().unwrap());
        let request = InitRequest { project: project.parse()?, session, stack: Some("rust".into()) };
        Workspace::init(self.root.path(), &request, &self.context).map(|(_, report)| report)
    }

    fn open(&self) -> Workspace {
        Workspace::open(self.root.path()).unwrap()
    }

    fn path(&self, rel: &str) -> PathBuf {
        self.root.path().join(rel)
    }

    fn put(&self, rel: &str, text: impl AsRef<[u8]>) {
        fs::create_dir_all(self.path(rel).parent().unwrap()).unwrap();
        fs::write(self.path(rel), text).unwrap();
    }

    fn text(&self, rel: &str) -> String {
        fs::read_to_string(self.path(rel)).unwrap()
    }

    fn json(&self, rel: &str) -> Value {
        serde_json::from_str(&self.text(rel)).unwrap()
    }

    fn load(&self, session: &str) -> Session {
        self.open().load(&key(session), &self.context).unwrap()
    }

    fn set(&self, session: &str, stage: Stage, status: StageStatus) -> Result<StageChange> {
        self.open().set_stage(&key(session), stage, status, None, &self.context)
    }

    /// Every file below the root and what it holds.
    fn snapshot(&self) -> Vec<(String, Vec<u8>)> {
        let dir = Dir::open(self.root.path()).unwrap();
        let files = dir.walk(".", 20).into_iter();
        files.map(|file| (file.clone(), fs::read(self.path(&file)).unwrap())).collect()
    }
}

fn key(session: &str) -> SessionKey {
    SessionKey { project: "demo".parse().unwrap(), session: session.parse().unwrap() }
}

fn assert_valid(schema: &str, value: &Value) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("schemas/{schema}.schema.json"));
    let schema: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let errors: Vec<_> = validator.iter_errors(value).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?} in {value}");
}
