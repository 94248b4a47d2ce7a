//! What the two generations answer. Every refusal is a 500 with the text of the one that was meant.

use serde_json::{Map, Value, json};

use super::table::{OldRow, Refused, Table, jsonb};
use super::{Asked, Generation};

type Answer = (u16, Value);

impl From<Refused> for Answer {
    fn from(refused: Refused) -> Self {
        failed(refused.0)
    }
}

fn failed(detail: impl Into<String>) -> Answer {
    (500, json!({ "detail": detail.into() }))
}

pub(super) fn answer(generation: Generation, table: &mut Table, asked: &Asked) -> Answer {
    let path = asked.path.split('?').next().unwrap_or_default();
    let parts: Vec<_> = path.split('/').skip(1).collect();
    let result = match (asked.method.as_str(), parts.as_slice()) {
        ("POST", ["sync", "push"]) => read(asked).and_then(|body| push(generation, table, &body)),
        ("POST", ["sync", "pull"]) => read(asked).and_then(|body| pull(generation, table, &body)),
        ("GET", ["sync", "status", id]) => status(table, id),
        ("GET", ["sync", "projects"]) => projects(table),
        ("GET", ["sync", "health"]) => Ok(json!({
            "status": "healthy", "supabase_connected": true, "message": "MCP sync service operational"
        })),
        (_, ["sync", "push" | "pull" | "projects" | "health"]) => {
            Err((405, json!({"detail": "Method Not Allowed"})))
        }
        _ => Err((404, json!({"detail": "Not Found"}))),
    };
    match result {
        Ok(body) => (200, body),
        Err(answer) => answer,
    }
}

fn invalid(kind: &str, loc: &[&str], msg: &str) -> Answer {
    let loc: Vec<_> = std::iter::once("body").chain(loc.iter().copied()).collect();
    (422, json!({"detail": [{"type": kind, "loc": loc, "msg": msg, "input": null}]}))
}

fn read(asked: &Asked) -> Result<Map<String, Value>, Answer> {
    let Ok(text) = std::str::from_utf8(&asked.body) else {
        return Err((400, json!({"detail": "There was an error parsing the body"})));
    };
    if text.is_empty() {
        return Err(invalid("missing", &[], "Field required"));
    }
    if !asked.content_type.starts_with("application/json") {
        return Err(invalid(
            "model_attributes_type",
            &[],
            "Input should be a valid dictionary or object to extract fields from",
        ));
    }
    match serde_json::from_str(text) {
        Ok(Value::Object(body)) => Ok(body),
        Ok(_) => Err(invalid(
            "model_attributes_type",
            &[],
            "Input should be a valid dictionary or object to extract fields from",
        )),
        Err(error) if error.to_string().contains("surrogate") => Err(failed(
            "'utf-8' codec can't encode character '\\ud800' in position 1: surrogates not allowed",
        )),
        Err(error) => Err((
            422,
            json!({"detail": [{"type": "json_invalid", "loc": ["body", error.column()],
            "msg": "JSON decode error", "input": {}, "ctx": {"error": "Expecting value"}}]}),
        )),
    }
}

fn optional<'a>(body: &'a Map<String, Value>, key: &str) -> Result<Option<&'a str>, Answer> {
    match body.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(invalid("string_type", &[key], "Input should be a valid string")),
    }
}

fn object<'a>(body: &'a Map<String, Value>, key: &str) -> Result<Option<&'a Map<String, Value>>, Answer> {
    match body.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(_) => Err(invalid("dict_type", &[key], "Input should be a valid dictionary")),
    }
}

