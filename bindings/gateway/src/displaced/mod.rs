//! Displaced texts: what a push without `base` replaces is kept here first, and never taken away.
//!
//! When a text is displaced is decided in `agency`; here it is written, listed and given back.

mod folder;
mod table;

use idse_core::{ObjectId, Result};
use serde::{Deserialize, Serialize};

pub(crate) use self::folder::Folder;
pub(crate) use self::table::Table;

/// A text that was replaced without its writer having said that it knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Names the entry: 16 hexadecimal digits, the same for the same text of the same push.
    pub id: String,
    /// When it was kept (RFC 3339, UTC).
    pub at: String,
    /// The project.
    pub project_id: String,
    /// Its name then.
    pub project: String,
    /// The session.
    pub session: String,
    /// The column that held it: `spec_md`, or `state_json`.
    pub column: String,
    /// The text, byte for byte.
    pub text: String,
    /// The operation that replaced it.
    pub op: String,
    /// Who sent that operation.
    pub subject: String,
}

impl Entry {
    /// Fills in the id, which is made from everything that tells entries apart.
    pub(crate) fn named(mut self) -> Self {
        let parts = [&self.project_id, &self.session, &self.op, &self.column, &self.text];
        let joined = parts.map(String::as_str).join("\0");
        self.id = ObjectId::of(joined.as_bytes()).hex()[..16].to_owned();
        self
    }
}

/// Where displaced texts are kept.
///
/// Nothing that was kept is changed or removed. Keeping the same entry again changes nothing.
pub trait Displaced: Send + Sync {
    /// Keeps entries; they are on the disk when it returns.
    ///
    /// # Errors
    /// `Io`, `Locked`, `Protocol`: then nothing may be overwritten.
    fn keep(&self, entries: &[Entry]) -> Result<()>;

    /// Lists what was kept, the oldest first; with `project`, of the project with this id or name.
    ///
    /// # Errors
    /// `Io`, `Locked`, `Protocol`.
    fn list(&self, project: Option<&str>) -> Result<Vec<Entry>>;

    /// Gives an entry back.
    ///
    /// # Errors
    /// `Io`, `Locked`, `Protocol`.
    fn find(&self, id: &str) -> Result<Option<Entry>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn entry(column: &str, text: &str) -> Entry {
        Entry {
            id: String::new(),
            at: "2026-01-10T15:30:00.000001Z".into(),
            project_id: "cfb3dbaa-4c2f-4794-810a-d9f6df63f01f".into(),
            project: "customer-portal".into(),
            session: "checkout".into(),
            column: column.into(),
            text: text.into(),
            op: "8d10b8b9-18d1-4adf-9a42-bf8fc4527bda".into(),
            subject: "alice".into(),
        }
        .named()
    }

    fn is_append_only(store: &dyn Displaced) {
        assert!(store.list(None).unwrap().is_empty());
        let entries = [
            entry("spec_md", "\u{feff}a\r\nb \u{1f600}\u{0}"),
            entry("plan_md", ""),
            entry("state_json", "{}"),
        ];
        store.keep(&entries).unwrap();
        store.keep(&entries[..1]).unwrap();
        assert_eq!(store.list(None).unwrap().len(), 3);
        assert_eq!(store.list(Some("customer-portal")).unwrap().len(), 3);
        assert!(store.list(Some("other")).unwrap().is_empty());
        for entry in &entries {
            assert_eq!(store.find(&entry.id).unwrap().as_ref(), Some(entry));
        }
        assert!(store.find("../../etc/passwd").unwrap().is_none());
    }

    #[test]
    fn a_folder_keeps_everything_once() {
        let folder = tempfile::tempdir().unwrap();
        is_append_only(&Folder::new(folder.path().join("deep/displaced")));
    }

    #[test]
    fn a_table_keeps_everything_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agency.db");
        let table = Table::new(path.clone());
        assert!(table.list(None).unwrap().is_empty() && !path.exists(), "listing creates nothing");
        drop(rusqlite::Connection::open(&path).unwrap());
        is_append_only(&table);
        let connection = rusqlite::Connection::open(&path).unwrap();
        for sql in ["DELETE FROM displaced", "UPDATE displaced SET text = ''"] {
            assert!(connection.execute(sql, []).is_err(), "{sql}");
        }
    }
}
