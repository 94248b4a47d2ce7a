//! Pushing: guarded where the client says what it replaces, else read first and what is replaced kept.

use std::collections::BTreeMap;

use idse_core::remote::{
    Fetched, NewProject, ProjectFilter, PushItem, PushMeta, PushOutcome, PushRequest, PushState,
    RemoteSession, RemoteText, Target,
};
use idse_core::{Digest, Error, ErrorKind, ProjectId, ProjectName, SessionId, Stage};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Agency, blueprint};
use crate::displaced::Entry;
use crate::form::{META, Push};
use crate::problem::Problem;

/// How often a push without `base` is tried again when somebody writes in between.
const ATTEMPTS: u32 = 16;

/// Stores what a client pushes and returns the answer.
pub(crate) fn push(agency: &Agency<'_>, mut form: Push) -> Result<Value, Problem> {
    if form.project_id.is_none() || form.create {
        return create(agency, &mut form);
    }
    let id = form.project_id.unwrap_or_else(|| ProjectId::new(Uuid::nil()));
    let target = Target { project_id: id, session: session_of(agency, &form, Some(id))? };
    if form.base.is_some() { guarded(agency, &form, target) } else { unguarded(agency, &form, target) }
}

/// Returns the session that a push means: the one it names, else the one its state names, else the one that was
/// pushed last, else the project as a whole.
fn session_of(agency: &Agency<'_>, form: &Push, id: Option<ProjectId>) -> Result<SessionId, Problem> {
    if let Some(session) = &form.session {
        return Ok(session.clone());
    }
    let named = form.state.as_ref().and_then(|state| state.get("session_id")).and_then(Value::as_str);
    if let Some(named) = named.filter(|named| !named.is_empty()) {
        return crate::form::session(named);
    }
    let last = id.map(|id| agency.last_session(id)).transpose()?.flatten();
    last.map_or_else(blueprint, Ok)
}

/// Makes a project. A name that is there already is refused: two workspaces would write into one row.
fn create(agency: &Agency<'_>, form: &mut Push) -> Result<Value, Problem> {
    let Some(name) = form.name.clone() else {
        return Err(Problem::new(
            ErrorKind::InvalidArgument,
            "project",
            "project_name required when creating new project",
        ));
    };
    let name: ProjectName = name.parse().map_err(|error: Error| Problem::from(error))?;
    let taken = agency.remote.projects(&ProjectFilter::Name(name.to_string()), agency.context)?;
    if let Some(project) = taken.first() {
        return Err(name_exists(&name, project.project_id));
    }
    if let Some(id) = form.project_id
        && agency.project(id)?.is_some()
    {
        let detail = format!("a project with the id {id} is there already");
        return Err(
            Problem::new(ErrorKind::Exists, "project", detail).with_field("project_id", id.to_string())
        );
    }
    // Two first pushes of one name get one id, so that the second meets the first.
    let subject = format!("{}\n{name}", agency.remote.info().address);
    let id = form
        .project_id
        .unwrap_or_else(|| ProjectId::new(Uuid::new_v5(&Uuid::NAMESPACE_URL, subject.as_bytes())));
    let target = Target { project_id: id, session: session_of(agency, form, None)? };
    let new = NewProject { name: name.clone(), stack: form.stack.clone(), framework: form.framework.clone() };
    let request = request(agency, form, &target, &BTreeMap::new(), None, Some(new));
    let meta = form.meta.clone().map(|text| PushMeta { text, expected: None });
    let (outcome, has_meta) = send(agency, &request, meta.as_ref())?;
    match outcome {
        outcome @ PushOutcome::Written { .. } => {
            let message = format!("Created new project: {name}");
            Ok(written(agency, form, &request, (outcome, has_meta), message))
        }
        PushOutcome::Differs { .. } => Err(name_exists(&name, id)),
        PushOutcome::Missing => Err(agency.no_project()),
    }
}

fn name_exists(name: &ProjectName, id: ProjectId) -> Problem {
    Problem::new(ErrorKind::Exists, "project", format!("a project called {name} is there already"))
        .with_hint("Send its `project_id` to push into it, or choose another name.")
        .with_field("project_id", id.to_string())
}

