//! The plainest alternative to validating: two threads read the same files and do nothing with them.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Reads every file of every session below a workspace with two threads.
pub(crate) fn read_all(root: &Path) {
    let sessions: Vec<_> =
        entries(&root.join(".idse/projects")).iter().flat_map(|p| entries(&p.join("sessions"))).collect();
    let (next, bytes) = (AtomicUsize::new(0), AtomicU64::new(0));
    let work = || {
        while let Some(session) = sessions.get(next.fetch_add(1, Ordering::Relaxed)) {
            for file in entries(session).iter().flat_map(|folder| entries(folder)) {
                bytes.fetch_add(std::fs::read(file).unwrap().len() as u64, Ordering::Relaxed);
            }
        }
    };
    std::thread::scope(|scope| (0..2).for_each(|_| drop(scope.spawn(work))));
    println!("{} bytes", bytes.into_inner());
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().path()).collect()
}
