//! Many writers on one agency file: what was acknowledged is what is there.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use idse_tests::volume;

use super::*;

/// Names the file to the process that runs [`writer`].
const FILE: &str = "IDSE_TEST_AGENCY_FILE";

/// Adds one to the number in `spec`, as often as it takes; returns how often others came between.
fn increment(remote: &dyn Remote, n: u64) -> usize {
    let context = Context { deadline: Some(Duration::from_secs(60)), ..Context::default() };
    for attempt in 0.. {
        let found = session(remote, &target(1, "s"));
        let text = found.texts[&Stage::Spec].text().expect("a number").to_owned();
        let next = text.parse::<u64>().expect("a number") + 1;
        let mut request = push_to(&target(1, "s"), n);
        request.items = vec![item(Stage::Spec, Some(&text), Some(&next.to_string()))];
        request.revision = Some(found.revision);
        match remote.push(&request, &context).expect("an answer") {
            PushOutcome::Written { in_step, .. } => {
                assert!(in_step, "the text was unchanged, so was the row");
                return attempt;
            }
            PushOutcome::Differs { .. } => {}
            PushOutcome::Missing => panic!("the row is there"),
        }
    }
    unreachable!("the loop returns")
}

fn count(remote: &dyn Remote) -> usize {
    session(remote, &target(1, "s")).texts[&Stage::Spec].text().expect("a number").parse().expect("a number")
}

#[test]
fn threads_lose_no_increment() {
    let folder = tempfile::tempdir().expect("a folder");
    let remote = sqlite(folder.path());
    created(&remote, 1, "s", "0");
    let each = volume(50);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let path = folder.path();
            scope.spawn(move || {
                let own = sqlite(path);
                for _ in 0..each {
                    increment(&own, thread);
                }
            });
        }
    });
    assert_eq!(count(&remote), 8 * each);
}

/// Not a test of its own: a process that increments until it is told enough, and says so each time.
#[test]
fn writer() {
    let Ok(file) = std::env::var(FILE) else { return };
    let remote = SqliteRemote::open(Path::new(&file), &Context::default()).expect("opened");
    for _ in 0..volume(40) {
        increment(&remote, u64::from(std::process::id()));
        // Ends in a line break only when it was acknowledged; the harness prints to the same stream.
        println!("\nacknowledged");
    }
}

fn start_writer(file: &Path) -> Child {
    Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "remote::contention::writer", "--nocapture", "--test-threads", "1"])
        .env(FILE, file)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("started")
}

fn acknowledged(child: &mut Child) -> usize {
    let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    lines.map_while(Result::ok).filter(|line| line == "acknowledged").count()
}

#[test]
fn processes_lose_no_increment_even_when_killed() {
    let folder = tempfile::tempdir().expect("a folder");
    let remote = sqlite(folder.path());
    created(&remote, 1, "s", "0");
    let file = folder.path().join("new/agency.db");
    let mut survivors = [start_writer(&file), start_writer(&file)];
    let mut killed = [start_writer(&file), start_writer(&file)];
    for child in &mut killed {
        std::thread::sleep(Duration::from_millis(40));
        child.kill().expect("killed");
    }
    let sure: usize = survivors.iter_mut().chain(&mut killed).map(acknowledged).sum();
    for child in survivors.iter_mut() {
        assert!(child.wait().expect("ended").success());
    }
    for child in &mut killed {
        child.wait().expect("ended");
    }
    let found = count(&remote);
    assert!(sure >= 2 * volume(40), "the survivors did all of theirs");
    // Who is killed between the commit and the word of it leaves one more than was acknowledged.
    assert!((sure..=sure + killed.len()).contains(&found), "{sure} acknowledged, {found} found");
}