/// One guarded write; where it does not fit, the conflict.
fn guarded(agency: &Agency<'_>, form: &Push, target: Target) -> Result<Value, Problem> {
    let Some(base) = &form.base else { return Err(agency.no_project()) };
    let mut request = request(agency, form, &target, &base.texts, base.state, None);
    request.revision.clone_from(&base.revision);
    if request.items.is_empty() && request.state.is_none() {
        return Ok(unchanged(agency, form, &*agency.session(&target)?, &target));
    }
    match agency.remote.push(&request, agency.context)? {
        outcome @ PushOutcome::Written { .. } => {
            Ok(written(agency, form, &request, (outcome, false), updated(target.project_id)))
        }
        PushOutcome::Differs { stages, state } => {
            let row = match agency.fetch(&target)? {
                Fetched::Session(row) => Some(row),
                Fetched::Missing { .. } | Fetched::Unchanged => None,
            };
            Err(conflict(agency, row.as_deref(), &stages, state))
        }
        PushOutcome::Missing => Err(agency.no_project()),
    }
}

/// What existing clients send: it is read what is there, kept where it is about to be replaced, and replaced only
/// if it is still there.
fn unguarded(agency: &Agency<'_>, form: &Push, target: Target) -> Result<Value, Problem> {
    let op = form.op.unwrap_or_else(|| agency.op());
    for _ in 0..ATTEMPTS {
        let row = match agency.fetch(&target)? {
            Fetched::Session(row) => Some(row),
            Fetched::Missing { project_exists: true } => None,
            Fetched::Missing { project_exists: false } | Fetched::Unchanged => {
                return Err(agency.no_project());
            }
        };
        let mut request = diff(agency, form, &target, row.as_deref());
        request.op = op;
        let meta = row.as_deref().and_then(|row| meta_of(form, row));
        if let Some(row) = &row {
            let differing: Vec<_> = request.items.iter().map(|item| item.stage).collect();
            if is_older(form, row) {
                return Err(conflict(agency, Some(row), &differing, request.state.is_some()));
            }
            if request.items.is_empty() && request.state.is_none() && meta.is_none() {
                return Ok(unchanged(agency, form, row, &target));
            }
            if agency.require_base {
                let hint =
                    "This gateway takes a push only with `base`: pull, then say which texts you replace.";
                return Err(conflict(agency, Some(row), &differing, request.state.is_some()).with_hint(hint));
            }
            keep(agency, row, &request, meta.is_some())?;
        }
        let (outcome, has_meta) = send(agency, &request, meta.as_ref())?;
        let has_meta = has_meta || row.as_deref().is_some_and(|row| holds_meta(form, row));
        match outcome {
            PushOutcome::Written { revision, in_step, updated_at, mut skipped } => {
                skipped.extend(row.iter().flat_map(|row| unmapped(form, row)));
                let outcome = PushOutcome::Written { revision, in_step, updated_at, skipped };
                let message = updated(target.project_id);
                return Ok(written(agency, form, &request, (outcome, has_meta), message));
            }
            PushOutcome::Differs { .. } => {}
            PushOutcome::Missing => return Err(agency.no_project()),
        }
    }
    let detail = "others write into this project all the time; nothing was written";
    Err(Problem::new(ErrorKind::Unavailable, "contended", detail))
}

/// Sends a write, with `meta_md` where there is one.
fn send(
    agency: &Agency<'_>,
    request: &PushRequest,
    meta: Option<&PushMeta>,
) -> Result<(PushOutcome, bool), Problem> {
    Ok(match meta {
        Some(meta) => agency.remote.push_with_meta(request, meta, agency.context)?,
        None => (agency.remote.push(request, agency.context)?, false),
    })
}

/// Returns the write of `meta_md`, where the row has a place for it and holds something else.
fn meta_of(form: &Push, row: &RemoteSession) -> Option<PushMeta> {
    let text = form.meta.as_ref().filter(|_| row.meta != RemoteText::Unmapped && !holds_meta(form, row))?;
    Some(PushMeta { text: text.clone(), expected: row.meta.text().map(Digest::of) })
}

/// Tells whether the row has the `meta_md` of the push already, byte for byte.
fn holds_meta(form: &Push, row: &RemoteSession) -> bool {
    form.meta.is_some() && form.meta.as_deref() == row.meta.text()
}

