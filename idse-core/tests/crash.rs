//! Crashes: every verb that writes is stopped before each of its effects, and whoever comes next finishes it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use idse_core::remote::{Fault, Fetched, MemoryRemote, ProjectFilter, Remote, RemoteText, Sessions, Target};
use idse_core::sync::{self, PullOptions, PushOptions, Resolution, ResolveOptions, UndoOptions};
use idse_core::{Context, InitRequest, Result, SessionKey, Stage, Workspace};
use tempfile::TempDir;

/// Two people and an agency; Alice's verbs are the ones that crash.
struct World {
    dir: TempDir,
    remote: MemoryRemote,
    key: SessionKey,
}

impl World {
    fn new() -> Self {
        let key = SessionKey { project: "portal".parse().unwrap(), session: "s1".parse().unwrap() };
        let world = Self { dir: TempDir::new().unwrap(), remote: MemoryRemote::new(Sessions::Many), key };
        let request = InitRequest {
            project: world.key.project.clone(),
            session: Some(world.key.session.clone()),
            stack: None,
        };
        Workspace::init(&world.root("alice"), &request, &Context::default()).unwrap();
        for stage in Stage::ALL {
            world.write("alice", stage, &format!("{stage} one\ntwo\nthree\n"));
        }
        world.push("alice").unwrap();
        sync::clone(&world.root("bob"), &world.remote, "portal", None, &Context::default()).unwrap();
        world
    }

    fn root(&self, who: &str) -> PathBuf {
        let root = self.dir.path().join(who);
        std::fs::create_dir_all(&root).unwrap();
        root
    }

    fn workspace(&self, who: &str) -> Workspace {
        Workspace::open(&self.root(who)).unwrap()
    }

    fn session(&self, who: &str) -> PathBuf {
        self.root(who).join(".idse/projects/portal/sessions/s1")
    }

    fn write(&self, who: &str, stage: Stage, text: &str) {
        std::fs::write(self.session(who).join(stage.path()), text).unwrap();
    }

    fn read(&self, who: &str, stage: Stage) -> Option<String> {
        std::fs::read_to_string(self.session(who).join(stage.path())).ok()
    }

    fn push(&self, who: &str) -> Result<sync::SyncReport> {
        let options = PushOptions::default();
        sync::push(&self.workspace(who), &self.key, &self.remote, &options, &Context::default())
    }

    fn pull(&self, who: &str) -> Result<sync::SyncReport> {
        let options = PullOptions::default();
        sync::pull(&self.workspace(who), &self.key, &self.remote, &options, &Context::default())
    }

    fn agency(&self) -> BTreeMap<Stage, RemoteText> {
        let context = Context::default();
        let project = self.remote.projects(&ProjectFilter::All, &context).unwrap().remove(0).project_id;
        let target = Target { project_id: project, session: self.key.session.clone() };
        match self.remote.fetch(&target, None, &context).unwrap() {
            Fetched::Session(row) => row.texts,
            other => panic!("{other:?}"),
        }
    }

    /// What counts in the end: the files, the agency, the open conflicts and what the next push would do.
    fn outcome(&self) -> String {
        let files: Vec<_> = Stage::ALL.iter().map(|stage| self.read("alice", *stage)).collect();
        let status =
            sync::status(&self.workspace("alice"), &self.key, &self.remote.info(), &Context::default());
        let mut status = serde_json::to_value(status.unwrap()).unwrap();
        for volatile in ["last_synced", "last_sync"] {
            status.as_object_mut().unwrap().remove(volatile);
        }
        format!("{files:#?}\n{:#?}\n{status:#}", self.agency())
    }

    /// Every text that lies anywhere in Alice's workspace or in the agency.
    fn texts(&self) -> Vec<String> {
        let mut found: Vec<_> =
            self.agency().values().filter_map(RemoteText::text).map(str::to_owned).collect();
        every_file(&self.root("alice"), &mut |path| {
            found.extend(std::fs::read_to_string(path).ok());
        });
        found
    }

    fn check_left(&self, when: &str) {
        every_file(&self.root("alice"), &mut |path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            assert!(
                !name.contains(".tmp") && !name.starts_with(".idse-"),
                "{when}: {} is left",
                path.display()
            );
            assert!(!path.to_string_lossy().contains("/journal/"), "{when}: {} is left", path.display());
        });
    }
}

