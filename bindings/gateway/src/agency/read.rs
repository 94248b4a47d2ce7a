//! Reading: pulls, lists and statuses, in the form that existing clients know, with ours beside it.

use idse_core::remote::{
    Fetched, Health, ProjectFilter, ProjectSummary, RemoteInfo, RemoteSession, RemoteSessionSummary,
    RemoteText, Sessions, Target,
};
use idse_core::{Digest, ErrorKind, ProjectId, SessionId, Stage};
use serde_json::{Map, Value, json};

use super::{Agency, blueprint, last_agent, progress, stages};
use crate::form::{META, Pull};
use crate::problem::Problem;

/// Where the second generation of clients looks for `meta_md`.
const META_PATH: &str = "meta/meta.md";

/// Answers a pull.
pub(crate) fn pull(agency: &Agency<'_>, form: &Pull) -> Result<Value, Problem> {
    let session = match &form.session {
        Some(session) => session.clone(),
        None => agency.last_session(form.project_id)?.map_or_else(blueprint, Ok)?,
    };
    let target = Target { project_id: form.project_id, session };
    match agency.remote.fetch(&target, form.since.as_ref(), agency.context)? {
        Fetched::Session(row) => Ok(pulled(agency, form, &row, &target.session)),
        Fetched::Unchanged => Ok(json!({
            "success": true,
            "project_id": target.project_id,
            "session_id": target.session,
            "unchanged": true,
            "revision": form.since,
            "guard": agency.remote.info().guard,
            "sessions": agency.remote.info().sessions,
        })),
        Fetched::Missing { project_exists: true } => Err(agency.no_session(&target)),
        Fetched::Missing { project_exists: false } => Err(agency.no_project()),
    }
}

fn pulled(agency: &Agency<'_>, form: &Pull, row: &RemoteSession, asked: &SessionId) -> Value {
    let mut artifacts = Map::new();
    let mut digests = Map::new();
    for (stage, text) in texts(row) {
        let key = if form.by_path { stage.path() } else { stage.column() };
        artifacts.insert(key.to_owned(), text.into());
        digests.insert(stage.column().to_owned(), Digest::of(text).to_string().into());
    }
    if let Some(meta) = row.meta.text() {
        artifacts.insert(if form.by_path { META_PATH } else { META }.to_owned(), meta.into());
    }
    let skipped: Vec<_> = row
        .texts
        .iter()
        .filter(|(_, text)| matches!(text, RemoteText::Unmapped))
        .map(|(stage, _)| stage.column())
        .collect();
    let info = agency.remote.info();
    // A row that does not say whose it is belongs to whatever session was asked for.
    let session = row.session.as_ref().or((info.sessions == Sessions::Many).then_some(asked));
    let is_blueprint = session.is_some_and(SessionId::is_blueprint);
    json!({
        "success": true,
        "project_id": row.project_id,
        "session_id": session,
        "name": row.name,
        "stack": row.stack,
        "framework": row.framework,
        "artifacts": artifacts,
        "state_json": row.state,
        "session_state": row.state.clone().unwrap_or_default(),
        "is_blueprint": is_blueprint,
        "session_type": if is_blueprint { "blueprint" } else { "feature" },
        "updated_at": row.updated_at,
        "revision": row.revision,
        "guard": info.guard,
        "sessions": info.sessions,
        "digests": digests,
        "unchanged": false,
        "skipped": skipped,
    })
}

fn texts(row: &RemoteSession) -> impl Iterator<Item = (Stage, &str)> {
    row.texts.iter().filter_map(|(stage, text)| Some((*stage, text.text()?)))
}

/// Lists projects, the one written last first.
pub(crate) fn projects(agency: &Agency<'_>, filter: &ProjectFilter) -> Result<Value, Problem> {
    let projects = agency.remote.projects(filter, agency.context)?;
    let list: Vec<_> = projects.iter().map(summary).collect();
    let info = agency.remote.info();
    Ok(json!({
        "success": true,
        "count": list.len(),
        "projects": list,
        "guard": info.guard,
        "sessions": info.sessions,
    }))
}

