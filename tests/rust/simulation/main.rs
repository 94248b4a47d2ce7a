//! Seeded simulation: clients, people at the table, faults; then calm, and what must be true.
//!
//! `IDSE_SEEDS=N` runs N seeds, `IDSE_SEED=K` runs one and tells what happened. A seed that fails is written
//! to `tests/seeds/simulation.txt`; what stands there runs every time.

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

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use client::Folder;
use world::World;

/// The most clients of a world.
const CLIENTS: usize = 4;

/// What a seed came to.
struct Told {
    trace: u64,
    rounds: usize,
}

/// Runs one seed.
fn run(seed: u64, folders: &[Folder]) -> Result<Told, String> {
    let mut world = World::new(seed, folders);
    let happened = catch_unwind(AssertUnwindSafe(|| {
        world.begin()?;
        for _ in 0..20 + world.random.below(25) {
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
    if std::env::var_os("IDSE_SEED").is_some() {
        println!("{}", world.log.join("\n"));
    }
    Ok(Told { rounds: happened?, trace: world.trace() })
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

/// The seeds that failed once: they run every time.
fn stored() -> Vec<u64> {
    let text = std::fs::read_to_string(stored_path()).unwrap_or_default();
    text.lines().filter_map(|line| line.split_whitespace().next()?.parse().ok()).collect()
}

/// Keeps seeds that failed, each with what happened on one line.
fn store(failures: &[String], known: &[u64]) {
    let path = stored_path();
    let mut text = std::fs::read_to_string(&path).unwrap_or_default();
    for failure in failures {
        let (seed, what) = failure.split_once(": ").unwrap();
        if !known.contains(&seed.parse().unwrap()) {
            let what: String =
                what.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(100).collect();
            text.push_str(&format!("{seed} {what}\n"));
        }
    }
    // Where the folder is read-only, the message of the failure says the seeds too.
    drop(std::fs::write(path, text));
}

fn stored_path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("seeds/simulation.txt")
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn whatever_happens_nothing_is_lost_and_all_agree_in_the_end() {
    let known = stored();
    let mut seeds = known.clone();
    match number("IDSE_SEED") {
        Some(seed) => seeds = vec![seed],
        None => seeds.extend(0..number("IDSE_SEEDS").unwrap_or(idse_tests::volume(600) as u64)),
    }
    let start = Instant::now();
    let (next, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for thread in 0..2 {
            let (seeds, next, most, failures) = (&seeds, &next, &most, &failures);
            scope.spawn(move || {
                let (_dir, folders) = folders(thread);
                while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let told = run(*seed, &folders);
                    // Every sixteenth is run twice: the same seed is the same story.
                    let again = (seed % 16 == 0 && told.is_ok()).then(|| run(*seed, &folders));
                    match (told, again) {
                        (Ok(told), Some(Ok(again))) if told.trace != again.trace => {
                            failures.lock().unwrap().push(format!("{seed}: two runs differ"));
                        }
                        (Ok(told), _) => drop(most.fetch_max(told.rounds, Ordering::Relaxed)),
                        (Err(failure), _) => failures.lock().unwrap().push(format!("{seed}: {failure}")),
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{} seeds in {seconds:.1} s, {:.0} a second; all agree after at most {} rounds",
        seeds.len(),
        seeds.len() as f64 / seconds,
        most.into_inner()
    );
    if !failures.is_empty() {
        store(&failures, &known);
    }
    assert!(
        failures.is_empty(),
        "{} of {} seeds failed:\n{}",
        failures.len(),
        seeds.len(),
        failures.join("\n")
    );
}
