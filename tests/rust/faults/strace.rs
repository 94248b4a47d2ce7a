//! Runs of the program under `strace`: what it asks the system for, and what happens when the system fails it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use idse_tests::Sandbox;

use super::aloud;

/// The calls that change something on a disk, or say that it is there to stay.
const CALLS: &[&str] = &[
    "openat",
    "creat",
    "write",
    "writev",
    "pwrite64",
    "pwritev",
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "symlinkat",
    "unlink",
    "unlinkat",
    "rmdir",
    "mkdir",
    "mkdirat",
    "fsync",
    "fdatasync",
    "ftruncate",
    "fallocate",
    "fchmod",
    "fchmodat",
    "fchown",
    "fchownat",
    "flock",
];

/// One call of a run: the N-th of its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Point {
    pub(super) call: String,
    pub(super) nth: usize,
}

impl std::fmt::Display for Point {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} number {}", self.call, self.nth)
    }
}

/// What happens to a call.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fault {
    /// The process dies before the call.
    Kill,
    /// The call fails with an error of this name and does nothing.
    Error(&'static str),
    /// It and every later call of its name fail so.
    Errors(&'static str),
}

/// Returns `strace` where it is there and may trace; else says why the test is skipped.
pub(super) fn strace(test: &str) -> Option<&'static Path> {
    static STRACE: OnceLock<Result<PathBuf, &'static str>> = OnceLock::new();
    match STRACE.get_or_init(find) {
        Ok(path) => Some(path),
        Err(why) => {
            aloud(&format!("SKIPPED {test}: {why}"));
            None
        }
    }
}

fn find() -> Result<PathBuf, &'static str> {
    if !cfg!(target_os = "linux") {
        return Err("faults of system calls are injected on Linux only");
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let Some(strace) = std::env::split_paths(&path).map(|dir| dir.join("strace")).find(|p| p.is_file())
    else {
        return Err("there is no strace here (Debian: apt-get install strace)");
    };
    let trial = Command::new(&strace)
        .args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync", "-e", "inject=fsync:error=EIO:when=1"])
        .arg("true")
        .stderr(Stdio::null())
        .status();
    match trial {
        Ok(status) if status.success() => Ok(strace),
        _ => Err("strace may not trace or inject here (ptrace is forbidden, or it is older than 4.22)"),
    }
}

/// Returns the program under `strace` with options of its own.
fn traced(sandbox: &Sandbox, strace: &Path, options: &[&str], args: &[&str]) -> Command {
    let inner = sandbox.command(args);
    let mut command = Command::new(strace);
    command.args(["-f", "-qq"]).args(options).arg(inner.get_program()).args(inner.get_args());
    command.current_dir(sandbox.root()).env_clear().stdin(Stdio::null());
    command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command
}

/// Runs the program and returns every call that changes something, in order.
pub(super) fn points(sandbox: &Sandbox, strace: &Path, args: &[&str]) -> Vec<Point> {
    let file = tempfile::NamedTempFile::new().unwrap();
    let filter = format!("trace={}", CALLS.join(","));
    let options = ["-o", file.path().to_str().unwrap(), "-e", &filter];
    let output = traced(sandbox, strace, &options, args).output().unwrap();
    assert!(output.status.code().is_some(), "{args:?}: {output:?}");
    changing(&std::fs::read_to_string(file.path()).unwrap())
}

/// Picks the changing calls out of a trace; the others of their name count for the number.
fn changing(trace: &str) -> Vec<Point> {
    let mut counts = std::collections::BTreeMap::<&str, usize>::new();
    let mut points = Vec::new();
    for line in trace.lines() {
        let line = line.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ');
        let Some((call, rest)) = line.split_once('(').filter(|(call, _)| CALLS.contains(call)) else {
            continue;
        };
        let nth = counts.entry(call).or_default();
        *nth += 1;
        // What the system refuses changes nothing: a folder that is there already, a question in the form of a call.
        if rest.contains(" = -1 ") {
            continue;
        }
        if call != "openat" || rest.contains("O_CREAT") || rest.contains("O_TRUNC") {
            points.push(Point { call: call.to_owned(), nth: *nth });
        }
    }
    points
}

/// Returns the program with one fault at one point.
pub(super) fn faulty(
    sandbox: &Sandbox,
    strace: &Path,
    point: &Point,
    fault: Fault,
    args: &[&str],
) -> Command {
    let Point { call, nth } = point;
    let (fault, more) = match fault {
        Fault::Kill => ("signal=KILL".to_owned(), ""),
        Fault::Error(name) => (format!("error={name}"), ""),
        Fault::Errors(name) => (format!("error={name}"), "+"),
    };
    let (filter, inject) = (format!("trace={call}"), format!("inject={call}:{fault}:when={nth}{more}"));
    traced(sandbox, strace, &["-o", "/dev/null", "-e", &filter, "-e", &inject], args)
}

/// Returns the program with every renaming held up before it happens: what is between a check and an exchange lasts.
pub(super) fn held_up(sandbox: &Sandbox, strace: &Path, micros: usize, args: &[&str]) -> Command {
    let inject = format!("inject=renameat2:delay_enter={micros}");
    traced(sandbox, strace, &["-o", "/dev/null", "-e", "trace=renameat2", "-e", &inject], args)
}

#[test]
fn the_changing_calls_are_picked_out_of_a_trace() {
    let trace = "7 openat(3, \"a\", O_RDONLY) = 4\n7 openat(3, \"b\", O_WRONLY|O_CREAT) = 4\n\
                 7 write(4, \"fsync(\", 6) = 6\n7 getpid() = 7\n7 write(4, \"\", 0) = 0\n7 +++ exited with 0 +++\n";
    let found: Vec<_> = changing(trace).iter().map(ToString::to_string).collect();
    assert_eq!(found, ["openat number 2", "write number 1", "write number 2"]);
}
