//! The merge beside `git merge-file`: never clean where git conflicts, never another clean text.
#![expect(clippy::disallowed_methods, reason = "git reads its inputs from files of the test")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use idse_core::sync::merge::{Merge, merge_text};

/// A small generator of numbers, the same on every machine.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or(0) % n
    }
}

/// Lines as Markdown has them: some occur once, blank ones and bullets again and again.
fn line(dice: &mut Dice) -> String {
    match dice.below(10) {
        0..=2 => String::new(),
        3 => "- item".into(),
        4 => format!("- [ ] task {}", dice.below(3)),
        5 => "## Notes".into(),
        _ => format!("sentence {}", dice.below(40)),
    }
}

fn edited(base: &[String], dice: &mut Dice) -> Vec<String> {
    let mut lines = base.to_vec();
    for _ in 0..1 + dice.below(3) {
        let at = dice.below(lines.len() + 1);
        match dice.below(4) {
            0 if at < lines.len() => drop(lines.remove(at)),
            1 if at < lines.len() => lines[at] = line(dice),
            2 if at < lines.len() => {
                let moved = lines.remove(at);
                lines.insert(dice.below(lines.len() + 1), moved);
            }
            _ => lines.insert(at, line(dice)),
        }
    }
    lines
}

fn text(lines: &[String], dice: &mut Dice) -> String {
    let mut text = lines.iter().fold(String::new(), |mut text, line| {
        // Writing to a String cannot fail.
        _ = writeln!(text, "{line}");
        text
    });
    if dice.below(12) == 0 {
        _ = text.pop();
    }
    text
}

/// Returns git's clean text, or `None` where git conflicts.
fn git_merge(dir: &Path, texts: &[String; 3]) -> Option<String> {
    for (name, text) in ["base", "local", "remote"].iter().zip(texts) {
        fs::write(dir.join(name), text).expect("the test's folder can be written");
    }
    let args = ["merge-file", "-p", "-q", "--diff3", "local", "base", "remote"];
    let output = Command::new("git").args(args).current_dir(dir).output().expect("git runs");
    let text = String::from_utf8(output.stdout).expect("the texts are UTF-8");
    output.status.success().then_some(text)
}

#[test]
fn git_agrees_or_we_ask_a_person() {
    if Command::new("git").arg("--version").output().is_err() {
        eprintln!("SKIPPED: git is not installed, the merge was not compared with it");
        return;
    }
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut dice = Dice(0x1D5E_C0DE_2026);
    let (mut clean, mut conflicts, mut careful) = (0, 0, 0);
    for _ in 0..2_000 * super::scale() {
        let size = 1 + dice.below(30);
        let base: Vec<_> = (0..size).map(|_| line(&mut dice)).collect();
        let (local, remote) = (edited(&base, &mut dice), edited(&base, &mut dice));
        let texts = [text(&base, &mut dice), text(&local, &mut dice), text(&remote, &mut dice)];
        let [base, local, remote] = &texts;
        match (merge_text(base, local, remote), git_merge(dir.path(), &texts)) {
            (Merge::Clean(ours), Some(git)) => {
                assert_eq!(ours, git, "another clean text for {texts:#?}");
                clean += 1;
            }
            (Merge::Clean(ours), None) => panic!("git conflicts, we say {ours:?} for {texts:#?}"),
            (Merge::Conflict(_), None) => conflicts += 1,
            (Merge::Conflict(_), Some(_)) => careful += 1,
        }
    }
    println!("both clean and equal {clean}, both conflict {conflicts}, only we ask {careful}");
    assert!(clean > 200 && conflicts > 200, "the texts no longer try both outcomes: {clean}, {conflicts}");
    assert!(careful * 50 < clean + conflicts, "{careful} needless conflicts");
}
