//! An editor that saves every two milliseconds while pulls write the same file: no text that it saved is lost,
//! except by its own next save.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use idse_core::Stage;
use idse_tests::{Sandbox, Seeded, volume};

use super::aloud;
use super::strace;
use super::world::{check_record, files_below};

/// How many pulls run under an editor ordinarily, for each way of saving.
const PULLS: usize = 40;

/// How long every second pull is held up before each renaming, in microseconds: three saves of the editor.
const HELD_UP: usize = 6000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Saving {
    /// A new file takes the place of the old one.
    ByRename,
    /// The old file is emptied and written again.
    InPlace,
}

/// What happened while an editor worked.
#[derive(Debug, Default)]
struct Count {
    saves: usize,
    /// Saves that somebody else than the editor replaced.
    displaced: usize,
    /// Pulls that noticed an editor.
    noticed: usize,
}

#[test]
fn an_editor_that_saves_by_renaming_loses_nothing() {
    edit_while_pulling(Saving::ByRename);
}

#[test]
fn an_editor_that_saves_in_place_loses_nothing() {
    edit_while_pulling(Saving::InPlace);
}

fn edit_while_pulling(saving: Saving) {
    let mut count = Count::default();
    let mut seeded = Seeded::new(7);
    let alice = Sandbox::with_project();
    alice.write_stage(Stage::Spec, &text("nobody", 0));
    drop(alice.idse(&["sync", "push"]).success());
    let bob = alice.beside("bob");
    drop(bob.idse(&["sync", "clone", "portal"]).success());
    let rounds = volume(PULLS);
    let strace = strace::strace("the editor that meets a pull that is held up");
    for round in 1.. {
        // A machine that is slow or busy meets the moment more rarely: then it gets more rounds.
        let is_met = count.displaced > 0 && count.noticed > 0;
        if round > rounds && (is_met || round > rounds + 8 * PULLS) {
            break;
        }
        bob.write_stage(Stage::Spec, &text("nobody", round));
        drop(bob.idse(&["sync", "push"]).success());
        let started = Duration::from_micros(seeded.below(4000) as u64);
        let pull = ["sync", "pull", "--json"];
        let pull = match strace.filter(|_| round % 2 == 0) {
            Some(strace) => strace::held_up(&alice, strace, HELD_UP, &pull),
            None => alice.command(&pull),
        };
        pull_under_editor(&alice, pull, saving, round, started, &mut count);
        // The next round begins from what everybody agrees on.
        drop(alice.idse(&["sync", "pull"]));
        drop(alice.idse(&["sync", "resolve", "spec", "--remote"]));
        std::fs::copy(bob.root().join(bob.artifact(Stage::Spec)), spec(&alice)).unwrap();
        drop(alice.idse(&["sync", "pull"]).success());
        drop(alice.idse(&["status", "--exit-code"]).success());
    }
    aloud(&format!("editor {saving:?}: {count:?}"));
    assert!(count.displaced > 0, "no pull ever displaced a text of the editor: {count:?}");
    // A save in place mostly lands before the check or in the displaced file: where nothing holds the pull up, meeting it
    // in between is a matter of luck.
    let is_luck = saving == Saving::InPlace && strace.is_none();
    assert!(is_luck || count.noticed > 0, "no pull ever met the editor: {count:?}");
}

/// The editor changes the first line, the others change the last one: that can be merged.
fn text(token: &str, round: usize) -> String {
    format!("# Spec {token}\n\nIntroduction\n\nEnd {round}\n")
}

fn spec(sandbox: &Sandbox) -> PathBuf {
    sandbox.root().join(sandbox.artifact(Stage::Spec))
}

fn pull_under_editor(
    alice: &Sandbox,
    pull: Command,
    saving: Saving,
    round: usize,
    started: Duration,
    count: &mut Count,
) {
    let path = spec(alice);
    let quiet = AtomicBool::new(false);
    let (must_be_there, pulled) = std::thread::scope(|scope| {
        let editor = scope.spawn(|| edit(&path, saving, round, &quiet));
        std::thread::sleep(started);
        let pulled = alice.run(pull);
        quiet.store(true, Ordering::Relaxed);
        (editor.join().unwrap(), pulled)
    });
    let (saves, tokens) = must_be_there;
    assert!(matches!(pulled.code, Some(0 | 3)), "round {round}: {pulled}");
    let report = pulled.json("sync-report");
    count.saves += saves;
    // On a busy machine an editor may not have come to its first save.
    count.displaced += tokens.len().saturating_sub(1);
    count.noticed += usize::from(report["notes"].to_string().contains("an editor"));
    let kept = kept(alice, &path);
    for token in &tokens {
        let whole = kept.iter().any(|text| text.starts_with(&format!("# Spec {token}\n")));
        assert!(whole, "{saving:?}: {token} is lost; the pull said {pulled}\nkept: {kept:#?}");
    }
    if let (Saving::ByRename, Some(last)) = (saving, tokens.last()) {
        // Merged or not, what was saved last is what the file holds: a pull that has not seen it writes over nothing.
        // (In place it may have been written into a file that was displaced between opening and writing.)
        let now = std::fs::read_to_string(&path).unwrap();
        assert!(now.starts_with(&format!("# Spec {last}\n")), "the file lost {last}: {now}\n{pulled}");
    }
    check_record(alice.root(), &format!("{saving:?} round {round}"));
}

/// Saves until it is quiet. Returns how often, and the tokens of the saves that have to be somewhere: the last one,
/// and each that was no longer the file when the next one began.
fn edit(path: &Path, saving: Saving, round: usize, quiet: &AtomicBool) -> (usize, Vec<String>) {
    let mut saves = 0;
    let mut tokens = Vec::new();
    let mut last: Option<(String, u64)> = None;
    while !quiet.load(Ordering::Relaxed) {
        let now = path.metadata().ok().map(|metadata| metadata.ino());
        tokens.extend(last.take().filter(|(_, inode)| now != Some(*inode)).map(|(token, _)| token));
        saves += 1;
        let token = format!("token-{round}-{saves}");
        let inode = save(path, saving, &text(&token, round - 1));
        last = Some((token, inode));
        // A pause now and then lets a pull come through.
        std::thread::sleep(Duration::from_millis(if saves % 8 == 0 { 30 } else { 2 }));
    }
    tokens.extend(last.map(|(token, _)| token));
    (saves, tokens)
}

/// Saves a text and returns the number of the file that holds it.
fn save(path: &Path, saving: Saving, text: &str) -> u64 {
    use std::io::Write as _;
    match saving {
        Saving::ByRename => {
            let temporary = path.with_extension("md.swp");
            std::fs::write(&temporary, text).unwrap();
            let inode = temporary.metadata().unwrap().ino();
            std::fs::rename(&temporary, path).unwrap();
            inode
        }
        Saving::InPlace => {
            let mut options = std::fs::OpenOptions::new();
            let mut file = options.write(true).create(true).truncate(true).open(path).unwrap();
            file.write_all(text.as_bytes()).unwrap();
            file.metadata().unwrap().ino()
        }
    }
}

/// The texts in the file, in the objects and among what was displaced.
fn kept(alice: &Sandbox, path: &Path) -> BTreeSet<String> {
    let engine = alice.root().join(".idse/sync");
    let mut files = files_below(&engine.join("objects"));
    files.extend(files_below(&engine.join("displaced")));
    files.push(path.to_owned());
    files.iter().filter_map(|file| std::fs::read_to_string(file).ok()).collect()
}
