//! Marker lines around the places that need a person.
//!
//! It owns how a conflict is written into a text and found there again; what conflicts is `diff3`'s and
//! `structure`'s.

use super::MergeConflict;
use super::diff3::{Change, Region};
use super::lines::{Lines, Sides, Writer, is_ended};
use crate::text::LineEnding;

const MARKS: [char; 4] = ['<', '|', '=', '>'];
const SHORTEST: usize = 7;

/// Tells whether a text still holds marker lines of the given length.
///
/// A marker is a line of exactly that many `<`, `|` or `>` and then nothing or a blank, or of that many `=` alone.
pub fn has_markers(text: &str, marker_length: usize) -> bool {
    marker_length > 0
        && text.strip_prefix('\u{feff}').unwrap_or(text).split('\n').any(|line| {
            MARKS.iter().any(|&mark| {
                let rest = line.trim_start_matches(mark);
                line.len() - rest.len() == marker_length
                    && if mark == '=' {
                        rest.trim().is_empty()
                    } else {
                        rest.is_empty() || rest.starts_with([' ', '\t', '\r'])
                    }
            })
        })
}

/// Returns a length that no run of marker characters at the start of a line reaches.
fn marker_length(sides: &Sides<'_>) -> usize {
    let lines = [&sides.base, &sides.local, &sides.remote].into_iter().flat_map(|text| &text.raw);
    let longest = lines.map(|line| {
        let run = |mark: &char| line.len() - line.trim_start_matches(*mark).len();
        MARKS.iter().map(run).max().unwrap_or(0)
    });
    longest.max().map_or(SHORTEST, |longest| SHORTEST.max(longest + 1))
}

/// Writes the merge with markers around each region that conflicts.
pub(super) fn mark(sides: &Sides<'_>, regions: &[Region]) -> MergeConflict {
    let mut marker = Marker {
        writer: Writer::new(sides.local.style, 0),
        length: marker_length(sides),
        ending: sides.line_ending(),
    };
    let mut at = 0;
    for region in regions {
        sides.local.raw[at..region.local.start].iter().for_each(|line| marker.writer.own(line));
        match region.change {
            Change::Conflict(structure) => marker.conflict(sides, region, structure.is_none()),
            Change::Remote => {
                sides.remote.raw[region.remote.clone()].iter().for_each(|line| marker.writer.adopt(line));
            }
            Change::Local | Change::Same => {
                sides.local.raw[region.local.clone()].iter().for_each(|line| marker.writer.own(line));
            }
        }
        at = region.local.end;
    }
    sides.local.raw[at..].iter().for_each(|line| marker.writer.own(line));
    let structure = regions.iter().find_map(|region| match region.change {
        Change::Conflict(structure) => structure,
        _ => None,
    });
    MergeConflict {
        places: regions.iter().filter(|region| region.conflicts()).count(),
        marker_length: marker.length,
        marked: marker.writer.finish(),
        structure,
    }
}

struct Marker {
    writer: Writer,
    length: usize,
    ending: LineEnding,
}

impl Marker {
    /// Writes one conflict; lines that begin or end both sides alike stand outside of it if `trim`.
    fn conflict(&mut self, sides: &Sides<'_>, region: &Region, trim: bool) {
        let (local, remote) =
            (&sides.local.tokens[region.local.clone()], &sides.remote.tokens[region.remote.clone()]);
        let alike = |a: &(&_, &_)| a.0 == a.1;
        let head = if trim { local.iter().zip(remote).take_while(alike).count() } else { 0 };
        let (local, remote) = (&local[head..], &remote[head..]);
        let tail =
            if trim { local.iter().rev().zip(remote.iter().rev()).take_while(alike).count() } else { 0 };
        let ours = region.local.start + head..region.local.end - tail;
        let theirs = region.remote.start + head..region.remote.end - tail;

        sides.local.raw[region.local.start..ours.start].iter().for_each(|line| self.writer.own(line));
        let sections = [
            ('<', "local", &sides.local, ours.clone()),
            ('|', "base", &sides.base, region.base.clone()),
            ('>', "remote", &sides.remote, theirs),
        ];
        for (mark, label, text, lines) in sections {
            if mark == '>' {
                self.marker('=', "");
            } else {
                self.marker(mark, &label_of(label, text, &lines));
            }
            for raw in &text.raw[lines.clone()] {
                if mark == '<' { self.writer.own(raw) } else { self.writer.adopt(raw) }
            }
            self.writer.end_line(self.ending);
            if mark == '>' {
                self.marker(mark, &label_of(label, text, &lines));
            }
        }
        sides.local.raw[ours.end..region.local.end].iter().for_each(|line| self.writer.own(line));
    }

    fn marker(&mut self, mark: char, label: &str) {
        let line = String::from(mark).repeat(self.length) + label;
        self.writer.line(&line, self.ending);
    }
}

/// Names a side, and that its text ends there without a line end, which the marked text cannot show.
fn label_of(label: &str, text: &Lines<'_>, lines: &std::ops::Range<usize>) -> String {
    let open = text.raw[lines.clone()].last().is_some_and(|line| !is_ended(line));
    if open { format!(" {label} (no newline at end)") } else { format!(" {label}") }
}
