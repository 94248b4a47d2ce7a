//! `session_state.json`: how far each stage has come, who worked on it last, when it was last synced.

use std::collections::BTreeMap;
use std::io;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::name::{ProjectName, SessionId};
use crate::stage::{Stage, StageStatus};

/// The state of a session: the object as it was found, with typed views of what the engine understands.
///
/// Fields that are not known stay, in their order, and so does the file's spelling of "complete".
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SessionState {
    raw: Map<String, Value>,
}

impl SessionState {
    /// Wraps an object.
    pub fn new(raw: Map<String, Value>) -> Self {
        Self { raw }
    }

    /// Returns the state of a session that was just made: all stages pending.
    pub fn fresh(project: &ProjectName, session: &SessionId, created_at: &str) -> Self {
        let stages: Map<_, _> =
            Stage::ALL.map(|stage| (stage.name().to_owned(), Value::from("pending"))).into_iter().collect();
        let mut raw = Map::new();
        raw.insert("project_name".into(), project.as_str().into());
        raw.insert("session_id".into(), session.as_str().into());
        raw.insert("is_blueprint".into(), session.is_blueprint().into());
        raw.insert("stages".into(), stages.into());
        raw.insert("last_sync".into(), Value::Null);
        raw.insert("validation_status".into(), "unknown".into());
        raw.insert("created_at".into(), created_at.into());
        Self { raw }
    }

    /// Returns the object.
    pub fn raw(&self) -> &Map<String, Value> {
        &self.raw
    }

    /// Returns a field that is a text.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.raw.get(key)?.as_str()
    }

    /// Sets a field.
    pub fn set(&mut self, key: &str, value: impl Into<Value>) {
        self.raw.insert(key.to_owned(), value.into());
    }

    /// Returns the session that the object says it belongs to.
    pub fn session_id(&self) -> Option<&str> {
        self.text("session_id")
    }

    /// Returns who worked on it last.
    pub fn last_agent(&self) -> Option<&str> {
        self.text("last_agent")
    }

    /// Returns when it was last synced, as the remote said it.
    pub fn last_sync(&self) -> Option<&str> {
        self.text("last_sync")
    }

    fn stages(&self) -> Option<&Map<String, Value>> {
        self.raw.get("stages")?.as_object()
    }

    /// Returns the status of a stage, where the object has one that is known.
    pub fn known_status(&self, stage: Stage) -> Option<StageStatus> {
        StageStatus::read(self.stages()?.get(stage.name())?.as_str()?)
    }

    /// Returns the status of a stage; pending where nothing says otherwise.
    pub fn status(&self, stage: Stage) -> StageStatus {
        self.known_status(stage).unwrap_or_default()
    }

    /// Returns the status of every stage.
    pub fn statuses(&self) -> BTreeMap<Stage, StageStatus> {
        Stage::ALL.map(|stage| (stage, self.status(stage))).into()
    }

    /// Sets the status of a stage in the spelling of the object: `completed`, or `complete` where the object
    /// already says `complete`.
    pub fn set_status(&mut self, stage: Stage, status: StageStatus) {
        let says_complete = self
            .stages()
            .is_some_and(|s| s.values().any(|v| v == "complete") && !s.values().any(|v| v == "completed"));
        let word = match status {
            StageStatus::Complete if !says_complete => "completed",
            other => other.name(),
        };
        if self.known_status(stage) == Some(status) {
            return;
        }
        let stages = self.raw.entry("stages").or_insert_with(|| Map::new().into());
        if !stages.is_object() {
            *stages = Map::new().into();
        }
        if let Some(stages) = stages.as_object_mut() {
            stages.insert(stage.name().to_owned(), word.into());
        }
    }

    /// Returns the entries of `stages` that name no stage or no status, as `(stage, status)` texts.
    pub fn unknown_entries(&self) -> Vec<(String, String)> {
        let Some(stages) = self.stages() else { return Vec::new() };
        stages
            .iter()
            .filter(|(key, value)| {
                key.parse::<Stage>().is_err() || value.as_str().and_then(StageStatus::read).is_none()
            })
            .map(|(key, value)| {
                (key.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned))
            })
            .collect()
    }

    /// Returns the file's text: two blanks of indentation, no final newline, everything beyond ASCII escaped, as
    /// the existing tools write it.
    pub fn to_file_text(&self) -> String {
        to_file_text(&self.raw)
    }
}

/// Returns JSON as the existing tools write it: two blanks of indentation, ASCII only, no final newline.
pub(crate) fn to_file_text(value: &impl Serialize) -> String {
    let mut bytes = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, Ascii::default());
    // Values of serde_json always serialize, and a Vec takes every byte.
    if value.serialize(&mut serializer).is_err() {
        return String::new();
    }
    String::from_utf8(bytes).unwrap_or_default()
}

/// The pretty formatter, with everything beyond ASCII escaped: tools that read with the locale's encoding get it right.
#[derive(Default)]
struct Ascii {
    pretty: serde_json::ser::PrettyFormatter<'static>,
}

macro_rules! delegate {
    ($($name:ident($($arg:ident: $type:ty),*)),* $(,)?) => {
        $(fn $name<W: ?Sized + io::Write>(&mut self, writer: &mut W $(, $arg: $type)*) -> io::Result<()> {
            self.pretty.$name(writer $(, $arg)*)
        })*
    };
}

impl serde_json::ser::Formatter for Ascii {
    delegate! {
        begin_array(), end_array(), begin_array_value(first: bool), end_array_value(),
        begin_object(), end_object(), begin_object_key(first: bool), begin_object_value(), end_object_value(),
    }

    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut units = [0; 2];
        for character in fragment.chars() {
            if character.is_ascii() {
                write!(writer, "{character}")?;
            } else {
                for unit in character.encode_utf16(&mut units) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(json: &str) -> SessionState {
        SessionState::new(serde_json::from_str(json).unwrap())
    }

    #[test]
    fn the_spelling_of_the_file_is_kept() {
        for (found, word) in [("complete", "complete"), ("completed", "completed"), ("pending", "completed")]
        {
            let mut state = state(&format!(r#"{{"stages": {{"intent": "{found}", "spec": "pending"}}}}"#));
            state.set_status(Stage::Spec, StageStatus::Complete);
            assert_eq!(state.raw()["stages"]["spec"], word, "{found}");
        }
    }

    #[test]
    fn unknown_fields_and_their_order_survive() {
        let text = "{\n  \"zeta\": 1.10,\n  \"stages\": {\n    \"intent\": \"pending\"\n  },\n  \"alpha\": \"\\u00e9\\ud83d\\ude00\"\n}";
        assert_eq!(state(text).to_file_text(), text);
    }

    #[test]
    fn odd_objects_are_pending() {
        for json in ["{}", r#"{"stages": null}"#, r#"{"stages": []}"#, r#"{"stages": {"intent": 3}}"#] {
            let mut odd = state(json);
            assert_eq!(odd.status(Stage::Intent), StageStatus::Pending, "{json}");
            odd.set_status(Stage::Intent, StageStatus::InProgress);
            assert_eq!(odd.status(Stage::Intent), StageStatus::InProgress, "{json}");
        }
    }
}
