//! The statements: reading rows, and writing what was decided.

use std::collections::BTreeMap;

use rusqlite::types::{Value as SqlValue, ValueRef};
use rusqlite::{Connection, OptionalExtension as _, Row, params_from_iter};
use serde_json::{Map, Value};

use super::failure::{Failure, not_text};
use crate::error::{Error, ErrorKind};
use crate::name::ProjectId;
use crate::remote::decide::{Before, Decision, Held, op_mark, revision};
use crate::remote::{
    Fetched, ProjectFilter, ProjectSummary, PushOutcome, PushRequest, RemoteSession, RemoteSessionSummary,
    RemoteText, Revision, Target,
};
use crate::stage::Stage;
use crate::text::Digest;

/// Reads a session.
pub(super) fn fetch(
    connection: &Connection,
    target: &Target,
    since: Option<&Revision>,
) -> Result<Fetched, Failure> {
    let project_id = target.project_id.to_string();
    let key = [project_id.as_str(), target.session.as_str()];
    if let Some(since) = since {
        let mut statement = connection
            .prepare_cached("SELECT revision, op FROM sessions WHERE project_id = ?1 AND session_id = ?2")?;
        let current = statement.query_row(key, |row| Ok(revision(row.get(0)?, &row.get::<_, String>(1)?)));
        if current.optional()?.as_ref() == Some(since) {
            return Ok(Fetched::Unchanged);
        }
    }
    let columns = Stage::ALL.map(|stage| format!(", s.{}", stage.column())).concat();
    let mut statement = connection.prepare_cached(&format!(
        "SELECT p.name, p.stack, p.framework, s.revision, s.op, s.updated_at, s.state_json{columns}
         FROM projects p LEFT JOIN sessions s ON s.project_id = p.id AND s.session_id = ?2 WHERE p.id = ?1"
    ))?;
    let mut rows = statement.query(key)?;
    let Some(row) = rows.next()? else { return Ok(Fetched::Missing { project_exists: false }) };
    let Some(counter) = row.get::<_, Option<i64>>(3)? else {
        return Ok(Fetched::Missing { project_exists: true });
    };
    let mut texts = BTreeMap::new();
    for (index, stage) in (7..).zip(Stage::ALL) {
        let text = text_at(row, index, stage.column())?;
        texts.insert(stage, text.map_or(RemoteText::Absent, RemoteText::Text));
    }
    Ok(Fetched::Session(Box::new(RemoteSession {
        project_id: target.project_id,
        name: text_at(row, 0, "name")?.unwrap_or_default(),
        stack: text_at(row, 1, "stack")?,
        framework: text_at(row, 2, "framework")?,
        session: Some(target.session.clone()),
        revision: revision(counter, &text_at(row, 4, "op")?.unwrap_or_default()),
        updated_at: text_at(row, 5, "updated_at")?,
        texts,
        meta: RemoteText::Unmapped,
        state: state_at(row, 6)?,
    })))
}

/// Reads what a push has to be compared with.
pub(super) fn before(connection: &Connection, request: &PushRequest) -> Result<Before, Failure> {
    let columns: String = request.items.iter().map(|item| format!(", s.{}", item.stage.column())).collect();
    let mut statement = connection.prepare(&format!(
        "SELECT s.revision, s.op, s.state_json{columns}
         FROM projects p LEFT JOIN sessions s ON s.project_id = p.id AND s.session_id = ?2 WHERE p.id = ?1"
    ))?;
    let mut rows =
        statement.query([request.target.project_id.to_string().as_str(), request.target.session.as_str()])?;
    let Some(row) = rows.next()? else { return Ok(Before::NoProject) };
    let Some(counter) = row.get::<_, Option<i64>>(0)? else { return Ok(Before::NoSession) };
    let mut texts = BTreeMap::new();
    for (index, item) in (3..).zip(&request.items) {
        if let Some(text) = text_at(row, index, item.stage.column())? {
            texts.insert(item.stage, Digest::of(&text));
        }
    }
    Ok(Before::Row(Held {
        revision: revision(counter, &text_at(row, 1, "op")?.unwrap_or_default()),
        texts,
        state: state_at(row, 2)?.map(|state| Digest::of_json(&Value::Object(state))),
    }))
}

