//! Three-way merge of texts by lines: what two sides made of one base, or the places that need a person.
//!
//! It owns lines, overlap, structure and markers; which texts are merged and where the result goes belongs to
//! the plan and its application.

mod diff3;
mod lines;
mod markers;
mod structure;

pub use markers::has_markers;

use crate::text::canonical;
use diff3::Region;
use imara_diff::Algorithm;
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
    /// Why a merge without overlap was refused (`code_fence`, `front_matter`, `table`, `lines`), where it was;
    /// `alignment` where repeated lines can be matched in more than one way, with different results.
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
    let regions = diff3::regions(Algorithm::Myers, &sides);
    if local_text == base_text {
        return Merge::Clean(diff3::assemble(&sides, &regions));
    }
    match without_overlap(&sides, regions).and_then(|text| confirmed(&sides, text)) {
        Ok(text) => Merge::Clean(text),
        Err(regions) => Merge::Conflict(markers::mark(&sides, &regions)),
    }
}

/// Returns the merged text, or the regions of which at least one conflicts.
fn without_overlap(sides: &Sides<'_>, regions: Vec<Region>) -> Result<String, Vec<Region>> {
    let regions = structure::join_units(sides, regions);
    if regions.iter().any(Region::conflicts) {
        return Err(regions);
    }
    match structure::broken(sides, &regions) {
        None => Ok(diff3::assemble(sides, &regions)),
        Some(kind) => Err(structure::join_all(regions, kind)),
    }
}

/// Returns the text if another alignment of the sides gives the same; lines that repeat can be aligned in more
/// than one way, and a person decides where the result depends on that.
fn confirmed(sides: &Sides<'_>, text: String) -> Result<String, Vec<Region>> {
    let regions = diff3::regions(Algorithm::Histogram, sides);
    match without_overlap(sides, regions.clone())? {
        other if other == text => Ok(text),
        _ => Err(structure::join_all(regions, "alignment")),
    }
}