fn every_file(folder: &Path, tell: &mut dyn FnMut(&Path)) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { every_file(&path, tell) } else { tell(&path) }
    }
}

/// A context that is cancelled at its N-th step.
fn stops_at(step: usize) -> Context {
    let context = Context::default();
    let (cancel, count) = (context.cancel.clone(), Arc::new(AtomicUsize::new(0)));
    let progress = move |_: &_| {
        if count.fetch_add(1, Ordering::Relaxed) == step {
            cancel.cancel();
        }
    };
    Context { progress: Some(Arc::new(progress)), ..context }
}

type Step<'a> = &'a dyn Fn(&World, &Context) -> Result<()>;

/// Stops `verb` before every effect in turn; `next` is the command that comes after.
fn crash_everywhere(name: &str, prepare: &dyn Fn(&World), verb: Step<'_>, next: Step<'_>, authored: &[&str]) {
    let whole = World::new();
    prepare(&whole);
    let before: Vec<_> = Stage::ALL.iter().map(|stage| whole.read("alice", *stage)).collect();
    verb(&whole, &Context::default()).unwrap();
    let after: Vec<_> = Stage::ALL.iter().map(|stage| whole.read("alice", *stage)).collect();
    next(&whole, &Context::default()).ok();
    let expected = whole.outcome();
    let mut stopped = 0;
    for step in 0.. {
        let world = World::new();
        prepare(&world);
        let result = verb(&world, &stops_at(step));
        let when = format!("{name} stopped at step {step}");
        for (number, stage) in Stage::ALL.into_iter().enumerate() {
            let now = world.read("alice", stage);
            assert!(now == before[number] || now == after[number], "{when}: {stage} is {now:?}");
        }
        let texts = world.texts();
        for text in authored {
            assert!(texts.iter().any(|t| t == text), "{when}: {text:?} is lost");
        }
        let is_done = result.is_ok();
        if !is_done {
            stopped += 1;
            // What was not begun is done again; what was begun is finished by the next command, and doing it again
            // finds nothing to do.
            verb(&world, &Context::default()).ok();
        }
        next(&world, &Context::default()).ok();
        assert_eq!(world.outcome(), expected, "{when}");
        world.check_left(&when);
        if is_done {
            break;
        }
    }
    assert!(stopped >= 3, "{name} was stopped {stopped} times only");
}

fn pull(world: &World, context: &Context) -> Result<()> {
    let options = PullOptions::default();
    sync::pull(&world.workspace("alice"), &world.key, &world.remote, &options, context).map(|_| ())
}

fn push(world: &World, context: &Context) -> Result<()> {
    let options = PushOptions::default();
    sync::push(&world.workspace("alice"), &world.key, &world.remote, &options, context).map(|_| ())
}

fn diverged(world: &World) {
    world.write("bob", Stage::Spec, "spec one\ntwo\nBOB\n");
    world.write("bob", Stage::Plan, "BOB\n");
    world.write("bob", Stage::Tasks, "tasks one\ntwo\nBOB\n");
    world.push("bob").unwrap();
    world.write("alice", Stage::Spec, "ALICE\ntwo\nthree\n");
    world.write("alice", Stage::Plan, "ALICE\n");
}

const AUTHORED: [&str; 4] = ["spec one\ntwo\nBOB\n", "BOB\n", "ALICE\ntwo\nthree\n", "ALICE\n"];

#[test]
fn a_push_is_done_or_not_done() {
    let prepare = |world: &World| {
        world.write("alice", Stage::Spec, "spec ALICE\n");
        world.write("alice", Stage::Plan, "plan ALICE\n");
    };
    crash_everywhere("push", &prepare, &push, &push, &["spec ALICE\n", "plan ALICE\n"]);
}

#[test]
fn a_pull_is_finished_by_the_next_verb() {
    crash_everywhere("pull", &diverged, &pull, &pull, &AUTHORED);
}

#[test]
fn a_resolve_is_finished_by_the_next_verb() {
    let prepare = |world: &World| {
        diverged(world);
        world.pull("alice").unwrap();
    };
    let resolve = |world: &World, context: &Context| {
        let (info, resolution) = (world.remote.info(), Resolution::Remote);
        let options = ResolveOptions { stage: Stage::Plan, resolution, dry_run: false };
        sync::resolve(&world.workspace("alice"), &world.key, &info, &options, context).map(|_| ())
    };
    crash_everywhere("resolve", &prepare, &resolve, &push, &AUTHORED);
}

