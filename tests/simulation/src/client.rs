//! One client: a workspace in a folder, a clock, and what its user does to the files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::clock::VirtualClock;
use idse_core::{Cancel, Context, InitRequest, SessionKey, Stage, Workspace};

/// A folder with an initialised workspace, used by one seed after the other.
pub(crate) struct Folder {
    root: PathBuf,
    /// The files as they were made, without artifacts.
    fresh: BTreeMap<PathBuf, Vec<u8>>,
}

impl Folder {
    pub(crate) fn new(root: PathBuf) -> Self {
        let key = key();
        let request = InitRequest { project: key.project, session: Some(key.session), stack: None };
        drop(Workspace::init(&root, &request, &Context::default()).unwrap());
        for stage in Stage::ALL {
            std::fs::remove_file(root.join(artifact(stage))).unwrap();
        }
        std::fs::write(root.join(".idseconfig.json"), br#"{"validate": {"gate": "off"}}"#).unwrap();
        std::fs::remove_dir_all(root.join(".idse/sync")).unwrap();
        let fresh = files(&root);
        Self { root, fresh }
    }

    fn reset(&self) {
        let sync = self.root.join(".idse/sync");
        if sync.exists() {
            std::fs::remove_dir_all(sync).unwrap();
        }
        for (path, bytes) in files(&self.root) {
            if self.fresh.get(&path) != Some(&bytes) {
                std::fs::remove_file(path).unwrap();
            }
        }
        for (path, bytes) in &self.fresh {
            if !path.exists() {
                std::fs::write(path, bytes).unwrap();
            }
        }
    }
}

pub(crate) struct Client {
    pub(crate) name: usize,
    root: PathBuf,
    pub(crate) workspace: Workspace,
    pub(crate) clock: Arc<VirtualClock>,
    /// How often the row had been written when this client last agreed with it, where it knows the row whole.
    pub(crate) seen: Option<u64>,
}

impl Client {
    pub(crate) fn new(name: usize, folder: &Folder, seed: u64, years_off: i64) -> Self {
        folder.reset();
        let workspace = Workspace::open(&folder.root).unwrap();
        let clock = Arc::new(VirtualClock::new(seed, years_off));
        Self { name, root: folder.root.clone(), workspace, clock, seen: None }
    }

    pub(crate) fn context(&self, cancel: u64) -> Context {
        Context { cancel: Cancel::at(cancel), clock: self.clock.clone(), ..Context::default() }
    }

    pub(crate) fn path(&self, stage: Stage) -> PathBuf {
        self.root.join(artifact(stage))
    }

    pub(crate) fn read(&self, stage: Stage) -> Option<String> {
        std::fs::read_to_string(self.path(stage)).ok()
    }

    pub(crate) fn texts(&self) -> BTreeMap<Stage, String> {
        Stage::ALL.into_iter().filter_map(|stage| Some((stage, self.read(stage)?))).collect()
    }

    pub(crate) fn write(&self, stage: Stage, text: Option<&str>) {
        match text {
            Some(text) => std::fs::write(self.path(stage), text).unwrap(),
            None if self.path(stage).exists() => std::fs::remove_file(self.path(stage)).unwrap(),
            None => {}
        }
    }

    /// Returns every file of the workspace.
    pub(crate) fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        files(&self.root)
    }

    /// Returns one of the texts of an open conflict.
    pub(crate) fn conflict(&self, folder: &str, stage: Stage, name: &str) -> Option<String> {
        let path = format!(".idse/sync/{folder}/conflicts/portal/s1/{stage}/{name}");
        std::fs::read_to_string(self.root.join(path)).ok()
    }
}

fn artifact(stage: Stage) -> String {
    format!(".idse/projects/portal/sessions/s1/{}", stage.path())
}

pub(crate) fn key() -> SessionKey {
    SessionKey { project: "portal".parse().unwrap(), session: "s1".parse().unwrap() }
}

/// Returns the files below a folder with their bytes.
pub(crate) fn files(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                found.insert(entry.path(), std::fs::read(entry.path()).unwrap());
            }
        }
    }
    found
}
