#![expect(clippy::disallowed_methods, reason = "a test is the other program that touches the disk")]
#![cfg(target_os = "linux")]

mod changes;
mod entries;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::context::Context;
use crate::name::SessionKey;
use crate::remote::{MemoryRemote, Remote as _, RemoteInfo, Sessions};
use crate::stage::Stage;
use crate::sync::{self, PushOptions};
use crate::workspace::{InitRequest, Workspace, session_path};

/// A workspace of three sessions in two projects, one of them in sync with an agency.
struct Fixture {
    folder: tempfile::TempDir,
    workspace: Workspace,
    remote: MemoryRemote,
    key: SessionKey,
}

fn key(name: &str) -> SessionKey {
    let (project, session) = name.split_once('/').unwrap();
    SessionKey { project: project.parse().unwrap(), session: session.parse().unwrap() }
}

fn uncached() -> Context {
    Context { cache: false, ..Context::default() }
}

/// Waits until the clock of the file system has gone on.
fn settle() {
    std::thread::sleep(Duration::from_millis(25));
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let context = uncached();
        let remote = MemoryRemote::new(Sessions::Many);
        let init = |name: &str| {
            let SessionKey { project, session } = key(name);
            let request = InitRequest { project, session: Some(session), stack: None };
            Workspace::init(folder.path(), &request, &context).unwrap().0
        };
        init("api/a0");
        let workspace = init("portal/s0");
        workspace.create_session(&key("portal/s1"), None, &context).unwrap();
        let fixture = Self { folder, workspace, remote, key: key("portal/s0") };
        let options = PushOptions::default();
        sync::push(&fixture.workspace, &fixture.key, &fixture.remote, &options, &context).unwrap();
        settle();
        fixture
    }

    fn info(&self) -> RemoteInfo {
        self.remote.info()
    }

    fn path(&self, rel: &str) -> PathBuf {
        self.folder.path().join(rel)
    }

    /// A path in the first session.
    fn own(&self, rel: &str) -> PathBuf {
        self.path(&session_path(&self.key)).join(rel)
    }

    fn plan(&self) -> PathBuf {
        self.own(Stage::Plan.path())
    }

    /// Everything that the verbs say that use the cache, texts included.
    fn told(&self, context: &Context) -> String {
        let keys = self.workspace.every_session().unwrap().keys;
        let found = self.workspace.validate_all(&keys, &[], context);
        let sessions: Vec<_> = keys.into_iter().map(|key| (key, self.info())).collect();
        let status = sync::statuses(&self.workspace, &sessions, context);
        format!("{found:#?}\n{status:#?}")
    }

    fn expect_same(&self, what: &str) -> String {
        let (fresh, cached) = (self.told(&uncached()), self.told(&Context::default()));
        assert_eq!(cached, fresh, "{what}");
        fresh
    }

    /// The files of the cache, each with its inode: one that is written anew has another.
    fn files(&self) -> Vec<(String, u64)> {
        let Ok(entries) = fs::read_dir(self.path(".idse/sync/cache")) else { return Vec::new() };
        let of = |entry: fs::DirEntry| {
            let inode = std::os::unix::fs::MetadataExt::ino(&entry.metadata().unwrap());
            (entry.file_name().into_string().unwrap(), inode)
        };
        let mut files: Vec<_> = entries.map(|entry| of(entry.unwrap())).collect();
        files.sort();
        files
    }

    /// Fills the cache and makes sure that all answers come from it.
    fn warm(&self) {
        self.told(&Context::default());
        let files = self.files();
        let names: Vec<_> = files.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["findings.api", "findings.portal", "status.api", "status.portal"]);
        self.told(&Context::default());
        assert_eq!(self.files(), files, "every answer is known");
    }
}

/// Writes a file and puts its times back.
fn write_back_dated(path: &Path, text: &str) {
    let before = fs::metadata(path).unwrap().modified().unwrap();
    fs::write(path, text).unwrap();
    date(path, before);
}

fn date(path: &Path, time: SystemTime) {
    fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}
