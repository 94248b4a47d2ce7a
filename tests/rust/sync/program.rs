//! The door of the command line: every step is a run of the program with `--json`.

use std::path::PathBuf;

use idse_core::remote::{Remote, SqliteRemote};
use idse_tests::Sandbox;
use idse_tests::hand::drop_from;
use idse_tests::story::{Answer, Door, Story, context, project, session, text};
use serde_json::Value;

pub(crate) struct Program {
    sandbox: Sandbox,
}

impl Program {
    /// Returns `None` for stories about a scripted agency, which no program can reach.
    pub(crate) fn new(story: &Story) -> Option<Self> {
        (!story.value["agency"].is_object()).then(|| Self { sandbox: Sandbox::new() })
    }

    fn agency(&self, step: &Value) -> PathBuf {
        self.sandbox.home().join(format!("{}.db", text(step, "remote").unwrap_or("agency")))
    }

    fn arguments(&self, verb: &str, step: &Value) -> Vec<String> {
        let words = match verb {
            "init" => vec!["init", project(step)],
            "stage" => vec!["stage", "set", text(step, "stage").unwrap(), text(step, "status").unwrap()],
            "create_session" => vec!["session", "create", session(step)],
            "switch_session" => vec!["session", "switch", session(step)],
            "status" => vec!["status"],
            "sync_status" => vec!["sync", "status"],
            "clone" => vec!["sync", "clone", project(step)],
            "link" => vec!["sync", "link", text(step, "to").unwrap_or(project(step))],
            "resolve" => vec!["sync", "resolve", text(step, "stage").unwrap()],
            "diff" | "push" | "pull" | "undo" => vec!["sync", verb],
            other => panic!("no such step: {other}"),
        };
        let mut args: Vec<String> = words.into_iter().map(str::to_owned).collect();
        args.push("--json".into());
        if !matches!(verb, "init" | "clone") {
            args.extend(["--project".into(), project(step).to_owned()]);
        }
        let names_session = match verb {
            "init" => true,
            "create_session" | "switch_session" | "undo" | "link" => false,
            // An embedded agency holds every session: whether the user named it makes no difference there.
            "clone" => step["session"].is_string(),
            _ => true,
        };
        if names_session {
            args.extend(["--session".into(), session(step).to_owned()]);
        }
        if !matches!(verb, "init" | "stage" | "create_session" | "switch_session" | "undo") {
            args.extend(["--agency".into(), format!("sqlite:{}", self.agency(step).display())]);
        }
        self.flags(&mut args, step);
        args
    }

    /// Fields of a step that are flags of the same name.
    fn flags(&self, args: &mut Vec<String>, step: &Value) {
        for flag in [
            "dry_run",
            "allow_empty",
            "force_clear",
            "replace_session",
            "recreate",
            "new_id",
            "markers",
            "accept_clear",
            "force",
        ] {
            if step[flag] == true {
                args.push(format!("--{}", flag.replace('_', "-")));
            }
        }
        for list in ["delete", "restore"] {
            for stage in step[list].as_array().into_iter().flatten() {
                args.extend([format!("--{list}"), stage.as_str().unwrap().to_owned()]);
            }
        }
        for option in ["agent", "stack"] {
            if let Some(value) = text(step, option) {
                args.extend([format!("--{option}"), value.to_owned()]);
            }
        }
        args.extend(step["stages"].as_array().into_iter().flatten().map(|s| s.as_str().unwrap().to_owned()));
        if text(step, "side") == Some("remote") {
            args.push("--remote".into());
        }
        match text(step, "with") {
            Some(with) => args.push(format!("--{with}")),
            None if text(step, "do") == Some("resolve") => {
                let path = self.sandbox.home().join("answer.md");
                std::fs::write(&path, text(step, "text").unwrap_or_default()).unwrap();
                args.extend(["--file".into(), path.display().to_string()]);
            }
            None => {}
        }
    }
}

impl Door for Program {
    fn root(&mut self, at: &str) -> PathBuf {
        self.sandbox.beside(at).root().to_owned()
    }

    fn act(&mut self, at: &str, verb: &str, step: &Value) -> Answer {
        let run = self.sandbox.beside(at).idse(&self.arguments(verb, step));
        let document: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|e| panic!("{e}: {run}"));
        if document["kind"] == "error" {
            let field = |key: &str| document["error"][key].as_str().unwrap_or_default().to_owned();
            return Err((field("kind"), field("reason")));
        }
        let expected = match document["outcome"].as_str() {
            Some("conflict") => 3,
            Some("refused") => 1,
            _ => 0,
        };
        assert_eq!(run.code, Some(expected), "{run}");
        Ok(document)
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