#[test]
fn an_undo_is_finished_by_the_next_verb() {
    let prepare = |world: &World| {
        diverged(world);
        world.pull("alice").unwrap();
    };
    let op = std::cell::RefCell::new(None);
    let undo = |world: &World, context: &Context| {
        // The operation is named: a second run must not undo the one before.
        let root = world.root("alice");
        let known = op.borrow().clone();
        let named = match known {
            Some((of, named)) if of == root => named,
            _ => {
                let log = std::fs::read_to_string(root.join(".idse/sync/log.jsonl")).unwrap();
                let last: serde_json::Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
                let named = last["op"].as_str().unwrap().parse().unwrap();
                *op.borrow_mut() = Some((root, named));
                named
            }
        };
        sync::undo(
            &world.workspace("alice"),
            &UndoOptions { op: Some(named), ..UndoOptions::default() },
            context,
        )
        .map(|_| ())
    };
    let settle = |world: &World, context: &Context| {
        sync::settle(&world.workspace("alice"), &world.key, &world.remote, context)
    };
    crash_everywhere("undo", &prepare, &undo, &settle, &AUTHORED);
}

/// Stops a pull in the middle of its files.
fn half_pulled() -> World {
    let world = World::new();
    diverged(&world);
    let mut step = 0;
    loop {
        let error = pull(&world, &stops_at(step)).unwrap_err();
        if error.kind() == idse_core::ErrorKind::Unsettled {
            return world;
        }
        step += 1;
    }
}

#[test]
fn what_a_killed_write_left_is_swept_by_every_verb() {
    let push: Step<'_> = &push;
    for (name, verb) in [("push", push), ("pull", &pull)] {
        let world = World::new();
        let root = world.root("alice");
        let mut folders = std::collections::BTreeSet::new();
        every_file(&root, &mut |path| {
            folders.extend(path.parent().filter(|folder| !folder.ends_with("displaced")).map(Path::to_owned));
        });
        let is_object = |folder: &Path| folder.to_string_lossy().contains("/objects/");
        let planted: Vec<_> = folders.iter().filter(|folder| !is_object(folder)).collect();
        assert!(planted.len() > 10, "{planted:#?}");
        for folder in planted {
            std::fs::write(folder.join(".idse-1-0.tmp"), "{").unwrap();
        }
        verb(&world, &Context::default()).unwrap();
        world.check_left(name);
    }
}

#[test]
fn a_missing_object_locks_nobody_out() {
    let world = half_pulled();
    let mut objects = Vec::new();
    every_file(&world.root("alice").join(".idse/sync/objects"), &mut |path| objects.push(path.to_owned()));
    for object in objects {
        std::fs::remove_file(object).unwrap();
    }
    world.pull("alice").unwrap();
    assert_eq!(world.read("alice", Stage::Tasks).unwrap(), "tasks one\ntwo\nBOB\n");
    world.check_left("after the pull");
}

#[test]
fn a_removed_session_locks_nobody_out() {
    let world = half_pulled();
    std::fs::remove_dir_all(world.session("alice")).unwrap();
    assert_eq!(world.pull("alice").unwrap_err().kind(), idse_core::ErrorKind::NotFound);
    assert!(!world.session("alice").exists());
    world.check_left("after the pull");
}

#[test]
fn a_session_that_cannot_be_finished_stops_only_itself() {
    let world = half_pulled();
    let workspace = world.workspace("alice");
    let other = SessionKey { session: "s2".parse().unwrap(), ..world.key.clone() };
    std::fs::write(world.session("alice").join("metadata/session_state.json"), "{").unwrap();
    std::fs::write(world.root("alice").join(".idse/projects/portal/session_state.json"), "{}").unwrap();
    assert!(world.pull("alice").is_err());
    let folder = world.root("alice").join(".idse/projects/portal/sessions/s2/metadata");
    std::fs::create_dir_all(&folder).unwrap();
    let done = idse_core::StageStatus::Complete;
    workspace.set_stage(&other, Stage::Spec, done, None, &Context::default()).unwrap();
}

#[test]
fn a_state_that_cannot_be_read_is_not_sent() {
    let world = World::new();
    let before = format!("{:?}", world.agency());
    let state = world.session("alice").join("metadata/session_state.json");
    std::fs::write(&state, "{").unwrap();
    std::fs::write(world.root("alice").join(".idse/projects/portal/session_state.json"), "{").unwrap();
    world.write("alice", Stage::Spec, "spec ALICE\n");
    let requests = world.remote.requests();
    assert_eq!(world.push("alice").unwrap_err().reason(), "broken_file");
    assert_eq!(world.remote.requests(), requests);
    assert_eq!(format!("{:?}", world.agency()), before);
    world.check_left("after the push");
}

