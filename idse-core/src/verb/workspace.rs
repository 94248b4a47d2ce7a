//! The verbs about what lies in a workspace, and about the engine itself.

use serde_json::{Value, json};

use super::Call;
use super::arguments::{parsed, request};
use crate::artifact::{Artifact, Content};
use crate::doctor::{self, Check, DoctorReport, Question};
use crate::error::Result;
use crate::name::SessionKey;
use crate::session::{FileProblem, FileRole, Session};
use crate::stage::{Stage, StageStatus};
use crate::text::{Digest, ObjectId};
use crate::trust;
use crate::workspace::{InitRequest, Workspace};

/// What `expected` says of a file that is not there.
const ABSENT: &str = "absent";

request! {
    Init {
        #[required] project: String = "project name", "The name of the project.";
        session: Option<String> = "session name", "The name of its first session.";
        stack: Option<String> = "text", "What the project is built with.";
        dry_run: bool = "true or false", "Say what would be made and make nothing.";
    }
}

pub(super) fn init(call: &Call<'_>) -> Result<Value> {
    let Init { project, session, stack, dry_run } = call.request()?;
    let request = InitRequest { project: project.parse()?, session: parsed(session.as_deref())?, stack };
    let root = call.place.root()?;
    if dry_run {
        call.answer(&Workspace::preview_init(&root, &request, call.context)?)
    } else {
        call.answer(&Workspace::init(&root, &request, call.context)?.1)
    }
}

pub(super) fn open(call: &Call<'_>) -> Result<Value> {
    let workspace = call.place.workspace()?;
    let project = call.place.project(&workspace).ok();
    let session = project.as_ref().and_then(|project| workspace.session(project, None).ok());
    call.answer(&json!({
        "root": workspace.root().display().to_string(),
        "project": project,
        "session": session.map(|key| key.session),
    }))
}

pub(super) fn projects(call: &Call<'_>) -> Result<Value> {
    let projects = call.place.workspace()?.projects()?;
    call.answer(&json!({ "projects": projects.found, "skipped": projects.skipped }))
}

pub(super) fn sessions(call: &Call<'_>) -> Result<Value> {
    let workspace = call.place.workspace()?;
    let project = call.place.project(&workspace)?;
    let sessions = workspace.sessions(&project)?;
    call.answer(&json!({ "project": project, "sessions": sessions.found, "skipped": sessions.skipped }))
}

request! {
    CreateSession {
        #[required] session: String = "session name", "The name of the session.";
        parent: Option<String> = "session name", "The session that it continues.";
    }
}

pub(super) fn create_session(call: &Call<'_>) -> Result<Value> {
    let request: CreateSession = call.request()?;
    let workspace = call.place.workspace()?;
    let key = SessionKey { project: call.place.project(&workspace)?, session: request.session.parse()? };
    let parent = parsed(request.parent.as_deref())?;
    call.answer(&workspace.create_session(&key, parent.as_ref(), call.context)?)
}

request! {
    SwitchSession {
        #[required] session: String = "session name", "The name of the session.";
    }
}

pub(super) fn switch_session(call: &Call<'_>) -> Result<Value> {
    let request: SwitchSession = call.request()?;
    let workspace = call.place.workspace()?;
    let key = workspace.session(&call.place.project(&workspace)?, Some(&request.session))?;
    workspace.switch_session(&key, call.context)?;
    call.answer(&key)
}

pub(super) fn load(call: &Call<'_>) -> Result<Value> {
    let workspace = call.place.workspace()?;
    let session = workspace.load(&call.place.key(&workspace)?, call.context)?;
    let artifacts = session.artifacts.iter().map(|artifact| artifact_json(&session, artifact));
    call.answer(&json!({
        "project": session.key.project,
        "session": session.key.session,
        "path": session.path,
        "artifacts": artifacts.collect::<Vec<_>>(),
        "last_agent": session.state.last_agent(),
        "last_synced": session.state.last_sync(),
        "metadata": session.metadata.as_ref().map(|metadata| metadata.raw()),
        "unknown": session.unknown,
        "problems": session.problems.iter().map(problem_json).collect::<Vec<_>>(),
        "open_conflicts": session.open_conflicts,
    }))
}

