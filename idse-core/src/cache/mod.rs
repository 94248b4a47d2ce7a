//! The cache: answers about single sessions, each with a proof that nothing it came from has changed since.
//!
//! Who asks decides what an answer is. Only verbs that look at many sessions ask here, and nothing that writes.
//!
//! An entry is an answer, the names of all that was looked at for it, and a proof: one digest of the question, the
//! answer, and what the system knows of each of those names. It counts if the same digest comes out again. It is kept
//! only if all of them had last changed before a moment that the file system's clock had passed when the work began,
//! so that whatever changes one of them later gives it another change time, which no program can put back. The same
//! digest finds every damage of the file itself.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::context::Context;
use crate::error::Result;
use crate::fs::{Found, Moment, Seen, read_user_file};
use crate::name::{ProjectName, SessionKey};
use crate::text::ObjectId;
use crate::workspace::{CACHE, Workspace};

/// A larger file is no help: it is not read, and not written.
const LIMIT: usize = 64 << 20;
/// What this build of the engine is: another one may judge otherwise.
const BUILD: &str = concat!(env!("CARGO_PKG_VERSION"), " ", env!("IDSE_SOURCES"));
/// A power cut can lose a change time and keep the change, so nothing is known from before the machine started.
const BOOT: &str = "/proc/sys/kernel/random/boot_id";
/// Longer than the clock of any file system with fractions of a second stands still.
const TICK: Duration = Duration::from_millis(20);

/// What is known of the sessions of some projects, from one kind of question.
pub(crate) struct Cache<'a> {
    workspace: &'a Workspace,
    /// `None`: every question is answered anew, and nothing is kept.
    open: Option<Open<'a>>,
}

struct Open<'a> {
    context: &'a Context,
    kind: &'static str,
    boot: Vec<u8>,
    /// By project: its file as it was read, and where in it the line of a session is.
    known: BTreeMap<ProjectName, Lines>,
    moment: OnceLock<Option<Moment>>,
    fresh: Mutex<BTreeMap<SessionKey, String>>,
}

#[derive(Default)]
struct Lines {
    text: String,
    places: BTreeMap<String, std::ops::Range<usize>>,
}

impl<'a> Cache<'a> {
    /// Opens what is kept of one kind of question about sessions; for a single one it is not worth while.
    pub(crate) fn open(
        workspace: &'a Workspace,
        kind: &'static str,
        keys: &[&SessionKey],
        context: &'a Context,
    ) -> Self {
        let is_wanted = context.cache && context.env.get("IDSE_NO_CACHE").is_none() && keys.len() > 1;
        let open = || {
            if !is_wanted || !workspace.dir().can_witness() {
                return None;
            }
            let boot = read_user_file(Path::new(BOOT), 1024).ok()??;
            let projects: BTreeSet<_> = keys.iter().map(|key| &key.project).collect();
            let read =
                |project: &ProjectName| (project.clone(), Lines::read(workspace, &path(kind, project)));
            let known = projects.into_iter().map(read).collect();
            let (moment, fresh) = (OnceLock::new(), Mutex::default());
            Some(Open { context, kind, boot, known, moment, fresh })
        };
        Self { workspace, open: open() }
    }

    /// Returns a cache that knows nothing and keeps nothing.
    pub(crate) fn none(workspace: &'a Workspace) -> Self {
        Self { workspace, open: None }
    }

    /// Returns the answer that is known, or asks, and keeps what comes out.
    ///
    /// The question is everything that `ask` knows besides what it looks at in the workspace that it is given. A known
    /// answer is completed with what is not kept of it, before it is proved.
    pub(crate) fn answer<T: Serialize + DeserializeOwned>(
        &self,
        key: &SessionKey,
        question: &impl Serialize,
        complete: impl FnOnce(&mut T) -> bool,
        ask: impl FnOnce(&Workspace) -> Result<T>,
    ) -> Result<T> {
        let Some(open) = &self.open else { return ask(self.workspace) };
        let Ok(question) = serde_json::to_vec(&(BUILD, &open.boot, open.kind, key, question)) else {
            return ask(self.workspace);
        };
        if let Some(answer) = open.known(self.workspace, key, &question, complete) {
            return Ok(answer);
        }
        // The clock first: what changes while the answer is worked out is not older than this.
        let Some(moment) = *open.moment.get_or_init(|| open.now(self.workspace)) else {
            return ask(self.workspace);
        };
        let Ok(tracing) = self.workspace.tracing() else { return ask(self.workspace) };
        let answer = ask(&tracing)?;
        open.keep(&tracing, key, &question, &answer, moment);
        Ok(answer)
    }

