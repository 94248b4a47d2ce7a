//! Seeded simulation: clients, people at the table, faults; then calm, and what must be true.
//!
//! The same seed is the same story. A seed that fails is written to `seeds.txt`; what stands there runs every time.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may fail, and writes what it likes"
)]

mod client;
mod clock;
mod ledger;
mod oracle;
mod random;
mod table;
mod wire;
mod world;

use std::fmt::{self, Display};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use client::Folder;
use random::Random;
use world::World;

/// The most clients of a world.
const CLIENTS: usize = 4;

/// What many stories came to.
#[derive(Debug)]
pub struct Summary {
    /// How many stories were told.
    pub stories: usize,
    /// How long they took.
    pub took: Duration,
    /// After how many rounds of calm all clients agreed, at most.
    pub rounds: usize,
    /// The stories that ended badly, each with what happened.
    pub failures: Vec<(Story, String)>,
}

/// What a story came to.
struct Told {
    trace: u64,
    rounds: usize,
    log: Vec<String>,
}

/// A story: a seed, and how long it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Story {
    seed: u64,
    length: Length,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Length {
    Short,
    Middle,
    Long,
}

impl Story {
    /// Returns the story of a seed: most are short, so that there can be many of them; every eighth is long.
    pub fn of(seed: u64) -> Self {
        let length = match seed % 8 {
            0 => Length::Long,
            1 | 2 => Length::Middle,
            _ => Length::Short,
        };
        Self { seed, length }
    }

    fn steps(self, random: &mut Random) -> usize {
        match self.length {
            Length::Short => 3 + random.below(7),
            Length::Middle => 8 + random.below(12),
            Length::Long => 20 + random.below(25),
        }
    }
}

impl FromStr for Story {
    type Err = String;

    /// Reads `SEED`, or `SEED LENGTH` for one of another length than is its seed's.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut words = text.split_whitespace();
        let seed = words.next().and_then(|word| word.parse().ok());
        let mut story = Self::of(seed.ok_or_else(|| format!("{text:?} begins with no number"))?);
        match words.next() {
            Some("short") => story.length = Length::Short,
            Some("middle") => story.length = Length::Middle,
            Some("long") => story.length = Length::Long,
            _ => {}
        }
        Ok(story)
    }
}

impl Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.seed, format!("{:?}", self.length).to_lowercase())
    }
}

/// Runs the stories that failed once, then those of so many seeds from zero on, on as many threads as there are processors.
pub fn run_many(count: u64) -> Summary {
    let known = stored();
    let stories: Vec<_> = known.iter().copied().chain((0..count).map(Story::of)).collect();
    let start = Instant::now();
    let (next, rounds) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let failures = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let (stories, next, rounds, failures) = (&stories, &next, &rounds, &failures);
            scope.spawn(move || {
                let (_dir, folders) = folders(thread);
                while let Some(story) = stories.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match run_twice(*story, &folders) {
                        Ok(told) => drop(rounds.fetch_max(told, Ordering::Relaxed)),
                        Err(failure) => failures.lock().unwrap().push((*story, failure)),
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    store(&failures, &known);
    Summary { stories: stories.len(), took: start.elapsed(), rounds: rounds.into_inner(), failures }
}

/// Runs one story; returns what happened step by step, and how it ended.
pub fn run_one(story: Story) -> (Vec<String>, Result<(), String>) {
    let (_dir, folders) = folders(0);
    let (told, ended) = run(story, &folders);
    (told.log, ended)
}

/// Every sixteenth is run twice: the same seed is the same story.
fn run_twice(story: Story, folders: &[Folder]) -> Result<usize, String> {
    let (told, ended) = run(story, folders);
    ended?;
    if story.seed.is_multiple_of(16) && run(story, folders).0.trace != told.trace {
        return Err("two runs differ".to_owned());
    }
    Ok(told.rounds)
}

fn run(story: Story, folders: &[Folder]) -> (Told, Result<(), String>) {
    let mut world = World::new(story.seed, folders);
    let happened = catch_unwind(AssertUnwindSafe(|| {
        world.begin()?;
        for _ in 0..story.steps(&mut world.random) {
            world.step()?;
        }
        let rounds = oracle::converge(&mut world)?;
        oracle::nothing_is_lost(&world)?;
        Ok(rounds)
    }));
    let happened = happened.unwrap_or_else(|panic| {
        let text =
            panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        Err(format!("panicked: {}", text.unwrap_or("?")))
    });
    let rounds = happened.as_ref().copied().unwrap_or_default();
    let told = Told { rounds, trace: world.trace(), log: std::mem::take(&mut world.log) };
    (told, happened.map(drop))
}

/// Returns folders in memory where the system has them: there, making a write durable is free.
fn folders(thread: usize) -> (tempfile::TempDir, Vec<Folder>) {
    let memory = Path::new("/dev/shm");
    let mut builder = tempfile::Builder::new();
    let dir = match builder.prefix("idse-sim-").tempdir_in(memory) {
        Ok(dir) if memory.is_dir() => dir,
        _ => builder.tempdir().unwrap(),
    };
    let folders = (0..CLIENTS).map(|client| Folder::new(dir.path().join(format!("{thread}-{client}"))));
    let folders = folders.collect();
    (dir, folders)
}

/// The stories that failed once: they are told every time.
fn stored() -> Vec<Story> {
    let text = std::fs::read_to_string(stored_path()).unwrap_or_default();
    text.lines().filter_map(|line| line.parse().ok()).collect()
}

/// Keeps stories that ended badly, each with what happened on one line.
fn store(failures: &[(Story, String)], known: &[Story]) {
    let path = stored_path();
    let mut text = std::fs::read_to_string(&path).unwrap_or_default();
    let news: Vec<_> = failures.iter().filter(|(story, _)| !known.contains(story)).collect();
    if news.is_empty() {
        return;
    }
    for (story, what) in news {
        let what: String = what.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(100).collect();
        text.push_str(&format!("{story} {what}\n"));
    }
    // Where the folder is read-only, the message of the failure says the story too.
    drop(std::fs::write(path, text));
}

fn stored_path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("seeds.txt")
}

#[cfg(test)]
mod tests {
    /// How many seeds run with `cargo test`; the program runs as many as it is told.
    const SEEDS: u64 = 300;

    #[test]
    fn whatever_happens_nothing_is_lost_and_all_agree_in_the_end() {
        let summary = super::run_many(SEEDS);
        assert!(summary.failures.is_empty(), "{:#?}", summary.failures);
    }

    #[test]
    fn a_seed_tells_its_story() {
        let (log, ended) = super::run_one(super::Story::of(0));
        assert!(ended.is_ok() && log.len() > 20, "{ended:?} {log:#?}");
    }
}
