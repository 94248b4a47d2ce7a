//! Telling a story: its steps through a door, its expectations against what the door answers.

use std::path::{Path, PathBuf};

use idse_core::remote::{Fetched, Remote, RemoteText};
use idse_core::{Env, ErrorKind, Stage};
use serde_json::{Map, Value, json};

pub use crate::hand::{project, session, text};
use crate::hand::{row, target};

/// One file of `tests/conformance/sync`.
#[derive(Debug)]
pub struct Story {
    /// What it shows.
    pub name: String,
    /// The file.
    pub value: Value,
}

/// Reads every story, in the order of their names.
pub fn stories() -> Vec<Story> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance/sync");
    let mut stories = Vec::new();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        assert_eq!(path.extension().and_then(|e| e.to_str()), Some("json"), "{} is no story", path.display());
        let text = std::fs::read_to_string(&path).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
        stories.push(Story { name, value });
    }
    stories.sort_by(|a, b| a.name.cmp(&b.name));
    stories
}

/// What a verb answered: a report, or kind and reason of an error.
pub type Answer = Result<Value, (String, String)>;

/// A way to the engine.
pub trait Door {
    /// The folder of a client.
    fn root(&mut self, at: &str) -> PathBuf;
    /// Does what a step asks.
    fn act(&mut self, at: &str, verb: &str, step: &Value) -> Answer;
    /// An agency, as another client sees it.
    fn remote(&mut self, step: &Value) -> Box<dyn Remote>;
    /// What only a scripted agency can do.
    fn script(&mut self, step: &Value) -> Result<(), String>;
    /// Drops the session's row, or the whole project.
    fn drop_row(&mut self, project: &str, session: &str, whole: bool);
}

/// Reads a list of stages.
pub fn stages(value: &Value) -> Vec<Stage> {
    value.as_array().into_iter().flatten().map(|stage| stage.as_str().unwrap().parse().unwrap()).collect()
}

/// Tells a story; the error names the step.
///
/// # Errors
/// What a step says that it should not.
pub fn tell(story: &Story, door: &mut dyn Door) -> Result<(), String> {
    if text(&story.value, "why").is_none_or(str::is_empty) {
        return Err("it does not say why".into());
    }
    for (number, step) in story.value["steps"].as_array().into_iter().flatten().enumerate() {
        tell_step(step, door).map_err(|why| format!("step {} ({}): {why}", number + 1, step["do"]))?;
    }
    Ok(())
}

fn tell_step(step: &Value, door: &mut dyn Door) -> Result<(), String> {
    let at = text(step, "at").unwrap_or("alice");
    let verb = text(step, "do").ok_or("it has no `do`")?;
    match verb {
        "start" => start(at, step, door),
        "write" => write(&artifact(door, at, step)?, step),
        "remove" => std::fs::remove_file(artifact(door, at, step)?).map_err(|e| e.to_string()),
        "file" => {
            let path = door.root(at).join(text(step, "path").ok_or("no path")?);
            write(&path, step)
        }
        "merged" => merged(&door.root(at), step),
        "row" => row(&*door.remote(step), step),
        "drop" => {
            door.drop_row(project(step), session(step), step["whole"] == true);
            Ok(())
        }
        "script" => door.script(step),
        "check" => check(at, step, door),
        "agency" => agency(step, door),
        "kept" => kept(&door.root(at), step),
        _ => expect(&step["expect"], door.act(at, verb, step)),
    }
}

fn artifact(door: &mut dyn Door, at: &str, step: &Value) -> Result<PathBuf, String> {
    let stage: Stage = text(step, "stage").ok_or("no stage")?.parse().map_err(|_| "unknown stage")?;
    Ok(session_folder(&door.root(at), step).join(stage.path()))
}

fn session_folder(root: &Path, step: &Value) -> PathBuf {
    root.join(".idse/projects").join(project(step)).join("sessions").join(session(step))
}

