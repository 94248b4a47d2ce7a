//! The sync stories of `tests/conformance/sync`, each told twice: through the library and through the program.
//!
//! `tests/conformance/README.md` describes their form.

mod library;
mod program;

use idse_tests::story::{Door, Story, stories, tell};
use library::Library;
use program::Program;

/// Tells every story through a door on two threads; failures are collected, so that one run shows them all.
fn tell_all<D: Door>(door: impl Fn(&Story) -> Option<D> + Sync) -> usize {
    let stories = stories();
    let wanted = std::env::var("IDSE_STORY").ok();
    let chosen: Vec<_> =
        stories.iter().filter(|s| wanted.as_ref().is_none_or(|w| s.name.contains(w.as_str()))).collect();
    let next = std::sync::atomic::AtomicUsize::new(0);
    let told = std::sync::atomic::AtomicUsize::new(0);
    let failures = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(story) = chosen.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                    let Some(mut door) = door(story) else { continue };
                    told.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    if let Err(failure) = tell(story, &mut door) {
                        failures.lock().unwrap().push(format!("{}: {failure}", story.name));
                    }
                }
            });
        }
    });
    let mut failures = failures.into_inner().unwrap();
    failures.sort();
    assert!(failures.is_empty(), "{} stories failed:\n{}", failures.len(), failures.join("\n"));
    told.into_inner()
}

#[test]
fn stories_through_the_library() {
    let told = tell_all(|story| Some(Library::new(story)));
    println!("{told} sync stories through the library");
    assert!(told >= 80 || std::env::var_os("IDSE_STORY").is_some(), "{told} stories");
}

#[test]
fn stories_through_the_program() {
    let told = tell_all(Program::new);
    println!("{told} sync stories through the program");
    assert!(told >= 60 || std::env::var_os("IDSE_STORY").is_some(), "{told} stories");
}
