//! The world that a verb is broken in: a workspace and an agency that can be put back as they were.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use idse_core::{ObjectId, Stage};
use idse_tests::{Run, Sandbox};
use serde_json::Value;

/// A verb and the world that it is run in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Init,
    Push,
    Pull,
    Resolve,
    Undo,
}

impl Verb {
    pub(super) const ALL: [Self; 5] = [Self::Init, Self::Push, Self::Pull, Self::Resolve, Self::Undo];

    /// At least so many calls of it change something; fewer would mean that the trace is not seen.
    pub(super) fn fewest(self) -> usize {
        match self {
            Self::Init => 80,
            Self::Push => 90,
            Self::Pull => 120,
            Self::Resolve => 30,
            Self::Undo => 36,
        }
    }

    /// How it ends where nothing is in its way.
    pub(super) fn usual(self) -> i32 {
        if self == Self::Pull { 3 } else { 0 }
    }

    /// Tells whether a second run ended as it may: with the same result, or because all is done already.
    fn may_end(self, run: &Run) -> bool {
        match run.code {
            Some(code) if code == self.usual() => true,
            Some(2) => match self {
                Self::Init => run.error() == ("Exists".into(), "project".into()),
                Self::Undo => run.error() == ("Exists".into(), "undone".into()),
                _ => false,
            },
            Some(6) => self == Self::Resolve && run.error() == ("NotFound".into(), "no_conflict".into()),
            _ => false,
        }
    }
}

/// A workspace and an agency before a verb, what they are afterwards, and what nobody may lose.
#[derive(Debug)]
pub(super) struct World {
    pub(super) verb: Verb,
    pub(super) sandbox: Sandbox,
    pub(super) args: Vec<String>,
    saved: tempfile::TempDir,
    before: Files,
    after: Files,
    expected: String,
    authored: BTreeSet<String>,
}

/// The artifacts of the session by stage; `None` where there is no file.
type Files = BTreeMap<Stage, Option<Vec<u8>>>;

impl World {
    /// Makes the world of a verb in a folder of its own.
    pub(super) fn new(verb: Verb) -> Self {
        // A kill loses nothing that was written, synced or not: where there is memory to write to, that is faster.
        let memory = Path::new("/dev/shm");
        let is_usable = tempfile::tempdir_in(memory).is_ok();
        let folder = if is_usable { memory.to_owned() } else { std::env::temp_dir() };
        Self::within(verb, Sandbox::within(&folder))
    }

    /// Makes the world of a verb in a sandbox that is empty.
    pub(super) fn within(verb: Verb, sandbox: Sandbox) -> Self {
        prepare(verb, &sandbox);
        let args = arguments(verb, &sandbox);
        let saved = tempfile::tempdir_in(sandbox.home().parent().unwrap()).unwrap();
        for (name, place) in places(&sandbox) {
            copy(&place, &saved.path().join(name));
        }
        let (before, authored) = (artifacts(&sandbox), texts(&sandbox));
        let mut world = Self {
            verb,
            sandbox,
            args,
            saved,
            before,
            after: Files::new(),
            expected: String::new(),
            authored,
        };
        drop(world.again().exits(verb.usual()));
        world.after = artifacts(&world.sandbox);
        world.expected = world.outcome();
        world.restore();
        world
    }

    /// Puts workspace and agency back.
    pub(super) fn restore(&self) {
        for (name, place) in places(&self.sandbox) {
            std::fs::remove_dir_all(&place).unwrap();
            copy(&self.saved.path().join(name), &place);
        }
    }

    pub(super) fn arguments(&self) -> Vec<&str> {
        self.args.iter().map(String::as_str).collect()
    }

    /// Runs the verb without a fault.
    pub(super) fn again(&self) -> Run {
        self.sandbox.idse(&self.args)
    }

    /// Checks what a verb that was broken off left: nothing is torn, nothing named is missing, nothing is lost.
    pub(super) fn check_broken(&self, when: &str) {
        for (stage, now) in artifacts(&self.sandbox) {
            let whole = now == self.before[&stage] || now == self.after[&stage];
            assert!(
                whole,
                "{when}: {stage} is torn: {:?}",
                now.map(|b| String::from_utf8_lossy(&b).into_owned())
            );
        }
        self.check_record(when);
        self.check_texts(when);
        let status = self.sandbox.idse(&["status", "--json"]);
        // Before `init` is through there may be no workspace, project or session to speak of.
        let allowed: &[i32] = if self.verb == Verb::Init { &[0, 2, 6] } else { &[0] };
        assert!(status.code.is_some_and(|code| allowed.contains(&code)), "{when}: status: {status}");
    }

    /// Runs the verb again and checks that nothing of the fault is left. Returns whether a person had to decide.
    pub(super) fn check_healed(&self, when: &str) -> bool {
        let mut run = self.again();
        let asked = self.verb == Verb::Push && run.code == Some(3);
        if asked {
            self.decide(&run, when);
            run = self.again();
        }
        assert!(self.verb.may_end(&run), "{when}: the same verb again: {run}");
        self.check_end(when);
        asked
    }

