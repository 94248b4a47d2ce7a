//! What of Markdown a merge by lines could break: front matter, tables and fenced code are units.
//!
//! It owns the units of the base and the role of each line; the parsing of whole documents is `markdown`'s.

use std::collections::HashMap;
use std::ops::Range;

use imara_diff::Token;

use super::diff3::{Change, Origin, Region, origins};
use super::lines::{Sides, content};

/// The part that a line plays. A line that plays another part in the result than in the side it comes from means
/// that the merge tore a block apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Text,
    FrontMatter,
    FenceOpen,
    Code,
    FenceClose,
}

/// An open code fence.
#[derive(Clone, Copy)]
struct Fence {
    mark: char,
    length: usize,
}

impl Fence {
    /// Reads a line that opens a fenced block. Any indentation counts: lists nest deeper than three spaces.
    fn open(line: &str) -> Option<Self> {
        let (mark, length, rest) = run(line)?;
        (length >= 3 && (mark == '~' || !rest.contains('`'))).then_some(Self { mark, length })
    }

    fn is_closed_by(self, line: &str) -> bool {
        run(line).is_some_and(|(mark, length, rest)| {
            mark == self.mark && length >= self.length && rest.trim().is_empty()
        })
    }
}

/// Splits a line into its leading fence characters and the rest; the marks of block quotes are passed over.
fn run(line: &str) -> Option<(char, usize, &str)> {
    let line = line.trim_start_matches([' ', '\t', '>']);
    let mark = line.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let rest = line.trim_start_matches(mark);
    Some((mark, line.len() - rest.len(), rest))
}

/// Returns how many lines the front matter has, its two delimiters included.
fn front_matter<'a>(lines: impl IntoIterator<Item = &'a str>) -> usize {
    let mut lines = lines.into_iter();
    if lines.next().is_none_or(|first| first.trim_end() != "---") {
        return 0;
    }
    lines.position(|line| matches!(line.trim_end(), "---" | "...")).map_or(0, |at| at + 2)
}

fn roles(lines: &[&str]) -> Vec<Role> {
    let front = front_matter(lines.iter().map(|line| content(line)));
    let mut open: Option<Fence> = None;
    let role = |(number, raw): (usize, &&str)| {
        let line = content(raw);
        if number < front {
            return Role::FrontMatter;
        }
        match open {
            Some(fence) if fence.is_closed_by(line) => {
                open = None;
                Role::FenceClose
            }
            Some(_) => Role::Code,
            None => {
                open = Fence::open(line);
                if open.is_some() { Role::FenceOpen } else { Role::Text }
            }
        }
    };
    lines.iter().enumerate().map(role).collect()
}

/// A stretch of the base that only one side may change.
#[derive(Debug, PartialEq, Eq)]
struct Unit {
    lines: Range<usize>,
    kind: &'static str,
}

fn is_row(raw: &str) -> bool {
    content(raw).trim_start().starts_with('|')
}

/// What a line belongs to, if that is a unit.
fn kind_of(role: Role, raw: &str) -> Option<&'static str> {
    match role {
        Role::FrontMatter => Some("front_matter"),
        Role::FenceOpen | Role::Code | Role::FenceClose => Some("code_fence"),
        Role::Text => is_row(raw).then_some("table"),
    }
}

fn units(lines: &[&str]) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::new();
    let mut goes_on = false;
    for (number, (raw, role)) in lines.iter().zip(roles(lines)).enumerate() {
        let kind = kind_of(role, raw);
        match (units.last_mut(), kind) {
            (Some(unit), Some(kind)) if goes_on && unit.kind == kind && role != Role::FenceOpen => {
                unit.lines.end = number + 1;
            }
            (_, Some(kind)) => units.push(Unit { lines: number..number + 1, kind }),
            (_, None) => {}
        }
        goes_on = kind.is_some();
    }
    units
}

impl Unit {
    /// Returns whether a region changes the unit: lines of it, or rows put before or after a table.
    fn is_changed_by(&self, region: &Region, sides: &Sides<'_>) -> bool {
        let (base, unit) = (&region.base, &self.lines);
        let overlaps = base.start < unit.end && unit.start < base.end;
        let is_inside = unit.start < base.start && base.start < unit.end;
        if overlaps || is_inside {
            return true;
        }
        let added = [&sides.local.raw[region.local.clone()], &sides.remote.raw[region.remote.clone()]];
        let is = |line: Option<&&str>| line.is_some_and(|line| is_row(line));
        match self.kind {
            "table" if base.start == unit.end => added.iter().any(|lines| is(lines.first())),
            "table" if base.end == unit.start => added.iter().any(|lines| is(lines.last())),
            "front_matter" => base.start == 0,
            _ => false,
        }
    }
}