/// Writes what was decided and returns the answer. The caller commits.
pub(super) fn write(
    connection: &Connection,
    request: &PushRequest,
    decision: Decision,
    now: String,
) -> Result<PushOutcome, Failure> {
    let in_step = match decision {
        Decision::Refuse(outcome) => return Ok(outcome),
        Decision::Update { in_step } => in_step,
        Decision::CreateProject | Decision::CreateRow => true,
    };
    let project_id = request.target.project_id.to_string();
    match (&decision, &request.create) {
        (Decision::CreateProject, Some(new)) => {
            connection.execute(
                "INSERT INTO projects (id, name, stack, framework, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
                (&project_id, new.name.as_str(), &new.stack, &new.framework, &now),
            )?;
        }
        _ => {
            connection.execute("UPDATE projects SET updated_at = ?2 WHERE id = ?1", (&project_id, &now))?;
        }
    }
    let counter: i64 =
        connection.query_row("UPDATE counter SET revision = revision + 1 RETURNING revision", [], |row| {
            row.get(0)
        })?;
    let mark = op_mark(request.op);
    let mut columns = vec!["revision", "op", "updated_at"];
    let mut values: Vec<SqlValue> = vec![counter.into(), mark.clone().into(), now.clone().into()];
    for item in &request.items {
        columns.push(item.stage.column());
        values.push(item.text.clone().into());
    }
    if let Some(state) = &request.state {
        columns.push("state_json");
        values.push(Value::Object(state.value.clone()).to_string().into());
    }
    let key: [SqlValue; 2] = [project_id.into(), request.target.session.as_str().to_owned().into()];
    if matches!(decision, Decision::Update { .. }) {
        let sets: Vec<_> = columns.iter().map(|column| format!("{column} = ?")).collect();
        let sql = format!("UPDATE sessions SET {} WHERE project_id = ? AND session_id = ?", sets.join(", "));
        connection.execute(&sql, params_from_iter(values.into_iter().chain(key)))?;
    } else {
        columns.extend(["created_at", "project_id", "session_id"]);
        values.push(now.clone().into());
        let marks = vec!["?"; columns.len()].join(", ");
        let sql = format!("INSERT INTO sessions ({}) VALUES ({marks})", columns.join(", "));
        connection.execute(&sql, params_from_iter(values.into_iter().chain(key)))?;
    }
    let revision = revision(counter, &mark);
    Ok(PushOutcome::Written { revision, in_step, updated_at: Some(now), skipped: Vec::new() })
}

/// Lists projects. "Last" is by revision: clocks are not compared.
pub(super) fn projects(
    connection: &Connection,
    filter: &ProjectFilter,
) -> Result<Vec<ProjectSummary>, Failure> {
    let (condition, value) = match filter {
        ProjectFilter::All => ("?1 IS NULL", None),
        ProjectFilter::Name(name) => ("p.name = ?1", Some(name.clone())),
        ProjectFilter::Id(id) => ("p.id = ?1", Some(id.to_string())),
    };
    let mut statement = connection.prepare_cached(&format!(
        "SELECT p.id, p.name, p.stack, p.framework, p.updated_at, s.session_id, s.updated_at, s.state_json,
                max(s.revision) OVER (PARTITION BY p.id) AS last
         FROM projects p LEFT JOIN sessions s ON s.project_id = p.id WHERE {condition}
         ORDER BY last DESC NULLS LAST, p.id, s.revision DESC"
    ))?;
    let mut rows = statement.query([value])?;
    let mut found: Vec<ProjectSummary> = Vec::new();
    while let Some(row) = rows.next()? {
        let id = text_at(row, 0, "id")?.unwrap_or_default();
        let project_id = id.parse().map_err(|_| {
            Error::new(ErrorKind::Protocol, format!("the agency holds a project whose id {id:?} is no UUID"))
                .with_hint("Correct the id in the agency file.")
        })?;
        if found.last().is_none_or(|last| last.project_id != project_id) {
            found.push(ProjectSummary {
                project_id,
                name: text_at(row, 1, "name")?.unwrap_or_default(),
                stack: text_at(row, 2, "stack")?,
                framework: text_at(row, 3, "framework")?,
                updated_at: text_at(row, 4, "updated_at")?,
                sessions: Vec::new(),
            });
        }
        if let (Some(session), Some(project)) = (text_at(row, 5, "session_id")?, found.last_mut()) {
            project.sessions.push(RemoteSessionSummary {
                session: session.parse().ok(),
                updated_at: text_at(row, 6, "updated_at")?,
                state: state_at(row, 7)?,
            });
        }
    }
    Ok(found)
}

/// Reads when a project was made.
pub(super) fn created_at(connection: &Connection, project_id: ProjectId) -> Result<Option<String>, Failure> {
    let mut statement = connection.prepare_cached("SELECT created_at FROM projects WHERE id = ?1")?;
    let mut rows = statement.query([project_id.to_string()])?;
    rows.next()?.map_or(Ok(None), |row| text_at(row, 0, "created_at"))
}

/// Counts the projects.
pub(super) fn count(connection: &Connection) -> Result<i64, Failure> {
    Ok(connection.query_row("SELECT count(*) FROM projects", [], |row| row.get(0))?)
}

/// Reads a column as text. A hand edit may have left a number or bytes there.
fn text_at(row: &Row<'_>, index: usize, column: &str) -> Result<Option<String>, Failure> {
    let bytes = match row.get_ref(index)? {
        ValueRef::Null => return Ok(None),
        ValueRef::Integer(number) => return Ok(Some(number.to_string())),
        ValueRef::Real(number) => return Ok(Some(number.to_string())),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes,
    };
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Some(text.to_owned())),
        Err(_) => Err(not_text(column).into()),
    }
}

/// Reads `state_json`; what is no object counts as nothing.
fn state_at(row: &Row<'_>, index: usize) -> Result<Option<Map<String, Value>>, Failure> {
    Ok(text_at(row, index, "state_json")?.and_then(|text| serde_json::from_str(&text).ok()))
}
