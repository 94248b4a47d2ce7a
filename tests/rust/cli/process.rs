//! The program as a process: pipes, signals, colours, a full disk behind standard output.

#![cfg(unix)]

use std::process::Stdio;
use std::time::{Duration, Instant};

use idse_core::Stage;
use idse_tests::Sandbox;

#[test]
fn a_closed_pipe_is_no_error() {
    let sandbox = Sandbox::with_project();
    for args in [&["completions", "bash"][..], &["rule", "IDSE101"], &["--json", "status"]] {
        let mut command = sandbox.command(args);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop(child.stdout.take());
        let run = sandbox.answer(&child.wait_with_output().unwrap());
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{args:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_answer_that_cannot_be_written_is_an_error() {
    let sandbox = Sandbox::with_project();
    for args in [&["status"][..], &["--json", "status"]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut command = sandbox.command(args);
        command.stdout(full).stderr(Stdio::piped());
        let run = sandbox.answer(&command.spawn().unwrap().wait_with_output().unwrap());
        assert_eq!(run.code, Some(2), "{run}");
        assert!(run.stderr.contains("standard output"), "{run}");
    }
}

#[test]
fn closed_standard_streams_are_survived() {
    let sandbox = Sandbox::with_project();
    let program = idse_tests::idse_program().to_str().unwrap();
    for closing in ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"] {
        let mut shell = sandbox.command::<&str>(&[]);
        let mut sh = std::process::Command::new("/bin/sh");
        sh.arg("-c").arg(format!("exec '{program}' sync push {closing}"));
        sh.current_dir(sandbox.root()).env_clear();
        sh.envs(shell.get_envs().filter_map(|(name, value)| Some((name, value?))));
        std::mem::swap(&mut shell, &mut sh);
        let run = sandbox.run(shell);
        assert!(matches!(run.code, Some(0 | 2)), "{closing}: {run}");
    }
    drop(sandbox.idse(&["status", "--exit-code"]).success());
}

#[test]
fn colours_come_when_asked_for() {
    let sandbox = Sandbox::with_project();
    let coloured = |sandbox: &Sandbox, args: &[&str]| sandbox.idse(args).stdout.contains('\u{1b}');
    assert!(!coloured(&sandbox, &["status"]));
    assert!(coloured(&sandbox, &["--color", "always", "status"]));
    assert!(!coloured(&sandbox, &["--color", "always", "--json", "status"]));
    let forced = sandbox.clone().env("CLICOLOR_FORCE", "1");
    assert!(coloured(&forced, &["status"]));
    assert!(!coloured(&forced, &["--color", "never", "status"]));
    assert!(!coloured(&forced.env("NO_COLOR", "1"), &["status"]));
    let error = sandbox.idse(&["--color", "always", "--project", "x", "status"]).exits(6);
    assert!(error.stderr.contains('\u{1b}'));
}

/// Holds the workspace lock as another process would.
fn holding_the_lock<T>(sandbox: &Sandbox, work: impl FnOnce() -> T) -> T {
    drop(sandbox.idse(&["sync", "push"]).success());
    let path = sandbox.root().join(".idse/sync/lock");
    let file = std::fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
    file.lock().unwrap();
    let answer = work();
    file.unlock().unwrap();
    answer
}

fn send_signal(child: &std::process::Child, signal: &str) {
    let kill = std::process::Command::new("/bin/kill").arg(signal).arg(child.id().to_string()).status();
    assert!(kill.unwrap().success());
}

#[test]
fn signals_end_a_wait_with_130() {
    for signal in ["-INT", "-TERM"] {
        let sandbox = Sandbox::with_project();
        holding_the_lock(&sandbox, || {
            let mut command = sandbox.command(&["sync", "push"]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut child = command.spawn().unwrap();
            std::thread::sleep(Duration::from_millis(400));
            assert!(child.try_wait().unwrap().is_none(), "it waits for the lock");
            let asked = Instant::now();
            send_signal(&child, signal);
            let run = sandbox.answer(&child.wait_with_output().unwrap());
            assert_eq!(run.code, Some(130), "{run}");
            assert!(asked.elapsed() < Duration::from_secs(2), "it stopped at once");
        });
    }
}

#[test]
fn a_signal_ends_the_wait_for_input() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(&["validate", "-", "--stage", "spec"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let input = child.stdin.take();
    std::thread::sleep(Duration::from_millis(300));
    send_signal(&child, "-INT");
    let run = sandbox.answer(&child.wait_with_output().unwrap());
    drop(input);
    assert_eq!(run.code, Some(130), "{run}");
}

#[test]
fn a_lock_that_stays_is_reported() {
    let sandbox = Sandbox::with_project();
    let run = holding_the_lock(&sandbox, || sandbox.idse(&["--json", "sync", "push"]));
    assert_eq!(run.code, Some(4), "{run}");
    assert_eq!(run.error().0, "Locked");
    assert_eq!(run.json("error")["error"]["temporary"], true);
}

#[test]
fn text_of_the_other_side_cannot_steer_the_terminal() {
    let sandbox = Sandbox::with_project();
    drop(sandbox.idse(&["sync", "push", "--agent", "Ada\u{1b}]0;owned\u{7}"]).success());
    let run = sandbox.idse(&["sync", "status"]).success();
    assert!(run.stdout.contains("Last agent: Ada\\u{1b}]0;owned\\u{7}\n"), "{run}");
    sandbox.write_stage(Stage::Spec, "# Spec\n\u{1b}[2J\n");
    let piped = sandbox.idse(&["sync", "diff"]).success();
    assert!(piped.stdout.contains("+\u{1b}[2J\n"), "a patch is exact");
    let shown = sandbox.idse(&["--color", "always", "sync", "diff"]).success();
    assert!(!shown.stdout.contains("\u{1b}[2J"), "{shown}");
}