/// Makes one region of all changes to a unit that both sides changed.
pub(super) fn join_units(sides: &Sides<'_>, mut regions: Vec<Region>) -> Vec<Region> {
    for unit in units(&sides.base.raw) {
        // Both lists are in order: only the regions that reach the unit are looked at.
        let from = regions.partition_point(|region| region.base.end < unit.lines.start);
        let until = regions.partition_point(|region| region.base.start <= unit.lines.end);
        let changed = |at: &usize| unit.is_changed_by(&regions[*at], sides);
        let (Some(first), Some(last)) = ((from..until).find(changed), (from..until).rfind(changed)) else {
            continue;
        };
        let by = |only: Change| regions[first..=last].iter().any(|r| r.change == only || r.conflicts());
        if first == last || !by(Change::Local) || !by(Change::Remote) {
            continue;
        }
        let joined = grow(join(&regions[first..=last]), &unit.lines);
        let same = sides.local.tokens[joined.local.clone()] == sides.remote.tokens[joined.remote.clone()];
        let change = if same { Change::Same } else { Change::Conflict(Some(unit.kind)) };
        regions.splice(first..=last, [Region { change, ..joined }]);
    }
    regions
}

/// Makes one conflict of all regions.
pub(super) fn join_all(regions: Vec<Region>, kind: &'static str) -> Vec<Region> {
    vec![Region { change: Change::Conflict(Some(kind)), ..join(&regions) }]
}

fn join(regions: &[Region]) -> Region {
    let end = |range: fn(&Region) -> &Range<usize>| {
        let start = regions.first().map_or(0, |region| range(region).start);
        start..regions.last().map_or(start, |region| range(region).end)
    };
    let (base, local, remote) = (end(|r| &r.base), end(|r| &r.local), end(|r| &r.remote));
    Region { base, local, remote, change: Change::Conflict(None) }
}

/// Extends a region over the unchanged rest of a unit.
fn grow(region: Region, unit: &Range<usize>) -> Region {
    let before = region.base.start.saturating_sub(unit.start);
    let after = unit.end.saturating_sub(region.base.end);
    let wider = |range: Range<usize>| range.start - before..range.end + after;
    let Region { base, local, remote, change } = region;
    Region { base: wider(base), local: wider(local), remote: wider(remote), change }
}

/// Names what a merge without overlap breaks, if anything.
pub(super) fn broken(sides: &Sides<'_>, regions: &[Region]) -> Option<&'static str> {
    let lines = origins(sides, regions);
    torn_block(sides, &lines).or_else(|| (!keeps_additions(sides, regions, &lines)).then_some("lines"))
}

/// Names the kind of the first block whose lines play other parts in the result than in the sides.
fn torn_block(sides: &Sides<'_>, lines: &[Origin]) -> Option<&'static str> {
    let result: Vec<&str> = lines.iter().map(|&origin| raw(sides, origin)).collect();
    let [base, local, remote] = [&sides.base, &sides.local, &sides.remote].map(|text| roles(&text.raw));
    lines.iter().zip(roles(&result)).find_map(|(&origin, got)| {
        let expected = match origin {
            Origin::Local(at) => Some(local[at]),
            Origin::Remote(at) => Some(remote[at]),
            Origin::Both { local: l, remote: r } => agreed(None, local[l], remote[r]),
            Origin::Kept { base: b, local: l, remote: r } => agreed(Some(base[b]), local[l], remote[r]),
        };
        let front = got == Role::FrontMatter || expected == Some(Role::FrontMatter);
        (expected != Some(got)).then_some(if front { "front_matter" } else { "code_fence" })
    })
}

/// Returns the role that both sides give a line, or the one that a side gave it anew.
fn agreed(base: Option<Role>, local: Role, remote: Role) -> Option<Role> {
    match base {
        _ if local == remote => Some(local),
        Some(base) if base == local => Some(remote),
        Some(base) if base == remote => Some(local),
        _ => None,
    }
}

fn raw<'a>(sides: &Sides<'a>, origin: Origin) -> &'a str {
    match origin {
        Origin::Kept { local, .. } | Origin::Both { local, .. } | Origin::Local(local) => {
            sides.local.raw[local]
        }
        Origin::Remote(remote) => sides.remote.raw[remote],
    }
}

/// Returns whether each line that a side added stands in the result at least as often as that side added it,
/// and each line of the base that no side touched still stands there.
fn keeps_additions(sides: &Sides<'_>, regions: &[Region], lines: &[Origin]) -> bool {
    let mut left: HashMap<Token, usize> = HashMap::new();
    for &origin in lines {
        let token = match origin {
            Origin::Kept { local, .. } | Origin::Both { local, .. } | Origin::Local(local) => {
                sides.local.tokens[local]
            }
            Origin::Remote(remote) => sides.remote.tokens[remote],
        };
        *left.entry(token).or_default() += 1;
    }
    let mut take = |tokens: &[Token]| {
        tokens
            .iter()
            .all(|token| left.get_mut(token).is_some_and(|n| n.checked_sub(1).map(|m| *n = m).is_some()))
    };
    let mut at = 0;
    regions.iter().all(|region| {
        let kept = take(&sides.base.tokens[at..region.base.start]);
        at = region.base.end;
        let added = match region.change {
            Change::Remote => take(&sides.remote.tokens[region.remote.clone()]),
            _ => take(&sides.local.tokens[region.local.clone()]),
        };
        kept && added
    }) && take(&sides.base.tokens[at..])
}
