//! Somebody else at the agency: a client that knows nothing of operations, or a person in a table editor.

use std::path::Path;

use idse_core::remote::{
    Fetched, NewProject, ProjectFilter, PushItem, PushOutcome, PushRequest, PushState, Remote, RemoteText,
    Target,
};
use idse_core::{Context, Digest, OpId, ProjectId, SessionId, Stage};
use serde_json::Value;

/// Returns a field of a step that is a text.
pub fn text<'a>(step: &'a Value, key: &str) -> Option<&'a str> {
    step[key].as_str()
}

/// Returns the project that a step is about.
pub fn project(step: &Value) -> &str {
    text(step, "project").unwrap_or("portal")
}

/// Returns the session that a step is about.
pub fn session(step: &Value) -> &str {
    text(step, "session").unwrap_or("s1")
}

/// Returns the target of a step in an agency.
///
/// # Errors
/// The agency has no such project.
pub fn target(remote: &dyn Remote, step: &Value) -> Result<Target, String> {
    let name = ProjectFilter::Name(project(step).to_owned());
    let projects = remote.projects(&name, &Context::default()).map_err(|e| e.to_string())?;
    let project_id = projects.first().ok_or("the agency has no such project")?.project_id;
    Ok(Target { project_id, session: session(step).parse::<SessionId>().map_err(|e| e.to_string())? })
}

/// Writes a row as a step `row` says.
///
/// # Errors
/// What the agency says.
pub fn row(remote: &dyn Remote, step: &Value) -> Result<(), String> {
    let context = Context::default();
    let create = step["create"] == true;
    let target = if create {
        let session = session(step).parse().map_err(|e: idse_core::Error| e.to_string())?;
        Target { project_id: ProjectId::new(context.clock.unique()), session }
    } else {
        target(remote, step)?
    };
    let (texts, state) = match remote.fetch(&target, None, &context).map_err(|e| e.to_string())? {
        Fetched::Session(row) => (row.texts, row.state),
        _ => Default::default(),
    };
    let items = step["texts"].as_object().into_iter().flatten().map(|(stage, text)| {
        let stage: Stage = stage.parse().unwrap();
        let expected = texts.get(&stage).and_then(RemoteText::text).map(Digest::of);
        PushItem { stage, text: text.as_str().map(str::to_owned), expected }
    });
    let mut value = state.clone().unwrap_or_default();
    for (key, field) in step["state"].as_object().into_iter().flatten() {
        value.insert(key.clone(), field.clone());
    }
    let expected = state.map(|state| Digest::of_json(&state.into()));
    let request = PushRequest {
        op: OpId::new(context.clock.unique()),
        revision: None,
        items: items.collect(),
        state: step["state"].is_object().then_some(PushState { value, expected }),
        create: create.then(|| NewProject {
            name: project(step).parse().unwrap(),
            stack: None,
            framework: None,
        }),
        target,
    };
    match remote.push(&request, &context).map_err(|e| e.to_string())? {
        PushOutcome::Written { .. } => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

/// Drops rows of an embedded agency as an administrator would.
pub fn drop_from(path: &Path, project: &str, session: &str, whole: bool) {
    let db = rusqlite::Connection::open(path).unwrap();
    let id: String =
        db.query_row("SELECT id FROM projects WHERE name = ?1", [project], |row| row.get(0)).unwrap();
    if whole {
        db.execute("DELETE FROM sessions WHERE project_id = ?1", [&id]).unwrap();
        db.execute("DELETE FROM projects WHERE id = ?1", [&id]).unwrap();
    } else {
        let changed =
            db.execute("DELETE FROM sessions WHERE project_id = ?1 AND session_id = ?2", [&id, session]);
        assert_eq!(changed.unwrap(), 1);
    }
}
