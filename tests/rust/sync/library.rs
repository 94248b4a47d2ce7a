//! The door of Rust programs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use idse_core::remote::{Fault, MemoryRemote, ProjectFilter, Remote, Sessions, SqliteRemote, Target};
use idse_core::sync::{self, PullOptions, PushOptions, Resolution, ResolveOptions, UndoOptions};
use idse_core::{InitRequest, ProjectId, Result, SessionKey, Stage, StageStatus, Workspace};
use idse_tests::hand::drop_from;
use idse_tests::story::{Answer, Door, Story, context, named, project, session, stages, text};
use serde::Serialize;
use serde_json::Value;
use tempfile::TempDir;

pub(crate) struct Library {
    dir: TempDir,
    memory: Option<MemoryRemote>,
    others: BTreeMap<String, PathBuf>,
    /// How many requests the last verb made of a scripted agency.
    asked: u64,
    /// Projects of a scripted agency, hidden ones too.
    known: BTreeSet<ProjectId>,
}

impl Library {
    pub(crate) fn new(story: &Story) -> Self {
        let agency = &story.value["agency"];
        let memory = agency.is_object().then(|| {
            let sessions = if agency["sessions"] == "one" { Sessions::One } else { Sessions::Many };
            let remote = MemoryRemote::new(sessions);
            stages(&agency["unmapped"]).into_iter().for_each(|stage| remote.unmap(stage));
            remote.cannot_express_absence(agency["silent_about_absence"] == true);
            remote
        });
        let dir = tempfile::Builder::new().prefix("idse-").tempdir().unwrap();
        Self { dir, memory, others: BTreeMap::new(), asked: 0, known: BTreeSet::new() }
    }

    fn sqlite(&mut self, name: &str) -> PathBuf {
        let path = self.dir.path().join(format!("{name}.db"));
        self.others.entry(name.to_owned()).or_insert(path).clone()
    }

    fn project_id(&self, memory: &MemoryRemote) -> Option<ProjectId> {
        memory.projects(&ProjectFilter::All, &context()).ok()?.first().map(|project| project.project_id)
    }

    fn requests(&self) -> u64 {
        let Some(memory) = &self.memory else { return 0 };
        let requests = memory.requests();
        (requests.fetch + requests.push + requests.projects + requests.health) as u64
    }

    fn run(&mut self, at: &str, verb: &str, step: &Value) -> Result<Value> {
        let context = context();
        let root = self.root(at);
        let remote = self.remote(step);
        if verb == "init" {
            let request = InitRequest {
                project: project(step).parse()?,
                session: Some(session(step).parse()?),
                stack: text(step, "stack").map(str::to_owned),
            };
            return Workspace::init(&root, &request, &context).map(|(_, report)| value(&report));
        }
        if verb == "clone" {
            let wanted = text(step, "session").map(str::parse).transpose()?;
            return sync::clone(&root, &*remote, project(step), wanted.as_ref(), &context).map(|r| value(&r));
        }
        let workspace = Workspace::open(&root)?;
        let key = SessionKey { project: project(step).parse()?, session: session(step).parse()? };
        let stage = || text(step, "stage").unwrap_or_default().parse::<Stage>();
        match verb {
            "push" => {
                sync::push(&workspace, &key, &*remote, &push_options(step), &context).map(|r| value(&r))
            }
            "pull" => {
                sync::pull(&workspace, &key, &*remote, &pull_options(step), &context).map(|r| value(&r))
            }
            "settle" => sync::settle(&workspace, &key, &*remote, &context).map(|()| Value::Null),
            "link" => {
                let name = text(step, "to").unwrap_or(project(step));
                sync::link(&workspace, &key.project, &*remote, name, &context).map(|r| value(&r))
            }
            "status" => sync::status(&workspace, &key, &remote.info(), &context).map(|r| value(&r)),
            "sync_status" => sync::remote_status(&workspace, &key, &*remote, &context).map(|r| value(&r)),
            "diff" if step["side"] == "remote" => {
                sync::diff_remote(&workspace, &key, &[], &*remote, &context).map(|r| value(&r))
            }
            "diff" => sync::diff(&workspace, &key, &[], &remote.info(), &context).map(|r| value(&r)),
            "undo" => sync::undo(
                &workspace,
                &UndoOptions { op: None, force: step["force"] == true, dry_run: step["dry_run"] == true },
                &context,
            )
            .map(|r| value(&r)),
            "resolve" => {
                let resolution = match text(step, "with") {
                    Some("local") => Resolution::Local,
                    Some("remote") => Resolution::Remote,
                    Some("merged") => Resolution::Merged,
                    _ => Resolution::Text(text(step, "text").unwrap_or_default().to_owned()),
                };
                let dry_run = step["dry_run"] == true;
                let options = ResolveOptions { stage: stage()?, resolution, dry_run };
                sync::resolve(&workspace, &key, &remote.info(), &options, &context).map(|r| value(&r))
            }
            "stage" => {
                let status: StageStatus = text(step, "status").unwrap_or_default().parse()?;
                let agent = text(step, "agent");
                workspace.set_stage(&key, stage()?, status, agent, &context).map(|r| value(&r))
            }
            "create_session" => workspace.create_session(&key, None, &context).map(|r| value(&r)),
            "switch_session" => workspace.switch_session(&key, &context).map(|()| Value::Null),
            other => panic!("no such step: {other}"),
        }
    }
}