fn artifact_json(session: &Session, artifact: &Artifact) -> Value {
    let blocked = match &artifact.content {
        Content::Blocked(blocked) => Some(blocked),
        Content::Absent | Content::Text(_) => None,
    };
    json!({
        "stage": artifact.stage,
        "path": session.artifact_path(artifact.stage),
        "status": session.state.status(artifact.stage),
        "text": artifact.text(),
        "digest": artifact.digest(),
        "object": artifact.object(),
        "blocked": blocked,
    })
}

fn problem_json(problem: &FileProblem) -> Value {
    let file = match problem.file {
        FileRole::State => "state",
        FileRole::Metadata => "metadata",
        FileRole::Pointer => "pointer",
    };
    let (line, column) = problem.position.unzip();
    json!({
        "file": file,
        "path": problem.path,
        "message": problem.message,
        "line": line,
        "column": column,
    })
}

request! {
    Write {
        #[required] stage: String = "stage", "The stage.";
        #[required] text: String = "text", "What its file is to hold.";
        expected: Option<String> = "object id or `absent`", "Write only if the file holds exactly this, or nothing.";
    }
}

pub(super) fn write(call: &Call<'_>) -> Result<Value> {
    let request: Write = call.request()?;
    let stage: Stage = request.stage.parse()?;
    let expected = match request.expected.as_deref() {
        None => None,
        Some(ABSENT) => Some(None),
        Some(id) => Some(Some(id.parse::<ObjectId>()?)),
    };
    let workspace = call.place.workspace()?;
    let key = call.place.key(&workspace)?;
    let object = workspace.write(&key, stage, &request.text, expected, call.context)?;
    call.answer(&json!({
        "project": key.project,
        "session": key.session,
        "stage": stage,
        "digest": Digest::of(&request.text),
        "object": object,
    }))
}

request! {
    SetStage {
        #[required] stage: String = "stage", "The stage.";
        #[required] status: String = "status", "How far it has come.";
        agent: Option<String> = "text", "Who worked on it.";
    }
}

pub(super) fn set_stage(call: &Call<'_>) -> Result<Value> {
    let request: SetStage = call.request()?;
    let (stage, status): (Stage, StageStatus) = (request.stage.parse()?, request.status.parse()?);
    let workspace = call.place.workspace()?;
    let key = call.place.key(&workspace)?;
    let agent = request.agent.as_deref().or_else(|| call.context.env.get("IDSE_AGENT"));
    let agent = agent.filter(|name| !name.is_empty());
    call.answer(&workspace.set_stage(&key, stage, status, agent, call.context)?)
}

request! {
    Doctor {
        remote_check: bool = "true or false", "Ask the agency too whether it is well.";
    }
}

pub(super) fn doctor(call: &Call<'_>) -> Result<Value> {
    let request: Doctor = call.request()?;
    let place = &call.place;
    let question = Question {
        start: place.start(),
        root: place.root.as_deref(),
        project: place.project.as_deref(),
        remote: place.remote.as_deref(),
    };
    let mut report = doctor::examine(&question, call.context)?;
    if request.remote_check {
        ask_remote(call, &mut report)?;
    }
    call.answer(&report)
}

fn ask_remote(call: &Call<'_>, report: &mut DoctorReport) -> Result<()> {
    let connected = call.place.workspace().and_then(|workspace| {
        let project = call.place.project(&workspace).ok();
        call.agencies(&workspace).connect(project.as_ref())
    });
    match connected {
        Ok(remote) => report.checks.extend(doctor::examine_remote(remote.as_ref(), call.context)?),
        Err(error) => report.checks.push(Check::failed("agency_health", &error)),
    }
    Ok(())
}

request! {
    Trust {
        url: Option<String> = "address", "All of its origin is trusted; without it, what is trusted is listed.";
    }
}

pub(super) fn trust(call: &Call<'_>) -> Result<Value> {
    let request: Trust = call.request()?;
    match request.url {
        Some(url) => {
            let (origin, added) = trust::add(&url, call.context)?;
            call.answer(&json!({ "origin": origin, "added": added }))
        }
        None => call.answer_many(&json!({ "origins": trust::list(call.context)? })),
    }
}

pub(super) fn version(call: &Call<'_>) -> Result<Value> {
    call.answer(&json!({ "name": "idse", "version": env!("CARGO_PKG_VERSION") }))
}
