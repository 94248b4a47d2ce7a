//! The embedded agency: a SQLite file.

use std::path::Path;

use crate::remote::RemoteInfo;

/// An embedded agency.
#[derive(Debug)]
pub struct SqliteRemote {}

impl SqliteRemote {
    /// Says what the agency in a file is, without opening it.
    pub fn info_of(_path: &Path) -> RemoteInfo {
        todo!()
    }
}
