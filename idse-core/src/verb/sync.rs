//! The verbs about both sides: what differs, what moves, who decides.

use serde_json::{Value, json};

use super::arguments::{each, parsed, request, usage};
use super::round::{status_of_all, sync_all};
use super::{Agencies, Call};
use crate::error::{Error, Result};
use crate::name::SessionKey;
use crate::remote::{ProjectFilter, Remote};
use crate::sync::{
    self, PullOptions, PushOptions, Resolution, ResolveOptions, SyncReport, UndoOptions, Verb,
};

request! {
    Status {
        all: bool = "true or false", "Every session of every project.";
        remote_check: bool = "true or false", "Ask the agency what it holds now.";
    }
}

pub(super) fn status(call: &Call<'_>) -> Result<Value> {
    let request: Status = call.request()?;
    let workspace = call.place.workspace()?;
    let agencies = call.agencies(&workspace);
    if request.all {
        let round = status_of_all(&workspace, &agencies, request.remote_check, call.context)?;
        return call.answer_many(&round.to_json());
    }
    let key = call.place.key(&workspace)?;
    let project = Some(&key.project);
    let report = if request.remote_check {
        let remote = agencies.connect(project)?;
        sync::status_checked(&workspace, &key, remote.as_ref(), call.context)
    } else {
        sync::status(&workspace, &key, &agencies.info(project)?, call.context)
    };
    call.answer(&report?)
}

request! {
    Diff {
        stages: Vec<String> = "list of stage", "Only these stages; all without it.";
        against: Option<String> = "`base` or `remote`", "What both sides agreed on, or what the agency holds now: `base`, unless it is given.";
    }
}

pub(super) fn diff(call: &Call<'_>) -> Result<Value> {
    let request: Diff = call.request()?;
    let stages = each(&request.stages)?;
    let against = request.against.as_deref().unwrap_or("base");
    if !matches!(against, "base" | "remote") {
        return Err(choice("against", against, "base, remote"));
    }
    let workspace = call.place.workspace()?;
    let key = call.place.key(&workspace)?;
    let agencies = call.agencies(&workspace);
    let report = if against == "remote" {
        let remote = agencies.connect(Some(&key.project))?;
        sync::diff_remote(&workspace, &key, &stages, remote.as_ref(), call.context)
    } else {
        sync::diff(&workspace, &key, &stages, &agencies.info(Some(&key.project))?, call.context)
    };
    call.answer(&report?)
}

request! {
    Plan {
        verb: Option<String> = "`push` or `pull`", "What is planned: `push`, unless it is given.";
        stages: Vec<String> = "list of stage", "Only these stages; all without it.";
    }
}

pub(super) fn plan(call: &Call<'_>) -> Result<Value> {
    let request: Plan = call.request()?;
    let verb = match request.verb.as_deref() {
        None | Some("push") => Verb::Push,
        Some("pull") => Verb::Pull,
        Some(other) => return Err(choice("verb", other, "push, pull")),
    };
    let stages = each(&request.stages)?;
    let workspace = call.place.workspace()?;
    let key = call.place.key(&workspace)?;
    let remote = call.agencies(&workspace).info(Some(&key.project))?;
    call.answer(&sync::plan(&workspace, &key, &remote, verb, &stages, call.context)?)
}

request! {
    Resolve {
        #[required] stage: String = "stage", "The stage.";
        resolution: Option<String> = "`local`, `remote` or `merged`", "The file as it is, the agency's text, or the kept `merged.md`.";
        text: Option<String> = "text", "The text to take, instead of `resolution`.";
        dry_run: bool = "true or false", "Say what would be done and do nothing.";
    }
}

