//! Faults of the machine, done to the real program: kills, failing calls, editors that save meanwhile, processes
//! that run into each other, and power cuts.

#![cfg(unix)]

mod crash;
mod editor;
mod errno;
mod power;
mod processes;
mod strace;
mod world;

use std::io::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use idse_tests::volume;

/// Says something whether or not the test runner shows what tests say.
fn aloud(text: &str) {
    writeln!(std::io::stderr(), "{text}").unwrap_or_default();
}

/// Picks evenly, always the same, at most the volume of what is tried ordinarily.
fn sample<T: Clone>(all: &[T], ordinary: usize) -> Vec<T> {
    let count = volume(ordinary).min(all.len());
    (0..count).map(|at| all[at * all.len() / count].clone()).collect()
}

/// Does every case on two threads, each with a world of its own; returns how many cases said yes. Failures are
/// collected, so that one run shows them all.
fn on_two_threads<C: Sync, W>(
    cases: &[C],
    world: impl Fn() -> W + Sync,
    case: impl Fn(&W, &C) -> bool + Sync,
    failures: &Mutex<Vec<String>>,
) -> usize {
    let (next, count) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let work = || {
        let world = world();
        while let Some(one) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            match std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| case(&world, one))) {
                Ok(is_counted) => _ = count.fetch_add(usize::from(is_counted), Ordering::Relaxed),
                Err(panic) => failures.lock().unwrap().push(said(panic.as_ref())),
            }
        }
    };
    std::thread::scope(|scope| {
        let threads = [scope.spawn(work), scope.spawn(work)];
        for thread in threads {
            thread.join().unwrap();
        }
    });
    count.into_inner()
}

/// Fails where a case failed, and shows the first ones.
fn expect_none(failures: Mutex<Vec<String>>) {
    let failures = failures.into_inner().unwrap();
    let shown = failures.iter().take(12).map(String::as_str).collect::<Vec<_>>().join("\n");
    assert!(failures.is_empty(), "{} cases failed:\n{shown}", failures.len());
}

fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned())).unwrap_or_default()
}
