//! Rows: the JSON of an answer, understood. Everything in it is text from outside.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::error::Result;
use crate::name::ProjectId;
use crate::remote::decide::Held;
use crate::remote::http::Response;
use crate::remote::{RemoteSession, RemoteText, Revision};
use crate::stage::Stage;
use crate::text::Digest;

/// A column that is no stage, which some existing tables have.
pub(super) const META: &str = "meta_md";

/// The version of a row, by what it can be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Version {
    /// The hidden version that the database gives every change.
    Row(String),
    /// When it was last written, as the server spells it.
    Time(Option<String>),
    /// Nothing tells.
    None,
}

impl Version {
    /// Reads a revision back; what none of ours looks like is no version.
    pub(super) fn of(revision: &Revision) -> Option<Self> {
        let text = revision.as_str();
        if let Some(xmin) = text.strip_prefix("xmin:") {
            return is_xmin(xmin).then(|| Self::Row(xmin.to_owned()));
        }
        let time = text.strip_prefix("at:")?;
        Some(Self::Time((!time.is_empty()).then(|| time.to_owned())))
    }

    pub(super) fn revision(&self) -> Revision {
        Revision::new(match self {
            Self::Row(xmin) => format!("xmin:{xmin}"),
            Self::Time(time) => format!("at:{}", time.as_deref().unwrap_or_default()),
            Self::None => "none".to_owned(),
        })
    }
}

/// A row that was read.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) session: RemoteSession,
    pub(super) version: Version,
}

impl Row {
    /// Returns what a push has to be compared with.
    pub(super) fn held(&self) -> Held {
        let texts = self.session.texts.iter();
        Held {
            revision: self.session.revision.clone(),
            texts: texts.filter_map(|(stage, text)| Some((*stage, Digest::of(text.text()?)))).collect(),
            state: self.session.state.clone().map(|state| Digest::of_json(&state.into())),
        }
    }
}

/// Returns the objects of an answer that is a list.
pub(super) fn objects(response: &Response) -> Result<Vec<Map<String, Value>>> {
    let Value::Array(items) = response.json()? else {
        return Err(response.protocol("a list of rows was asked for"));
    };
    let objects = items.into_iter().map(|item| match item {
        Value::Object(object) => Ok(object),
        _ => Err(response.protocol("a row is no object")),
    });
    objects.collect()
}

/// Returns the one row of an answer, where it has one.
pub(super) fn only(response: &Response, id: Option<ProjectId>) -> Result<Option<Row>> {
    let mut objects = objects(response)?;
    let Some(object) = objects.pop() else { return Ok(None) };
    if !objects.is_empty() {
        return Err(response.protocol("one row was asked for, and it sent several"));
    }
    let row = read(&object).map_err(|why| response.protocol(&why))?;
    if id.is_some_and(|id| id != row.session.project_id) {
        return Err(response.protocol("it sent another row than the one asked for"));
    }
    Ok(Some(row))
}

fn read(object: &Map<String, Value>) -> Result<Row, String> {
    let project_id = project_id(object)?;
    let version = version(object)?;
    let mut texts = BTreeMap::new();
    for stage in Stage::ALL {
        let text = match object.get(stage.column()) {
            None => RemoteText::Unmapped,
            Some(Value::Null) => RemoteText::Absent,
            Some(Value::String(text)) => RemoteText::Text(text.clone()),
            Some(_) => return Err(format!("the column {} holds no text", stage.column())),
        };
        texts.insert(stage, text);
    }
    let meta = match object.get(META) {
        None => RemoteText::Unmapped,
        Some(value) => value.as_str().map_or(RemoteText::Absent, |text| RemoteText::Text(text.to_owned())),
    };
    let state = state(object);
    let session = RemoteSession {
        project_id,
        name: text(object, "name").unwrap_or_default(),
        stack: text(object, "stack"),
        framework: text(object, "framework"),
        session: state.as_ref().and_then(session_of),
        revision: version.revision(),
        updated_at: text(object, "updated_at"),
        texts,
        meta,
        state,
    };
    Ok(Row { session, version })
}

pub(super) fn project_id(object: &Map<String, Value>) -> Result<ProjectId, String> {
    let id = object.get("id").and_then(Value::as_str).and_then(|id| id.parse().ok());
    id.ok_or_else(|| "a row has no id that is a UUID".to_owned())
}