#[test]
fn a_push_after_somebody_elses_is_one_request() {
    let world = World::new();
    world.write("bob", Stage::Plan, "BOB\n");
    world.push("bob").unwrap();
    world.write("alice", Stage::Spec, "spec ALICE\n");
    world.push("alice").unwrap();
    world.write("alice", Stage::Spec, "spec ALICE again\n");
    let before = world.remote.requests();
    world.push("alice").unwrap();
    let after = world.remote.requests();
    assert_eq!((after.fetch - before.fetch, after.push - before.push), (0, 1));
}

#[test]
fn a_lost_push_does_not_bring_back_an_identity_that_was_unlinked() {
    let world = World::new();
    world.write("alice", Stage::Spec, "spec ALICE\n");
    // The reply of the push is lost, and the read that would settle it fails.
    world.remote.fail_next(Fault::LoseReply);
    world.remote.fail_next(Fault::Refuse(idse_core::ErrorKind::Unavailable));
    assert_eq!(world.push("alice").unwrap_err().kind(), idse_core::ErrorKind::Unsettled);
    let other = SessionKey { project: "other".parse().unwrap(), session: "s1".parse().unwrap() };
    let request =
        InitRequest { project: other.project.clone(), session: Some(other.session.clone()), stack: None };
    let (carol, _) = Workspace::init(&world.root("carol"), &request, &Context::default()).unwrap();
    let options = PushOptions::default();
    let report = sync::push(&carol, &other, &world.remote, &options, &Context::default()).unwrap();
    let workspace = world.workspace("alice");
    sync::link(&workspace, &world.key.project, &world.remote, "other", &Context::default()).unwrap();
    let pulled = world.pull("alice").unwrap();
    assert_eq!(pulled.project_id, report.project_id);
}

#[test]
fn a_lost_push_takes_nothing_from_another_session() {
    let mut world = World::new();
    world.remote = MemoryRemote::new(Sessions::One);
    let key = SessionKey { session: "s2".parse().unwrap(), ..world.key.clone() };
    std::fs::remove_dir_all(world.root("alice").join(".idse/sync")).unwrap();
    world.push("alice").unwrap();
    world.write("alice", Stage::Spec, "spec ALICE\n");
    // The reply is lost; before anybody asks again, Bob puts his session in the place of this one.
    world.remote.fail_next(Fault::LoseReply);
    world.remote.fail_next(Fault::Refuse(idse_core::ErrorKind::Unavailable));
    assert_eq!(world.push("alice").unwrap_err().kind(), idse_core::ErrorKind::Unsettled);
    let request =
        InitRequest { project: key.project.clone(), session: Some(key.session.clone()), stack: None };
    let (bob, _) = Workspace::init(&world.root("dora"), &request, &Context::default()).unwrap();
    let options = PushOptions { replace_session: true, ..PushOptions::default() };
    sync::push(&bob, &key, &world.remote, &options, &Context::default()).unwrap();
    let before = format!("{:?}", world.agency());
    let error = sync::settle(&world.workspace("alice"), &world.key, &world.remote, &Context::default());
    assert!(error.is_ok(), "{error:?}");
    assert_eq!(world.push("alice").unwrap_err().reason(), "other_session");
    assert_eq!(world.pull("alice").unwrap_err().reason(), "other_session");
    assert_eq!(format!("{:?}", world.agency()), before);
    assert_eq!(world.read("alice", Stage::Spec).unwrap(), "spec ALICE\n");
    let status =
        sync::status(&world.workspace("alice"), &world.key, &world.remote.info(), &Context::default());
    let status = serde_json::to_string(&status.unwrap()).unwrap();
    assert!(!status.contains("\"unsettled\":true"), "{status}");
}

#[test]
fn a_session_is_replaced_whole_or_not() {
    let world = World::new();
    let options = PushOptions { replace_session: true, stages: vec![Stage::Spec], ..PushOptions::default() };
    let pushed =
        sync::push(&world.workspace("alice"), &world.key, &world.remote, &options, &Context::default());
    assert_eq!(pushed.unwrap_err().kind(), idse_core::ErrorKind::InvalidArgument);
}

