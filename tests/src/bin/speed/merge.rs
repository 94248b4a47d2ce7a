//! The merge of two texts of one MiB, against `git merge-file`; both read and write files in a process of their own.

use std::path::Path;

use idse_core::sync::merge::{Merge, merge_text};
use idse_tests::Seeded;

use crate::Setting;
use crate::measure::medians;
use crate::table::Table;

/// Merges three files and prints the result: the alternative's twin.
pub(crate) fn merge_files(files: [&Path; 3]) {
    let [base, ours, theirs] = files.map(|file| std::fs::read_to_string(file).unwrap());
    match merge_text(&base, &ours, &theirs) {
        Merge::Clean(text) => print!("{text}"),
        Merge::Conflict(merge) => print!("{}", merge.marked),
    }
}

pub(crate) fn measure(setting: &Setting, table: &mut Table) {
    let folder = setting.folder.join("merge");
    std::fs::create_dir_all(&folder).unwrap();
    let base = base();
    let names = ["base.md", "ours.md", "theirs.md"];
    let texts = [base.join(""), edited(&base, 1), edited(&base, 2)];
    for (name, text) in names.iter().zip(&texts) {
        std::fs::write(folder.join(name), text).unwrap();
    }
    let ours = setting.program(&setting.own, &folder, &["merge", names[0], names[1], names[2]]);
    let git = setting.program(Path::new("git"), &folder, &["merge-file", "-p", names[1], names[0], names[2]]);
    let times = medians(setting.rounds, &[&ours, &git], &[0]);
    table.ratio("merge of two texts of 1 MiB, 400 edits", times[0], ("git merge-file", times[1]), 2.0);
}

fn base() -> Vec<String> {
    let (mut seeded, mut lines, mut bytes) = (Seeded::new(3), Vec::new(), 0);
    while bytes < 1 << 20 {
        let words = 4 + seeded.below(10);
        let line = if seeded.below(5) == 0 { "\n".to_owned() } else { format!("{}\n", seeded.line(words)) };
        bytes += line.len();
        lines.push(line);
    }
    lines
}

/// Returns the text with 200 lines changed, removed or added; those of the two sides lie apart.
fn edited(base: &[String], side: usize) -> String {
    let mut seeded = Seeded::new(side as u64);
    let mut lines = base.to_vec();
    let step = base.len() / 400;
    for number in 0..200 {
        let at = (2 * number + side - 1) * step + step / 2;
        match seeded.below(3) {
            0 => lines[at] = format!("changed by {side}: {}\n", seeded.line(8)),
            1 => lines[at].clear(),
            _ => lines[at].push_str(&format!("added by {side}: {}\n", seeded.line(8))),
        }
    }
    lines.join("")
}
