//! A disk that takes no more: what was acknowledged is there, and what was not is said to be unsettled or refused.

#![cfg(unix)]

use std::process::Command;

use super::*;

/// Names the file to the process that runs [`filler`].
const FILE: &str = "IDSE_TEST_FULL_FILE";

fn numbered(n: u64) -> String {
    format!("{n}\n{}", "a line of a text that grows\n".repeat(700))
}

/// Not a test of its own: a process that pushes until the system refuses, and says how that went.
#[test]
fn filler() {
    let Ok(file) = std::env::var(FILE) else { return };
    let remote = SqliteRemote::open(Path::new(&file), &Context::default()).unwrap();
    for n in 0.. {
        let mut request = push_to(&target(1, "s"), n + 2);
        request.items = vec![item(Stage::Spec, Some(&numbered(n)), Some(&numbered(n + 1)))];
        match remote.push(&request, &Context::default()) {
            Ok(outcome) => println!("\nacknowledged {} {}", n + 1, written(outcome).0),
            Err(error) => return println!("\nrefused {} {:?}", error.kind(), error.hint()),
        }
    }
}

#[test]
fn a_full_disk_loses_nothing_that_was_acknowledged() {
    let mut met = std::collections::BTreeSet::new();
    // The limit falls on another byte of a transaction each time.
    for blocks in (0..idse_tests::volume(8)).map(|n| 400 + 37 * n) {
        let folder = tempfile::tempdir().unwrap();
        let remote = sqlite(folder.path());
        created(&remote, 1, "s", &numbered(0));
        let output = Command::new("sh")
            // A file that would become longer is an error of the write, as on a full disk, and no signal.
            .args(["-c", &format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\""), "sh"])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "remote::full::filler", "--nocapture", "--test-threads", "1"])
            .env(FILE, folder.path().join("new/agency.db"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        let last = said.lines().filter_map(|line| line.strip_prefix("acknowledged ")).next_back();
        let last: u64 = last.and_then(|line| line.split(' ').next()).map_or(0, |n| n.parse().unwrap());
        let refused = said.lines().find_map(|line| line.strip_prefix("refused "));
        let kind = refused.unwrap_or_else(|| panic!("{said}")).split(' ').next().unwrap();
        let found = session(&remote, &target(1, "s")).texts[&Stage::Spec].text().unwrap().to_owned();
        match kind {
            "Io" => assert_eq!(found, numbered(last)),
            "Unsettled" => assert!(found == numbered(last) || found == numbered(last + 1), "{said}"),
            other => panic!("{other}: {said}"),
        }
        let mut request = push_to(&target(1, "s"), 99);
        request.items = vec![item(Stage::Spec, Some(&found), Some("room again"))];
        written(remote.push(&request, &Context::default()).unwrap());
        met.insert(kind.to_owned());
    }
    assert!(met.contains("Unsettled"), "no limit fell into a commit: {met:?}");
}