/// Tells whether the client says, with a zone, that it read the row before it was last written.
fn is_older(form: &Push, row: &RemoteSession) -> bool {
    let written: Option<jiff::Timestamp> = row.updated_at.as_deref().and_then(|text| text.parse().ok());
    matches!((form.timestamp, written), (Some(read), Some(written)) if read < written)
}

/// Returns the stages of a push that the agency has no place for.
fn unmapped(form: &Push, row: &RemoteSession) -> Vec<Stage> {
    let is_unmapped = |stage: &&Stage| row.texts.get(stage) == Some(&RemoteText::Unmapped);
    form.texts.keys().filter(is_unmapped).copied().collect()
}

/// Returns the write of what differs from the row, and nothing else.
fn diff(agency: &Agency<'_>, form: &Push, target: &Target, row: Option<&RemoteSession>) -> PushRequest {
    let held: BTreeMap<Stage, Option<Digest>> = match row {
        Some(row) => row.texts.iter().map(|(stage, text)| (*stage, text.text().map(Digest::of))).collect(),
        None => BTreeMap::new(),
    };
    let held_state = row.and_then(|row| row.state.as_ref());
    let state = held_state.map(|state| Digest::of_json(&Value::Object(state.clone())));
    let mut request = request(agency, form, target, &held, state, None);
    request.revision = row.map(|row| row.revision.clone());
    if let Some(row) = row {
        request.items.retain(|item| {
            let there = row.texts.get(&item.stage);
            // Byte for byte: a text that differs in its line endings alone replaces the other as well.
            there != Some(&RemoteText::Unmapped) && there.and_then(RemoteText::text) != item.text.as_deref()
        });
        if request.state.as_ref().is_some_and(|state| held_state == Some(&state.value)) {
            request.state = None;
        }
    }
    request
}

/// Keeps what a push is about to replace.
fn keep(
    agency: &Agency<'_>,
    row: &RemoteSession,
    request: &PushRequest,
    with_meta: bool,
) -> Result<(), Problem> {
    let entry = |column: &str, text: String| {
        Entry {
            id: String::new(),
            at: agency.now(),
            project_id: row.project_id.to_string(),
            project: row.name.clone(),
            session: row.session.as_ref().unwrap_or(&request.target.session).to_string(),
            column: column.to_owned(),
            text,
            op: request.op.to_string(),
            subject: agency.subject.to_owned(),
        }
        .named()
    };
    let texts = request.items.iter().filter_map(|item| {
        let text = row.texts.get(&item.stage).and_then(RemoteText::text)?;
        Some(entry(item.stage.column(), text.to_owned()))
    });
    let mut entries: Vec<_> = texts.collect();
    if let Some(meta) = row.meta.text().filter(|_| with_meta) {
        entries.push(entry(META, meta.to_owned()));
    }
    if let (Some(_), Some(state)) = (&request.state, &row.state) {
        entries.push(entry("state_json", Value::Object(state.clone()).to_string()));
    }
    if !entries.is_empty() {
        agency.displaced.keep(&entries)?;
        metrics::counter!("idse_displaced_texts_total").increment(entries.len() as u64);
    }
    Ok(())
}

fn request(
    agency: &Agency<'_>,
    form: &Push,
    target: &Target,
    held: &BTreeMap<Stage, Option<Digest>>,
    held_state: Option<Digest>,
    create: Option<NewProject>,
) -> PushRequest {
    let items = form.texts.iter().map(|(stage, text)| PushItem {
        stage: *stage,
        text: text.clone(),
        expected: held.get(stage).copied().flatten(),
    });
    // `{}` is what existing clients send who have no state: it replaces nothing.
    let is_state = |state: &&Map<String, Value>| !state.is_empty() || form.base.is_some();
    let state = form.state.as_ref().filter(is_state);
    PushRequest {
        target: target.clone(),
        op: form.op.unwrap_or_else(|| agency.op()),
        revision: None,
        items: items.collect(),
        state: state.map(|value| PushState { value: value.clone(), expected: held_state }),
        create,
    }
}

fn updated(id: ProjectId) -> String {
    format!("Updated project: {id}")
}