    /// Writes what came out anew. A cache that cannot be written is none, and nobody misses it.
    pub(crate) fn save(self) {
        let Some(Open { kind, known, fresh, .. }) = self.open else { return };
        let fresh = fresh.into_inner().unwrap_or_else(PoisonError::into_inner);
        for (project, lines) in known {
            let of_project = fresh.iter().filter(|(key, _)| key.project == project);
            let mut new: BTreeMap<_, _> =
                of_project.map(|(key, line)| (key.clone(), line.as_str())).collect();
            if new.is_empty() {
                continue;
            }
            for (session, place) in &lines.places {
                let Ok(session) = session.parse() else { continue };
                let key = SessionKey { project: project.clone(), session };
                if !new.contains_key(&key) && self.workspace.has_session(&key) {
                    new.insert(key, &lines.text[place.clone()]);
                }
            }
            let text: String =
                new.into_iter().map(|(key, line)| format!("{}\t{line}\n", key.session)).collect();
            if text.len() <= LIMIT {
                let path = path(kind, &project);
                self.workspace.dir().replace_disposable(&path, text.as_bytes()).unwrap_or_default();
            }
        }
    }
}

impl Open<'_> {
    fn known<T: DeserializeOwned>(
        &self,
        workspace: &Workspace,
        key: &SessionKey,
        question: &[u8],
        complete: impl FnOnce(&mut T) -> bool,
    ) -> Option<T> {
        let line = self.known.get(&key.project).and_then(|lines| lines.of(key));
        let entry = line.and_then(Entry::parse)?;
        let mut answer = serde_json::from_str(entry.answer).ok()?;
        let is_whole = complete(&mut answer);
        let proof = prove(workspace, question, entry.answer, &entry.seen, None)?;
        (is_whole && proof == entry.proof).then_some(answer)
    }

    fn keep(
        &self,
        tracing: &Workspace,
        key: &SessionKey,
        question: &[u8],
        answer: &impl Serialize,
        moment: Moment,
    ) {
        let Some(seen) = tracing.dir().seen() else { return };
        let (Ok(names), Ok(answer)) = (serde_json::to_string(&seen), serde_json::to_string(answer)) else {
            return;
        };
        if let Some(proof) = prove(tracing, question, &answer, &seen, Some(moment)) {
            let mut fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
            fresh.insert(key.clone(), format!("{proof}\t{names}\t{answer}"));
        }
    }

    /// Reads the clock of the file system; `None` where nothing can be kept.
    fn now(&self, workspace: &Workspace) -> Option<Moment> {
        if workspace.make_cache().ok()? {
            // The folder that the new one lies in has just changed, and is looked at for every session.
            self.context.clock.sleep(TICK);
        }
        workspace.dir().moment(CACHE)
    }
}

/// One line behind the name of its session.
struct Entry<'a> {
    proof: &'a str,
    seen: Seen,
    answer: &'a str,
}

impl<'a> Entry<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        // JSON has no tabs and no line ends outside of its texts, and escapes those inside.
        let (proof, rest) = line.split_once('\t')?;
        let (seen, answer) = rest.split_once('\t')?;
        Some(Self { proof, seen: serde_json::from_str(seen).ok()?, answer })
    }
}

impl Lines {
    /// Reads a file of the cache, if it is this user's own.
    fn read(workspace: &Workspace, path: &str) -> Self {
        if !workspace.dir().is_private(path) {
            return Self::default();
        }
        let Ok(Found::Bytes(bytes)) = workspace.dir().read(path, LIMIT as u64) else {
            return Self::default();
        };
        let Ok(text) = String::from_utf8(bytes) else { return Self::default() };
        let mut places = BTreeMap::new();
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            if let Some((session, rest)) = line.split_once('\t') {
                let end = start + line.trim_end_matches('\n').len();
                places.insert(session.to_owned(), start + line.len() - rest.len()..end);
            }
            start += line.len();
        }
        Self { text, places }
    }

    fn of(&self, key: &SessionKey) -> Option<&str> {
        self.places.get(key.session.as_str()).and_then(|place| self.text.get(place.clone()))
    }
}

/// Returns the digest of a question, its answer and all that was seen; `None` where it proves nothing.
fn prove(
    workspace: &Workspace,
    question: &[u8],
    answer: &str,
    seen: &Seen,
    before: Option<Moment>,
) -> Option<String> {
    let mut proof = Vec::with_capacity(16 << 10);
    for part in [question, answer.as_bytes()] {
        proof.extend_from_slice(&(part.len() as u64).to_le_bytes());
        proof.extend_from_slice(part);
    }
    workspace.dir().witness(seen, before, &mut proof).then(|| ObjectId::of(&proof).hex())
}

fn path(kind: &str, project: &ProjectName) -> String {
    format!("{CACHE}/{kind}.{project}")
}
