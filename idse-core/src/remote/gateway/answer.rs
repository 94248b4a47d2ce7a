//! Answers of gateways as values: pure functions from JSON to what the engine knows, whoever made the JSON.
//!
//! Which request an answer belongs to, and what an error means, is the matter of its neighbours.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::name::{ProjectId, SessionId};
use crate::remote::{
    Guard, ProjectFilter, ProjectSummary, RemoteSession, RemoteSessionSummary, RemoteText, Revision, Sessions,
};
use crate::stage::Stage;
use crate::text::{Digest, ObjectId};

use super::Kind;

/// What begins a revision that this client made up for a gateway that has none.
const MADE_UP: &str = "seen-";

/// An answer that cannot be taken: why, as the rest of a sentence.
pub(super) type Odd = String;

/// Says what kind of gateway an answer came from, as far as it tells.
pub(super) fn kind_of(answer: &Map<String, Value>) -> Option<Kind> {
    if let Some(guard) = answer.get("guard") {
        let guard = serde_json::from_value(guard.clone()).unwrap_or(Guard::None);
        let sessions = answer.get("sessions").cloned().map(serde_json::from_value::<Sessions>);
        let sessions = sessions.and_then(Result::ok).unwrap_or(Sessions::One);
        return Some(Kind::Guarded { guard, sessions });
    }
    // The second generation answers with the state of the session, the first with that of the project.
    if answer.contains_key("session_state") && !answer.contains_key("state_json") {
        return Some(Kind::Existing { sessions: Sessions::Many });
    }
    answer.contains_key("artifacts").then_some(Kind::Existing { sessions: Sessions::One })
}

/// Reads a pulled session; `None` where the gateway has the project and nothing of this session.
pub(super) fn session(
    answer: &Map<String, Value>,
    project_id: ProjectId,
    kind: Kind,
) -> Result<Option<RemoteSession>, Odd> {
    check_project(answer, project_id)?;
    let Some(Value::Object(artifacts)) = answer.get("artifacts") else {
        return Err("it sent no `artifacts`".to_owned());
    };
    let is_guarded = matches!(kind, Kind::Guarded { .. });
    let state = ["state_json", "session_state"].iter().find_map(|key| answer.get(*key)?.as_object());
    let state = state.filter(|state| is_guarded || !state.is_empty()).cloned();
    if kind == (Kind::Existing { sessions: Sessions::Many }) && artifacts.is_empty() && state.is_none() {
        return Ok(None);
    }
    let texts = texts(answer, artifacts, is_guarded)?;
    let revision = match (is_guarded, text(answer, "revision")) {
        (true, Some(revision)) => Revision::new(revision),
        (true, None) => return Err("it sent no `revision`".to_owned()),
        (false, _) => made_up_revision(answer),
    };
    let named = text(answer, "session_id").or_else(|| state.as_ref()?.get("session_id")?.as_str());
    Ok(Some(RemoteSession {
        project_id,
        name: text(answer, "name").unwrap_or_default().to_owned(),
        stack: text(answer, "stack").map(str::to_owned),
        framework: text(answer, "framework").map(str::to_owned),
        session: named.and_then(|name| name.parse().ok()),
        revision,
        updated_at: text(answer, "updated_at").map(str::to_owned),
        texts,
        meta: RemoteText::Unmapped,
        state,
    }))
}

fn texts(
    answer: &Map<String, Value>,
    artifacts: &Map<String, Value>,
    is_guarded: bool,
) -> Result<BTreeMap<Stage, RemoteText>, Odd> {
    let unmapped = stages(answer.get("skipped"));
    let digests = answer.get("digests").and_then(Value::as_object);
    let mut texts = BTreeMap::new();
    for stage in Stage::ALL {
        let found = match artifacts.get(stage.column()).or_else(|| artifacts.get(stage.path())) {
            Some(Value::String(text)) => RemoteText::Text(text.clone()),
            Some(Value::Null) => RemoteText::Absent,
            Some(_) => return Err(format!("its text of {stage} is no text")),
            None if unmapped.contains(&stage) => RemoteText::Unmapped,
            None if is_guarded => RemoteText::Absent,
            None => RemoteText::Unknown,
        };
        let said = digests.and_then(|digests| digests.get(stage.column())?.as_str());
        if let (Some(said), RemoteText::Text(text)) = (said, &found)
            && Digest::of(text).to_string() != said
        {
            return Err(format!("its text of {stage} is not the one that its digest names"));
        }
        texts.insert(stage, found);
    }
    Ok(texts)
}