pub(super) fn resolve(call: &Call<'_>) -> Result<Value> {
    let request: Resolve = call.request()?;
    let resolution = match (request.resolution.as_deref(), request.text) {
        (None, Some(text)) => Resolution::Text(text),
        (Some("local"), None) => Resolution::Local,
        (Some("remote"), None) => Resolution::Remote,
        (Some("merged"), None) => Resolution::Merged,
        (Some(other), None) => return Err(choice("resolution", other, "local, remote, merged")),
        (Some(_), Some(_)) | (None, None) => {
            return Err(usage("`resolve` takes one of `resolution` and `text`"));
        }
    };
    let options = ResolveOptions { stage: request.stage.parse()?, resolution, dry_run: request.dry_run };
    let workspace = call.place.workspace()?;
    let key = call.place.key(&workspace)?;
    let remote = call.agencies(&workspace).info(Some(&key.project))?;
    call.answer(&sync::resolve(&workspace, &key, &remote, &options, call.context)?)
}

request! {
    Undo {
        op: Option<String> = "operation id", "The operation: the last one that was not undone, unless it is given.";
        force: bool = "true or false", "Go on although a file was changed since; what it holds is kept.";
        dry_run: bool = "true or false", "Say what would be done and do nothing.";
    }
}

pub(super) fn undo(call: &Call<'_>) -> Result<Value> {
    let request: Undo = call.request()?;
    let op = parsed(request.op.as_deref())?;
    let options = UndoOptions { op, force: request.force, dry_run: request.dry_run };
    call.answer(&sync::undo(&call.place.workspace()?, &options, call.context)?)
}

request! {
    Push {
        stages: Vec<String> = "list of stage", "Only these stages; all without it.";
        all: bool = "true or false", "Every session that the agency can hold, of every project.";
        dry_run: bool = "true or false", "Say what would be done and do nothing.";
        agent: Option<String> = "text", "Who worked on it.";
        delete: Vec<String> = "list of stage", "Clear the agency's texts of stages whose files you deleted.";
        allow_empty: bool = "true or false", "Send files that have become empty.";
        force_clear: bool = "true or false", "Send although more than half of the stages would be cleared or emptied.";
        replace_session: bool = "true or false", "Put this session in the place of the one that the agency holds; its texts are kept.";
        recreate: bool = "true or false", "Make the project again in the agency after it disappeared there.";
        new_id: bool = "true or false", "Make a project of its own although the agency has one with this name.";
    }
}

pub(super) fn push(call: &Call<'_>) -> Result<Value> {
    let request: Push = call.request()?;
    if request.all && (!request.delete.is_empty() || request.replace_session || request.recreate) {
        return Err(usage("`all` goes with none of `delete`, `replace_session` and `recreate`"));
    }
    let agent = request.agent.or_else(|| call.context.env.get("IDSE_AGENT").map(str::to_owned));
    let options = PushOptions {
        stages: each(&request.stages)?,
        dry_run: request.dry_run,
        agent: agent.filter(|name| !name.is_empty()),
        delete: each(&request.delete)?,
        allow_empty: request.allow_empty,
        force_clear: request.force_clear,
        replace_session: request.replace_session,
        recreate: request.recreate,
        new_id: request.new_id,
        adopt_session: call.place.session.is_some(),
    };
    let workspace = call.place.workspace()?;
    sync_one_or_all(call, &call.agencies(&workspace), &workspace, request.all, |key, remote| {
        sync::push(&workspace, key, remote, &options, call.context)
    })
}

request! {
    Pull {
        stages: Vec<String> = "list of stage", "Only these stages; all without it.";
        all: bool = "true or false", "Every session that the agency can hold, of every project.";
        dry_run: bool = "true or false", "Say what would be done and do nothing.";
        markers: bool = "true or false", "Write conflict markers into the files.";
        restore: Vec<String> = "list of stage", "Write the files of stages again that you deleted.";
        accept_clear: bool = "true or false", "Remove the files whose texts were cleared in the agency; the texts are kept.";
        force_clear: bool = "true or false", "Go on although more than half of the stages would be cleared or emptied.";
    }
}