fn value(report: &impl Serialize) -> Value {
    serde_json::to_value(report).unwrap()
}

fn push_options(step: &Value) -> PushOptions {
    PushOptions {
        stages: stages(&step["stages"]),
        dry_run: step["dry_run"] == true,
        agent: text(step, "agent").map(str::to_owned),
        delete: stages(&step["delete"]),
        allow_empty: step["allow_empty"] == true,
        force_clear: step["force_clear"] == true,
        replace_session: step["replace_session"] == true,
        recreate: step["recreate"] == true,
        new_id: step["new_id"] == true,
        adopt_session: step["session"].is_string(),
    }
}

fn pull_options(step: &Value) -> PullOptions {
    PullOptions {
        stages: stages(&step["stages"]),
        dry_run: step["dry_run"] == true,
        markers: step["markers"] == true,
        restore: stages(&step["restore"]),
        accept_clear: step["accept_clear"] == true,
        force_clear: step["force_clear"] == true,
        adopt_session: step["session"].is_string(),
    }
}

impl Door for Library {
    fn root(&mut self, at: &str) -> PathBuf {
        let root = self.dir.path().join(at);
        std::fs::create_dir_all(&root).unwrap();
        root
    }

    fn act(&mut self, at: &str, verb: &str, step: &Value) -> Answer {
        let before = self.requests();
        let answer = self.run(at, verb, step).map_err(|error| named(&error));
        self.asked = self.requests() - before;
        answer
    }

    fn remote(&mut self, step: &Value) -> Box<dyn Remote> {
        match (text(step, "remote"), &self.memory) {
            (None, Some(memory)) => Box::new(memory.clone()),
            (name, _) => {
                let path = self.sqlite(name.unwrap_or("agency"));
                Box::new(SqliteRemote::open(&path, &context()).unwrap())
            }
        }
    }

    fn script(&mut self, step: &Value) -> std::result::Result<(), String> {
        let memory = self.memory.clone().ok_or("only a scripted agency has faults")?;
        match text(step, "fault") {
            Some("lose_reply") => memory.fail_next_push(Fault::LoseReply),
            Some("lose_request") => memory.fail_next_push(Fault::LoseRequest),
            Some("refuse_fetch") => memory.fail_next(Fault::Refuse(idse_core::ErrorKind::Unavailable)),
            _ => {}
        }
        if let Some(hidden) = step["hidden"].as_bool() {
            let found = memory.projects(&ProjectFilter::All, &context()).map_err(|e| e.to_string())?;
            self.known.extend(found.iter().map(|project| project.project_id));
            self.known.iter().for_each(|id| memory.hide(*id, hidden));
        }
        let cleared = stages(&step["cleared"]);
        if !cleared.is_empty() {
            let project_id = self.project_id(&memory).ok_or("the agency has no project")?;
            let target = Target { project_id, session: session(step).parse().map_err(|_| "no session")? };
            memory.edit(&target, |row| row.texts.retain(|stage, _| !cleared.contains(stage)));
        }
        match step["requests"].as_u64() {
            Some(expected) if expected != self.asked => {
                Err(format!("the last verb made {} requests, expected {expected}", self.asked))
            }
            _ => Ok(()),
        }
    }

    fn drop_row(&mut self, project: &str, session: &str, whole: bool) {
        let Some(memory) = &self.memory else {
            return drop_from(&self.sqlite("agency"), project, session, whole);
        };
        let found = memory.projects(&ProjectFilter::Name(project.to_owned()), &context()).unwrap();
        let target = Target { project_id: found[0].project_id, session: session.parse().unwrap() };
        if whole { memory.drop_project(target.project_id) } else { memory.drop_row(&target) }
    }
}