/// Returns the version of a row: by `xmin` where it is there, else by its time stamp.
pub(super) fn version(object: &Map<String, Value>) -> Result<Version, String> {
    let xmin = match object.get("xmin") {
        None => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        Some(_) => Some(String::new()),
    };
    match xmin {
        Some(xmin) if is_xmin(&xmin) => Ok(Version::Row(xmin)),
        Some(_) => Err("the version of a row is no number".to_owned()),
        None if object.contains_key("updated_at") => Ok(Version::Time(text(object, "updated_at"))),
        None => Ok(Version::None),
    }
}

fn is_xmin(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

pub(super) fn text(object: &Map<String, Value>, key: &str) -> Option<String> {
    object.get(key)?.as_str().map(str::to_owned)
}

/// Returns `state_json`, which older clients also stored as a text that holds JSON.
pub(super) fn state(object: &Map<String, Value>) -> Option<Map<String, Value>> {
    match object.get("state_json")? {
        Value::Object(state) => Some(state.clone()),
        Value::String(text) => serde_json::from_str(text).ok(),
        _ => None,
    }
}

/// Returns the session that a state names, where its name can be one.
pub(super) fn session_of(state: &Map<String, Value>) -> Option<crate::name::SessionId> {
    state.get("session_id")?.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const ID: &str = "8e6e2b9c-3f6c-5f59-9d5b-1d2f0a4c7b11";

    fn row(value: Value) -> Result<Row, String> {
        let Value::Object(mut object) = value else { panic!() };
        object.insert("id".into(), ID.into());
        read(&object)
    }

    #[test]
    fn a_row_says_which_columns_it_has() {
        let row = row(json!({
            "xmin": "754", "name": "portal", "intent_md": "", "spec_md": null, "plan_md": "# Plan\r\n",
            "state_json": {"session_id": "s1"}, "updated_at": "2026-01-10T15:30:00+00:00",
        }))
        .unwrap();
        let text = |stage| row.session.texts[&stage].clone();
        assert_eq!(text(Stage::Intent), RemoteText::Text(String::new()));
        assert_eq!(text(Stage::Spec), RemoteText::Absent);
        assert_eq!(text(Stage::Plan), RemoteText::Text("# Plan\r\n".into()));
        assert_eq!(text(Stage::Implementation), RemoteText::Unmapped);
        assert_eq!(row.session.session.unwrap().as_str(), "s1");
        assert_eq!(row.session.revision.as_str(), "xmin:754");
    }

    #[test]
    fn a_state_may_be_a_text_that_holds_one() {
        let state = |value: Value| row(json!({ "state_json": value })).unwrap().session.state;
        assert_eq!(state(json!("{\"session_id\":\"s\"}")).unwrap()["session_id"], "s");
        for value in [json!(null), json!("not json"), json!("[1]"), json!([1]), json!(3)] {
            assert_eq!(state(value), None);
        }
        let hostile = row(json!({ "state_json": {"session_id": "../../etc"} })).unwrap();
        assert_eq!(hostile.session.session, None);
    }

    #[test]
    fn versions_are_read_back_as_they_were_written() {
        for version in [
            Version::Row("754".into()),
            Version::Time(Some("2026-01-10T15:30:00.12+00:00".into())),
            Version::Time(None),
        ] {
            assert_eq!(Version::of(&version.revision()), Some(version));
        }
        for text in ["", "none", "754", "xmin:", "xmin:7&id=gt.0", "xmin:-1", "7-abc"] {
            assert_eq!(Version::of(&Revision::new(text)), None, "{text}");
        }
        assert!(row(json!({ "xmin": "7 or 1" })).is_err());
        assert!(row(json!({ "spec_md": {"a": 1} })).is_err());
        assert_eq!(row(json!({})).unwrap().version, Version::None);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 6, |inner| {
            let keys = prop_oneof![
                Just("id".to_owned()),
                Just("xmin".to_owned()),
                Just("spec_md".to_owned()),
                Just("state_json".to_owned()),
                ".{0,6}"
            ];
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((keys, inner), 0..6)
                    .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_object_is_a_row_or_is_refused(value in any_json()) {
            if let Value::Object(mut object) = value {
                drop(read(&object));
                object.insert("id".into(), ID.into());
                if let Ok(row) = read(&object) {
                    prop_assert_eq!(row.session.texts.len(), Stage::ALL.len());
                    drop(row.held());
                }
            }
        }
    }
}
