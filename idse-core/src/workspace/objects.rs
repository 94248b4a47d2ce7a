//! Objects: exact bytes under their own id, written once, so that whatever a write displaces can be found again.

use crate::error::Result;
use crate::fs::{self, Dir};
use crate::name::OpId;
use crate::stage::Stage;
use crate::text::ObjectId;

/// Keeps bytes and returns their id; bytes that are kept already are not written again. Only under the lock.
pub(crate) fn keep(dir: &Dir, bytes: &[u8]) -> Result<ObjectId> {
    let id = ObjectId::of(bytes);
    if read(dir, id)?.is_some() {
        return Ok(id);
    }
    let path = path(id);
    if dir.create(&path, bytes)? {
        // What a killed process left of an object is of no use: the object is written anew.
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for name in dir.leftovers(folder)? {
            dir.remove(&format!("{folder}/{name}"))?;
        }
    } else {
        // What lies there is damaged; these bytes are the ones that it should hold.
        dir.replace(&path, bytes)?;
    }
    Ok(id)
}

/// Returns the bytes of an id; `None` where they are missing or damaged.
pub(crate) fn read(dir: &Dir, id: ObjectId) -> Result<Option<Vec<u8>>> {
    Ok(dir.read_own(&path(id), fs::LARGEST)?.filter(|bytes| ObjectId::of(bytes) == id))
}

/// Returns where the bytes of an id lie.
pub(crate) fn path(id: ObjectId) -> String {
    let hex = id.hex();
    let (folder, file) = hex.split_at(2);
    format!(".idse/sync/objects/{folder}/{file}")
}

/// Returns where a swap puts the file that it displaces: an editor that still has it open writes there.
pub(crate) fn aside(op: &OpId, stage: Stage) -> String {
    format!(".idse/sync/displaced/{op}-{stage}")
}
