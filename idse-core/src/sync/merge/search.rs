//! The search for a short way from one text to another.
//!
//! It owns which of the remaining lines are matched; which lines remain, and what becomes of the matches, is
//! `align`'s. The search is Myers' ("An O(ND) difference algorithm and its variations", 1986), from both ends at
//! once. Where that takes long it settles for a good way, by the limits that git has too: another limit would
//! align, and so merge, otherwise than git does.

use std::ops::RangeInclusive;

use super::align::{Kept, Marks, rough_root};

/// A line number, or a diagonal: the line in the old text less that in the new.
type Place = isize;

/// A run of equal lines that is long enough to be trusted.
const LONG_RUN: Place = 20;
/// Rounds after which a promising way is taken for the best, and the fewest before the search is cut short.
const PATIENCE: Place = 256;

/// Steps after which the search is given up: they take less than a second.
const MAX_STEPS: Place = 20_000_000;

/// A part of both texts that is still to be aligned.
#[derive(Clone, Copy)]
struct Area {
    old: (Place, Place),
    new: (Place, Place),
    /// Whether the search may not be cut short.
    exact: bool,
}

/// Where an area falls into two, and which halves may not be cut short.
#[derive(Clone, Copy)]
struct Split {
    old: Place,
    new: Place,
    exact: (bool, bool),
}

/// How far the ways from one corner of an area reach: an old line for each diagonal.
struct Front {
    reach: Vec<Place>,
    zero: Place,
    /// The diagonals of the last round, every other one.
    low: Place,
    high: Place,
}

impl Front {
    fn new(old: usize, new: usize) -> Self {
        Self { reach: vec![0; old + new + 3], zero: new.cast_signed() + 1, low: 0, high: 0 }
    }

    fn start(&mut self, diagonal: Place, line: Place) {
        (self.low, self.high) = (diagonal, diagonal);
        self.set(diagonal, line);
    }

    fn at(&self, diagonal: Place) -> Place {
        self.reach[(diagonal + self.zero).cast_unsigned()]
    }

    fn set(&mut self, diagonal: Place, line: Place) {
        self.reach[(diagonal + self.zero).cast_unsigned()] = line;
    }

    /// Takes in the neighbouring diagonals; beyond the outermost ones stands what no way reaches.
    fn widen(&mut self, within: &RangeInclusive<Place>, beyond: Place) {
        if self.low > *within.start() {
            self.low -= 1;
            self.set(self.low - 1, beyond);
        } else {
            self.low += 1;
        }
        if self.high < *within.end() {
            self.high += 1;
            self.set(self.high + 1, beyond);
        } else {
            self.high -= 1;
        }
    }

    /// Returns the diagonals of this round, the highest first.
    fn diagonals(&self) -> impl Iterator<Item = Place> + use<> {
        let (low, high) = (self.low, self.high);
        (low..=high).rev().step_by(2)
    }

    fn covers(&self, diagonal: Place) -> bool {
        (self.low..=self.high).contains(&diagonal)
    }
}

/// The search over the lines that remain.
pub(super) struct Search<'a> {
    old: &'a [Kept],
    new: &'a [Kept],
    forward: Front,
    backward: Front,
    /// Rounds after which the search is cut short.
    limit: Place,
    /// Steps left until the search is given up.
    left: Place,
}

impl<'a> Search<'a> {
    /// Prepares a search.
    pub(super) fn new(old: &'a [Kept], new: &'a [Kept]) -> Self {
        let front = || Front::new(old.len(), new.len());
        let limit = rough_root(old.len() + new.len() + 3).cast_signed().max(PATIENCE);
        Self { old, new, forward: front(), backward: front(), limit, left: MAX_STEPS }
    }

    /// Notes in both texts the lines that are matched with none; returns nothing where it would take too long.
    pub(super) fn run(&mut self, old: &mut Marks<'_>, new: &mut Marks<'_>) -> Option<()> {
        let (old_end, new_end) = (self.old.len().cast_signed(), self.new.len().cast_signed());
        let mut areas = vec![Area { old: (0, old_end), new: (0, new_end), exact: false }];
        while let Some(area) = areas.pop() {
            let area = self.shrink(area);
            if area.old.0 == area.old.1 {
                (area.new.0..area.new.1).for_each(|at| new.change(self.new[at.cast_unsigned()].line));
            } else if area.new.0 == area.new.1 {
                (area.old.0..area.old.1).for_each(|at| old.change(self.old[at.cast_unsigned()].line));
            } else {
                let Split { old, new, exact } = self.split(&area)?;
                areas.push(Area { old: (old, area.old.1), new: (new, area.new.1), exact: exact.1 });
                areas.push(Area { old: (area.old.0, old), new: (area.new.0, new), exact: exact.0 });
            }
        }
        Some(())
    }

    fn equal(&self, old: Place, new: Place) -> bool {
        self.old[old.cast_unsigned()].token == self.new[new.cast_unsigned()].token
    }

    /// Follows equal lines down from a place and returns the old line where they end.
    fn down(&self, area: &Area, mut old: Place, diagonal: Place) -> Place {
        while old < area.old.1 && old - diagonal < area.new.1 && self.equal(old, old - diagonal) {
            old += 1;
        }
        old
    }

