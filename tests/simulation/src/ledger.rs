//! What was ever authored: every line with a token of its own, and whether somebody who saw it took it out.

use std::collections::BTreeSet;

use super::random::Random;

const MARK: &str = "token-";

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    next: u32,
    /// Taken out by somebody who had it before his eyes, or overwritten by a client that overwrites everything.
    gone: BTreeSet<u32>,
    /// Tokens that an engine has had in its hands: sent, or read.
    known: BTreeSet<u32>,
    /// How often anybody changed the row.
    pub(crate) writes: u64,
}

impl Ledger {
    /// Returns a line that nobody wrote before.
    pub(crate) fn line(&mut self) -> String {
        self.next += 1;
        format!("{MARK}{} is a line of its own", self.next)
    }

    /// Notes what an author took out.
    pub(crate) fn replaced(&mut self, before: &str, after: &str) {
        let after = tokens(after);
        self.gone.extend(tokens(before).difference(&after));
    }

    /// Notes what an engine has read or sent.
    pub(crate) fn known(&mut self, text: &str) {
        self.known.extend(tokens(text));
    }

    /// Returns the tokens that must be in the agency at the end.
    pub(crate) fn living(&self) -> BTreeSet<u32> {
        (1..=self.next).filter(|token| !self.gone.contains(token)).collect()
    }

    /// Returns the tokens that somebody must still hold, be it as an object.
    pub(crate) fn kept(&self) -> BTreeSet<u32> {
        self.known.union(&self.living()).copied().collect()
    }
}

/// Returns the tokens of a text.
pub(crate) fn tokens(text: &str) -> BTreeSet<u32> {
    let number = |rest: &str| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok();
    text.split(MARK).skip(1).filter_map(number).collect()
}

/// Lines that are the same everywhere.
const REPEATED: [&str; 5] = ["", "- [ ] to do", "## Notes", "| a | b |", "```"];

/// Returns a first text.
pub(crate) fn first_text(random: &mut Random, ledger: &mut Ledger) -> String {
    let mut lines = vec!["# Title".to_owned(), String::new()];
    for _ in 0..2 + random.below(4) {
        lines.push(ledger.line());
        if random.percent(50) {
            lines.push((*random.pick(&REPEATED[..3])).to_owned());
        }
    }
    lines.join("\n") + "\n"
}

/// Returns what an author makes of a text.
pub(crate) fn edited(before: &str, random: &mut Random, ledger: &mut Ledger) -> String {
    if random.percent(2) {
        return String::new();
    }
    let first = ledger.next;
    let ending = if random.percent(4) || before.contains("\r\n") { "\r\n" } else { "\n" };
    let mut lines: Vec<String> = before.lines().map(str::to_owned).collect();
    for _ in 0..1 + random.below(3) {
        let at = random.below(lines.len() + 1);
        match random.below(10) {
            0..4 => lines.insert(at, ledger.line()),
            4 => lines.push(ledger.line()),
            5 => lines.insert(at, (*random.pick(&REPEATED)).to_owned()),
            6 if at < lines.len() => lines[at] = ledger.line(),
            7 if at < lines.len() => {
                lines.remove(at);
            }
            8 if at < lines.len() => {
                let line = lines.remove(at);
                let to = random.below(lines.len() + 1);
                lines.insert(to, line);
            }
            9 if at < lines.len() => lines.insert(at, lines[at].clone()),
            _ => lines.push(ledger.line()),
        }
    }
    let end = if random.percent(5) { "" } else { ending };
    let after = lines.join(ending) + end;
    // A line that the same author wrote and took out in one go was never there.
    let there = tokens(&after);
    ledger.gone.extend((first + 1..=ledger.next).filter(|token| !there.contains(token)));
    after
}

/// Returns every line of both texts: what a person writes who wants to lose nothing.
pub(crate) fn both(local: &str, remote: &str) -> String {
    let mut lines: Vec<&str> = local.lines().collect();
    lines.extend(remote.lines().filter(|line| !local.lines().any(|l| l == *line)));
    lines.retain(|line| {
        !["<<<<<<<", "|||||||", "=======", ">>>>>>>"].iter().any(|mark| line.starts_with(mark))
    });
    lines.join("\n") + "\n"
}
