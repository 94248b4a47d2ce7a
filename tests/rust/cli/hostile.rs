//! Workspaces that somebody broke or built to harm: every verb answers soon, with its exit code, and loses nothing.

#![cfg(unix)]

use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use idse_core::Stage;
use idse_tests::{Run, Sandbox};

/// No verb may take longer, whatever the workspace looks like. Generous: the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs the program and fails where it does not answer in time.
fn soon(sandbox: &Sandbox, args: &[&str]) -> Run {
    let mut command = sandbox.command(args);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let started = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if started.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("{args:?} does not answer");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let run = sandbox.answer(&child.wait_with_output().unwrap());
    assert!(!matches!(run.code, None | Some(70)), "{args:?}: {run}");
    run
}

/// Runs every verb that looks at artifacts and returns the exit codes of `validate` and `sync push`.
fn every_verb(sandbox: &Sandbox) -> (i32, i32) {
    for args in [
        &["status"][..],
        &["status", "--all"],
        &["session", "list"],
        &["doctor"],
        &["validate", "--all"],
        &["sync", "diff"],
        &["sync", "push", "--dry-run"],
        &["sync", "pull"],
        &["sync", "undo"],
        &["stage", "set", "tasks", "in_progress"],
    ] {
        drop(soon(sandbox, args));
    }
    let code = |args: &[&str]| soon(sandbox, args).code.unwrap();
    (code(&["validate"]), code(&["sync", "push"]))
}

fn artifact(sandbox: &Sandbox, stage: Stage) -> std::path::PathBuf {
    sandbox.root().join(sandbox.artifact(stage))
}

fn pushed() -> Sandbox {
    let sandbox = Sandbox::with_project();
    drop(sandbox.idse(&["sync", "push"]).success());
    sandbox
}

#[test]
fn a_link_out_of_the_workspace_is_neither_read_nor_written() {
    let sandbox = pushed();
    let secret = sandbox.home().join("secret.md");
    std::fs::write(&secret, "the secret").unwrap();
    let file = artifact(&sandbox, Stage::Spec);
    std::fs::remove_file(&file).unwrap();
    symlink(&secret, &file).unwrap();
    assert_eq!(every_verb(&sandbox), (1, 1));
    for args in [&["validate", "--format", "full"][..], &["sync", "diff"], &["--json", "status"]] {
        let run = soon(&sandbox, args);
        assert!(!run.to_string().contains("the secret"), "{run}");
    }
    assert_eq!(std::fs::read_to_string(&secret).unwrap(), "the secret");
    assert!(file.is_symlink());
}

#[test]
fn a_folder_that_leads_out_is_not_followed() {
    let sandbox = pushed();
    let outside = sandbox.home().join("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("spec.md"), "the secret").unwrap();
    let folder = artifact(&sandbox, Stage::Spec).parent().unwrap().to_path_buf();
    std::fs::remove_dir_all(&folder).unwrap();
    symlink(&outside, &folder).unwrap();
    assert_eq!(every_verb(&sandbox), (1, 1));
    assert_eq!(std::fs::read_to_string(outside.join("spec.md")).unwrap(), "the secret");
    assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 1, "nothing was written beside it");
}

#[test]
fn a_fifo_does_not_make_anybody_wait() {
    let sandbox = pushed();
    let file = artifact(&sandbox, Stage::Spec);
    std::fs::remove_file(&file).unwrap();
    let made = std::process::Command::new("/usr/bin/mkfifo").arg(&file).status().unwrap();
    assert!(made.success());
    assert_eq!(every_verb(&sandbox), (1, 1));
}

#[test]
fn a_folder_in_place_of_a_file() {
    let sandbox = pushed();
    let file = artifact(&sandbox, Stage::Spec);
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    std::fs::write(file.join("inside.md"), "mine").unwrap();
    assert_eq!(every_verb(&sandbox), (1, 1));
    assert_eq!(std::fs::read_to_string(file.join("inside.md")).unwrap(), "mine");
}

#[test]
fn a_huge_file_is_refused_unread() {
    let sandbox = pushed();
    let file = std::fs::OpenOptions::new().write(true).open(artifact(&sandbox, Stage::Spec)).unwrap();
    file.set_len(10 << 30).unwrap();
    assert_eq!(every_verb(&sandbox), (1, 1));
    let run = soon(&sandbox, &["validate"]).exits(1);
    assert!(run.stdout.contains("IDSE005"), "{run}");
}

#[test]
fn bytes_that_are_no_text() {
    let sandbox = pushed();
    let bytes = b"# Spec\n\xff\xfe\x00\n";
    sandbox.write(&sandbox.artifact(Stage::Spec), bytes);
    assert_eq!(every_verb(&sandbox), (1, 1));
    let run = soon(&sandbox, &["validate"]).exits(1);
    assert!(run.stdout.contains("IDSE003"), "{run}");
    assert_eq!(std::fs::read(artifact(&sandbox, Stage::Spec)).unwrap(), bytes);
}