fn synced(form: &Push, skipped: &[Stage], has_meta: bool) -> Vec<String> {
    let is_there =
        |key: &&String| (*key != META || has_meta) && !skipped.iter().any(|stage| stage.column() == *key);
    form.keys.iter().filter(is_there).map(|key| key.replace("_md", "")).collect()
}

/// Returns the keys of a push that were not stored, because the agency has no place for them.
fn skipped_keys<'a>(form: &'a Push, skipped: &[Stage], has_meta: bool) -> Vec<&'a str> {
    let meta = form.keys.iter().filter(|key| *key == META && !has_meta).map(String::as_str);
    skipped.iter().map(|stage| stage.column()).chain(meta).collect()
}

fn written(
    agency: &Agency<'_>,
    form: &Push,
    request: &PushRequest,
    (outcome, has_meta): (PushOutcome, bool),
    message: String,
) -> Value {
    let PushOutcome::Written { revision, in_step, updated_at, skipped } = outcome else { return Value::Null };
    let digests: Map<_, _> = form
        .texts
        .iter()
        .filter(|(stage, _)| !skipped.contains(stage))
        .map(|(stage, text)| {
            let digest = text.as_deref().map(|text| Digest::of(text).to_string());
            (stage.column().to_owned(), digest.into())
        })
        .collect();
    json!({
        "success": true,
        "project_id": request.target.project_id,
        "message": message,
        "synced_stages": synced(form, &skipped, has_meta),
        "timestamp": updated_at,
        "session_id": request.target.session,
        "op": request.op,
        "revision": revision,
        "in_step": in_step,
        "guard": agency.remote.info().guard,
        "sessions": agency.remote.info().sessions,
        "digests": digests,
        "unchanged": false,
        "skipped": skipped_keys(form, &skipped, has_meta),
    })
}

/// The answer where everything was there already and nothing was written.
fn unchanged(agency: &Agency<'_>, form: &Push, row: &RemoteSession, target: &Target) -> Value {
    let unmapped = unmapped(form, row);
    let digests: Map<_, _> = row
        .texts
        .iter()
        .filter_map(|(stage, text)| {
            Some((stage.column().to_owned(), Digest::of(text.text()?).to_string().into()))
        })
        .collect();
    json!({
        "success": true,
        "project_id": row.project_id,
        "message": updated(row.project_id),
        "synced_stages": synced(form, &unmapped, holds_meta(form, row)),
        "timestamp": row.updated_at,
        "session_id": row.session.as_ref().unwrap_or(&target.session),
        "op": null,
        "revision": row.revision,
        "in_step": true,
        "guard": agency.remote.info().guard,
        "sessions": agency.remote.info().sessions,
        "digests": digests,
        "unchanged": true,
        "skipped": skipped_keys(form, &unmapped, holds_meta(form, row)),
    })
}

/// The answer to a push that would replace what its sender does not know.
fn conflict(agency: &Agency<'_>, row: Option<&RemoteSession>, stages: &[Stage], state: bool) -> Problem {
    let digest = |stage: &Stage| {
        let text = row?.texts.get(stage)?.text()?;
        Some(Digest::of(text).to_string())
    };
    let list: Vec<_> = stages
        .iter()
        .map(|stage| json!({"stage": stage, "column": stage.column(), "digest": digest(stage)}))
        .collect();
    let state_digest = row
        .and_then(|row| row.state.as_ref())
        .map(|state| Digest::of_json(&Value::Object(state.clone())).to_string());
    metrics::counter!("idse_conflicts_total").increment(1);
    Problem::new(ErrorKind::Exists, "changed", "Remote version is newer")
        .with_hint("Pull, merge what others wrote, and push again.")
        .with_field("success", false)
        .with_field("conflict", true)
        .with_field("message", "Remote version is newer")
        .with_field("conflicts", list)
        .with_field("state", state)
        .with_field("guard", json!(agency.remote.info().guard))
        .with_field("sessions", json!(agency.remote.info().sessions))
        .with_field("state_digest", state_digest)
        .with_field("session_id", row.and_then(|row| row.session.as_ref()).map(SessionId::to_string))
        .with_field("revision", row.map(|row| row.revision.to_string()))
        .with_field("updated_at", row.and_then(|row| row.updated_at.clone()))
}
