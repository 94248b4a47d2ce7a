//! Which lines of one text stand for which lines of another.
//!
//! It owns the alignment, chosen as git chooses it where lines repeat, so that both merge the same; what two
//! alignments over one base mean is `diff3`'s, and the search for the shortest one `search`'s.

use std::ops::Range;

use imara_diff::Token;

use super::search::Search;

/// A stretch of the base that one side replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hunk {
    pub(super) base: Range<usize>,
    pub(super) side: Range<usize>,
}

/// Returns what a side made of the base, in order; between two hunks the texts are equal. Returns nothing where
/// the same lines occur so often in another order that an alignment would take too long.
pub(super) fn hunks(base: &[Token], side: &[Token]) -> Option<Vec<Hunk>> {
    let (mut old, mut new) = (Marks::new(base), Marks::new(side));
    let (old_kept, new_kept) = thin(&mut old, &mut new);
    Search::new(&old_kept, &new_kept).run(&mut old, &mut new)?;
    settle(&mut old, &new);
    settle(&mut new, &old);
    Some(collect(&old, &new))
}

/// The lines of a text, each either changed or standing for a line of the other text.
pub(super) struct Marks<'a> {
    lines: &'a [Token],
    changed: Vec<bool>,
}

impl<'a> Marks<'a> {
    fn new(lines: &'a [Token]) -> Self {
        Self { lines, changed: vec![false; lines.len()] }
    }

    /// Notes that a line stands for none of the other text.
    pub(super) fn change(&mut self, line: usize) {
        self.changed[line] = true;
    }

    /// Returns the changed stretch, perhaps empty, that begins at a line.
    fn stretch(&self, start: usize) -> Range<usize> {
        let length = self.changed.iter().skip(start).take_while(|changed| **changed).count();
        start..start + length
    }

    /// Returns the changed stretch, perhaps empty, that ends above the unchanged line above another stretch.
    fn stretch_before(&self, start: usize) -> Range<usize> {
        let end = start.saturating_sub(1);
        end - self.changed[..end].iter().rev().take_while(|changed| **changed).count()..end
    }

    /// Moves a stretch up by a line where the text stays the same, over what it then touches.
    fn slide_up(&mut self, stretch: &mut Range<usize>) -> bool {
        if stretch.start == 0 || self.lines[stretch.start - 1] != self.lines[stretch.end - 1] {
            return false;
        }
        self.changed[stretch.start - 1] = true;
        self.changed[stretch.end - 1] = false;
        let above = self.changed[..stretch.start].iter().rev().take_while(|changed| **changed).count();
        *stretch = stretch.start - above..stretch.end - 1;
        true
    }

    /// Moves a stretch down by a line where the text stays the same, over what it then touches.
    fn slide_down(&mut self, stretch: &mut Range<usize>) -> bool {
        if stretch.end == self.lines.len() || self.lines[stretch.start] != self.lines[stretch.end] {
            return false;
        }
        self.changed[stretch.start] = false;
        self.changed[stretch.end] = true;
        *stretch = stretch.start + 1..self.stretch(stretch.end).end;
        true
    }
}

fn collect(old: &Marks<'_>, new: &Marks<'_>) -> Vec<Hunk> {
    let mut hunks = Vec::new();
    let (mut base, mut side) = (0, 0);
    while base < old.lines.len() || side < new.lines.len() {
        let hunk = Hunk { base: old.stretch(base), side: new.stretch(side) };
        // One pair of equal lines follows each stretch.
        (base, side) = (hunk.base.end + 1, hunk.side.end + 1);
        if !hunk.base.is_empty() || !hunk.side.is_empty() {
            hunks.push(hunk);
        }
    }
    hunks
}

/// How many times a line occurs in the other text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Never,
    Some,
    Often,
}

/// A line that takes part in the search, with its number in its text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kept {
    pub(super) line: usize,
    pub(super) token: Token,
}

/// How far around a line the lines are looked at that decide whether it is left out.
const AROUND: usize = 100;

