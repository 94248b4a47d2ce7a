#![expect(clippy::disallowed_methods, reason = "a test is the other program that touches the disk")]

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::artifact::BlockedReason;

const P: &str = ".idse/projects/demo";

struct Fixture {
    root: tempfile::TempDir,
    context: Context,
}

impl Fixture {
    fn empty() -> Self {
        Self { root: tempfile::tempdir().unwrap(), context: Context::default() }
    }

    /// A workspace with the project `demo` and its session `one`.
    fn new() -> Self {
        let fixture = Self::empty();
        fixture.init("demo", Some("one")).unwrap();
        fixture
    }

    fn init(&self, project: &str, session: Option<&str>) -> Result<InitReport> {
        let session = session.map(|session| session.parse().unwrap());
        let request = InitRequest { project: project.parse()?, session, stack: Some("rust".into()) };
        Workspace::init(self.root.path(), &request, &self.context).map(|(_, report)| report)
    }

    fn open(&self) -> Workspace {
        Workspace::open(self.root.path()).unwrap()
    }

    fn path(&self, rel: &str) -> PathBuf {
        self.root.path().join(rel)
    }

    fn put(&self, rel: &str, text: impl AsRef<[u8]>) {
        fs::create_dir_all(self.path(rel).parent().unwrap()).unwrap();
        fs::write(self.path(rel), text).unwrap();
    }

    fn text(&self, rel: &str) -> String {
        fs::read_to_string(self.path(rel)).unwrap()
    }

    fn json(&self, rel: &str) -> Value {
        serde_json::from_str(&self.text(rel)).unwrap()
    }

    fn load(&self, session: &str) -> Session {
        self.open().load(&key(session), &self.context).unwrap()
    }

    fn set(&self, session: &str, stage: Stage, status: StageStatus) -> Result<StageChange> {
        self.open().set_stage(&key(session), stage, status, None, &self.context)
    }

    /// Every file below the root and what it holds.
    fn snapshot(&self) -> Vec<(String, Vec<u8>)> {
        let dir = Dir::open(self.root.path()).unwrap();
        let files = dir.walk(".", 20).into_iter();
        files.map(|file| (file.clone(), fs::read(self.path(&file)).unwrap())).collect()
    }
}

fn key(session: &str) -> SessionKey {
    SessionKey { project: "demo".parse().unwrap(), session: session.parse().unwrap() }
}

fn assert_valid(schema: &str, value: &Value) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("schemas/{schema}.schema.json"));
    let schema: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let errors: Vec<_> = validator.iter_errors(value).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?} in {value}");
}

#[test]
fn init_makes_what_the_existing_tools_expect() {
    let fixture = Fixture::empty();
    let report = fixture.init("demo", None).unwrap();
    let session = report.session.as_str();
    assert!(session.strip_prefix("session-").unwrap().parse::<u64>().is_ok(), "{session}");
    let s = format!("{P}/sessions/{session}");
    for stage in Stage::ALL {
        assert!(!fixture.text(&format!("{s}/{}", stage.path())).is_empty());
    }
    assert_eq!(fixture.text(&format!("{P}/CURRENT_SESSION")), session);
    assert!(fixture.text(&format!("{s}/metadata/.owner")).starts_with("Created: 20"));
    let metadata = fixture.json(&format!("{s}/metadata/session.json"));
    assert_eq!(metadata.as_object().unwrap().len(), 13);
    assert_eq!((&metadata["owner"], &metadata["status"]), (&json!("system"), &json!("draft")));
    assert_valid("session", &metadata);
    let state = fixture.json(&format!("{s}/metadata/session_state.json"));
    assert_eq!(state, fixture.json(&format!("{P}/session_state.json")));
    assert_valid("session_state", &state);
    let project = fixture.json(&format!("{P}/metadata/project.json"));
    assert_eq!((&project["stack"], &project["project_uuid"]), (&json!("rust"), &Value::Null));
    assert_valid("project", &project);
    assert_eq!(fixture.text(".idse/sync/.gitignore"), "*\n");
    assert_eq!(report.kept, [""; 0]);
    assert_eq!(report.created.last().unwrap(), &format!("{P}/CURRENT_SESSION"));
    for path in &report.created {
        assert!(fixture.path(path).is_file(), "{path}");
    }
    // `2026-11-22T09:22:59.030727`: what the existing tools sort and parse.
    let time = metadata["created_at"].as_str().unwrap();
    assert!(time.len() == 26 && !time.ends_with('Z'), "{time}");
}

