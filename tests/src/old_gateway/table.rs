//! The tables behind the double: what PostgreSQL and PostgREST make of the gateway's statements.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

/// The texts that a row can have a column for.
const TEXTS: [&str; 7] =
    ["intent_md", "context_md", "spec_md", "plan_md", "tasks_md", "implementation_md", "feedback_md"];

/// One row of `projects`.
#[derive(Debug, Clone, PartialEq)]
pub struct OldRow {
    /// The primary key, as any tool may have changed it.
    pub id: String,
    /// The columns of text, NULL where they are not there.
    pub texts: BTreeMap<String, String>,
    /// `state_json`, or null.
    pub state: Value,
    pub(super) updated: u64,
    created: u64,
}

impl OldRow {
    /// Returns a column.
    pub fn get(&self, column: &str) -> Option<&str> {
        self.texts.get(column).map(String::as_str)
    }

    /// Writes a column as somebody at the table would.
    pub fn set(&mut self, column: &str, text: Option<&str>) {
        match text {
            Some(text) => drop(self.texts.insert(column.to_owned(), text.to_owned())),
            None => drop(self.texts.remove(column)),
        }
    }

    pub(super) fn updated_at(&self) -> String {
        time(self.updated)
    }

    pub(super) fn created_at(&self) -> String {
        time(self.created)
    }
}

/// The database.
#[derive(Debug)]
pub struct Table {
    /// The rows in the order of their making.
    pub rows: Vec<OldRow>,
    /// What each session of the second generation holds, by project, session and path.
    pub documents: BTreeMap<(String, String, String), String>,
    /// The state of each session of the second generation, by project and session.
    pub sessions: BTreeMap<(String, String), Value>,
    /// Documents of the second generation that cannot be written, as where a trigger refuses: by path.
    pub refused: BTreeSet<String>,
    columns: BTreeSet<String>,
    has_trigger: bool,
    is_unique: bool,
    clock: u64,
}

/// What PostgREST refuses, as the gateway shows it.
pub(super) struct Refused(pub(super) String);

fn refused(message: &str, code: &str) -> Refused {
    Refused(format!("{{'message': {message:?}, 'code': '{code}', 'hint': None, 'details': None}}"))
}

impl Table {
    /// The table of the system's own description: no framework, no implementation, no trigger.
    pub fn documented() -> Self {
        Self::new(&["implementation_md", "framework"], false)
    }

    /// The table of the gateway's own script: every column but `meta_md`, a unique name, and a trigger for the time.
    pub fn deployed() -> Self {
        Self::new(&[], true)
    }

    fn new(without: &[&str], has_trigger: bool) -> Self {
        let all = TEXTS.iter().chain(&["name", "stack", "framework", "constraints"]);
        let columns = all.filter(|column| !without.contains(column)).map(|column| (*column).to_owned());
        Self {
            rows: Vec::new(),
            documents: BTreeMap::new(),
            sessions: BTreeMap::new(),
            refused: BTreeSet::new(),
            columns: columns.collect(),
            has_trigger,
            is_unique: has_trigger,
            clock: 0,
        }
    }

    /// Returns the row of a name.
    pub fn named(&mut self, name: &str) -> Option<&mut OldRow> {
        self.rows.iter_mut().find(|row| row.get("name") == Some(name))
    }

    pub(super) fn has_column(&self, column: &str) -> bool {
        self.columns.contains(column)
    }

    pub(super) fn find(&mut self, id: &str) -> Result<Option<&mut OldRow>, Refused> {
        let id: idse_core::ProjectId = id
            .parse()
            .map_err(|_| refused(&format!("invalid input syntax for type uuid: \"{id}\""), "22P02"))?;
        Ok(self.rows.iter_mut().find(|row| row.id == id.to_string()))
    }

    /// `INSERT`; returns where the row is.
    pub(super) fn insert(&mut self, values: &Map<String, Value>) -> Result<usize, Refused> {
        self.check(values)?;
        let name = values.get("name").and_then(Value::as_str).unwrap_or_default();
        if self.is_unique && self.named(name).is_some() {
            return Err(refused(
                "duplicate key value violates unique constraint \"projects_name_key\"",
                "23505",
            ));
        }
        self.clock += 1;
        let number = self.clock;
        let state = if self.has_trigger {
            let stages = ["intent", "context", "spec", "plan", "tasks", "implementation", "feedback"];
            let stages: Map<_, _> =
                stages.iter().map(|stage| ((*stage).to_owned(), "pending".into())).collect();
            json!({"stages": stages, "last_agent": null})
        } else {
            Value::Null
        };
        let id = format!("{number:08x}-a10d-4000-8000-{:012x}", std::process::id());
        self.rows.push(OldRow { id, texts: BTreeMap::new(), state, updated: number, created: number });
        let at = self.rows.len() - 1;
        self.write(at, values);
        Ok(at)
    }

    /// `UPDATE`: whatever is named is a column.
    pub(super) fn update(&mut self, at: usize, values: &Map<String, Value>) -> Result<(), Refused> {
        self.check(values)?;
        if values.get("name").is_some_and(Value::is_null) {
            return Err(refused(
                "null value in column \"name\" of relation \"projects\" violates not-null constraint",
                "23502",
            ));
        }
        self.write(at, values);
        self.clock += 1;
        if self.has_trigger {
            self.rows[at].updated = self.clock;
        }
        Ok(())
    }

    fn check(&self, values: &Map<String, Value>) -> Result<(), Refused> {
        for (column, value) in values {
            if !matches!(column.as_str(), "id" | "state_json" | "created_at" | "updated_at")
                && !self.has_column(column)
            {
                return Err(refused(
                    &format!("Column '{column}' of relation 'projects' does not exist"),
                    "PGRST204",
                ));
            }
            if value.to_string().contains("\\u0000") {
                return Err(refused("unsupported Unicode escape sequence", "22P05"));
            }
        }
        Ok(())
    }

    fn write(&mut self, at: usize, values: &Map<String, Value>) {
        let row = &mut self.rows[at];
        for (column, value) in values {
            match (column.as_str(), value) {
                ("id", value) => value.as_str().unwrap_or_default().clone_into(&mut row.id),
                ("state_json", value) => row.state = jsonb(value),
                ("created_at" | "updated_at", _) => {}
                (_, Value::Null) => drop(row.texts.remove(column)),
                (_, Value::String(text)) => drop(row.texts.insert(column.clone(), text.clone())),
                (_, other) => drop(row.texts.insert(column.clone(), other.to_string())),
            }
        }
    }
}

/// What PostgreSQL makes of an object: its keys by length, then by bytes.
pub(super) fn jsonb(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by(|a, b| a.0.len().cmp(&b.0.len()).then(a.0.cmp(b.0)));
            Value::Object(entries.into_iter().map(|(key, value)| (key.clone(), jsonb(value))).collect())
        }
        Value::Array(list) => Value::Array(list.iter().map(jsonb).collect()),
        other => other.clone(),
    }
}

/// A time as PostgREST writes it: no more digits than it needs.
fn time(number: u64) -> String {
    let fraction = format!("{:06}", number * 137 % 1_000_000);
    let fraction = fraction.trim_end_matches('0');
    let dot = if fraction.is_empty() { "" } else { "." };
    format!("2026-01-10T15:{:02}:{:02}{dot}{fraction}+00:00", number / 60 % 60, number % 60)
}
