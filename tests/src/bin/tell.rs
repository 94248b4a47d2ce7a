//! Tells the sync stories through a door into another language: `tell FOLDER PROGRAM ARGUMENT...`.
//!
//! The program is given a call a line, `VERB<tab>ARGUMENTS`, and answers each with a line: the document of the verb, or
//! that of its error. What people and other hands do in a story, and what is expected of it, stays here.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test may fail, and says so"
)]

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use idse_core::remote::{Remote, SqliteRemote};
use idse_tests::hand::drop_from;
use idse_tests::story::{Answer, Door, Story, context, project, session, stories, tell, text};
use serde_json::{Map, Value};

/// The other language, with its calls and its answers.
struct Program {
    child: Child,
    calls: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Program {
    /// Starts it with a home of its own: nothing of the machine's user is read or written.
    fn start(command: &[String], home: &Path) -> Self {
        let mut program = Command::new(&command[0]);
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("IDSE_") || name.starts_with("SUPABASE_")) {
                program.env_remove(name);
            }
        }
        for name in ["HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"] {
            program.env(name, home);
        }
        let pipes = program.args(&command[1..]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = pipes.spawn().unwrap();
        let (calls, said) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, calls, answers: BufReader::new(said).lines() }
    }

    fn call(&mut self, verb: &str, arguments: &Value) -> Value {
        writeln!(self.calls, "{verb}\t{arguments}").unwrap();
        let answer = self.answers.next().expect("the program ended").unwrap();
        serde_json::from_str(&answer).unwrap_or_else(|e| panic!("{e}: {answer}"))
    }
}

/// One story at the program.
struct Scene<'a> {
    program: &'a mut Program,
    folder: PathBuf,
}

impl Scene<'_> {
    fn agency(&self, step: &Value) -> PathBuf {
        self.folder.join(format!("{}.db", text(step, "remote").unwrap_or("agency")))
    }

    /// Takes from a step what its verb is told.
    fn arguments(&self, root: &Path, verb: &str, step: &Value) -> Value {
        const SAME: [&str; 14] = [
            "accept_clear",
            "agent",
            "allow_empty",
            "delete",
            "dry_run",
            "force",
            "force_clear",
            "markers",
            "new_id",
            "recreate",
            "replace_session",
            "restore",
            "stack",
            "stages",
        ];
        let mut arguments = Map::new();
        let mut set = |name: &str, value: Option<&str>| {
            value.and_then(|value| arguments.insert(name.to_owned(), value.into()));
        };
        set("root", root.to_str());
        set("project", Some(project(step)).filter(|_| !matches!(verb, "clone" | "undo")));
        // An embedded agency holds every session: whether the user named it makes no difference there.
        let names_session = step["session"].is_string() || verb != "clone";
        set("session", Some(session(step)).filter(|_| names_session && !matches!(verb, "link" | "undo")));
        match verb {
            "init" | "create_session" | "switch_session" | "undo" => {}
            "set_stage" => ["stage", "status"].into_iter().for_each(|name| set(name, text(step, name))),
            _ => set("remote", Some(&format!("sqlite:{}", self.agency(step).display()))),
        }
        match verb {
            "clone" | "link" => set("name", Some(text(step, "to").unwrap_or(project(step)))),
            "diff" => set("against", text(step, "side")),
            "resolve" => {
                let renamed = [("stage", "stage"), ("resolution", "with"), ("text", "text")];
                renamed.into_iter().for_each(|(name, field)| set(name, text(step, field)));
            }
            _ => {}
        }
        for name in SAME.into_iter().filter(|name| verb != "status" && !step[name].is_null()) {
            arguments.insert(name.to_owned(), step[name].clone());
        }
        arguments.into()
    }
}

impl Door for Scene<'_> {
    fn root(&mut self, at: &str) -> PathBuf {
        let root = self.folder.join(at);
        std::fs::create_dir_all(&root).unwrap();
        root
    }

    fn act(&mut self, at: &str, verb: &str, step: &Value) -> Answer {
        let verb = if verb == "stage" { "set_stage" } else { verb };
        let root = self.root(at);
        let document = self.program.call(verb, &self.arguments(&root, verb, step));
        if document["kind"] != "error" {
            return Ok(document);
        }
        let field = |key: &str| document["error"][key].as_str().unwrap_or_default().to_owned();
        Err((field("kind"), field("reason")))
    }

    fn remote(&mut self, step: &Value) -> Box<dyn Remote> {
        Box::new(SqliteRemote::open(&self.agency(step), &context()).unwrap())
    }

    fn script(&mut self, _: &Value) -> Result<(), String> {
        Err("only a scripted agency has faults".into())
    }

    fn drop_row(&mut self, project: &str, session: &str, whole: bool) {
        drop_from(&self.agency(&Value::Null), project, session, whole);
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, command @ ..] = arguments.as_slice() else { panic!("usage: tell FOLDER PROGRAM...") };
    let folder = std::fs::canonicalize(folder).unwrap();
    let mut program = Program::start(command, &folder.join("home"));
    let (mut told, mut failures) = (0, 0);
    // A scripted agency is only reached from Rust.
    for story in stories().iter().filter(|story| !story.value["agency"].is_object()) {
        let Story { name, .. } = story;
        told += 1;
        if let Err(failure) = tell(story, &mut Scene { program: &mut program, folder: folder.join(name) }) {
            failures += 1;
            eprintln!("{name}: {failure}");
        }
    }
    let Program { mut child, calls, .. } = program;
    drop(calls);
    let status = child.wait().unwrap();
    println!("{told} sync stories told, {failures} failures");
    assert!(status.success() && failures == 0 && told >= 60, "{status}");
}
