//! Measures the program against its alternatives in one run and prints a table; `tests/speed` builds what it needs.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a measurement may fail, and has a clock"
)]

#[cfg(unix)]
mod client;
mod doors;
#[cfg(unix)]
mod gateway;
mod measure;
mod merge;
mod plain;
#[cfg(unix)]
mod servers;
mod sync;
mod table;
mod tree;

use std::path::{Path, PathBuf};

use measure::Program;
use table::Table;

/// What every part needs.
struct Setting {
    idse: PathBuf,
    /// `idse-gateway`, beside it.
    gateway: PathBuf,
    /// This program, which is some of the alternatives too.
    own: PathBuf,
    folder: PathBuf,
    rounds: usize,
    sessions: usize,
}

impl Setting {
    fn program(&self, program: &Path, folder: &Path, args: &[&str]) -> Program {
        let home = self.folder.join("home");
        std::fs::create_dir_all(&home).unwrap();
        let args = args.iter().map(|arg| (*arg).to_owned()).collect();
        Program { program: program.to_owned(), args, folder: folder.to_owned(), home, env: Vec::new() }
    }

    fn idse(&self, folder: &Path, args: &[&str]) -> Program {
        self.program(&self.idse, folder, args)
    }
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["read", folder] => plain::read_all(Path::new(folder)),
        ["merge", base, ours, theirs] => merge::merge_files([base, ours, theirs].map(Path::new)),
        ["probe", root, calls] => doors::probe(Path::new(root), calls),
        [idse, folder, parts @ ..] => measure_all(Path::new(idse), Path::new(folder), parts),
        _ => panic!("usage: speed IDSE FOLDER [tree|start|merge|sync|servers|gateway|doors]..."),
    }
}

fn number(name: &str, ordinary: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(ordinary).max(1)
}

fn measure_all(idse: &Path, folder: &Path, parts: &[&str]) {
    std::fs::create_dir_all(folder).unwrap();
    let idse = idse.canonicalize().unwrap();
    let setting = Setting {
        gateway: idse.with_file_name("idse-gateway"),
        idse,
        own: std::env::current_exe().unwrap(),
        folder: folder.canonicalize().unwrap(),
        rounds: number("IDSE_SPEED_ROUNDS", 11),
        sessions: number("IDSE_SPEED_SESSIONS", 2000),
    };
    let wants = |part: &str| parts.is_empty() || parts.contains(&part);
    let mut table = Table::default();
    if wants("start") {
        tree::start(&setting, &mut table);
    }
    if wants("merge") {
        merge::measure(&setting, &mut table);
    }
    if wants("sync") {
        sync::measure(&setting, &mut table);
    }
    if wants("tree") {
        tree::measure(&setting, &mut table);
    }
    #[cfg(unix)]
    if wants("servers") {
        servers::measure(&setting, &mut table);
    }
    #[cfg(unix)]
    if wants("gateway") {
        gateway::measure(&setting, &mut table);
    }
    // Where tests/doors/build put the doors; without them there is nothing to measure.
    if let Some(doors) = std::env::var_os("IDSE_SPEED_DOORS").filter(|_| wants("doors")) {
        doors::measure(&setting, Path::new(&doors), &mut table);
    }
    println!("{}", table::machine());
    println!("{} rounds, medians, alternatives in turn\n", setting.rounds);
    print!("{table}");
    std::process::exit(i32::from(table.has_missed()));
}
