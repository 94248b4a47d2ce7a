//! The engine's own files below `.idse/sync`: objects, bases, journal, conflicts and log.
//!
//! It knows where things lie and that every write is durable; what they mean is decided elsewhere.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::fs::{Dir, EntryKind, LARGEST};
use crate::name::{OpId, ProjectId, ProjectName, SessionKey};
use crate::remote::RemoteKey;
use crate::stage::Stage;
use crate::sync::base::{Base, TextRef};
use crate::sync::record::{ConflictRecord, JournalEntry, LogRecord};
use crate::text::ObjectId;
use crate::workspace::objects;

const ROOT: &str = ".idse/sync";
const LOG: &str = ".idse/sync/log.jsonl";

/// The engine's own files are bounded too: nothing hangs on a file that somebody blew up.
const LIMIT: u64 = LARGEST;

/// Access to the engine's own files of one workspace.
#[derive(Clone)]
pub(crate) struct Store<'a> {
    dir: &'a Dir,
    /// A dry run names what would be kept and keeps nothing.
    is_dry: bool,
    /// Objects that this verb has found intact or kept: they need no second look while it holds the lock.
    intact: Rc<RefCell<BTreeSet<ObjectId>>>,
}

/// What a base file holds.
pub(crate) enum StoredBase {
    None,
    Base(Box<Base>),
    /// It cannot be read: as good as none, but a person should know.
    Damaged,
}

impl<'a> Store<'a> {
    pub(crate) fn new(dir: &'a Dir) -> Self {
        Self { dir, is_dry: false, intact: Rc::default() }
    }

    /// Returns access for a dry run: nothing is kept.
    pub(crate) fn dry(dir: &'a Dir) -> Self {
        Self { dir, is_dry: true, intact: Rc::default() }
    }

    fn read(&self, path: &str) -> Result<Option<Vec<u8>>> {
        self.dir.read_own(path, LIMIT)
    }

    fn read_json<T: DeserializeOwned>(&self, path: &str) -> Result<Option<Result<T, serde_json::Error>>> {
        Ok(self.read(path)?.map(|bytes| serde_json::from_slice(&bytes)))
    }

    fn write_json(&self, path: &str, value: &impl Serialize) -> Result<()> {
        self.dir.replace(path, &json(value)?)
    }

    /// Removes what killed writes left among the engine's own files: it is what was going to be written. Without a
    /// key, of every session. Only under the lock.
    pub(crate) fn sweep(&self, key: Option<&SessionKey>) -> Result<()> {
        for remote in self.remotes()? {
            let folder = format!("{ROOT}/{remote}");
            let mut left = self.dir.leftovers_below(&format!("{folder}/journal"), 1);
            match key {
                Some(key) => {
                    left.extend(self.dir.leftovers_below(&format!("{folder}/base/{}", key.project), 1));
                    left.extend(self.dir.leftovers_below(&conflicts_path(&remote, key), 2));
                }
                None => {
                    left.extend(self.dir.leftovers_below(&format!("{folder}/base"), 2));
                    left.extend(self.dir.leftovers_below(&format!("{folder}/conflicts"), 4));
                }
            }
            left.iter().try_for_each(|path| self.dir.remove(path))?;
        }
        Ok(())
    }

    // Objects

    /// Keeps bytes; afterwards they survive whatever happens to the file they came from.
    pub(crate) fn keep(&self, bytes: &[u8]) -> Result<ObjectId> {
        let id = ObjectId::of(bytes);
        if !self.is_dry && !self.intact.borrow().contains(&id) {
            objects::keep(self.dir, bytes)?;
            self.intact.borrow_mut().insert(id);
        }
        Ok(id)
    }

    /// Keeps a text.
    pub(crate) fn keep_text(&self, text: &str) -> Result<TextRef> {
        self.keep(text.as_bytes())?;
        Ok(TextRef::of(text))
    }