/// Marks as changed what cannot or should not be matched, and returns what the search is to align: lines between
/// the common first and last ones that the other text has, save frequent ones amid lines that it has not.
fn thin(old: &mut Marks<'_>, new: &mut Marks<'_>) -> (Vec<Kept>, Vec<Kept>) {
    let (a, b) = (old.lines, new.lines);
    let head = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let tail = a[head..].iter().rev().zip(b[head..].iter().rev()).take_while(|(a, b)| a == b).count();
    let (old_uses, new_uses) = (uses(a, b), uses(b, a));
    (keep(old, &old_uses, head..a.len() - tail), keep(new, &new_uses, head..b.len() - tail))
}

fn uses(lines: &[Token], other: &[Token]) -> Vec<Use> {
    let often = rough_root(lines.len()).min(1024);
    let size = lines.iter().chain(other).map(|token| token.0 as usize + 1).max().unwrap_or(0);
    let mut counts = vec![0_usize; size];
    for token in other {
        counts[token.0 as usize] += 1;
    }
    let class = |token: &Token| match counts[token.0 as usize] {
        0 => Use::Never,
        count if count >= often => Use::Often,
        _ => Use::Some,
    };
    lines.iter().map(class).collect()
}

fn keep(text: &mut Marks<'_>, uses: &[Use], middle: Range<usize>) -> Vec<Kept> {
    let mut kept = Vec::with_capacity(middle.len());
    for line in middle.clone() {
        let stays = match uses[line] {
            Use::Never => false,
            Use::Some => true,
            Use::Often => !is_noise(uses, line, &middle),
        };
        if stays {
            kept.push(Kept { line, token: text.lines[line] });
        } else {
            text.change(line);
        }
    }
    kept
}

/// Returns whether a frequent line stands in a run of lines most of which the other text never has: to match it
/// would tear the run apart.
fn is_noise(uses: &[Use], line: usize, middle: &Range<usize>) -> bool {
    let first = middle.start.max(line.saturating_sub(AROUND));
    let last = (middle.end - 1).min(line + AROUND);
    let count = |run: &mut dyn Iterator<Item = &Use>| {
        run.take_while(|class| **class != Use::Some).fold((0, 0), |(never, often), class| match class {
            Use::Never => (never + 1, often),
            _ => (never, often + 1),
        })
    };
    let (never_above, often_above) = count(&mut uses[first..line].iter().rev());
    if never_above == 0 {
        return false;
    }
    let (never_below, often_below) = count(&mut uses[line + 1..=last].iter());
    // The line itself counts once for each direction.
    let (never, often) = (never_above + never_below, often_above + often_below + 2);
    never_below > 0 && often * 3 < never
}

/// Returns the least power of two that is not below the square root, or the one after.
pub(super) fn rough_root(n: usize) -> usize {
    let bits = usize::BITS - n.leading_zeros();
    1 << bits.div_ceil(2)
}

/// Moves each changed stretch of a text as far down as it goes, joining those that it meets, or, where that is
/// possible, down to a stretch that the other text changed.
fn settle(text: &mut Marks<'_>, other: &Marks<'_>) {
    let mut stretch = text.stretch(0);
    let mut across = other.stretch(0);
    loop {
        if !stretch.is_empty() {
            sink(text, other, &mut stretch, &mut across);
        }
        if stretch.end >= text.lines.len() {
            return;
        }
        stretch = text.stretch(stretch.end + 1);
        across = other.stretch(across.end + 1);
    }
}

/// Settles one stretch; `across` is the stretch of the other text beside it.
fn sink(text: &mut Marks<'_>, other: &Marks<'_>, stretch: &mut Range<usize>, across: &mut Range<usize>) {
    let (mut highest, mut beside);
    loop {
        let length = stretch.len();
        while text.slide_up(stretch) {
            *across = other.stretch_before(across.start);
        }
        highest = stretch.end;
        beside = (!Range::is_empty(across)).then_some(stretch.end);
        while text.slide_down(stretch) {
            *across = other.stretch(across.end + 1);
            if !Range::is_empty(across) {
                beside = Some(stretch.end);
            }
        }
        // A stretch that swallowed another may now slide further.
        if stretch.len() == length {
            break;
        }
    }
    if stretch.end > highest && beside.is_some() {
        while Range::is_empty(across) && text.slide_up(stretch) {
            *across = other.stretch_before(across.start);
        }
    }
}
