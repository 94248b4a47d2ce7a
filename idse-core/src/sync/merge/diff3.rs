//! The changes of two sides laid over one base.
//!
//! It owns which base lines each side changed and where the changes meet; what Markdown makes of them is
//! `structure`'s.

use std::ops::Range;

use imara_diff::Token;

use super::align::{Hunk, hunks};
use super::lines::{Sides, Writer};

/// Who changed a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// The local side alone.
    Local,
    /// The remote side alone.
    Remote,
    /// Both, to the same lines.
    Same,
    /// Both, to different lines; named where the reason is structure and not overlap.
    Conflict(Option<&'static str>),
}

/// A changed stretch: the same place in all three texts. Between two regions all three texts are equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Region {
    pub(super) base: Range<usize>,
    pub(super) local: Range<usize>,
    pub(super) remote: Range<usize>,
    pub(super) change: Change,
}

impl Region {
    /// Returns whether the region needs a person.
    pub(super) fn conflicts(&self) -> bool {
        matches!(self.change, Change::Conflict(_))
    }
}

/// Returns the changed regions in order.
pub(super) fn regions(base: &[Token], local: &[Token], remote: &[Token]) -> Vec<Region> {
    let both = hunks(base, local).and_then(|local| Some((local, hunks(base, remote)?)));
    let Some((local_hunks, remote_hunks)) = both else {
        return vec![coarse(base, local, remote)];
    };
    let (mut l, mut r) = (Cursor::new(&local_hunks), Cursor::new(&remote_hunks));
    let mut regions = Vec::new();
    while let Some(start) = [l.next_start(), r.next_start()].into_iter().flatten().min() {
        let mut end = start;
        let (local_from, remote_from) = (l.at, r.at);
        // Hunks that meet without an unchanged line between them are one region.
        while l.take(&mut end) | r.take(&mut end) {}
        let (local_range, remote_range) = (l.range(local_from, start, end), r.range(remote_from, start, end));
        let change = match (l.at > local_from, r.at > remote_from) {
            (true, false) => Change::Local,
            (false, _) => Change::Remote,
            // Several hunks that only together make the same lines were not meant as one change.
            (true, true)
                if l.at - local_from == 1
                    && local_hunks[local_from].base == remote_hunks[remote_from].base
                    && r.at - remote_from == 1
                    && local[local_range.clone()] == remote[remote_range.clone()] =>
            {
                Change::Same
            }
            (true, true) => Change::Conflict(None),
        };
        regions.push(Region { base: start..end, local: local_range, remote: remote_range, change });
    }
    regions
}

/// Returns one region for all changes: what is not aligned is not merged.
fn coarse(base: &[Token], local: &[Token], remote: &[Token]) -> Region {
    let alike = |a: &(&_, &_)| a.0 == a.1;
    let head = |side: &[Token]| base.iter().zip(side).take_while(alike).count();
    let head = head(local).min(head(remote));
    let tail =
        |side: &[Token]| base[head..].iter().rev().zip(side[head..].iter().rev()).take_while(alike).count();
    let tail = tail(local).min(tail(remote));
    let middle = |text: &[Token]| head..text.len() - tail;
    let change = if local == base { Change::Remote } else { Change::Conflict(None) };
    Region { base: middle(base), local: middle(local), remote: middle(remote), change }
}

/// A place in the hunks of one side.
struct Cursor<'a> {
    hunks: &'a [Hunk],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn new(hunks: &'a [Hunk]) -> Self {
        Self { hunks, at: 0 }
    }

    fn next_start(&self) -> Option<usize> {
        self.hunks.get(self.at).map(|hunk| hunk.base.start)
    }

    /// Moves past the next hunk if it begins no later than the region ends, which it then may extend.
    fn take(&mut self, end: &mut usize) -> bool {
        match self.hunks.get(self.at) {
            Some(hunk) if hunk.base.start <= *end => {
                *end = hunk.base.end.max(*end);
                self.at += 1;
                true
            }
            _ => false,
        }
    }

    /// Returns the side's lines that stand for base lines `start..end`, given the hunk that comes first there.
    fn range(&self, from: usize, start: usize, end: usize) -> Range<usize> {
        place(&self.hunks[..from], start)..place(&self.hunks[..self.at], end)
    }
}

/// Returns the line of a side that stands for a base line after the given hunks.
fn place(before: &[Hunk], base_line: usize) -> usize {
    before.last().map_or(base_line, |hunk| hunk.side.end + (base_line - hunk.base.end))
}

/// Where a line of the result comes from, by its number in the texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// It is in all three.
    Kept { base: usize, local: usize, remote: usize },
    /// The local side added it.
    Local(usize),
    /// The remote side added it.
    Remote(usize),
    /// Both sides added it.
    Both { local: usize, remote: usize },
}

/// Returns the lines of the result, where no region conflicts.
pub(super) fn origins(sides: &Sides<'_>, regions: &[Region]) -> Vec<Origin> {
    let mut lines = Vec::with_capacity(sides.local.raw.len() + sides.remote.raw.len());
    let (mut base, mut local, mut remote) = (0, 0, 0);
    let ends = sides.local.raw.len();
    let keep = |lines: &mut Vec<Origin>, from: (usize, usize, usize), until: usize| {
        let kept = (from.1..until).enumerate();
        lines.extend(kept.map(|(n, local)| Origin::Kept { base: from.0 + n, local, remote: from.2 + n }));
    };
    for region in regions {
        keep(&mut lines, (base, local, remote), region.local.start);
        let (l, r) = (region.local.clone(), region.remote.clone());
        match region.change {
            Change::Remote => lines.extend(r.map(Origin::Remote)),
            Change::Same => lines.extend(l.zip(r).map(|(local, remote)| Origin::Both { local, remote })),
            Change::Local | Change::Conflict(_) => lines.extend(l.map(Origin::Local)),
        }
        (base, local, remote) = (region.base.end, region.local.end, region.remote.end);
    }
    keep(&mut lines, (base, local, remote), ends);
    lines
}

/// Returns the result, where no region conflicts.
pub(super) fn assemble(sides: &Sides<'_>, regions: &[Region]) -> String {
    let lines = origins(sides, regions);
    let mut writer = Writer::new(sides.local.style, 32 * lines.len());
    for origin in lines {
        match origin {
            Origin::Kept { local, .. } | Origin::Both { local, .. } | Origin::Local(local) => {
                writer.own(sides.local.raw[local]);
            }
            Origin::Remote(remote) => writer.adopt(sides.remote.raw[remote]),
        }
    }
    writer.finish()
}