fn write(path: &Path, step: &Value) -> Result<(), String> {
    let bytes = match (text(step, "text"), text(step, "hex")) {
        (Some(text), _) => text.as_bytes().to_vec(),
        (None, Some(hex)) => (0..hex.len() / 2)
            .map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).map_err(|e| e.to_string()))
            .collect::<Result<_, _>>()?,
        (None, None) => serde_json::to_vec_pretty(&step["json"]).map_err(|e| e.to_string())?,
    };
    std::fs::create_dir_all(path.parent().ok_or("no folder")?).map_err(|e| e.to_string())?;
    std::fs::write(path, bytes).map_err(|e| e.to_string())
}

/// Initialises a project; with `texts`, the session holds exactly these.
fn start(at: &str, step: &Value, door: &mut dyn Door) -> Result<(), String> {
    door.act(at, "init", step).map_err(|e| format!("{e:?}"))?;
    let folder = session_folder(&door.root(at), step);
    for stage in Stage::ALL.into_iter().filter(|_| step["texts"].is_object()) {
        let path = folder.join(stage.path());
        match text(&step["texts"], stage.name()) {
            Some(text) => std::fs::write(path, text).map_err(|e| e.to_string())?,
            None => std::fs::remove_file(path).map_err(|e| e.to_string())?,
        }
    }
    for (stage, status) in step["status"].as_object().into_iter().flatten() {
        let step = json!({"do": "stage", "stage": stage, "status": status, "project": project(step), "session": session(step)});
        door.act(at, "stage", &step).map_err(|e| format!("{e:?}"))?;
    }
    Ok(())
}