#[test]
fn a_status_goes_out_with_the_push_that_finds_the_texts_equal() {
    let world = World::new();
    let done = idse_core::StageStatus::Complete;
    std::fs::remove_dir_all(world.root("alice").join(".idse/sync")).unwrap();
    world.workspace("alice").set_stage(&world.key, Stage::Spec, done, None, &Context::default()).unwrap();
    // Keep the gate out of it.
    std::fs::write(world.root("alice").join(".idseconfig.json"), r#"{"validate": {"gate": "off"}}"#).ok();
    world.push("alice").unwrap();
    let before = world.remote.requests().push;
    world.push("alice").unwrap();
    assert_eq!(world.remote.requests().push, before, "the second push found something to send");
}

#[test]
fn markers_in_a_file_keep_its_conflict_open() {
    let world = World::new();
    diverged(&world);
    let options = PullOptions { markers: true, ..PullOptions::default() };
    let workspace = world.workspace("alice");
    sync::pull(&workspace, &world.key, &world.remote, &options, &Context::default()).unwrap();
    // Bob takes his text back: no side but this file differs from what was agreed.
    world.write("bob", Stage::Plan, "plan one\ntwo\nthree\n");
    world.push("bob").unwrap();
    let pulled = world.pull("alice").unwrap();
    assert!(pulled.conflicts.iter().any(|c| c.stage == Stage::Plan), "{pulled:?}");
    assert_eq!(world.push("alice").unwrap().outcome, sync::Outcome::Conflict);
    let info = world.remote.info();
    let resolution = Resolution::Text("both\n".into());
    let options = ResolveOptions { stage: Stage::Plan, resolution, dry_run: false };
    sync::resolve(&workspace, &world.key, &info, &options, &Context::default()).unwrap();
    // What was recorded of the agency is not what it holds now: the answer still wins over nothing but that.
    world.pull("alice").unwrap();
}

/// A context whose N-th step meets an editor that saves the spec.
fn saves_at(world: &World, step: usize, text: &'static str) -> Context {
    let (path, count) = (world.session("alice").join(Stage::Spec.path()), AtomicUsize::new(0));
    let progress = move |_: &_| {
        if count.fetch_add(1, Ordering::Relaxed) == step {
            std::fs::write(&path, text).unwrap();
        }
    };
    Context { progress: Some(Arc::new(progress)), ..Context::default() }
}

#[test]
fn an_editor_may_save_at_any_moment() {
    let done = idse_core::StageStatus::Complete;
    for step in 0.. {
        let world = World::new();
        std::fs::write(world.root("bob").join(".idseconfig.json"), r#"{"validate": {"gate": "off"}}"#)
            .unwrap();
        diverged(&world);
        world.workspace("bob").set_stage(&world.key, Stage::Spec, done, None, &Context::default()).unwrap();
        world.push("bob").unwrap();
        let text = "EDITOR\ntwo\nthree\n";
        pull(&world, &saves_at(&world, step, text)).ok();
        let texts = world.texts();
        if !texts.iter().any(|t| t.contains("EDITOR")) {
            assert!(step > 6, "the editor never came after step {step}");
            break;
        }
        let spec = world.read("alice", Stage::Spec).unwrap();
        assert!(spec.contains("EDITOR") || texts.iter().any(|t| t == text), "step {step}: {spec:?}");
        for author in ["BOB\n", "ALICE\n", "spec one\ntwo\nBOB\n"] {
            assert!(texts.iter().any(|t| t == author), "step {step}: {author:?} is lost");
        }
        world.check_left(&format!("an editor at step {step}"));
        // The status came in whether or not the file raced; the next push does not take it back.
        std::fs::write(world.root("alice").join(".idseconfig.json"), r#"{"validate": {"gate": "off"}}"#)
            .unwrap();
        let options = PushOptions { stages: vec![Stage::Spec], ..PushOptions::default() };
        sync::push(&world.workspace("alice"), &world.key, &world.remote, &options, &Context::default())
            .unwrap();
        let status =
            sync::status(&world.workspace("alice"), &world.key, &world.remote.info(), &Context::default());
        let status = serde_json::to_value(status.unwrap()).unwrap();
        let line = status["stages"].as_array().unwrap().iter().find(|s| s["stage"] == "spec").unwrap();
        assert_eq!(line["status"], "complete", "step {step}: {line:#}");
    }
}