    /// Somebody else had pushed, and nobody can tell whether this push came before and was taken back, or never
    /// came: that is a question for a person, who finds both texts.
    fn decide(&self, run: &Run, when: &str) {
        for conflict in run.json("sync-report")["conflicts"].as_array().unwrap() {
            assert_eq!(conflict["kind"], "unsettled", "{when}: {run}");
            let stage = conflict["stage"].as_str().unwrap();
            drop(self.sandbox.idse(&["sync", "resolve", stage, "--local"]).success());
        }
    }

    /// Checks that everything is as after a run without a fault.
    pub(super) fn check_end(&self, when: &str) {
        self.check_done(when);
        for path in files_below(self.sandbox.root()) {
            let shown = path.display().to_string();
            let is_left = shown.contains("/journal/") || shown.ends_with(".tmp");
            assert!(!is_left, "{when}: {shown} is left");
        }
        let doctor = self.sandbox.idse(&["doctor", "--json"]);
        let report = doctor.json("doctor-report");
        let ill = report["checks"].as_array().unwrap().iter().find(|check| check["state"] == "error");
        assert!(ill.is_none(), "{when}: {doctor}");
    }

    /// Checks that the verb had its effect, whatever it left lying about.
    pub(super) fn check_done(&self, when: &str) {
        assert_eq!(self.outcome(), self.expected, "{when}");
        self.check_record(when);
        self.check_texts(when);
    }

    fn check_texts(&self, when: &str) {
        let now = texts(&self.sandbox);
        let lost: Vec<_> = self.authored.difference(&now).collect();
        assert!(lost.is_empty(), "{when}: lost: {lost:#?}");
    }

    /// Every file of the engine can be read, every object is whole, and every object that is named is there.
    fn check_record(&self, when: &str) {
        check_record(self.sandbox.root(), when);
    }