fn summary(project: &ProjectSummary) -> Value {
    let sessions: Vec<_> = project
        .sessions
        .iter()
        .map(|session| {
            json!({
                "session_id": session.session,
                "updated_at": session.updated_at,
                "state_json": session.state,
            })
        })
        .collect();
    json!({
        "id": project.project_id,
        "name": project.name,
        "stack": project.stack,
        "framework": project.framework,
        "state_json": project.sessions.first().and_then(|session| session.state.as_ref()),
        "updated_at": project.updated_at,
        "sessions": sessions,
    })
}

/// Lists what the dashboard of existing tools shows: each project and how far it is.
pub(crate) fn blueprints(agency: &Agency<'_>) -> Result<Value, Problem> {
    let projects = agency.remote.projects(&ProjectFilter::All, agency.context)?;
    let list: Vec<_> = projects
        .iter()
        .map(|project| {
            json!({
                "project_id": project.project_id,
                "project_name": project.name,
                "progress_percent": progress(blueprint_state(project)),
            })
        })
        .collect();
    Ok(json!({"blueprints": list}))
}

/// Returns the state of the project as a whole, or of the session that was written last.
fn blueprint_state(project: &ProjectSummary) -> Option<&Map<String, Value>> {
    let is_blueprint =
        |session: &&RemoteSessionSummary| session.session.as_ref().is_some_and(SessionId::is_blueprint);
    let session = project.sessions.iter().find(is_blueprint).or(project.sessions.first())?;
    session.state.as_ref()
}

/// Answers with the status of a project: that of the session that was pushed last.
pub(crate) fn status(agency: &Agency<'_>, id: ProjectId) -> Result<Value, Problem> {
    let project = agency.project(id)?.ok_or_else(|| agency.no_project())?;
    let session = project.sessions.first();
    let state = session.and_then(|session| session.state.as_ref());
    Ok(json!({
        "project_id": project.project_id,
        "project_name": project.name,
        "last_synced": session.map_or(&project.updated_at, |session| &session.updated_at),
        "created_at": agency.remote.created_at(id, agency.context)?,
        "state": stages(state),
        "last_agent": last_agent(state),
        "session_id": session.and_then(|session| session.session.as_ref()),
        "sessions": agency.remote.info().sessions,
        "guard": agency.remote.info().guard,
    }))
}

/// Answers with the status of one session.
pub(crate) fn session_status(
    agency: &Agency<'_>,
    id: ProjectId,
    asked: &SessionId,
) -> Result<Value, Problem> {
    let not_found = |reason, detail, project_exists| {
        agency.missing(Problem::new(ErrorKind::NotFound, reason, detail), project_exists)
    };
    let project = agency
        .project(id)?
        .ok_or_else(|| not_found("project", format!("Project '{id}' not found"), false))?;
    let holds = |session: &&RemoteSessionSummary| session.session.as_ref().is_none_or(|held| held == asked);
    let session = project.sessions.iter().find(holds).ok_or_else(|| {
        not_found("session", format!("Session '{asked}' not found in project '{}'", project.name), true)
    })?;
    let state = session.state.as_ref();
    let given = state.and_then(|state| state.get("progress_percent")).filter(|value| value.is_number());
    Ok(json!({
        "project_id": project.project_id,
        "project_name": project.name,
        "session_id": asked,
        "session_name": asked,
        "is_blueprint": asked.is_blueprint(),
        "last_synced": session.updated_at,
        "created_at": agency.remote.created_at(id, agency.context)?,
        "state": stages(state),
        "last_agent": last_agent(state),
        "progress_percent": given.cloned().unwrap_or_else(|| progress(state).into()),
    }))
}

/// Returns the body of `/sync/health`, as existing clients read it.
pub(crate) fn health(health: &Health, info: &RemoteInfo) -> Value {
    if health.healthy {
        json!({
            "status": "healthy",
            "supabase_connected": true,
            "message": "MCP sync service operational",
            "guard": info.guard,
            "sessions": info.sessions,
        })
    } else {
        json!({"status": "unhealthy", "supabase_connected": false, "error": "the store does not answer as it should"})
    }
}