#[test]
fn names_that_are_not_allowed_are_skipped() {
    let sandbox = pushed();
    let projects = sandbox.root().join(".idse/projects");
    for name in ["a b", "con", "-x", "ü"] {
        std::fs::create_dir(projects.join(name)).unwrap();
        std::fs::create_dir(projects.join("portal/sessions").join(name)).unwrap();
    }
    let odd = std::ffi::OsString::from_vec(b"\xff\xfe".to_vec());
    std::fs::create_dir(projects.join(&odd)).unwrap();
    symlink(sandbox.home(), projects.join("linked")).unwrap();
    assert_eq!(every_verb(&sandbox), (1, 0));
    let run = soon(&sandbox, &["status", "--all"]).success();
    assert!(run.stderr.contains("a b") && run.stderr.contains("con"), "{run}");
    for pointer in ["CURRENT_PROJECT", "portal/CURRENT_SESSION"] {
        for text in ["../../..", "", "\0", "a b", "nothing"] {
            let file = projects.join(pointer);
            let before = std::fs::read(&file).ok();
            std::fs::write(&file, text).unwrap();
            drop(soon(&sandbox, &["status"]));
            drop(soon(&sandbox, &["doctor"]));
            drop(soon(&sandbox, &["sync", "push"]));
            match before {
                Some(bytes) => std::fs::write(&file, bytes).unwrap(),
                None => std::fs::remove_file(&file).unwrap(),
            }
        }
    }
    drop(soon(&sandbox, &["status"]).success());
}

#[test]
fn state_files_that_are_no_state() {
    let sandbox = pushed();
    let state = ".idse/projects/portal/sessions/s1/metadata/session_state.json";
    let deep = "[".repeat(100_000);
    for text in
        ["", "{", "[]", "null", "{\"stages\": 3}", "{\"stages\": {\"spec\": [1]}}", "\u{feff}{}", &deep]
    {
        sandbox.write(state, text);
        let (validate, _) = every_verb(&sandbox);
        assert!(matches!(validate, 0 | 1), "{text:.20}");
    }
}

/// Root may read and write everything: nothing to test then.
fn may_everything(folder: &Path) -> bool {
    let file = folder.join("probe");
    std::fs::write(&file, "").is_ok_and(|()| std::fs::remove_file(&file).is_ok())
}

fn with_mode<T>(path: &Path, mode: u32, work: impl FnOnce() -> T) -> T {
    let before = std::fs::metadata(path).unwrap().permissions();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    let answer = work();
    std::fs::set_permissions(path, before).unwrap();
    answer
}

#[test]
fn a_file_that_must_not_be_read() {
    let sandbox = pushed();
    let file = artifact(&sandbox, Stage::Spec);
    with_mode(&file, 0o000, || {
        if std::fs::read(&file).is_err() {
            assert_eq!(every_verb(&sandbox), (1, 1));
        }
    });
}

#[test]
fn a_folder_that_must_not_be_written() {
    let alice = pushed();
    let bob = alice.beside("bob");
    drop(bob.idse(&["sync", "clone", "portal"]).success());
    alice.write_stage(Stage::Spec, "# Spec\n\nAlice.\n");
    drop(alice.idse(&["sync", "push"]).success());
    let before = bob.read_stage(Stage::Spec);
    let folder = artifact(&bob, Stage::Spec).parent().unwrap().to_path_buf();
    with_mode(&folder, 0o555, || {
        if !may_everything(&folder) {
            let run = soon(&bob, &["--json", "sync", "pull"]).exits(2);
            assert_eq!(run.error().0, "Io");
            assert_eq!(bob.read_stage(Stage::Spec), before);
        }
    });
    drop(soon(&bob, &["sync", "pull"]).success());
    assert_eq!(bob.read_stage(Stage::Spec), "# Spec\n\nAlice.\n");
}

#[test]
fn a_workspace_that_must_not_be_written() {
    let sandbox = Sandbox::with_project();
    let folder = sandbox.root().join(".idse");
    with_mode(&folder, 0o555, || {
        if !may_everything(&folder) {
            drop(soon(&sandbox, &["status"]).success());
            drop(soon(&sandbox, &["validate"]).exits(1));
            assert_eq!(soon(&sandbox, &["--json", "sync", "push"]).exits(2).error().0, "Io");
        }
    });
    drop(soon(&sandbox, &["sync", "push"]).success());
}

#[test]
fn an_engine_folder_that_somebody_else_made() {
    let sandbox = Sandbox::with_project();
    let elsewhere = sandbox.home().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    std::fs::remove_dir_all(sandbox.root().join(".idse/sync")).unwrap();
    symlink(&elsewhere, sandbox.root().join(".idse/sync")).unwrap();
    drop(soon(&sandbox, &["status"]));
    let run = soon(&sandbox, &["sync", "push"]);
    assert_ne!(run.code, Some(0), "{run}");
    assert_eq!(std::fs::read_dir(&elsewhere).unwrap().count(), 0, "nothing was written through the link");
}
