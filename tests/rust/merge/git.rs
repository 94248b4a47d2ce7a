//! The merge beside `git merge-file`: never clean where git conflicts, never another clean text.
#![expect(clippy::disallowed_methods, reason = "git reads its inputs from files of the test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use idse_core::sync::merge::{Merge, MergeConflict, merge_text};

use super::triples::{Dice, Maker, Triple};

const THREADS: u64 = 2;
const TRIPLES: u32 = 20_000;
/// Git is asked about one in so many of the merges in which we conflict: they can only be needless.
const ASKED: usize = 8;
/// Of hundred merges that git finds clean, so many may need a person here.
const NEEDLESS: usize = 3;

/// Where git reads the texts and what it says of them.
struct Git {
    dir: tempfile::TempDir,
}

impl Git {
    fn new() -> Self {
        // Files in memory: the disk would take most of the time.
        let memory = Path::new("/dev/shm");
        let dir = tempfile::tempdir_in(memory).or_else(|_| tempfile::tempdir());
        Self { dir: dir.expect("a temporary folder") }
    }

    /// Returns the clean text, or `None` where git conflicts.
    fn merge(&self, triple: &Triple) -> Option<String> {
        let paths: [PathBuf; 3] = ["local", "base", "remote"].map(|name| self.dir.path().join(name));
        for (path, text) in paths.iter().zip([&triple.local, &triple.base, &triple.remote]) {
            fs::write(path, text).expect("the test's folder can be written");
        }
        let mut git = Command::new("git");
        git.args(["merge-file", "-p", "-q", "--diff3"]).args(&paths).current_dir(self.dir.path());
        git.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
        let output = git.output().expect("git runs");
        assert!(output.status.code().is_some_and(|code| code < 128), "git fails: {:?}", output.status);
        let text = String::from_utf8(output.stdout).expect("the texts are UTF-8");
        output.status.success().then_some(text)
    }
}

/// How often which outcome was seen.
#[derive(Debug, Default)]
struct Tally {
    clean: usize,
    conflicts: usize,
    /// Refused for their structure, which git does not look at.
    structure: usize,
    /// Conflicts that git was asked about, and those that it has not.
    asked: usize,
    needless: usize,
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.clean += other.clean;
        self.conflicts += other.conflicts;
        self.structure += other.structure;
        self.asked += other.asked;
        self.needless += other.needless;
    }

    fn count(&mut self, triple: &Triple, git: &Git) {
        match merge_text(&triple.base, &triple.local, &triple.remote) {
            Merge::Clean(ours) => {
                let theirs = git.merge(triple);
                assert_eq!(Some(ours), theirs, "git does otherwise (None: it conflicts) for {triple:#?}");
                self.clean += 1;
            }
            Merge::Conflict(MergeConflict { structure: Some(_), .. }) => self.structure += 1,
            Merge::Conflict(_) => {
                self.conflicts += 1;
                if self.conflicts.is_multiple_of(ASKED) {
                    self.asked += 1;
                    self.needless += usize::from(git.merge(triple).is_some());
                }
            }
        }
    }
}

/// Compares as many triples of each kind with git as asked for.
fn compare(seed: u64, count: u32) -> [Tally; 2] {
    let (git, maker) = (Git::new(), Maker::new());
    let mut dice = Dice::new(seed);
    let (mut documents, mut repeats) = (Tally::default(), Tally::default());
    for _ in 0..count / 2 {
        documents.count(&maker.of_document(&mut dice), &git);
        repeats.count(&Maker::of_repeated_lines(&mut dice), &git);
    }
    [documents, repeats]
}

#[test]
fn git_agrees_or_we_ask_a_person() {
    if Command::new("git").arg("--version").output().is_err() {
        eprintln!("SKIPPED: git is not installed, the merge was not compared with it");
        return;
    }
    let seed = std::env::var("IDSE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0x1D5E);
    let count = TRIPLES * super::scale() / 2;
    let tallies = thread::scope(|scope| {
        let workers: Vec<_> =
            (0..THREADS).map(|n| scope.spawn(move || compare(seed * THREADS + n, count))).collect();
        workers.into_iter().map(|worker| worker.join().expect("the merges agree")).collect::<Vec<_>>()
    });
    let mut total = <[Tally; 2]>::default();
    for part in &tallies {
        total.iter_mut().zip(part).for_each(|(total, part)| total.add(part));
    }
    println!("seed {seed}, documents and repeated lines: {total:#?}");
    for tally in &total {
        assert!(tally.clean > 2_000 && tally.asked > 100, "both outcomes are to be tried: {tally:?}");
        let needless = tally.needless * ASKED;
        assert!(needless * 100 <= NEEDLESS * (tally.clean + needless), "needless conflicts: {tally:?}");
    }
}