    /// Returns the bytes of an object; `None` where it is missing or damaged.
    pub(crate) fn object(&self, id: ObjectId) -> Result<Option<Vec<u8>>> {
        let bytes = objects::read(self.dir, id)?;
        if bytes.is_some() {
            self.intact.borrow_mut().insert(id);
        }
        Ok(bytes)
    }

    /// Returns an object that is a text.
    pub(crate) fn text(&self, id: ObjectId) -> Result<Option<String>> {
        Ok(self.object(id)?.and_then(|bytes| String::from_utf8(bytes).ok()))
    }

    /// Lists the stored objects.
    pub(crate) fn objects(&self) -> Result<Vec<ObjectId>> {
        let mut found = Vec::new();
        for folder in folders(self.dir, &format!("{ROOT}/objects"))? {
            for entry in self.dir.list(&format!("{ROOT}/objects/{folder}"))? {
                let Some(name) = entry.name else { continue };
                found.extend(format!("bytes:{folder}{name}").parse::<ObjectId>().ok());
            }
        }
        Ok(found)
    }

    /// Returns every object that a base, a journal entry or a conflict names.
    pub(crate) fn named_objects(&self) -> Result<BTreeSet<ObjectId>> {
        let mut named = BTreeSet::new();
        for remote in self.remotes()? {
            for path in self.files_below(&format!("{ROOT}/{remote}/base"), 2)? {
                if let Some(Ok(base)) = self.read_json::<Base>(&path)? {
                    named.extend(base.objects());
                }
            }
            for path in self.files_below(&format!("{ROOT}/{remote}/conflicts"), 4)? {
                if !path.ends_with("/conflict.json") {
                    continue;
                }
                if let Some(Ok(record)) = self.read_json::<ConflictRecord>(&path)? {
                    named.extend(record.objects());
                }
            }
        }
        for entry in self.journal()? {
            named.extend(entry.objects());
        }
        Ok(named)
    }

    /// Returns the files exactly `depth` levels below a folder.
    fn files_below(&self, folder: &str, depth: usize) -> Result<Vec<String>> {
        let mut paths = vec![folder.to_owned()];
        for level in (0..depth).rev() {
            let wanted = if level == 0 { EntryKind::File } else { EntryKind::Folder };
            let mut next = Vec::new();
            for path in &paths {
                let entries = self.dir.list(path)?.into_iter().filter(|e| e.kind == wanted);
                next.extend(entries.filter_map(|e| e.name).map(|name| format!("{path}/{name}")));
            }
            paths = next;
        }
        Ok(paths)
    }

    pub(crate) fn remove_object(&self, id: ObjectId) -> Result<()> {
        self.intact.borrow_mut().remove(&id);
        self.dir.remove(&objects::path(id))
    }

    // Bases

    pub(crate) fn base(&self, remote: &RemoteKey, key: &SessionKey) -> Result<StoredBase> {
        Ok(match self.read_json::<Base>(&base_path(remote.as_str(), key))? {
            None => StoredBase::None,
            Some(Ok(base)) if base.version == Base::VERSION => StoredBase::Base(Box::new(base)),
            Some(_) => StoredBase::Damaged,
        })
    }

    /// Returns the base in a remote's folder; one that is damaged counts as none.
    pub(crate) fn base_in(&self, remote: &str, key: &SessionKey) -> Result<Option<Base>> {
        let base = self.read_json::<Base>(&base_path(remote, key))?;
        Ok(base.and_then(Result::ok).filter(|base| base.version == Base::VERSION))
    }

    pub(crate) fn save_base(&self, remote: &str, key: &SessionKey, base: Option<&Base>) -> Result<()> {
        let path = base_path(remote, key);
        match base {
            Some(base) => self.write_json(&path, base),
            None => self.dir.remove(&path),
        }
    }

