//! A workspace as large as one likes, always the same for the same numbers: what the measurements run on.

use std::fmt::Write as _;
use std::path::Path;

use idse_core::{SessionKey, Stage, template};

/// The smallest and the largest artifact.
const BYTES: [usize; 2] = [2 << 10, 20 << 10];

const WORDS: &[&str] = &[
    "session",
    "artifact",
    "agency",
    "stage",
    "review",
    "gateway",
    "the",
    "a",
    "of",
    "and",
    "to",
    "for",
    "with",
    "every",
    "reader",
    "writes",
    "keeps",
    "before",
    "after",
    "customer",
    "invoice",
    "ledger",
    "payment",
    "retry",
    "latency",
    "budget",
    "owner",
    "contract",
    "measure",
    "boundary",
    "queue",
    "export",
    "`request_id`",
    "**must**",
    "*never*",
    "[guide](https://example.com/guide)",
    "migrates",
    "records",
    "Größe",
    "naïve",
];

/// A stream of numbers that a seed decides (splitmix64).
#[derive(Debug, Clone)]
pub struct Seeded(u64);

impl Seeded {
    /// Begins the stream of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns the next number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % end.max(1) as u64).unwrap_or_default()
    }

    fn word(&mut self) -> &'static str {
        WORDS[self.below(WORDS.len())]
    }

    /// Returns a line of words.
    pub fn line(&mut self, words: usize) -> String {
        let words: Vec<_> = (0..words).map(|_| self.word()).collect();
        words.join(" ")
    }
}

/// How large a workspace is.
#[derive(Debug, Clone, Copy)]
pub struct Tree {
    /// Decides every text.
    pub seed: u64,
    /// How many projects.
    pub projects: usize,
    /// How many sessions all projects have together.
    pub sessions: usize,
}

impl Tree {
    /// Writes the workspace into an empty folder and returns how many bytes its artifacts have.
    pub fn write(self, root: &Path) -> u64 {
        let mut bytes = 0;
        for project in 0..self.projects {
            let name = format!("project-{project:02}");
            let folder = root.join(".idse/projects").join(&name);
            let sessions: Vec<_> = (project..self.sessions).step_by(self.projects.max(1)).collect();
            for number in &sessions {
                bytes += self.session(&name, *number, &folder);
            }
            if let Some(last) = sessions.last() {
                put(&folder.join("CURRENT_SESSION"), &session_name(*last));
            }
        }
        bytes
    }

    fn session(self, project: &str, number: usize, folder: &Path) -> u64 {
        let mut seeded = Seeded::new(self.seed ^ (number as u64) << 20);
        let name = session_name(number);
        let key = SessionKey { project: project.parse().unwrap(), session: name.parse().unwrap() };
        let folder = folder.join("sessions").join(&name);
        let done = seeded.below(Stage::ALL.len() + 1);
        let mut bytes = 0;
        for (at, stage) in Stage::ALL.into_iter().enumerate() {
            let text = artifact(stage, &key, at < done, &mut seeded);
            bytes += text.len() as u64;
            put(&folder.join(stage.path()), &text);
        }
        put(&folder.join("metadata/session_state.json"), &state(project, &name, done));
        put(&folder.join("metadata/session.json"), &metadata(project, &name));
        bytes
    }
}

fn session_name(number: usize) -> String {
    format!("session-{number:05}")
}

/// Returns an artifact: the sections of its template, filled with prose, lists, tables and code.
fn artifact(stage: Stage, key: &SessionKey, is_complete: bool, seeded: &mut Seeded) -> String {
    let length = BYTES[0] + seeded.below(BYTES[1] - BYTES[0]);
    let template = template::render(stage, key);
    let headings: Vec<_> = template.lines().filter(|line| line.starts_with('#')).collect();
    let sections = headings.len().max(2) - 1;
    let mut text = String::with_capacity(length + 512);
    for (at, heading) in headings.iter().enumerate() {
        line(&mut text, format_args!("{heading}\n"));
        if at == 0 {
            continue;
        }
        if stage == Stage::Implementation && heading.contains("Component Impact") {
            text.push_str("- Modified: `src/gateway.rs`\n- Type: Composition\n- Parent: `src/core.rs`\n\n");
        }
        while text.len() < length * at / sections {
            block(&mut text, stage, seeded);
        }
    }
    if !is_complete && seeded.below(10) == 0 {
        text.push_str("[REQUIRES INPUT]\n");
    }
    text
}