pub(super) fn pull(call: &Call<'_>) -> Result<Value> {
    let request: Pull = call.request()?;
    let options = PullOptions {
        stages: each(&request.stages)?,
        dry_run: request.dry_run,
        markers: request.markers,
        restore: each(&request.restore)?,
        accept_clear: request.accept_clear,
        force_clear: request.force_clear,
        adopt_session: call.place.session.is_some(),
    };
    let workspace = call.place.workspace()?;
    sync_one_or_all(call, &call.agencies(&workspace), &workspace, request.all, |key, remote| {
        sync::pull(&workspace, key, remote, &options, call.context)
    })
}

fn sync_one_or_all(
    call: &Call<'_>,
    agencies: &Agencies<'_>,
    workspace: &crate::workspace::Workspace,
    all: bool,
    one: impl Fn(&SessionKey, &dyn Remote) -> Result<SyncReport>,
) -> Result<Value> {
    if all {
        return call.answer_many(&sync_all(workspace, agencies, one)?.to_json());
    }
    let key = call.place.key(workspace)?;
    let remote = agencies.connect(Some(&key.project))?;
    call.answer(&one(&key, remote.as_ref())?)
}

request! {
    Named {
        #[required] name: String = "text", "The project's name in the agency, or its id.";
    }
}

pub(super) fn clone(call: &Call<'_>) -> Result<Value> {
    let request: Named = call.request()?;
    let session = parsed(call.place.session.as_deref())?;
    let root = call.place.root()?;
    let agencies = Agencies::new(call.context, &root, call.place.remote.as_deref());
    let remote = agencies.connect(None)?;
    call.answer(&sync::clone(&root, remote.as_ref(), &request.name, session.as_ref(), call.context)?)
}

pub(super) fn link(call: &Call<'_>) -> Result<Value> {
    let request: Named = call.request()?;
    let workspace = call.place.workspace()?;
    let project = call.place.project(&workspace)?;
    let remote = call.agencies(&workspace).connect(Some(&project))?;
    call.answer(&sync::link(&workspace, &project, remote.as_ref(), &request.name, call.context)?)
}

pub(super) fn sync_status(call: &Call<'_>) -> Result<Value> {
    let workspace = call.place.workspace()?;
    let key = call.place.key(&workspace)?;
    let remote = call.agencies(&workspace).connect(Some(&key.project))?;
    call.answer(&sync::remote_status(&workspace, &key, remote.as_ref(), call.context)?)
}

pub(super) fn list_remote(call: &Call<'_>) -> Result<Value> {
    let root = call.place.root()?;
    let remote = Agencies::new(call.context, &root, call.place.remote.as_deref()).connect(None)?;
    let projects = remote.projects(&ProjectFilter::All, call.context)?;
    call.answer(&json!({ "remote": remote.info(), "projects": projects }))
}

pub(super) fn health(call: &Call<'_>) -> Result<Value> {
    let root = call.place.root()?;
    let project = match call.place.workspace() {
        Ok(workspace) if call.place.project.is_some() => Some(call.place.project(&workspace)?),
        Ok(workspace) => call.place.project(&workspace).ok(),
        Err(_) => None,
    };
    let agencies = Agencies::new(call.context, &root, call.place.remote.as_deref());
    let remote = agencies.connect(project.as_ref())?;
    let health = remote.health(call.context)?;
    call.answer(&json!({ "remote": remote.info(), "healthy": health.healthy, "message": health.message }))
}

pub(super) fn settle(call: &Call<'_>) -> Result<Value> {
    let workspace = call.place.workspace()?;
    let key = call.place.key(&workspace)?;
    let remote = call.agencies(&workspace).connect(Some(&key.project))?;
    sync::settle(&workspace, &key, remote.as_ref(), call.context)?;
    call.answer(&json!({ "project": key.project, "session": key.session, "remote": remote.info() }))
}

fn choice(name: &'static str, given: &str, known: &str) -> Error {
    Error::argument(format!("`{name}` is `{given}`; it can be one of {known}"))
        .with_reason("schema")
        .with("argument", name)
}