    /// Follows equal lines up from a place and returns the old line where they begin.
    fn up(&self, area: &Area, mut old: Place, diagonal: Place) -> Place {
        while old > area.old.0 && old - diagonal > area.new.0 && self.equal(old - 1, old - diagonal - 1) {
            old -= 1;
        }
        old
    }

    fn shrink(&self, mut area: Area) -> Area {
        let diagonal = area.old.0 - area.new.0;
        area.old.0 = self.down(&area, area.old.0, diagonal);
        area.new.0 = area.old.0 - diagonal;
        let diagonal = area.old.1 - area.new.1;
        area.old.1 = self.up(&area, area.old.1, diagonal);
        area.new.1 = area.old.1 - diagonal;
        area
    }

    /// Returns where the ways from both corners meet, or where the search is cut short.
    fn split(&mut self, area: &Area) -> Option<Split> {
        let within = area.old.0 - area.new.1..=area.old.1 - area.new.0;
        let (first, last) = (area.old.0 - area.new.0, area.old.1 - area.new.1);
        let odd = (first - last) % 2 != 0;
        self.forward.start(first, area.old.0);
        self.backward.start(last, area.old.1);
        let mut round = 0;
        loop {
            round += 1;
            self.left -= 2 * round;
            if self.left < 0 {
                return None;
            }
            let mut long_run = false;
            self.forward.widen(&within, -1);
            for diagonal in self.forward.diagonals() {
                let from = (self.forward.at(diagonal - 1) + 1).max(self.forward.at(diagonal + 1));
                let old = self.down(area, from, diagonal);
                self.left -= old - from;
                long_run |= old - from > LONG_RUN;
                self.forward.set(diagonal, old);
                if odd && self.backward.covers(diagonal) && self.backward.at(diagonal) <= old {
                    return Some(Split { old, new: old - diagonal, exact: (true, true) });
                }
            }
            self.backward.widen(&within, Place::MAX);
            for diagonal in self.backward.diagonals() {
                let from = self.backward.at(diagonal - 1).min(self.backward.at(diagonal + 1) - 1);
                let old = self.up(area, from, diagonal);
                self.left -= from - old;
                long_run |= from - old > LONG_RUN;
                self.backward.set(diagonal, old);
                if !odd && self.forward.covers(diagonal) && old <= self.forward.at(diagonal) {
                    return Some(Split { old, new: old - diagonal, exact: (true, true) });
                }
            }
            if area.exact {
                continue;
            }
            if long_run
                && round > PATIENCE
                && let Some(split) = self.promising(area, round)
            {
                return Some(split);
            }
            if round >= self.limit {
                return Some(self.furthest(area));
            }
        }
    }

    /// Returns the best place that is far along and next to a long run of equal lines.
    fn promising(&self, area: &Area, round: Place) -> Option<Split> {
        let run = |old: Place, new: Place| (0..LONG_RUN).all(|n| self.equal(old + n, new + n));
        let best = |found: Option<(Place, Split)>, gain: Place, split: Split| match found {
            Some((most, _)) if gain <= most => found,
            _ => Some((gain, split)),
        };
        let (mut found, start) = (None, area.old.0 - area.new.0);
        for diagonal in self.forward.diagonals() {
            let old = self.forward.at(diagonal);
            let new = old - diagonal;
            let gain = (old - area.old.0) + (new - area.new.0) - (diagonal - start).abs();
            let fits = (area.old.0 + LONG_RUN..area.old.1).contains(&old)
                && (area.new.0 + LONG_RUN..area.new.1).contains(&new);
            if gain > 4 * round && fits && run(old - LONG_RUN, new - LONG_RUN) {
                found = best(found, gain, Split { old, new, exact: (true, false) });
            }
        }
        if found.is_none() {
            let end = area.old.1 - area.new.1;
            for diagonal in self.backward.diagonals() {
                let old = self.backward.at(diagonal);
                let new = old - diagonal;
                let gain = (area.old.1 - old) + (area.new.1 - new) - (diagonal - end).abs();
                let fits = (area.old.0 + 1..=area.old.1 - LONG_RUN).contains(&old)
                    && (area.new.0 + 1..=area.new.1 - LONG_RUN).contains(&new);
                if gain > 4 * round && fits && run(old, new) {
                    found = best(found, gain, Split { old, new, exact: (false, true) });
                }
            }
        }
        found.map(|(_, split)| split)
    }

    /// Returns the end of the way that came furthest from its corner.
    fn furthest(&self, area: &Area) -> Split {
        let (mut ahead, mut ahead_old) = (-1, -1);
        for diagonal in self.forward.diagonals() {
            let old = self.forward.at(diagonal).min(area.old.1).min(area.new.1 + diagonal);
            if ahead < 2 * old - diagonal {
                (ahead, ahead_old) = (2 * old - diagonal, old);
            }
        }
        let (mut behind, mut behind_old) = (Place::MAX, Place::MAX);
        for diagonal in self.backward.diagonals() {
            let old = self.backward.at(diagonal).max(area.old.0).max(area.new.0 + diagonal);
            if 2 * old - diagonal < behind {
                (behind, behind_old) = (2 * old - diagonal, old);
            }
        }
        if area.old.1 + area.new.1 - behind < ahead - (area.old.0 + area.new.0) {
            Split { old: ahead_old, new: ahead - ahead_old, exact: (true, false) }
        } else {
            Split { old: behind_old, new: behind - behind_old, exact: (false, true) }
        }
    }
}