fn block(text: &mut String, stage: Stage, seeded: &mut Seeded) {
    match seeded.below(8) {
        0 => {
            for _ in 0..3 {
                let (words, number) = (seeded.line(9), seeded.below(100_000));
                match stage {
                    Stage::Spec => line(text, format_args!("- NOTE {number}: {words}")),
                    Stage::Tasks => line(text, format_args!("- [ ] {number} {words}")),
                    _ => line(text, format_args!("- {words}")),
                }
            }
        }
        1 => {
            line(text, format_args!("| name | meaning |\n| --- | --- |"));
            for _ in 0..4 {
                let (name, meaning) = (seeded.line(1), seeded.line(6));
                line(text, format_args!("| {name} | {meaning} |"));
            }
        }
        2 => {
            let number = seeded.below(1000);
            line(text, format_args!("```rust\nlet retries = {number}; // # no heading\n```"));
        }
        _ => {
            for _ in 0..4 {
                let words = seeded.line(12);
                line(text, format_args!("{words}."));
            }
        }
    }
    text.push('\n');
}

fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    writeln!(text, "{arguments}").unwrap();
}

fn state(project: &str, session: &str, done: usize) -> String {
    let status = |at| if at < done { "completed" } else { "pending" };
    let stages: Vec<_> = Stage::ALL
        .iter()
        .enumerate()
        .map(|(at, stage)| format!("    \"{stage}\": \"{}\"", status(at)))
        .collect();
    format!(
        "{{\n  \"project_name\": \"{project}\",\n  \"session_id\": \"{session}\",\n  \"stages\": {{\n{}\n  }},\n  \
         \"last_sync\": null,\n  \"validation_status\": \"unknown\",\n  \"created_at\": \"2026-01-05T08:00:00.000000\"\n}}\n",
        stages.join(",\n"),
    )
}

fn metadata(project: &str, session: &str) -> String {
    format!(
        "{{\n  \"session_id\": \"{session}\",\n  \"name\": \"{session}\",\n  \"session_type\": \"feature\",\n  \
         \"project\": \"{project}\",\n  \"created_at\": \"2026-01-05T08:00:00.000000\"\n}}\n"
    )
}

fn put(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_numbers_make_the_same_tree() {
        let tree = Tree { seed: 7, projects: 2, sessions: 5 };
        let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let bytes = folders.each_ref().map(|folder| tree.write(folder.path()));
        assert_eq!(bytes[0], bytes[1]);
        let context = idse_core::Context::default();
        let read = folders.each_ref().map(|folder| {
            let workspace = idse_core::Workspace::open(folder.path()).unwrap();
            let selection = workspace.every_session().unwrap();
            assert_eq!((selection.keys.len(), selection.skipped.len()), (5, 0));
            let load = |key| workspace.load(key, &context).unwrap();
            selection.keys.iter().map(load).flat_map(|s| s.artifacts.map(|a| a.content)).collect::<Vec<_>>()
        });
        assert_eq!(read[0], read[1]);
    }

    #[test]
    fn artifacts_have_their_size_and_no_errors_where_they_are_complete() {
        let folder = tempfile::tempdir().unwrap();
        let bytes = Tree { seed: 1, projects: 1, sessions: 20 }.write(folder.path());
        let average = usize::try_from(bytes).unwrap() / (20 * Stage::ALL.len());
        assert!((BYTES[0]..BYTES[1]).contains(&average), "{average}");
        let context = idse_core::Context::default();
        let workspace = idse_core::Workspace::open(folder.path()).unwrap();
        let keys = workspace.every_session().unwrap().keys;
        let report = workspace.validate_all(&keys, &[], &context).unwrap();
        let codes: std::collections::BTreeSet<_> =
            report.diagnostics.iter().map(|d| d.code.as_str()).collect();
        assert_eq!(codes.into_iter().collect::<Vec<_>>(), ["IDSE101"], "{:#?}", report.diagnostics.first());
    }
}