/// Refuses the row of another project.
pub(super) fn check_project(answer: &Map<String, Value>, project_id: ProjectId) -> Result<(), Odd> {
    let named = text(answer, "project_id").and_then(|id| id.parse::<ProjectId>().ok());
    if named == Some(project_id) { Ok(()) } else { Err("it speaks of another project".to_owned()) }
}

/// Makes up a revision for a row that has none: any change of what was sent changes it.
fn made_up_revision(answer: &Map<String, Value>) -> Revision {
    let mut parts = Vec::new();
    for key in ["artifacts", "state_json", "session_state", "updated_at"] {
        let value = answer.get(key).cloned().unwrap_or_default();
        parts.push(Digest::of_json(&value).to_string());
    }
    Revision::new(format!("{MADE_UP}{}", &ObjectId::of(parts.concat().as_bytes()).hex()[..32]))
}

/// Tells whether a revision was given out by a gateway that guards by it.
pub(super) fn is_guarding(revision: &Revision) -> bool {
    !revision.as_str().starts_with(MADE_UP)
}

/// Reads the projects of a list that a filter lets through, in their order.
pub(super) fn projects(
    answer: &Map<String, Value>,
    filter: &ProjectFilter,
) -> Result<Vec<ProjectSummary>, Odd> {
    let list = answer.get("projects").and_then(Value::as_array).ok_or("it sent no `projects`")?;
    let mut found = Vec::new();
    for entry in list {
        let project = entry.as_object().and_then(project).ok_or("an entry of `projects` is no project")?;
        let is_meant = match filter {
            ProjectFilter::All => true,
            ProjectFilter::Name(name) => project.name == *name,
            ProjectFilter::Id(id) => project.project_id == *id,
        };
        if is_meant {
            found.push(project);
        }
    }
    Ok(found)
}

fn project(entry: &Map<String, Value>) -> Option<ProjectSummary> {
    let updated_at = text(entry, "updated_at").map(str::to_owned);
    let sessions = match entry.get("sessions").and_then(Value::as_array) {
        Some(list) => list.iter().filter_map(|session| summary(session.as_object()?)).collect(),
        None => {
            let state = entry.get("state_json").and_then(Value::as_object).cloned();
            vec![RemoteSessionSummary {
                session: session_of(state.as_ref()),
                updated_at: updated_at.clone(),
                state,
            }]
        }
    };
    Some(ProjectSummary {
        project_id: text(entry, "id")?.parse().ok()?,
        name: text(entry, "name")?.to_owned(),
        stack: text(entry, "stack").map(str::to_owned),
        framework: text(entry, "framework").map(str::to_owned),
        updated_at,
        sessions,
    })
}

fn summary(entry: &Map<String, Value>) -> Option<RemoteSessionSummary> {
    let state = entry.get("state_json").and_then(Value::as_object).cloned();
    let named = text(entry, "session_id").and_then(|name| name.parse().ok());
    let updated_at = text(entry, "updated_at").map(str::to_owned);
    Some(RemoteSessionSummary { session: named.or_else(|| session_of(state.as_ref())), updated_at, state })
}

fn session_of(state: Option<&Map<String, Value>>) -> Option<SessionId> {
    state?.get("session_id")?.as_str()?.parse().ok()
}

/// Returns a session as an entry of a list.
pub(super) fn summary_of(row: RemoteSession) -> ProjectSummary {
    let session =
        RemoteSessionSummary { session: row.session, updated_at: row.updated_at.clone(), state: row.state };
    ProjectSummary {
        project_id: row.project_id,
        name: row.name,
        stack: row.stack,
        framework: row.framework,
        updated_at: row.updated_at,
        sessions: vec![session],
    }
}

/// Reads the stages of a list of columns; what is no column is passed over.
pub(super) fn stages(list: Option<&Value>) -> Vec<Stage> {
    let names = list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    names.filter_map(|name| Stage::ALL.into_iter().find(|stage| stage.column() == name)).collect()
}

/// Returns a field that is a text.
pub(super) fn text<'a>(answer: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    answer.get(key)?.as_str()
}
