//! The large tree: validating against reading, status against `git status`; and the start of the program.

use std::path::{Path, PathBuf};
use std::time::Duration;

use idse_tests::Tree;

use crate::Setting;
use crate::measure::{Program, median, medians};
use crate::table::Table;

const PROJECTS: usize = 20;
const FINDINGS: &[i32] = &[0, 1];

pub(crate) fn start(setting: &Setting, table: &mut Table) {
    let root = setting.folder.join("one");
    remake(&root);
    Tree { seed: 5, projects: 1, sessions: 1 }.write(&root);
    let validate = setting.idse(&root, &["validate"]);
    let version = setting.idse(&root, &["--version"]);
    let times = medians(setting.rounds * 5, &[&validate, &version], FINDINGS);
    table.limit(
        "`idse validate` of one session, the whole process",
        times[0].as_secs_f64() * 1e3,
        10.0,
        "ms",
    );
    table.limit("`idse --version`", times[1].as_secs_f64() * 1e3, 5.0, "ms");
}

pub(crate) fn measure(setting: &Setting, table: &mut Table) {
    let root = setting.folder.join("tree");
    remake(&root);
    remake(&setting.folder.join("home"));
    let bytes = Tree { seed: 5, projects: PROJECTS, sessions: setting.sessions }.write(&root);
    eprintln!("{} sessions, {} artifacts, {} MB", setting.sessions, setting.sessions * 7, bytes / 1_000_000);
    validate(setting, &root, table);
    status(setting, &root, table);
}

fn validate(setting: &Setting, root: &Path, table: &mut Table) {
    let ours = setting.idse(root, &["validate", "--all"]);
    let cold = setting.idse(root, &["validate", "--all", "--no-cache"]);
    let read = setting.program(&setting.own, root, &["read", "."]);
    let rg = setting.program(Path::new("rg"), root, &["-c", "REQUIRES INPUT", ".idse/projects"]);
    let has_rg = find("rg").is_some();
    let mut programs = vec![&ours, &cold, &read];
    if has_rg {
        programs.push(&rg);
    } else {
        eprintln!("SKIPPED: validate against rg; on Debian: sudo apt-get install ripgrep");
    }
    let times = medians(setting.rounds, &programs, FINDINGS);
    let reading = ("two threads that read the files", times[2]);
    table.ratio("`idse validate --all`, warm", times[0], reading, 1.5);
    match times.get(3) {
        Some(rg) => {
            let rg = ("rg -c 'REQUIRES INPUT'", *rg);
            table.ratio("`idse validate --all`, warm", times[0], rg, 1.0);
            table.compared("`idse validate --all --no-cache`", times[1], rg);
        }
        None => table.plain("`idse validate --all`, warm, against rg", "SKIPPED: no rg".into()),
    }
    table.compared("`idse validate --all --no-cache`", times[1], reading);
    table.compared(
        "`idse validate --all`, filling the cache",
        filling(setting, root, &ours, FINDINGS),
        reading,
    );
    usage(table, "`idse validate --all`, warm", &[&ours]);
    usage(table, "`idse validate --all --no-cache`", &programs[1..]);
}

/// Runs a program several times with nothing in the cache, and returns the median.
fn filling(setting: &Setting, root: &Path, program: &Program, codes: &[i32]) -> Duration {
    let cache = root.join(".idse/sync/cache");
    let run = |_| {
        std::fs::remove_dir_all(&cache).unwrap();
        program.run(codes).0
    };
    median((0..setting.rounds).map(run).collect())
}

/// Adds the peak memory of the first program, and the processor time of all.
fn usage(table: &mut Table, what: &str, programs: &[&Program]) {
    let usages: Option<Vec<_>> = programs.iter().map(|program| program.usage()).collect();
    let Some(usages) = usages else {
        eprintln!("SKIPPED: memory and processor time of {what}; on Debian: sudo apt-get install time");
        return table.plain(&format!("{what}: peak memory"), "SKIPPED: no GNU time".into());
    };
    table.limit(&format!("{what}: peak memory"), usages[0].peak_mib, 64.0, "MiB");
    let times: Vec<_> = usages.iter().map(|usage| format!("{:.2} s", usage.cpu_seconds)).collect();
    table.plain(&format!("{what}: processor time, then the alternatives' if any"), times.join(", "));
}

fn status(setting: &Setting, root: &Path, table: &mut Table) {
    let (took, _) = setting.idse(root, &["sync", "push", "--all"]).run(&[0]);
    let rate = setting.sessions as f64 / took.as_secs_f64();
    table.plain("first push of the whole tree", format!("{rate:.0} sessions/s"));
    let git = |args: &[&str]| setting.program(Path::new("git"), root, args);
    git(&["init", "-q"]).run(&[0]);
    git(&["add", "-A"]).run(&[0]);
    git(&["-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "-qm", "x"]).run(&[0]);
    let (ours, theirs) = (setting.idse(root, &["status", "--all"]), git(&["status"]));
    let cold = setting.idse(root, &["status", "--all", "--no-cache"]);
    let times = medians(setting.rounds, &[&ours, &cold, &theirs], &[0]);
    let status = ("git status", times[2]);
    table.ratio("`idse status --all` after a push, warm", times[0], status, 1.0);
    table.compared("`idse status --all --no-cache` after a push", times[1], status);
    table.compared("`idse status --all`, filling the cache", filling(setting, root, &ours, &[0]), status);
    usage(table, "`idse status --all`, warm", &[&ours]);
    usage(table, "`idse status --all --no-cache`", &[&cold, &theirs]);
    table.claim("an edit with its size and time restored is seen", sees_hidden_edit(setting, root));
}

/// Changes a byte, puts the time of the file back, and looks whether status says so.
fn sees_hidden_edit(setting: &Setting, root: &Path) -> bool {
    let path = root.join(".idse/projects/project-03/sessions/session-00003/intents/intent.md");
    let before = path.metadata().unwrap();
    let status = setting
        .idse(root, &["status", "--exit-code", "--project", "project-03", "--session", "session-00003"]);
    let all = setting.idse(root, &["status", "--all", "--exit-code"]);
    let was_clean = status.run(&[0, 1]).1.contains("in sync") && all.run(&[0, 1]).1.contains("in sync");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replacen("# Intent", "# inTent", 1)).unwrap();
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(before.modified().unwrap()).unwrap();
    let after = path.metadata().unwrap();
    assert_eq!((before.len(), before.modified().unwrap()), (after.len(), after.modified().unwrap()));
    let seen =
        all.run(&[0, 1]).1.lines().any(|line| line.contains("session-00003 ") && line.contains("1 to push"));
    std::fs::write(&path, text).unwrap();
    was_clean && seen
}

fn find(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

pub(crate) fn remake(folder: &Path) {
    if folder.exists() {
        std::fs::remove_dir_all(folder).unwrap();
    }
    std::fs::create_dir_all(folder).unwrap();
}
