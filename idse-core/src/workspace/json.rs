//! JSON files beside the artifacts: read as objects, and what is wrong with one said in place.

use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind, Result};
use crate::fs::{Dir, Found};
use crate::session::{FileProblem, FileRole};
use crate::state::to_file_text;

/// No state or metadata file is that long.
pub(super) const LIMIT: u64 = 4 << 20;

/// What a JSON file holds.
pub(super) enum ObjectFile {
    /// There is no file, or it holds `null`, as a pull of the oldest tools writes where the remote has no state.
    Absent,
    Object(Map<String, Value>),
    Broken(FileProblem),
}

impl ObjectFile {
    /// Returns the object for a writing verb, which refuses to overwrite what it cannot read.
    pub(super) fn for_writing(self) -> Result<Option<Map<String, Value>>> {
        match self {
            Self::Absent => Ok(None),
            Self::Object(object) => Ok(Some(object)),
            Self::Broken(problem) => Err(refusal(&problem)),
        }
    }
}

/// Returns the error of a writing verb that meets a broken file.
pub(super) fn refusal(problem: &FileProblem) -> Error {
    Error::new(ErrorKind::InvalidWorkspace, problem.message.clone())
        .with_reason("broken_file")
        .with_hint(format!("Mend {} or move it away; nothing was overwritten.", problem.path))
        .with("path", problem.path.clone())
}

/// Reads a JSON file of an object.
pub(super) fn read(dir: &Dir, path: &str, file: FileRole) -> Result<ObjectFile> {
    let bytes = match dir.read(path, LIMIT)? {
        Found::Absent => return Ok(ObjectFile::Absent),
        Found::Bytes(bytes) => bytes,
        Found::Blocked(blocked) => {
            let problem =
                FileProblem { file, path: path.to_owned(), message: blocked.message, position: None };
            return Ok(ObjectFile::Broken(problem));
        }
    };
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let (message, position) = match serde_json::from_slice(bytes) {
        Ok(Value::Object(object)) => return Ok(ObjectFile::Object(object)),
        Ok(Value::Null) => return Ok(ObjectFile::Absent),
        Ok(_) => (format!("{path} is not a JSON object"), Some((1, 1))),
        Err(error) => {
            let place = |number: usize| u32::try_from(number.max(1)).unwrap_or(u32::MAX);
            (format!("{path} is not valid JSON: {error}"), Some((place(error.line()), place(error.column()))))
        }
    };
    Ok(ObjectFile::Broken(FileProblem { file, path: path.to_owned(), message, position }))
}

/// Writes an object as the existing tools do; a file that says the same already stays as it is.
pub(super) fn write(
    dir: &Dir,
    path: &str,
    found: Option<&Map<String, Value>>,
    new: &Map<String, Value>,
) -> Result<()> {
    if found == Some(new) { Ok(()) } else { dir.replace(path, to_file_text(new).as_bytes()) }
}
