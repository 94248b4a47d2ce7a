//! What the journal still waits for, for those who only look.

use crate::error::Result;
use crate::name::SessionKey;
use crate::sync::record::JournalEntry;
use crate::sync::store::Store;
use crate::workspace::Workspace;

/// The sessions of operations that did not come to their end.
#[derive(Debug, Default)]
pub(crate) struct Unfinished {
    /// A push whose reply was lost.
    pub(crate) pushes: Vec<SessionKey>,
    /// A pull, resolve or undo that was interrupted while it wrote.
    pub(crate) interrupted: Vec<SessionKey>,
}

/// Reads the journal of every remote.
pub(crate) fn unfinished(workspace: &Workspace) -> Result<Unfinished> {
    let mut unfinished = Unfinished::default();
    for entry in Store::new(workspace.dir()).journal()? {
        let key = entry.log().key.clone();
        match entry {
            JournalEntry::Push(_) => unfinished.pushes.push(key),
            JournalEntry::Transaction(_) => unfinished.interrupted.push(key),
        }
    }
    Ok(unfinished)
}
