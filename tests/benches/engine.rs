//! What the engine needs inside of one process: `cargo bench --package idse-tests`.
//!
//! Medians of many rounds, printed with the bytes a second; nothing is compared and nothing fails.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a measurement may fail, and has a clock"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use idse_core::config::ValidateSettings;
use idse_core::sync::merge::merge_text;
use idse_core::{Context, Digest, Stage, StageStatus, Workspace, rules};
use idse_tests::{Seeded, Tree};

const ROUNDS: usize = 101;

fn median(mut once: impl FnMut()) -> Duration {
    let mut times: Vec<_> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            once();
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[ROUNDS / 2]
}

fn show(what: &str, bytes: usize, once: impl FnMut()) {
    let time = median(once);
    let rate = bytes as f64 / time.as_secs_f64() / f64::from(1 << 20);
    println!("{what:<40} {:>10.1} µs {rate:>8.0} MiB/s", time.as_secs_f64() * 1e6);
}

fn lines(bytes: usize) -> Vec<String> {
    let (mut seeded, mut lines, mut length) = (Seeded::new(3), Vec::new(), 0);
    while length < bytes {
        let line = format!("{}\n", seeded.line(12));
        length += line.len();
        lines.push(line);
    }
    lines
}

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = Tree { seed: 5, projects: 1, sessions: 1 }.write(folder.path());
    let workspace = Workspace::open(folder.path()).unwrap();
    let (context, settings) = (Context::default(), ValidateSettings::default());
    let key = workspace.every_session().unwrap().keys.remove(0);
    let session = workspace.load(&key, &context).unwrap();
    let spec = session.artifact(Stage::Spec).text().unwrap();
    show("validate one text, outline included", spec.len(), || {
        black_box(rules::validate_text(Some(&key), Stage::Spec, StageStatus::Complete, spec, &settings));
    });
    let bytes = usize::try_from(bytes).unwrap();
    show("validate a loaded session", bytes, || {
        black_box(rules::validate(&session, &[], &settings));
    });
    show("load and validate a session", bytes, || {
        black_box(workspace.validate(&key, &[], &context).unwrap());
    });
    let base = lines(1 << 20);
    let (mut ours, mut theirs) = (base.clone(), base.clone());
    for at in (0..base.len() - 40).step_by(40) {
        ours[at] = format!("ours {at}\n");
        theirs[at + 20] = format!("theirs {at}\n");
    }
    let [base, ours, theirs] = [base, ours, theirs].map(|lines| lines.concat());
    show("digest of 1 MiB", base.len(), || {
        black_box(Digest::of(&base));
    });
    show("merge of two texts of 1 MiB", base.len(), || {
        black_box(merge_text(&base, &ours, &theirs));
    });
}