fn expect(expected: &Value, answer: Answer) -> Result<(), String> {
    if let Some(error) = expected["error"].as_str() {
        let (kind, reason) = match answer {
            Err(error) => error,
            Ok(report) => return Err(format!("expected {error}, got {report}")),
        };
        let got = if error.contains('/') { format!("{kind}/{reason}") } else { kind };
        return if got == error { Ok(()) } else { Err(format!("expected {error}, got {got}/{reason}")) };
    }
    let report = answer.map_err(|(kind, reason)| format!("it failed: {kind}/{reason}"))?;
    let mut wrong = Vec::new();
    for (key, value) in expected.as_object().into_iter().flatten() {
        if let Some(difference) = difference(key, value, &report) {
            wrong.push(difference);
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(format!("{}\n    report: {report}", wrong.join("; "))) }
}

/// Compares one expectation; keys that are not special compare a field of the report.
fn difference(key: &str, expected: &Value, report: &Value) -> Option<String> {
    let steps = || report["steps"].as_array().into_iter().flatten();
    let got = match key {
        "steps" => {
            let named = expected.as_object()?.keys();
            let of = |stage: &String| {
                let step = steps().find(|s| s["stage"] == stage.as_str())?;
                Some(format!("{}/{}", step["class"].as_str()?, step["action"].as_str()?))
            };
            named
                .map(|stage| (stage.clone(), of(stage).map_or(Value::Null, Value::from)))
                .collect::<Map<_, _>>()
                .into()
        }
        "moved" => {
            let moves = |s: &&Value| {
                matches!(s["action"].as_str(), Some("send" | "send_null" | "write" | "merge" | "remove"))
            };
            steps().filter(moves).map(|s| s["stage"].clone()).collect()
        }
        "conflicts" => {
            let conflicts = report["conflicts"].as_array().into_iter().flatten();
            conflicts
                .map(|c| (c["stage"].as_str().unwrap().to_owned(), c["kind"].clone()))
                .collect::<Map<_, _>>()
                .into()
        }
        "note" => {
            let notes = report["notes"].to_string();
            return (!notes.contains(expected.as_str()?))
                .then(|| format!("no note says {expected}: {notes}"));
        }
        "diffs" => {
            let stages = report["stages"].as_array().into_iter().flatten();
            stages.map(|s| s["stage"].clone()).collect()
        }
        _ => report[key].clone(),
    };
    (got != *expected).then(|| format!("{key}: expected {expected}, got {got}"))
}

fn check(at: &str, step: &Value, door: &mut dyn Door) -> Result<(), String> {
    let folder = session_folder(&door.root(at), step);
    for (stage, expected) in step["files"].as_object().into_iter().flatten() {
        let path = folder.join(stage.parse::<Stage>().map_err(|e| e.to_string())?.path());
        let got = std::fs::read(&path).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        if got.as_deref() != expected.as_str() {
            return Err(format!("file {stage}: expected {expected}, got {got:?}"));
        }
    }
    let report = door.act(at, "status", step).map_err(|e| format!("{e:?}"))?;
    let lines = || report["stages"].as_array().into_iter().flatten();
    let by_stage = |field: &str, expected: &Map<String, Value>| -> Value {
        let of = |stage: &String| {
            lines().find(|l| l["stage"] == stage.as_str()).map_or(Value::Null, |l| l[field].clone())
        };
        expected.keys().map(|stage| (stage.clone(), of(stage))).collect::<Map<_, _>>().into()
    };
    let with = |field: &str| -> Value {
        lines()
            .filter(|l| l[field] == true || (field == "conflict" && !l[field].is_null()))
            .map(|l| l["stage"].clone())
            .collect()
    };
    for (key, expected) in step.as_object().into_iter().flatten() {
        let got = match (key.as_str(), expected) {
            ("status", Value::Object(map)) => by_stage("status", map),
            ("sync", Value::Object(map)) => by_stage("sync", map),
            ("open", _) => with("conflict"),
            ("push", _) => with("push"),
            ("pull", _) => with("pull"),
            ("unsettled" | "next" | "last_agent" | "current", _) => report[key].clone(),
            _ => continue,
        };
        if got != *expected {
            return Err(format!("{key}: expected {expected}, got {got}"));
        }
    }
    Ok(())
}

/// Returns a context that knows nothing of the machine.
pub fn context() -> idse_core::Context {
    idse_core::Context { env: Env::default(), ..idse_core::Context::default() }
}

/// Looks into the agency.
fn agency(step: &Value, door: &mut dyn Door) -> Result<(), String> {
    let remote = door.remote(step);
    let target = match target(&*remote, step) {
        Err(_) if step["missing"] == true => return Ok(()),
        target => target?,
    };
    let Fetched::Session(row) = remote.fetch(&target, None, &context()).map_err(|e| e.to_string())? else {
        return if step["missing"] == true { Ok(()) } else { Err("the row is missing".into()) };
    };
    if step["missing"] == true {
        return Err("the row is there".into());
    }
    for (stage, expected) in step["texts"].as_object().into_iter().flatten() {
        let got = row.texts.get(&stage.parse::<Stage>().unwrap()).and_then(RemoteText::text);
        if got != expected.as_str() {
            return Err(format!("{stage} in the agency: expected {expected}, got {got:?}"));
        }
    }
    let state = Value::from(row.state.unwrap_or_default());
    for (key, expected) in step["state"].as_object().into_iter().flatten() {
        let got = state.pointer(key).cloned().unwrap_or_default();
        if got != *expected {
            return Err(format!("state {key}: expected {expected}, got {got}"));
        }
    }
    Ok(())
}

/// A person edits the proposal of a conflict.
fn merged(root: &Path, step: &Value) -> Result<(), String> {
    let stage = text(step, "stage").ok_or("no stage")?;
    for remote in std::fs::read_dir(root.join(".idse/sync")).map_err(|e| e.to_string())? {
        let folder = remote.map_err(|e| e.to_string())?.path().join("conflicts");
        let path = folder.join(project(step)).join(session(step)).join(stage).join("merged.md");
        if path.exists() {
            return write(&path, step);
        }
    }
    Err(format!("{stage} has no merged.md"))
}

/// Asserts that the client still has a text somewhere in its object store.
fn kept(root: &Path, step: &Value) -> Result<(), String> {
    let wanted = text(step, "text").ok_or("no text")?.as_bytes();
    let objects = root.join(".idse/sync/objects");
    for folder in std::fs::read_dir(objects).map_err(|e| e.to_string())? {
        for object in
            std::fs::read_dir(folder.map_err(|e| e.to_string())?.path()).map_err(|e| e.to_string())?
        {
            if std::fs::read(object.map_err(|e| e.to_string())?.path()).is_ok_and(|bytes| bytes == wanted) {
                return Ok(());
            }
        }
    }
    Err("no object holds the text".into())
}

/// Names an error as stories do.
pub fn named(error: &idse_core::Error) -> (String, String) {
    let kind: ErrorKind = error.kind();
    (kind.name().to_owned(), error.reason().to_owned())
}