fn push(generation: Generation, table: &mut Table, body: &Map<String, Value>) -> Result<Value, Answer> {
    let artifacts = match body.get("artifacts") {
        None => return Err(invalid("missing", &["artifacts"], "Field required")),
        Some(Value::Object(artifacts)) => artifacts,
        Some(_) => return Err(invalid("dict_type", &["artifacts"], "Input should be a valid dictionary")),
    };
    if let Some((key, _)) = artifacts.iter().find(|(_, value)| !value.is_string()) {
        return Err(invalid("string_type", &["artifacts", key], "Input should be a valid string"));
    }
    let id = optional(body, "project_id")?.filter(|id| !id.is_empty());
    let name = optional(body, "project_name")?;
    let stack = optional(body, "stack")?;
    let stack = if body.contains_key("stack") { stack } else { Some("python") };
    let framework = optional(body, "framework")?;
    let state = object(body, "state_json")?;
    let about = json!({"name": name, "stack": stack, "framework": framework});
    let about = about.as_object().cloned().unwrap_or_default();
    let synced: Vec<_> =
        artifacts.keys().filter(|key| key.ends_with("_md")).map(|key| key.replace("_md", "")).collect();

    let mut at = match id {
        Some(id) => {
            let found = table.find(id)?.map(|row| row.id.clone());
            found.and_then(|id| table.rows.iter().position(|row| row.id == id))
        }
        None if generation == Generation::Second => {
            table.rows.iter().position(|row| name.is_some() && row.get("name") == name)
        }
        None => None,
    };
    let created = at.is_none() && id.is_none();
    let mut values = artifacts.clone();
    match generation {
        Generation::First => {
            let state = state.filter(|state| created || !state.is_empty());
            if let Some(state) = state {
                values.insert("state_json".into(), state.clone().into());
            }
            if created {
                if name.is_none_or(str::is_empty) {
                    return Err(failed("400: project_name required when creating new project"));
                }
                values.extend(about);
                at = Some(table.insert(&values)?);
            } else {
                let Some(at) = at.filter(|_| !values.is_empty()) else {
                    return Err(failed("404: Project not found"));
                };
                table.update(at, &values)?;
            }
        }
        Generation::Second => {
            if created && name.is_none_or(str::is_empty) {
                return Err(failed("400: project_name required when creating new project"));
            }
            values.extend(about);
            if let Some(state) = state {
                values.insert("state_json".into(), state.clone().into());
            }
            match (at, id) {
                (Some(at), _) => table.update(at, &values)?,
                (None, None) => at = Some(table.insert(&values)?),
                (None, Some(_)) if name.is_none() => return Err(failed("404: Project not found")),
                (None, Some(id)) => {
                    values.insert("id".into(), id.into());
                    at = Some(table.insert(&values)?);
                }
            }
            let id = table.rows[at.unwrap_or_default()].id.clone();
            let session = optional(body, "session_id")?.filter(|session| !session.is_empty());
            let own = object(body, "session_state_json")?.or(state);
            store_session(table, &id, session.unwrap_or("__blueprint__"), artifacts, own);
        }
    }
    let row = &table.rows[at.unwrap_or_default()];
    let message = if created {
        format!("Created new project: {}", name.unwrap_or_default())
    } else {
        format!("Updated project: {}", id.unwrap_or(&row.id))
    };
    // The answer still names the id that was asked for, whatever an artifact called `id` has done.
    Ok(json!({
        "success": true, "project_id": id.unwrap_or(&row.id), "message": message,
        "synced_stages": synced, "timestamp": row.updated_at(),
    }))
}

/// Writes the documents one by one; what is refused is a line in the log, and nothing else.
fn store_session(
    table: &mut Table,
    id: &str,
    session: &str,
    artifacts: &Map<String, Value>,
    state: Option<&Map<String, Value>>,
) {
    let state = state.map_or(Value::Null, |state| jsonb(&state.clone().into()));
    drop(table.sessions.insert((id.to_owned(), session.to_owned()), state));
    for (key, text) in artifacts {
        let Some(stage) = key.strip_suffix("_md") else { continue };
        let path = path_of(stage);
        if !table.refused.contains(&path) {
            let text = text.as_str().unwrap_or_default().to_owned();
            drop(table.documents.insert((id.to_owned(), session.to_owned(), path), text));
        }
    }
}