    /// Returns the first base of a project that is wanted, and reads no further.
    pub(crate) fn find_base(
        &self,
        remote: &RemoteKey,
        project: &ProjectName,
        is_wanted: impl Fn(&Base) -> bool,
    ) -> Result<Option<Base>> {
        let folder = format!("{ROOT}/{}/base/{project}", remote.as_str());
        for entry in self.dir.list(&folder)? {
            let Some(name) = entry.name.filter(|_| entry.kind == EntryKind::File) else { continue };
            if let Some(Ok(base)) = self.read_json::<Base>(&format!("{folder}/{name}"))?
                && is_wanted(&base)
            {
                return Ok(Some(base));
            }
        }
        Ok(None)
    }

    /// Forgets what was agreed with a remote on a project: what a changed identity asks for.
    pub(crate) fn forget(&self, remote: &RemoteKey, project: &ProjectName) -> Result<()> {
        self.dir.remove_tree(&format!("{ROOT}/{}/base/{project}", remote.as_str()))
    }

    // Journal

    pub(crate) fn save_entry(&self, entry: &JournalEntry) -> Result<()> {
        self.write_json(&journal_path(&entry.log().remote, entry.log().op), entry)
    }

    pub(crate) fn remove_entry(&self, log: &LogRecord) -> Result<()> {
        self.dir.remove(&journal_path(&log.remote, log.op))
    }

    /// Forgets the unsettled pushes of a project to other identities than `id`.
    pub(crate) fn forget_pushes(
        &self,
        remote: &RemoteKey,
        project: &ProjectName,
        id: ProjectId,
    ) -> Result<()> {
        for entry in self.journal()? {
            let JournalEntry::Push(push) = entry else { continue };
            let is_of_project = push.log.remote == remote.as_str() && push.log.key.project == *project;
            if is_of_project && push.project_id != id {
                self.remove_entry(&push.log)?;
            }
        }
        Ok(())
    }

    /// Returns the journal of every remote, the oldest first. An entry that cannot be read was damaged after it was
    /// written, since it is written whole; it is passed over: what it did half is classified as any other change.
    pub(crate) fn journal(&self) -> Result<Vec<JournalEntry>> {
        let mut entries: Vec<JournalEntry> = Vec::new();
        for remote in self.remotes()? {
            let folder = format!("{ROOT}/{remote}/journal");
            for entry in self.dir.list(&folder)? {
                let Some(name) = entry.name.filter(|name| name.ends_with(".json")) else { continue };
                if let Some(Ok(entry)) = self.read_json(&format!("{folder}/{name}"))? {
                    entries.push(entry);
                }
            }
        }
        entries.sort_by(|a, b| a.log().time.cmp(&b.log().time).then(a.log().op.cmp(&b.log().op)));
        Ok(entries)
    }

    /// Lists the remotes that this workspace was ever synced with, by their folders.
    pub(crate) fn remotes(&self) -> Result<Vec<String>> {
        Ok(folders(self.dir, ROOT)?.into_iter().filter(|name| RemoteKey::names(name)).collect())
    }

    // Conflicts

    /// Returns the open conflicts of a session with a remote.
    pub(crate) fn conflicts(
        &self,
        remote: &str,
        key: &SessionKey,
    ) -> Result<BTreeMap<Stage, ConflictRecord>> {
        let mut found = BTreeMap::new();
        for folder in folders(self.dir, &conflicts_path(remote, key))? {
            let Ok(stage) = folder.parse::<Stage>() else { continue };
            let path = format!("{}/conflict.json", conflict_path(remote, key, stage));
            if let Some(Ok(record)) = self.read_json(&path)? {
                found.insert(stage, record);
            }
        }
        Ok(found)
    }

