//! The doors into other languages against the Rust call, each in a process of its own that loads it and calls it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use idse_core::{Context, Workspace, verb};
use idse_tests::Tree;
use serde_json::Value;

use crate::Setting;
use crate::measure::{Program, median};
use crate::table::Table;

/// How often each probe makes each call.
const CALLS: &str = "300";
/// What each probe says: a name and milliseconds.
type Times = BTreeMap<String, f64>;

/// Makes the calls in Rust, as `tests/doors/probe.*` make them through their doors.
pub(crate) fn probe(root: &Path, calls: &str) {
    let context = Context::of_process();
    let fastest = |name: &str, work: &dyn Fn()| {
        let took = (0..calls.parse().unwrap()).map(|_| {
            let start = Instant::now();
            work();
            start.elapsed()
        });
        println!("{name} {:.4}", took.min().unwrap().as_secs_f64() * 1e3);
    };
    fastest("validate", &|| {
        // What a door does for each call: nothing is kept from one to the next.
        let workspace = Workspace::open(root).unwrap();
        let project = workspace.project(None, Path::new(".")).unwrap();
        let key = workspace.session(&project, None).unwrap();
        assert_eq!(workspace.validate(&key, &[], &context).unwrap().artifacts, 7);
    });
    fastest("version", &|| drop(verb::call("version", &Value::Null, &context).unwrap()));
}

/// Measures what `tests/doors/build` built into `doors`.
pub(crate) fn measure(setting: &Setting, doors: &Path, table: &mut Table) {
    // The session of the other parts; the sample is so small that a thread that wakes up counts.
    let (one, sample) = (setting.folder.join("one"), setting.folder.join("sample"));
    for folder in [&one, &sample] {
        drop(std::fs::remove_dir_all(folder));
    }
    Tree { seed: 5, projects: 1, sessions: 1 }.write(&one);
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/workspace"), &sample);
    let ours = calls(setting, doors, &one);
    for (door, times, call) in of_validating(&ours) {
        let (time, rust) = (time(times, call), ("in Rust", time(&ours[0], "validate")));
        table.ratio(&format!("validating one session: {door}"), time, rust, 1.2);
    }
    let small = calls(setting, doors, &sample);
    for (door, times, call) in of_validating(&small) {
        let (time, rust) = (time(times, call), ("in Rust", time(&small[0], "validate")));
        table.compared(&format!("validating the sample, a tenth of that, 15 findings: {door}"), time, rust);
    }
    for (door, times) in [("C", 1), ("Python", 2), ("Node", 3)] {
        let (time, rust) = (time(&ours[times], "version"), ("in Rust", time(&ours[0], "version")));
        table.compared(&format!("a call that does nothing: {door}"), time, rust);
    }
    table.limit("importing the Python module", ours[2]["load"], 30.0, "ms");
    table.limit("loading the Node addon", ours[3]["load"], 20.0, "ms");
}

/// Says who validates, and by which call.
fn of_validating(times: &[Times; 4]) -> [(&'static str, &Times, &'static str); 4] {
    let [_, c, python, node] = times;
    [
        ("C", c, "validate"),
        ("Python", python, "validate"),
        ("Node, `validateSync`", node, "validate"),
        ("Node, a promise", node, "validate-promise"),
    ]
}

fn time(times: &Times, name: &str) -> Duration {
    Duration::from_secs_f64(times[name] / 1e3)
}

/// Returns what each call takes in Rust, C, Python and Node.
fn calls(setting: &Setting, doors: &Path, root: &Path) -> [Times; 4] {
    let root = root.to_str().unwrap();
    let rust = setting.program(&setting.own, &setting.folder, &["probe", root, CALLS]);
    let [c, python, node] = ["c", "python", "node"]
        .map(|name| setting.program(&doors.join(name), &setting.folder, &[root, CALLS]));
    fastest(setting.rounds, [&rust, &c, &python, &node])
}

/// Runs the probes in turn; of a call the fastest counts, of a loading, which each process does once, the median.
fn fastest(rounds: usize, probes: [&Program; 4]) -> [Times; 4] {
    let mut all = [const { Vec::<Times>::new() }; 4];
    for _ in 0..rounds {
        for (probe, all) in probes.into_iter().zip(&mut all) {
            let (_, said) = probe.run(&[0]);
            let lines = said.lines().filter_map(|line| line.split_once(' '));
            all.push(lines.map(|(name, time)| (name.to_owned(), time.parse().unwrap())).collect());
        }
    }
    let of = |all: &[Times], name: &String| {
        let times: Vec<_> = all.iter().map(|times| Duration::from_secs_f64(times[name] / 1e3)).collect();
        let time = if name == "load" { median(times) } else { times.into_iter().min().unwrap() };
        (name.clone(), time.as_secs_f64() * 1e3)
    };
    all.map(|all| all[0].keys().map(|name| of(&all, name)).collect())
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}
