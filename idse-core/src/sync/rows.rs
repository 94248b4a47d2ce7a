//! Rows as the base remembers them, and the `state_json` that a push sends.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::error::Result;
use crate::name::{OpId, ProjectId, SessionKey};
use crate::remote::{RemoteSession, RemoteText, Revision};
use crate::session::Session;
use crate::stage::{Stage, StageStatus};
use crate::sync::base::{Base, Seen, TextRef};
use crate::sync::store::Store;
use crate::text::Digest;

/// Returns what the remote held at the revision of the base; `None` where the base does not know it whole.
pub(crate) fn remembered(store: &Store<'_>, base: &Base) -> Result<Option<RemoteSession>> {
    recall(base, |_, text| store.text(text.object))
}

/// As [`remembered`], for comparing with the local side only: a text that differs in nothing but line endings and
/// byte order mark stands for the one that was seen, and is not read from the store.
pub(crate) fn remembered_beside(
    store: &Store<'_>,
    base: &Base,
    local: &Session,
) -> Result<Option<RemoteSession>> {
    recall(base, |stage, seen| match local.artifact(stage).text() {
        Some(text) if Digest::of(text) == seen.digest => Ok(Some(text.to_owned())),
        _ => store.text(seen.object),
    })
}

fn recall(
    base: &Base,
    read: impl Fn(Stage, TextRef) -> Result<Option<String>>,
) -> Result<Option<RemoteSession>> {
    let Some(revision) = base.trusted_revision() else { return Ok(None) };
    let mut texts = BTreeMap::new();
    for stage in Stage::ALL {
        let text = match base.stage(stage).seen {
            None => return Ok(None),
            Some(Seen::Absent) => RemoteText::Absent,
            Some(Seen::Unknown) => RemoteText::Unknown,
            Some(Seen::Unmapped) => RemoteText::Unmapped,
            Some(Seen::Text(text)) => match read(stage, text)? {
                Some(text) => RemoteText::Text(text),
                None => return Ok(None),
            },
        };
        texts.insert(stage, text);
    }
    Ok(Some(row(base, revision.clone(), texts)))
}

fn row(base: &Base, revision: Revision, texts: BTreeMap<Stage, RemoteText>) -> RemoteSession {
    RemoteSession {
        project_id: base.project_id,
        name: String::new(),
        stack: None,
        framework: None,
        session: Some(base.session.clone()),
        revision,
        updated_at: base.updated_at.clone(),
        texts,
        meta: RemoteText::Unmapped,
        state: base.state.clone(),
    }
}

/// Returns a row that holds nothing: what a first push is planned against.
pub(crate) fn nothing(project_id: ProjectId, key: &SessionKey) -> RemoteSession {
    RemoteSession {
        project_id,
        name: key.project.to_string(),
        stack: None,
        framework: None,
        session: Some(key.session.clone()),
        revision: Revision::new(""),
        updated_at: None,
        texts: Stage::ALL.map(|stage| (stage, RemoteText::Absent)).into(),
        meta: RemoteText::Unmapped,
        state: None,
    }
}

/// What a push says in `state_json`.
pub(crate) struct StateUpdate<'a> {
    pub(crate) key: &'a SessionKey,
    pub(crate) statuses: &'a BTreeMap<Stage, StageStatus>,
    /// `None` leaves what the row says.
    pub(crate) agent: Option<&'a str>,
    /// `None` where the project does not want the marker.
    pub(crate) op: Option<OpId>,
}

/// Returns the `state_json` to send: what the row has, with the fields that belong to everybody brought up to
/// date. What belongs to one machine is never added.
pub(crate) fn state_json(seen: Option<&Map<String, Value>>, update: &StateUpdate<'_>) -> Map<String, Value> {
    let mut value = seen.cloned().unwrap_or_default();
    let stages = value.entry("stages").or_insert_with(|| json!({}));
    if !stages.is_object() {
        *stages = json!({});
    }
    if let Some(stages) = stages.as_object_mut() {
        for (stage, status) in update.statuses {
            let same = stages.get(stage.name()).and_then(Value::as_str).and_then(StageStatus::read);
            if same != Some(*status) {
                stages.insert(stage.name().to_owned(), status.name().into());
            }
        }
    }
    let agent = update.agent.map_or(Value::Null, Value::from);
    if update.agent.is_some() || !value.contains_key("last_agent") {
        value.insert("last_agent".into(), agent);
    }
    value.insert("session_id".into(), update.key.session.as_str().into());
    value.insert("project_name".into(), update.key.project.as_str().into());
    if let Some(op) = update.op {
        value.insert("_idse".into(), json!({ "op": op.to_string() }));
    }
    value
}

/// Returns the operation that a row's `state_json` names.
pub(crate) fn marked_op(row: &RemoteSession) -> Option<OpId> {
    row.state.as_ref()?.get("_idse")?.get("op")?.as_str()?.parse().ok()
}
