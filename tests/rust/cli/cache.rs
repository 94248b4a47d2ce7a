//! What the cache changes for those who run the program: nothing but the time.

use std::process::{Child, Stdio};
use std::time::Duration;

use idse_core::Stage;
use idse_tests::Sandbox;

const VERBS: [&[&str]; 5] = [
    &["status", "--all"],
    &["status", "--all", "--json"],
    &["validate", "--all"],
    &["validate", "--all", "--format", "full"],
    &["validate", "--all", "--format", "sarif"],
];

/// Two sessions, one of them pushed, with findings; older than the next tick of the file system's clock.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::with_project();
    sandbox.write_stage(Stage::Plan, "# Plan\n\n- [REQUIRES INPUT]\n");
    drop(sandbox.idse(&["sync", "push"]).success());
    drop(sandbox.idse(&["session", "create", "s2"]).success());
    std::thread::sleep(Duration::from_millis(30));
    sandbox
}

fn answer(sandbox: &Sandbox, args: &[&str], more: &[&str]) -> (Option<i32>, String, String) {
    let run = sandbox.idse(&[args, more].concat());
    (run.code, run.stdout, run.stderr)
}

fn kept(sandbox: &Sandbox) -> usize {
    std::fs::read_dir(sandbox.root().join(".idse/sync/cache")).map_or(0, Iterator::count)
}

#[test]
fn the_answers_are_the_same_bytes() {
    let sandbox = sandbox();
    let forbidden = sandbox.clone().env("IDSE_NO_CACHE", "1");
    let fresh = VERBS.map(|args| answer(&sandbox, args, &["--no-cache"]));
    assert_eq!(VERBS.map(|args| answer(&forbidden, args, &[])), fresh);
    assert_eq!(kept(&sandbox), 0, "it was not wanted");
    assert_eq!(VERBS.map(|args| answer(&sandbox, args, &[])), fresh);
    assert_eq!(kept(&sandbox), if cfg!(target_os = "linux") { 2 } else { 0 });
    assert_eq!(VERBS.map(|args| answer(&sandbox, args, &[])), fresh);
    sandbox.write_stage(Stage::Plan, "# PlaN\n\n- [REQUIRES INPUT]\n");
    let edited = VERBS.map(|args| answer(&sandbox, args, &[]));
    assert_ne!(edited, fresh);
    assert_eq!(VERBS.map(|args| answer(&sandbox, args, &["--no-cache"])), edited);
}

#[test]
fn programs_at_once_do_not_disturb_each_other() {
    let sandbox = sandbox();
    let fresh = answer(&sandbox, VERBS[0], &["--no-cache"]);
    for _ in 0..5 {
        let start = |_| {
            let mut command = sandbox.command(VERBS[0]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let running: Vec<Child> = (0..6).map(start).collect();
        for child in running {
            let run = sandbox.answer(&child.wait_with_output().unwrap());
            assert_eq!((run.code, run.stdout, run.stderr), fresh);
        }
        std::fs::remove_dir_all(sandbox.root().join(".idse/sync/cache")).unwrap_or_default();
    }
}

#[test]
fn a_workspace_that_cannot_be_written_has_none_and_needs_none() {
    let sandbox = sandbox();
    let sync = sandbox.root().join(".idse/sync");
    std::fs::write(sync.join("cache"), "in the way").unwrap();
    let fresh = answer(&sandbox, VERBS[0], &["--no-cache"]);
    assert_eq!(answer(&sandbox, VERBS[0], &[]), fresh);
}