    /// What counts in the end: files, states, conflicts, the agency, and what the next sync would do.
    fn outcome(&self) -> String {
        let root = self.sandbox.root();
        let mut outcome = String::new();
        for path in files_below(root) {
            let name = path.strip_prefix(root).unwrap().display().to_string();
            let engine = name.starts_with(".idse/sync/");
            if engine && !(name.contains("/conflicts/") && name.ends_with(".md")) {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let text = if name.ends_with(".json") { settled(&text) } else { text };
            let text = if name.ends_with("/.owner") { String::new() } else { text };
            outcome += &format!("{name}:\n{text}\n");
        }
        let status = self.sandbox.idse(&["status", "--json"]).success();
        outcome += &settled(&status.stdout);
        for row in agency(&self.sandbox) {
            outcome += &format!("{row:#?}\n");
        }
        outcome
    }
}

fn prepare(verb: Verb, alice: &Sandbox) {
    if verb == Verb::Init {
        return;
    }
    drop(alice.idse(&["init", "portal", "--session", "s1"]).success());
    for stage in [Stage::Spec, Stage::Plan, Stage::Tasks] {
        alice.write_stage(stage, &format!("# {stage}\n\none\n\ntwo\n\nthree\n"));
    }
    drop(alice.idse(&["sync", "push"]).success());
    let bob = alice.beside("bob");
    drop(bob.idse(&["sync", "clone", "portal"]).success());
    bob.write_stage(Stage::Tasks, "# tasks\n\none\n\ntwo\n\nBOB\n");
    if verb == Verb::Push {
        alice.write_stage(Stage::Spec, "# spec\n\nALICE\n\ntwo\n\nthree\n");
        alice.write_stage(Stage::Plan, "ALICE\n");
    } else {
        bob.write_stage(Stage::Spec, "# spec\n\none\n\ntwo\n\nBOB\n");
        bob.write_stage(Stage::Plan, "BOB\n");
        alice.write_stage(Stage::Spec, "# spec\n\nALICE\n\ntwo\n\nthree\n");
        alice.write_stage(Stage::Plan, "ALICE\n");
    }
    drop(bob.idse(&["sync", "push"]).success());
    if matches!(verb, Verb::Resolve | Verb::Undo) {
        drop(alice.idse(&["sync", "pull"]).exits(3));
    }
    // The old texts are looked through again, which is part of the verb once a day.
    std::fs::remove_file(alice.root().join(".idse/sync/tidied")).unwrap_or_default();
}

fn arguments(verb: Verb, alice: &Sandbox) -> Vec<String> {
    let words = match verb {
        Verb::Init => "--json init portal --session s1".to_owned(),
        Verb::Push => "--json sync push".to_owned(),
        Verb::Pull => "--json sync pull".to_owned(),
        Verb::Resolve => "--json sync resolve plan --remote".to_owned(),
        Verb::Undo => {
            // Named, so that a second run does not undo the operation before.
            let log = alice.read(".idse/sync/log.jsonl");
            let last: Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
            format!("--json sync undo {}", last["op"].as_str().unwrap())
        }
    };
    words.split(' ').map(str::to_owned).collect()
}

fn places(sandbox: &Sandbox) -> [(&'static str, PathBuf); 2] {
    [("root", sandbox.root().to_owned()), ("home", sandbox.home())]
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    std::fs::set_permissions(to, from.metadata().unwrap().permissions()).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The files below a folder, sorted.
pub(super) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else { return found };
    for entry in entries {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            found.extend(files_below(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found.sort();
    found
}

fn artifacts(sandbox: &Sandbox) -> Files {
    let read = |stage| std::fs::read(sandbox.root().join(sandbox.artifact(stage))).ok();
    Stage::ALL.into_iter().map(|stage| (stage, read(stage))).collect()
}

/// Every text that lies anywhere in the workspace or in the agency.
pub(super) fn texts(sandbox: &Sandbox) -> BTreeSet<String> {
    let is_text = |path: &PathBuf| path.extension().is_none_or(|e| e == "md");
    let files = files_below(sandbox.root()).into_iter().filter(is_text);
    let mut texts: BTreeSet<_> = files.filter_map(|path| std::fs::read_to_string(path).ok()).collect();
    texts.extend(agency(sandbox).into_iter().flatten().flatten());
    // What is empty says nothing, and the engine's own small files are nobody's text.
    texts.retain(|text| text.starts_with('#') || text.ends_with('\n') && text.lines().count() == 1);
    texts.retain(|text| !text.starts_with("Created: ") && text != "*\n");
    texts
}

/// The texts of every row of the embedded agency.
pub(super) fn agency(sandbox: &Sandbox) -> Vec<Vec<Option<String>>> {
    let path = sandbox.agency();
    if !path.metadata().is_ok_and(|metadata| metadata.len() > 0) {
        return Vec::new();
    }
    let agency = rusqlite::Connection::open(path).unwrap();
    let columns: Vec<_> = Stage::ALL.iter().map(|stage| stage.column()).collect();
    let sql = format!("SELECT {} FROM sessions ORDER BY session_id", columns.join(", "));
    let Ok(mut statement) = agency.prepare(&sql) else { return Vec::new() };
    let rows = statement.query_map([], |row| (0..columns.len()).map(|at| row.get(at)).collect());
    rows.unwrap().map(Result::unwrap).collect()
}

/// A document without what is another one in every run.
fn settled(json: &str) -> String {
    let mut value: Value = serde_json::from_str(json).unwrap();
    for volatile in ["last_sync", "last_synced", "last_synced_at", "created_at", "updated_at", "remote"] {
        if let Some(object) = value.as_object_mut() {
            object.remove(volatile);
        }
    }
    if let Some(id) = value.get_mut("project_id").filter(|id| id.is_string()) {
        *id = "[id]".into();
    }
    format!("{value:#}\n")
}

/// Checks the engine's own files of a workspace: each can be read, and every object that one names is there, whole.
pub(super) fn check_record(root: &Path, when: &str) {
    let engine = root.join(".idse/sync");
    let mut named = BTreeSet::new();
    for path in files_below(&engine) {
        let shown = path.display();
        let name = path.strip_prefix(&engine).unwrap().to_string_lossy().into_owned();
        let bytes = std::fs::read(&path).unwrap();
        if name.ends_with(".tmp") {
            continue;
        } else if let Some(hex) = name.strip_prefix("objects/") {
            let id = ObjectId::of(&bytes).to_string();
            assert_eq!(id, format!("bytes:{}", hex.replace('/', "")), "{when}: {shown} is damaged");
        } else if name.ends_with(".json") {
            let value: Value = serde_json::from_slice(&bytes)
                .unwrap_or_else(|error| panic!("{when}: {shown} is torn: {error}"));
            // What nothing names any more may be gone.
            if name != "unnamed.json" {
                objects_in(&value, &mut named);
            }
        } else if name == "log.jsonl" {
            let text = String::from_utf8(bytes).unwrap();
            // A last line without its end is one that was being written.
            for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
                let value: Value =
                    serde_json::from_str(line).unwrap_or_else(|error| panic!("{when}: log: {error}: {line}"));
                objects_in(&value, &mut named);
            }
        }
    }
    for object in named {
        let (folder, file) = object.trim_start_matches("bytes:").split_at(2);
        assert!(
            engine.join("objects").join(folder).join(file).is_file(),
            "{when}: {object} is named and not kept"
        );
    }
}

fn objects_in(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) if text.starts_with("bytes:") => {
            found.insert(text.clone());
        }
        Value::Array(items) => items.iter().for_each(|item| objects_in(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| objects_in(field, found)),
        _ => {}
    }
}