#[test]
fn a_blueprint_is_made_on_request_and_is_the_parent_of_what_follows() {
    let fixture = Fixture::empty();
    fixture.init("demo", Some("__blueprint__")).unwrap();
    let metadata = fixture.json(&format!("{P}/sessions/__blueprint__/metadata/session.json"));
    assert_eq!((&metadata["name"], &metadata["session_type"]), (&json!("demo"), &json!("blueprint")));
    fixture.open().create_session(&key("feature"), None, &fixture.context).unwrap();
    let metadata = fixture.json(&format!("{P}/sessions/feature/metadata/session.json"));
    assert_eq!(metadata["parent_session"], json!("__blueprint__"));
    let error = fixture
        .open()
        .create_session(&key("x"), Some(&"featur".parse().unwrap()), &fixture.context)
        .unwrap_err();
    assert_eq!(error.hint(), Some("Did you mean `feature`?"));
}

#[test]
fn a_complete_project_is_refused_and_left_as_it_is() {
    let fixture = Fixture::new();
    fixture.put(&format!("{P}/sessions/one/specs/spec.md"), "mine");
    let before = fixture.snapshot();
    let error = fixture.init("demo", Some("two")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Exists);
    assert!(error.hint().unwrap().contains("idse session create"));
    assert_eq!(fixture.snapshot(), before);
    assert_eq!(fixture.init("Demo", None).unwrap_err().reason(), "case");
    assert_eq!(fixture.init("../x", None).unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(fixture.snapshot(), before);
    fixture.init("other", None).unwrap();
}

#[test]
fn a_half_made_project_is_completed_wherever_it_stopped() {
    let whole = Fixture::new();
    let report_paths: Vec<_> = whole.snapshot().into_iter().map(|(path, _)| path).collect();
    let order = {
        let fixture = Fixture::empty();
        fixture.init("demo", Some("one")).unwrap().created
    };
    // A crash after each file in the order in which they are made.
    for made in 0..order.len() {
        let fixture = Fixture::empty();
        for path in &order[..made] {
            fixture.put(path, fs::read(whole.path(path)).unwrap());
        }
        let mine = format!("{P}/sessions/one/intents/intent.md");
        if made > 0 {
            fixture.put(&mine, "mine");
        }
        // The session that was begun is the one that is completed, whether it is named or not.
        let session = if made == 0 { Some("one") } else { None };
        let report = fixture.init("demo", session).unwrap();
        assert_eq!(report.session.as_str(), "one", "after {made}");
        let paths: Vec<_> = fixture.snapshot().into_iter().map(|(path, _)| path).collect();
        assert_eq!(paths, report_paths, "after {made}");
        assert!(made == 0 || fixture.text(&mine) == "mine", "after {made}");
        assert_eq!(fixture.init("demo", None).unwrap_err().kind(), ErrorKind::Exists);
    }
}

#[test]
fn a_workspace_is_found_upwards_and_only_with_projects() {
    let fixture = Fixture::new();
    fixture.put(&format!("{P}/.idse/config.json"), "{}");
    let deep = fixture.path(&format!("{P}/sessions/one/specs"));
    assert_eq!(Workspace::discover(&deep).unwrap().root(), fs::canonicalize(fixture.root.path()).unwrap());
    let error = Workspace::discover(Fixture::empty().root.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.hint().unwrap().contains("idse init NAME"));
}

#[test]
fn the_project_is_the_selected_the_surrounding_the_current_or_the_only_one() {
    let fixture = Fixture::new();
    let workspace = fixture.open();
    let project = |selected, start: &str| workspace.project(selected, &fixture.path(start));
    assert_eq!(project(None, "").unwrap().as_str(), "demo");
    fixture.init("other", None).unwrap();
    let error = project(None, "").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert!(error.hint().unwrap().contains("demo, other"));
    assert_eq!(project(None, ".idse/projects/other/sessions").unwrap().as_str(), "other");
    fixture.put(".idse/projects/CURRENT_PROJECT", "other\r\n");
    assert_eq!(project(None, "").unwrap().as_str(), "other");
    assert_eq!(project(Some("demo"), ".idse/projects/other").unwrap().as_str(), "demo");
    let error = project(Some("demmo"), "").unwrap_err();
    assert_eq!((error.kind(), error.hint()), (ErrorKind::NotFound, Some("Did you mean `demo`?")));
    assert_eq!(project(Some("../demo"), "").unwrap_err().kind(), ErrorKind::InvalidArgument);
    fixture.put(".idse/projects/CURRENT_PROJECT", "gone");
    assert!(project(None, "").unwrap_err().message().contains("CURRENT_PROJECT"));
}

#[test]
fn both_forms_of_the_pointer_are_read() {
    let fixture = Fixture::new();
    fixture.open().create_session(&key("two"), None, &fixture.context).unwrap();
    let pointer = format!("{P}/CURRENT_SESSION");
    for text in [
        "one",
        " one \r\n",
        "\u{feff}one\n",
        "session_id: one\ncanonical_root: x\nupdated: y\n# note\n",
        "# c\n session_id:one\r\n",
    ] {
        fixture.put(&pointer, text);
        assert_eq!(fixture.open().session(&key("one").project, None).unwrap(), key("one"), "{text:?}");
        assert_eq!(fixture.load("one").problems, []);
    }
    for text in ["", " \n", "../../x", "a b", "session_id:\n", "\0"] {
        fixture.put(&pointer, text);
        let error = fixture.open().session(&key("one").project, None).unwrap_err();
        assert!(error.hint().unwrap().contains("one, two"), "{text:?}: {error}");
        let problems = fixture.load("one").problems;
        assert_eq!(
            problems.iter().map(|problem| problem.file).collect::<Vec<_>>(),
            [FileRole::Pointer],
            "{text:?}"
        );
    }
    fixture.put(&pointer, "onne");
    let error = fixture.open().session(&key("one").project, None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.hint().unwrap().contains("Did you mean `one`?"), "{error:?}");
    fs::remove_file(fixture.path(&pointer)).unwrap();
    fs::remove_dir_all(fixture.path(&format!("{P}/sessions/two"))).unwrap();
    assert_eq!(fixture.open().session(&key("one").project, None).unwrap(), key("one"));
    assert_eq!(
        fixture.open().session(&key("x").project, Some("oen")).unwrap_err().kind(),
        ErrorKind::NotFound
    );
}

#[test]
fn the_state_follows_the_session() {
    let fixture = Fixture::new();
    fixture.set("one", Stage::Intent, StageStatus::Complete).unwrap();
    assert_eq!(fixture.json(&format!("{P}/session_state.json"))["stages"]["intent"], "completed");
    fixture.open().create_session(&key("two"), None, &fixture.context).unwrap();
    assert_eq!(fixture.load("two").state.status(Stage::Intent), StageStatus::Pending);
    assert_eq!(fixture.json(&format!("{P}/session_state.json"))["session_id"], "two");
    assert_eq!(fixture.load("one").state.status(Stage::Intent), StageStatus::Complete);
    // Of a session that is not the current one, only the own file is written.
    fixture.set("one", Stage::Context, StageStatus::InProgress).unwrap();
    assert_eq!(fixture.json(&format!("{P}/session_state.json"))["stages"]["context"], "pending");
    fixture.open().switch_session(&key("one"), &fixture.context).unwrap();
    assert_eq!(fixture.json(&format!("{P}/session_state.json"))["stages"]["context"], "in_progress");
    assert_eq!(fixture.text(&format!("{P}/CURRENT_SESSION")), "one");
}

#[test]
fn what_existing_tools_change_in_the_mirror_is_taken_in() {
    let fixture = Fixture::new();
    let mirror = format!("{P}/session_state.json");
    let mut changed = fixture.json(&mirror);
    changed["stages"]["spec"] = json!("completed");
    changed["novel"] = serde_json::from_str(r#"{"kept": 1.50}"#).unwrap();
    changed.as_object_mut().unwrap().remove("created_at");
    fixture.put(&mirror, changed.to_string());
    let state = fixture.load("one").state;
    assert_eq!(state.status(Stage::Spec), StageStatus::Complete);
    assert!(state.text("created_at").is_some(), "what only the own file knows stays");
    // Into the own file before the pointer moves.
    fixture.open().create_session(&key("two"), None, &fixture.context).unwrap();
    let own = fixture.json(&format!("{P}/sessions/one/metadata/session_state.json"));
    assert_eq!(
        (&own["stages"]["spec"], &own["novel"]["kept"].to_string()),
        (&json!("completed"), &"1.50".into())
    );
    // A mirror that names another session says nothing about this one.
    assert_eq!(fixture.load("two").state.status(Stage::Spec), StageStatus::Pending);
}

#[test]
fn a_pointer_that_another_tool_moved_loses_no_state() {
    let fixture = Fixture::new();
    fixture.open().create_session(&key("two"), None, &fixture.context).unwrap();
    // The other tool marks a stage of `two` and switches to `one`, but leaves the mirror alone.
    let mirror = format!("{P}/session_state.json");
    let mut changed = fixture.json(&mirror);
    changed["stages"]["plan"] = json!("in_progress");
    fixture.put(&mirror, changed.to_string());
    fixture.put(&format!("{P}/CURRENT_SESSION"), "one");
    assert_eq!(fixture.load("two").state.status(Stage::Plan), StageStatus::InProgress);
    fixture.set("one", Stage::Intent, StageStatus::Complete).unwrap();
    assert_eq!(fixture.json(&mirror)["session_id"], "one");
    assert_eq!(fixture.load("two").state.status(Stage::Plan), StageStatus::InProgress);
    assert_eq!(fixture.load("one").state.status(Stage::Plan), StageStatus::Pending);
}

#[test]
fn a_crash_between_the_mirror_and_the_own_file_is_taken_in() {
    let fixture = Fixture::new();
    let own = format!("{P}/sessions/one/metadata/session_state.json");
    let before = fixture.text(&own);
    fixture.set("one", Stage::Intent, StageStatus::Complete).unwrap();
    fixture.put(&own, before);
    assert_eq!(fixture.load("one").state.status(Stage::Intent), StageStatus::Complete);
    fixture.set("one", Stage::Context, StageStatus::InProgress).unwrap();
    assert_eq!(fixture.json(&own)["stages"]["intent"], "completed");
}

#[test]
fn a_session_without_state_is_pending_and_null_is_no_state() {
    let fixture = Fixture::new();
    fs::remove_file(fixture.path(&format!("{P}/sessions/one/metadata/session_state.json"))).unwrap();
    fixture.put(&format!("{P}/session_state.json"), "null");
    let session = fixture.load("one");
    assert_eq!((session.state.status(Stage::Spec), session.problems), (StageStatus::Pending, Vec::new()));
    let change = fixture.set("one", Stage::Spec, StageStatus::InProgress).unwrap();
    assert_eq!((change.before, change.after), (StageStatus::Pending, StageStatus::InProgress));
    assert_valid("session_state", &fixture.json(&format!("{P}/session_state.json")));
}

#[test]
fn a_broken_file_is_a_problem_and_is_never_overwritten() {
    for (path, broken) in [
        (format!("{P}/session_state.json"), "{\n  \"stages\": {"),
        (format!("{P}/sessions/one/metadata/session_state.json"), "[1]"),
        (format!("{P}/sessions/one/metadata/session_state.json"), "\u{1}"),
    ] {
        let fixture = Fixture::new();
        fixture.put(&path, broken);
        let problems = fixture.load("one").problems;
        assert_eq!((problems[0].file, problems[0].path.as_str()), (FileRole::State, path.as_str()));
        assert!(problems[0].position.is_some() && problems[0].message.contains(&path));
        let error = fixture.set("one", Stage::Spec, StageStatus::Complete).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidWorkspace);
        fixture.open().create_session(&key("two"), None, &fixture.context).unwrap_err();
        assert_eq!(fixture.text(&path), broken);
        assert_eq!(fixture.text(&format!("{P}/CURRENT_SESSION")), "one");
    }
    let fixture = Fixture::new();
    fixture.put(&format!("{P}/sessions/one/metadata/session.json"), "{");
    let session = fixture.load("one");
    assert!(session.metadata.is_none());
    assert_eq!(session.problems[0].file, FileRole::Metadata);
    assert_eq!(fixture.open().sessions(&key("one").project).unwrap().found.len(), 1);
}

#[test]
fn the_agent_is_noted() {
    let fixture = Fixture::new();
    let set = |agent| {
        fixture.open().set_stage(&key("one"), Stage::Spec, StageStatus::Complete, agent, &fixture.context)
    };
    assert_eq!(set(Some("Claude Code")).unwrap().last_agent.as_deref(), Some("Claude Code"));
    assert_eq!(set(None).unwrap().last_agent.as_deref(), Some("Claude Code"));
    assert_eq!(set(Some(" ")).unwrap_err().kind(), ErrorKind::InvalidArgument);
}

#[test]
fn sessions_are_listed_newest_first_and_strange_names_are_told() {
    let fixture = Fixture::new();
    let session = |name: &str, time: &str| {
        fixture.put(
            &format!("{P}/sessions/{name}/metadata/session.json"),
            json!({"created_at": time, "session_type": "exploratory", "status": "review", "owner": "ann"})
                .to_string(),
        );
    };
    session("old", "2001-01-01T00:00:00");
    session("new", "2999-01-01T00:00:00");
    fixture.put(
        &format!("{P}/sessions/legacy/metadata/.owner"),
        "Created: 2000-01-01T00:00:00\nClient ID: bob\n",
    );
    fixture.put(&format!("{P}/sessions/LEGACY/x"), "");
    fixture.put(&format!("{P}/sessions/bad name/x"), "");
    fixture.put(&format!("{P}/sessions/file"), "");
    fixture.put(&format!("{P}/sessions/.DS_Store"), "");
    #[cfg(unix)]
    std::os::unix::fs::symlink("/etc", fixture.path(&format!("{P}/sessions/link"))).unwrap();
    let listing = fixture.open().sessions(&key("one").project).unwrap();
    let names: Vec<_> = listing.found.iter().map(|summary| summary.session.as_str()).collect();
    assert_eq!(names, ["new", "one", "old", "legacy", "LEGACY"]);
    let legacy = &listing.found[3];
    assert!(legacy.legacy && !legacy.current && listing.found[1].current);
    assert_eq!((legacy.status.as_str(), legacy.owner.as_deref()), ("draft", Some("bob")));
    assert_eq!(legacy.parent.as_ref().unwrap().as_str(), "__blueprint__");
    assert_eq!(listing.found[0].status, "review");
    let skipped = listing.skipped.join("\n");
    for part in ["bad name", "sessions/file", "differ only by case"] {
        assert!(skipped.contains(part), "{part}: {skipped}");
    }
    assert!(cfg!(not(unix)) || skipped.contains("link is skipped: it is a symbolic link"));
    assert!(!skipped.contains(".DS_Store"));
    #[cfg(unix)]
    assert_eq!(fixture.open().load(&key("link"), &fixture.context).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn artifacts_that_cannot_be_read_block_only_themselves() {
    let fixture = Fixture::new();
    let s = format!("{P}/sessions/one");
    fixture.put(&format!("{s}/specs/spec.md"), b"caf\xe9");
    fixture.put(&format!("{s}/plans/plan.md"), "a\0b");
    fixture.put(&format!("{s}/tasks/tasks.md"), vec![b'x'; (4 << 20) + 1]);
    fixture.put(&format!("{s}/contexts/context.md"), "\u{feff}a\r\nb");
    fs::remove_file(fixture.path(&format!("{s}/feedback/feedback.md"))).unwrap();
    fs::create_dir(fixture.path(&format!("{s}/feedback/feedback.md"))).unwrap();
    fs::remove_dir_all(fixture.path(&format!("{s}/implementation"))).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("/etc", fixture.path(&format!("{s}/implementation"))).unwrap();
    let session = fixture.load("one");
    let reason = |stage| match &session.artifact(stage).content {
        Content::Blocked(blocked) => Some(blocked.reason),
        _ => None,
    };
    assert_eq!(reason(Stage::Spec), Some(BlockedReason::NotUtf8));
    assert_eq!(reason(Stage::Plan), Some(BlockedReason::Nul));
    assert_eq!(reason(Stage::Tasks), Some(BlockedReason::TooLarge));
    assert_eq!(reason(Stage::Feedback), Some(BlockedReason::NotAFile));
    #[cfg(unix)]
    assert_eq!(reason(Stage::Implementation), Some(BlockedReason::Symlink));
    assert_eq!(session.artifact(Stage::Context).text(), Some("\u{feff}a\r\nb"));
    assert!(session.artifact(Stage::Intent).text().is_some());
}

#[test]
fn other_markdown_and_open_conflicts_are_found() {
    let fixture = Fixture::new();
    let s = format!("{P}/sessions/one");
    for file in ["plans/test-plan.md", "implementation/a/b.MD", "implementation/x.txt", "metadata/meta.md"] {
        fixture.put(&format!("{s}/{file}"), "x");
    }
    fixture.put(".idse/sync/0123456789abcdef/conflicts/demo/one/spec/conflict.json", "{}");
    fixture.put(".idse/sync/fedcba9876543210/conflicts/demo/one/intent/conflict.json", "{}");
    fixture.put(".idse/sync/fedcba9876543210/conflicts/demo/one/plan/local.md", "");
    fixture.put(".idse/sync/fedcba9876543210/conflicts/demo/two/tasks/conflict.json", "{}");
    let session = fixture.load("one");
    assert_eq!(session.unknown, ["plans/test-plan.md", "implementation/a/b.MD"]);
    assert_eq!(session.open_conflicts, [Stage::Intent, Stage::Spec]);
}

#[test]
fn a_write_keeps_what_it_displaces_and_refuses_what_it_did_not_expect() {
    let fixture = Fixture::new();
    let workspace = fixture.open();
    let write =
        |text: &str, expected| workspace.write(&key("one"), Stage::Spec, text, expected, &fixture.context);
    let path = format!("{P}/sessions/one/specs/spec.md");
    let template = fixture.text(&path);
    let first = write("first", None).unwrap();
    assert_eq!(first, ObjectId::of(b"first"));
    assert_eq!(fixture.text(&objects::path(ObjectId::of(template.as_bytes()))), template);
    assert_eq!(write("second", Some(None)).unwrap_err().reason(), "changed");
    assert_eq!(write("second", Some(Some(ObjectId::of(b"x")))).unwrap_err().kind(), ErrorKind::Exists);
    assert_eq!(fixture.text(&path), "first");
    write("second", Some(Some(first))).unwrap();
    assert_eq!(write("second", Some(Some(first))).unwrap_err().reason(), "changed");
    assert_eq!(fixture.text(&objects::path(first)), "first");
    fs::remove_dir_all(fixture.path(&format!("{P}/sessions/one/specs"))).unwrap();
    write("third", Some(None)).unwrap();
    assert_eq!(fixture.text(&path), "third");
    assert_eq!(write("a\0", None).unwrap_err().reason(), "nul");
    assert_eq!(write(&"x".repeat((4 << 20) + 1), None).unwrap_err().reason(), "too_large");
    assert_eq!(fixture.text(&path), "third");
}

#[test]
fn a_write_keeps_what_a_killed_one_left() {
    let fixture = Fixture::new();
    let left = format!("{P}/sessions/one/plans/.idse-99-1.tmp");
    fixture.put(&left, "displaced by a killed write");
    fixture.open().write(&key("one"), Stage::Spec, "x", None, &fixture.context).unwrap();
    assert!(!fixture.path(&left).exists());
    let kept = objects::path(ObjectId::of(b"displaced by a killed write"));
    assert_eq!(fixture.text(&kept), "displaced by a killed write");
}

#[cfg(unix)]
#[test]
fn hostile_files_are_not_written_through() {
    use std::os::unix::fs::symlink;
    let fixture = Fixture::new();
    let victim = tempfile::tempdir().unwrap();
    fs::write(victim.path().join("spec.md"), "victim").unwrap();
    let s = fixture.path(&format!("{P}/sessions/one"));
    fs::remove_file(s.join("specs/spec.md")).unwrap();
    symlink(victim.path().join("spec.md"), s.join("specs/spec.md")).unwrap();
    let write = |stage| fixture.open().write(&key("one"), stage, "x", None, &fixture.context);
    assert_eq!(write(Stage::Spec).unwrap_err().reason(), "blocked");
    fs::remove_dir_all(s.join("plans")).unwrap();
    symlink(victim.path(), s.join("plans")).unwrap();
    assert_eq!(write(Stage::Plan).unwrap_err().reason(), "blocked");
    assert_eq!(fs::read_dir(victim.path()).unwrap().count(), 1);
    assert_eq!(fs::read_to_string(victim.path().join("spec.md")).unwrap(), "victim");

    let outside = Fixture::empty();
    fs::create_dir(victim.path().join("projects")).unwrap();
    symlink(victim.path(), outside.path(".idse")).unwrap();
    assert_eq!(Workspace::open(outside.root.path()).unwrap_err().kind(), ErrorKind::InvalidWorkspace);
    assert_eq!(outside.init("demo", None).unwrap_err().kind(), ErrorKind::InvalidWorkspace);
    assert_eq!(fs::read_dir(victim.path().join("projects")).unwrap().count(), 0);
}

#[test]
fn the_lock_keeps_writers_out_and_readers_in() {
    let mut fixture = Fixture::new();
    fixture.context.deadline = Some(Duration::from_millis(50));
    let workspace = fixture.open();
    let lock = workspace.lock(&fixture.context).unwrap();
    assert_eq!(fixture.set("one", Stage::Spec, StageStatus::Complete).unwrap_err().kind(), ErrorKind::Locked);
    fixture.load("one");
    drop(lock);
    fixture.set("one", Stage::Spec, StageStatus::Complete).unwrap();
}

#[test]
fn many_writers_of_one_state_lose_nothing() {
    let fixture = Fixture::new();
    std::thread::scope(|scope| {
        for stage in Stage::ALL {
            let fixture = &fixture;
            scope.spawn(move || fixture.set("one", stage, StageStatus::Complete).unwrap());
        }
    });
    let state = fixture.load("one").state;
    assert!(Stage::ALL.iter().all(|stage| state.status(*stage) == StageStatus::Complete));
}

#[test]
fn the_project_id_is_found_and_saved() {
    let fixture = Fixture::new();
    let workspace = fixture.open();
    let project = key("one").project;
    let id: ProjectId = "6ba7b810-9dad-11d1-80b4-00c04fd430c8".parse().unwrap();
    assert_eq!(workspace.project_file(&project).unwrap().project_id, None);
    fixture.put(&format!("{P}/.idse/config.json"), format!(r#"{{"project_id": "{id}"}}"#));
    assert_eq!(workspace.project_file(&project).unwrap().project_id, Some(id));
    fixture.put(&format!("{P}/metadata/project.json"), r#"{"zeta": 1, "project_uuid": null, "stack": "go"}"#);
    workspace.save_project_id(&project, id, Some("2026"), &fixture.context).unwrap();
    let saved = fixture.json(&format!("{P}/metadata/project.json"));
    assert_eq!(
        saved,
        json!({"zeta": 1, "project_uuid": id.to_string(), "stack": "go", "last_synced": "2026"})
    );
    assert_eq!(workspace.project_file(&project).unwrap().stack.as_deref(), Some("go"));
    fixture.put(&format!("{P}/metadata/project.json"), r#"{"project_uuid": "abc"}"#);
    assert_eq!(workspace.project_file(&project).unwrap_err().kind(), ErrorKind::InvalidWorkspace);
    fixture.put(&format!("{P}/metadata/project.json"), "{");
    workspace.save_project_id(&project, id, None, &fixture.context).unwrap_err();
    assert_eq!(fixture.text(&format!("{P}/metadata/project.json")), "{");
}

#[test]
fn a_session_for_a_clone_has_no_artifacts_and_no_pointer() {
    let fixture = Fixture::empty();
    let workspace = Workspace::create(fixture.root.path()).unwrap();
    workspace.make_session(&key("one"), &fixture.context).unwrap();
    assert!(workspace.pointer_is_missing(&key("one").project).unwrap());
    let session = fixture.load("one");
    assert!(session.artifacts.iter().all(|artifact| artifact.content == Content::Absent));
    workspace.switch_session(&key("one"), &fixture.context).unwrap();
    assert_eq!(fixture.load("one").problems, []);
}

#[test]
fn a_cancelled_verb_says_so() {
    let fixture = Fixture::new();
    fixture.context.cancel.cancel();
    assert_eq!(fixture.open().load(&key("one"), &fixture.context).unwrap_err().kind(), ErrorKind::Cancelled);
    assert_eq!(fixture.init("other", None).unwrap_err().kind(), ErrorKind::Cancelled);
    assert!(!fixture.path(".idse/projects/other").exists());
}

#[test]
fn every_key_of_the_configuration_is_in_its_schema() {
    assert_valid(
        "config",
        &json!({
            "mode": "offline", "mcp_endpoint": "sqlite:a.db", "supabase_project": "abc", "client_id": "x",
            "project_id": "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "agent": null,
            "validate": {"select": ["IDSE1"], "ignore": [], "severity": {"IDSE101": "off"},
                "sections": {"spec": ["Risks", ["Scope", "In scope"]]}, "gate": "strict"},
            "sync": {"marker": true}, "limits": {"artifact_bytes": 1},
        }),
    );
}
