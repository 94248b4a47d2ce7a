//! Three-way merge of texts by lines: what two sides made of one base, or the places that need a person.
//!
//! It owns lines, overlap, structure and markers; which texts are merged and where the result goes belongs to
//! the plan and its application.

mod align;
mod diff3;
mod lines;
mod markers;
mod search;
mod structure;

pub use markers::has_markers;

use crate::text::canonical;
use diff3::Region;
use lines::Sides;

/// The outcome of a merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Merge {
    /// Both sides' changes are in the text.
    Clean(String),
    /// Both sides changed the same place.
    Conflict(MergeConflict),
}

/// A merge that needs a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeConflict {
    /// The text with marker lines around each place (diff3 style, base included).
    pub marked: String,
    /// How many characters a marker has: longer than any run in the texts.
    pub marker_length: usize,
    /// How many places conflict.
    pub places: usize,
    /// Why a merge without overlap was refused (`code_fence`, `front_matter`, `table`, `lines`), where it was.
    pub structure: Option<&'static str>,
}

/// Merges what two sides made of a base.
///
/// Lines compare as [`crate::text::Digest`] does: CRLF is LF, a leading byte order mark is not there. The result
/// keeps the local's bytes wherever its lines stand, its byte order mark, and its line ending for the lines that
/// come from the remote, unless the local's endings are mixed. Changes with no unchanged line between them are
/// a conflict, and so are changes of both sides to one table, one fenced block or the front matter.
pub fn merge_text(base: &str, local: &str, remote: &str) -> Merge {
    let (base_text, local_text, remote_text) = (canonical(base), canonical(local), canonical(remote));
    if local_text == remote_text || remote_text == base_text {
        return Merge::Clean(local.to_owned());
    }
    let sides = Sides::new(base, local, remote);
    let regions = diff3::regions(&sides.base.tokens, &sides.local.tokens, &sides.remote.tokens);
    if local_text == base_text {
        return Merge::Clean(diff3::assemble(&sides, &regions));
    }
    let mut regions = structure::join_units(&sides, regions);
    if !regions.iter().any(Region::conflicts) {
        match structure::broken(&sides, &regions) {
            None => return Merge::Clean(diff3::assemble(&sides, &regions)),
            Some(kind) => regions = structure::join_all(regions, kind),
        }
    }
    Merge::Conflict(markers::mark(&sides, &regions))
}