    /// Opens, refreshes or closes a conflict. Its record comes last when it opens and goes first when it closes,
    /// so that an open conflict always has its texts.
    pub(crate) fn save_conflict(
        &self,
        remote: &str,
        key: &SessionKey,
        stage: Stage,
        record: Option<&ConflictRecord>,
    ) -> Result<()> {
        let folder = conflict_path(remote, key, stage);
        let Some(record) = record else {
            self.dir.remove(&format!("{folder}/conflict.json"))?;
            return self.dir.remove_tree(&folder);
        };
        let sides = [
            ("base", record.base.map(|t| t.object)),
            ("local", record.local.map(|t| t.object)),
            ("remote", record.remote.map(|t| t.object)),
            ("merged", record.merged),
        ];
        for (name, object) in sides {
            let path = format!("{folder}/{name}.md");
            match object.map(|id| self.object(id)).transpose()?.flatten() {
                Some(bytes) => self.dir.replace(&path, &bytes)?,
                None => self.dir.remove(&path)?,
            }
        }
        self.write_json(&format!("{folder}/conflict.json"), record)
    }

    /// Returns `merged.md` as it is now: a person may have edited it.
    pub(crate) fn merged(&self, remote: &str, key: &SessionKey, stage: Stage) -> Result<Option<Vec<u8>>> {
        self.read(&format!("{}/merged.md", conflict_path(remote, key, stage)))
    }

    // Log

    /// Returns the log, the oldest record first. Lines that cannot be read are passed over.
    pub(crate) fn log(&self) -> Result<Vec<LogRecord>> {
        let bytes = self.read(LOG)?.unwrap_or_default();
        Ok(bytes.split(|b| *b == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect())
    }

    /// Appends a record, unless the log has it already.
    pub(crate) fn log_once(&self, record: &LogRecord) -> Result<()> {
        if self.log()?.iter().rev().any(|known| known.op == record.op) {
            return Ok(());
        }
        self.log_new(record)
    }

    /// Appends a record of an operation that began in this process: it cannot be in the log, however long that is.
    pub(crate) fn log_new(&self, record: &LogRecord) -> Result<()> {
        let line = serde_json::to_string(record).map_err(|e| Error::internal(e.to_string()))?;
        self.dir.append_line(LOG, &line)
    }

    pub(crate) fn replace_log(&self, records: &[LogRecord]) -> Result<()> {
        let mut bytes = Vec::new();
        for record in records {
            serde_json::to_writer(&mut bytes, record).map_err(|e| Error::internal(e.to_string()))?;
            bytes.push(b'\n');
        }
        self.dir.replace(LOG, &bytes)
    }

    /// Reads one of the engine's small notes.
    pub(crate) fn note(&self, name: &str) -> Result<Option<String>> {
        Ok(self.read(&format!("{ROOT}/{name}"))?.and_then(|bytes| String::from_utf8(bytes).ok()))
    }

    pub(crate) fn save_note(&self, name: &str, text: &str) -> Result<()> {
        self.dir.replace(&format!("{ROOT}/{name}"), text.as_bytes())
    }
}

/// The folder of displaced files.
pub(crate) fn displaced_path() -> String {
    format!("{ROOT}/displaced")
}

/// The folder of one stage's conflict.
pub(crate) fn conflict_path(remote: &str, key: &SessionKey, stage: Stage) -> String {
    format!("{}/{stage}", conflicts_path(remote, key))
}

fn conflicts_path(remote: &str, key: &SessionKey) -> String {
    format!("{ROOT}/{remote}/conflicts/{}/{}", key.project, key.session)
}

fn base_path(remote: &str, key: &SessionKey) -> String {
    format!("{ROOT}/{remote}/base/{}/{}.json", key.project, key.session)
}

/// Where an entry of the journal lies.
pub(crate) fn journal_path(remote: &str, op: OpId) -> String {
    format!("{ROOT}/{remote}/journal/{op}.json")
}

fn folders(dir: &Dir, path: &str) -> Result<Vec<String>> {
    let entries = dir.list(path)?;
    Ok(entries.into_iter().filter(|e| e.kind == EntryKind::Folder).filter_map(|e| e.name).collect())
}

pub(crate) fn json(value: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec_pretty(value).map_err(|e| Error::internal(e.to_string()))
}
