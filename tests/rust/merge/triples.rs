//! Texts to merge: a base and what two sides made of it, drawn from a seed.
#![expect(clippy::disallowed_methods, reason = "the documents are files of the project")]

use std::fs;
use std::path::Path;

/// A base and two edits of it.
#[derive(Debug)]
pub(super) struct Triple {
    pub(super) base: String,
    pub(super) local: String,
    pub(super) remote: String,
}

/// A small generator of numbers, the same on every machine.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        let mut dice = Self(seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        for _ in 0..8 {
            dice.below(2);
        }
        dice
    }

    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or(0) % n.max(1)
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn pick<'a>(&mut self, lines: &'a [String]) -> &'a str {
        lines.get(self.below(lines.len())).map_or("", String::as_str)
    }
}

/// Makes triples, given the Markdown of the project.
pub(super) struct Maker {
    documents: Vec<Vec<String>>,
}

impl Maker {
    pub(super) fn new() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut paths = vec![root.join("README.md"), root.join("CONTRIBUTING.md"), root.join("CHANGELOG.md")];
        let mut folders: Vec<_> = [
            "idse-core/docs",
            "idse-core/templates",
            "idse-core/src/rules/pages",
            "examples/workspace/.idse",
        ]
        .map(|folder| root.join(folder))
        .into();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "md") {
                    paths.push(path);
                }
            }
        }
        paths.sort();
        let lines = |text: String| text.lines().map(Into::into).collect::<Vec<String>>();
        let documents: Vec<_> = paths
            .iter()
            .filter_map(|path| fs::read_to_string(path).ok())
            .map(lines)
            .filter(|d| d.len() > 3)
            .collect();
        assert!(documents.len() > 20, "only {} documents found", documents.len());
        Self { documents }
    }

    /// Returns two edits of a part of one of the project's documents.
    pub(super) fn of_document(&self, dice: &mut Dice) -> Triple {
        let document = &self.documents[dice.below(self.documents.len())];
        let length = (4 + dice.below(150)).min(document.len());
        let from = dice.below(document.len() - length + 1);
        triple(&document[from..from + length], document, 4, dice)
    }

    /// Returns two edits of a text with few different lines.
    pub(super) fn of_repeated_lines(dice: &mut Dice) -> Triple {
        let kinds = [2, 3, 5, 12, 40][dice.below(5)];
        let pool: Vec<String> = (0..kinds).map(repeated).collect();
        // A long text with many edits now and then: the diff takes its short cuts only there.
        let long = dice.one_in(400);
        let most = if dice.one_in(10) { 200 } else { 30 };
        let length = if long { 600 + dice.below(1_500) } else { 1 + dice.below(most) };
        let base: Vec<String> = (0..length).map(|_| dice.pick(&pool).to_owned()).collect();
        triple(&base, &pool, if long { 500 } else { 5 }, dice)
    }
}

/// Returns a line as Markdown repeats it.
fn repeated(kind: usize) -> String {
    match kind {
        0 => String::new(),
        1 => "- item".into(),
        2 => "## Notes".into(),
        3 => "- [ ] task".into(),
        4 => "text".into(),
        other => format!("sentence {other}"),
    }
}

fn triple(base: &[String], pool: &[String], edits: usize, dice: &mut Dice) -> Triple {
    let (local, remote) = (edited(base, pool, edits, dice), edited(base, pool, edits, dice));
    Triple { base: text(base, dice), local: text(&local, dice), remote: text(&remote, dice) }
}

fn edited(base: &[String], pool: &[String], edits: usize, dice: &mut Dice) -> Vec<String> {
    let mut lines = base.to_vec();
    for _ in 0..1 + dice.below(edits) {
        let at = dice.below(lines.len() + 1);
        let until = (at + 1 + dice.below(6)).min(lines.len());
        match dice.below(8) {
            0 if at < lines.len() => drop(lines.remove(at)),
            1 if at < lines.len() => dice.pick(pool).clone_into(&mut lines[at]),
            2 if at < lines.len() => lines[at] += " more",
            3 if at < lines.len() => {
                let moved = lines.remove(at);
                lines.insert(dice.below(lines.len() + 1), moved);
            }
            4 => drop(lines.drain(at..until)),
            5 => {
                let copied = lines[at..until].to_vec();
                let to = dice.below(lines.len() + 1);
                lines.splice(to..to, copied);
            }
            6 => lines.insert(at, format!("new {}", dice.below(9))),
            _ => lines.insert(at, dice.pick(pool).to_owned()),
        }
    }
    lines
}

fn text(lines: &[String], dice: &mut Dice) -> String {
    let mut text: String = lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
    if dice.one_in(20) {
        _ = text.pop();
    }
    text
}