fn path_of(stage: &str) -> String {
    match stage {
        "meta" => "meta/meta.md".to_owned(),
        "implementation" => "implementation/README.md".to_owned(),
        "tasks" => "tasks/tasks.md".to_owned(),
        "feedback" => "feedback/feedback.md".to_owned(),
        "intent" | "context" | "spec" | "plan" => format!("{stage}s/{stage}.md"),
        other => format!("{other}.md"),
    }
}

fn pull(generation: Generation, table: &mut Table, body: &Map<String, Value>) -> Result<Value, Answer> {
    let Some(id) = body.get("project_id") else {
        return Err(invalid("missing", &["project_id"], "Field required"));
    };
    let Some(id) = id.as_str() else {
        return Err(invalid("string_type", &["project_id"], "Input should be a valid string"));
    };
    let has_framework = table.has_column("framework");
    let Some(row) = table.find(id)?.cloned() else {
        return Err(match generation {
            Generation::First => failed("404: Project not found"),
            Generation::Second => (404, json!({"detail": "Project not found"})),
        });
    };
    let framework = row.get("framework").filter(|_| has_framework);
    let about = json!({
        "success": true, "project_id": row.id, "name": row.get("name"), "stack": row.get("stack"),
        "framework": framework, "updated_at": row.updated_at(),
    });
    let mut answer = about.as_object().cloned().unwrap_or_default();
    match generation {
        Generation::First => {
            let texts = row.texts.iter().filter(|(column, _)| column.ends_with("_md"));
            let artifacts: Map<_, _> =
                texts.map(|(column, text)| (column.clone(), text.as_str().into())).collect();
            answer.insert("artifacts".into(), artifacts.into());
            answer.insert("state_json".into(), row.state);
        }
        Generation::Second => {
            let session = optional(body, "session_id")?.filter(|session| !session.is_empty());
            let session = session.unwrap_or("__blueprint__").to_owned();
            let known = table.sessions.get(&(row.id.clone(), session.clone()));
            let of_session = |key: &&(String, String, String)| key.0 == row.id && key.1 == session;
            let documents = table.documents.keys().filter(of_session);
            let artifacts: Map<_, _> = documents
                .filter_map(|key| {
                    Some((
                        key.2.clone(),
                        table.documents.get(key).filter(|text| !text.is_empty())?.as_str().into(),
                    ))
                })
                .collect();
            let is_blueprint = known.is_some() && session == "__blueprint__";
            answer.insert("artifacts".into(), artifacts.into());
            answer.insert(
                "session_state".into(),
                known.filter(|state| !state.is_null()).cloned().unwrap_or_else(|| json!({})),
            );
            answer.insert("is_blueprint".into(), is_blueprint.into());
            answer.insert("session_type".into(), if is_blueprint { "blueprint" } else { "feature" }.into());
            answer.insert("session_id".into(), session.into());
        }
    }
    Ok(answer.into())
}

fn status(table: &mut Table, id: &str) -> Result<Value, Answer> {
    let Some(row) = table.find(id)? else { return Err(failed("404: Project not found")) };
    let Some(state) = row.state.as_object() else {
        return Err(failed("'NoneType' object has no attribute 'get'"));
    };
    Ok(json!({
        "project_id": row.id, "project_name": row.get("name"), "last_synced": row.updated_at(),
        "created_at": row.created_at(),
        "state": state.get("stages").cloned().unwrap_or_else(|| json!({})),
        "last_agent": state.get("last_agent"),
    }))
}

fn projects(table: &mut Table) -> Result<Value, Answer> {
    if !table.has_column("framework") {
        return Err(failed(
            "{'message': 'column projects.framework does not exist', 'code': '42703', 'hint': None, 'details': None}",
        ));
    }
    let mut rows: Vec<&OldRow> = table.rows.iter().collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.updated));
    let list: Vec<_> = rows
        .into_iter()
        .take(1000)
        .map(|row| json!({
            "id": row.id, "name": row.get("name"), "stack": row.get("stack"), "framework": row.get("framework"),
            "state_json": row.state, "updated_at": row.updated_at(),
        }))
        .collect();
    Ok(json!({"success": true, "count": list.len(), "projects": list}))
}
