//! Changing the state of one session, as the second generation of clients does.

use idse_core::remote::{Fetched, PushOutcome, PushRequest, PushState, Target};
use idse_core::{Digest, ErrorKind};
use serde_json::{Map, Value, json};

use super::{Agency, progress};
use crate::form::StatusChange;
use crate::problem::Problem;

/// How often a change is tried again when somebody writes in between.
const ATTEMPTS: u32 = 16;

/// Merges a change into the state of a session. Nothing but what the change names is touched.
pub(crate) fn change(agency: &Agency<'_>, target: &Target, change: &StatusChange) -> Result<Value, Problem> {
    for _ in 0..ATTEMPTS {
        let row = match agency.fetch(target)? {
            Fetched::Session(row) => row,
            Fetched::Missing { project_exists: true } => return Err(agency.no_session(target)),
            Fetched::Missing { project_exists: false } | Fetched::Unchanged => {
                return Err(Problem::new(
                    ErrorKind::NotFound,
                    "project",
                    format!("Project '{}' not found", target.project_id),
                ));
            }
        };
        if row.session.as_ref().is_some_and(|held| *held != target.session) {
            return Err(agency.no_session(target));
        }
        let before = row.state.clone();
        let after = merged(before.clone().unwrap_or_default(), change);
        let mut timestamp = row.updated_at;
        if before.as_ref() != Some(&after) {
            let request = PushRequest {
                target: target.clone(),
                op: agency.op(),
                revision: Some(row.revision),
                items: Vec::new(),
                state: Some(PushState {
                    value: after,
                    expected: before.map(|state| Digest::of_json(&Value::Object(state))),
                }),
                create: None,
            };
            match agency.remote.push(&request, agency.context)? {
                PushOutcome::Written { updated_at, .. } => timestamp = updated_at,
                PushOutcome::Differs { .. } => continue,
                PushOutcome::Missing => return Err(agency.no_project()),
            }
        }
        return Ok(json!({
            "success": true,
            "project_id": target.project_id,
            "session_id": target.session,
            "updated_fields": fields(change),
            "timestamp": timestamp,
        }));
    }
    let detail = "others write into this session all the time; nothing was written";
    Err(Problem::new(ErrorKind::Unavailable, "contended", detail))
}

fn fields(change: &StatusChange) -> Vec<&'static str> {
    let named = [
        ("stages", change.stages.is_some()),
        ("last_agent", change.last_agent.is_some()),
        ("progress_percent", change.progress.is_some()),
    ];
    named.into_iter().filter(|(_, is_there)| *is_there).map(|(name, _)| name).collect()
}

fn merged(mut state: Map<String, Value>, change: &StatusChange) -> Map<String, Value> {
    if let Some(changes) = &change.stages {
        let stages = state.entry("stages").or_insert_with(|| Map::new().into());
        if !stages.is_object() {
            *stages = Map::new().into();
        }
        for (stage, status) in changes {
            stages[stage.name()] = status.as_str().into();
        }
        let percent = progress(Some(&state));
        state.insert("progress_percent".into(), percent.into());
    }
    if let Some(agent) = &change.last_agent {
        state.insert("last_agent".into(), agent.as_str().into());
    }
    if let Some(percent) = change.progress {
        state.insert("progress_percent".into(), percent.into());
    }
    state
}
