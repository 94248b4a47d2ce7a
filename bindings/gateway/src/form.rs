//! Forms: the fields of a request, read once and strictly, every mistake of it named at once.
//!
//! What is done with them belongs to `agency`.

use std::collections::BTreeMap;

use idse_core::remote::Revision;
use idse_core::{Digest, Error, ErrorKind, OpId, ProjectId, SessionId, Stage, StageStatus};
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::problem::{FieldError, Problem};

/// The artifact that existing clients send and the table as documented has no column for.
pub(crate) const META: &str = "meta_md";

/// Reads the fields of one object and collects what is wrong with them.
struct Fields<'a> {
    map: &'a Map<String, Value>,
    at: &'static str,
    errors: Vec<FieldError>,
}

impl<'a> Fields<'a> {
    fn new(map: &'a Map<String, Value>) -> Self {
        Self { map, at: "body", errors: Vec::new() }
    }

    fn wrong(&mut self, path: &[&str], kind: &'static str, msg: impl Into<String>) {
        let loc = std::iter::once(self.at).chain(path.iter().copied()).map(str::to_owned).collect();
        self.errors.push(FieldError { loc, msg: msg.into(), kind });
    }

    /// Returns a field that is there and not null.
    fn some(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    fn text(&mut self, key: &str) -> Option<&'a str> {
        let value = self.some(key)?;
        if value.as_str().is_none() {
            self.wrong(&[key], "string_type", "a text is expected");
        }
        value.as_str()
    }

    fn object(&mut self, key: &str) -> Option<&'a Map<String, Value>> {
        let value = self.some(key)?;
        if value.as_object().is_none() {
            self.wrong(&[key], "dict_type", "an object is expected");
        }
        value.as_object()
    }

    fn flag(&mut self, key: &str) -> bool {
        let Some(value) = self.some(key) else { return false };
        if value.as_bool().is_none() {
            self.wrong(&[key], "bool_type", "true or false is expected");
        }
        value.as_bool().unwrap_or_default()
    }

    fn digest(&mut self, path: &[&str], value: &Value) -> Option<Digest> {
        if value.is_null() {
            return None;
        }
        let digest = value.as_str().and_then(|text| text.parse().ok());
        if digest.is_none() {
            self.wrong(path, "digest", "null or `sha256:` and 64 hexadecimal digits are expected");
        }
        digest
    }

    fn artifacts(&mut self) -> Vec<(&'a str, &'a str)> {
        let Some(value) = self.map.get("artifacts") else {
            self.wrong(&["artifacts"], "missing", "it must be there");
            return Vec::new();
        };
        let Some(map) = value.as_object() else {
            self.wrong(&["artifacts"], "dict_type", "an object of texts is expected");
            return Vec::new();
        };
        let mut found = Vec::new();
        for (key, value) in map {
            if key != META && column(key).is_none() {
                self.wrong(&["artifacts", key], "unknown_artifact", artifact_hint(key));
                continue;
            }
            match value.as_str() {
                Some(text) => found.push((key.as_str(), text)),
                None => self.wrong(&["artifacts", key], "string_type", "a text is expected"),
            }
        }
        found
    }

    fn nulls(&mut self) -> Vec<Stage> {
        let Some(value) = self.some("nulls") else { return Vec::new() };
        let Some(list) = value.as_array() else {
            self.wrong(&["nulls"], "list_type", "a list of artifact keys is expected");
            return Vec::new();
        };
        let mut stages = Vec::new();
        for entry in list {
            match entry.as_str().and_then(column) {
                Some(stage) if !stages.contains(&stage) => stages.push(stage),
                _ => self.wrong(
                    &["nulls"],
                    "unknown_artifact",
                    "the keys of artifacts, each once, are expected",
                ),
            }
        }
        stages
    }

    fn base(&mut self) -> Option<BTreeMap<Stage, Option<Digest>>> {
        let map = self.object("base")?;
        let mut base = BTreeMap::new();
        for (key, value) in map {
            match column(key) {
                Some(stage) => {
                    let digest = self.digest(&["base", key], value);
                    base.insert(stage, digest);
                }
                None => self.wrong(&["base", key], "unknown_artifact", artifact_hint(key)),
            }
        }
        Some(base)
    }

    fn done(self) -> Result<(), Problem> {
        if self.errors.is_empty() { Ok(()) } else { Err(Problem::schema(self.errors)) }
    }
}

fn artifact_hint(key: &str) -> String {
    let known: Vec<_> = Stage::ALL.iter().map(|stage| stage.column()).chain([META]).collect();
    match idse_core::did_you_mean(key, known.iter().copied()) {
        Some(near) => format!("no artifact has this key; did you mean {near:?}?"),
        None => format!("no artifact has this key; the keys are {}", known.join(", ")),
    }
}

/// Returns the stage of an artifact key.
pub(crate) fn column(key: &str) -> Option<Stage> {
    Stage::ALL.into_iter().find(|stage| stage.column() == key)
}

/// Reads a project's id; the placeholder of the examples gets its own hint.
pub(crate) fn project_id(text: &str) -> Result<ProjectId, Problem> {
    text.parse().map_err(|error: Error| {
        let hint = if text == "abc-123" {
            "`abc-123` is the placeholder of the examples: put your project's id here, as `GET /sync/projects` lists \
             it or as the first push answered it."
        } else {
            "Send the project's id as `GET /sync/projects` lists it."
        };
        Problem::from(error).with_hint(hint)
    })
}

/// Reads a session's name.
pub(crate) fn session(text: &str) -> Result<SessionId, Problem> {
    text.parse().map_err(|error: Error| error.into())
}

/// A push as it was asked for.
#[derive(Debug)]
pub(crate) struct Push {
    pub(crate) project_id: Option<ProjectId>,
    pub(crate) name: Option<String>,
    pub(crate) stack: Option<String>,
    pub(crate) framework: Option<String>,
    /// The keys in the order of the request, `meta_md` among them.
    pub(crate) keys: Vec<String>,
    pub(crate) texts: BTreeMap<Stage, Option<String>>,
    /// `meta_md`.
    pub(crate) meta: Option<String>,
    pub(crate) state: Option<Map<String, Value>>,
    pub(crate) session: Option<SessionId>,
    /// When the client read the row, where it says so with a zone.
    pub(crate) timestamp: Option<Timestamp>,
    /// What the client replaces; without it the push is one of an existing client.
    pub(crate) base: Option<Base>,
    pub(crate) op: Option<OpId>,
    /// Create the project under the id that was given.
    pub(crate) create: bool,
}

/// What a guarded push replaces.
#[derive(Debug)]
pub(crate) struct Base {
    pub(crate) texts: BTreeMap<Stage, Option<Digest>>,
    pub(crate) state: Option<Digest>,
    pub(crate) revision: Option<Revision>,
}

impl Push {
    pub(crate) fn read(body: &Map<String, Value>) -> Result<Self, Problem> {
        let mut fields = Fields::new(body);
        let id = fields.text("project_id").filter(|id| !id.is_empty());
        let name = fields.text("project_name").filter(|name| !name.is_empty());
        let stack = if body.contains_key("stack") { fields.text("stack") } else { Some("python") };
        let framework = fields.text("framework");
        let artifacts = fields.artifacts();
        let nulls = fields.nulls();
        let state = fields.object("state_json");
        let session_id = fields.text("session_id").filter(|session| !session.is_empty());
        let op = fields.text("op");
        let revision = fields.text("revision").map(Revision::new);
        let create = fields.flag("create");
        let base = fields.base();
        let state_base = fields.map.get("state_base").map(|value| fields.digest(&["state_base"], value));
        let meta = artifacts.iter().find(|(key, _)| *key == META).map(|(_, text)| (*text).to_owned());
        let mut texts: BTreeMap<Stage, Option<String>> = nulls.iter().map(|stage| (*stage, None)).collect();
        for (key, text) in &artifacts {
            let Some(stage) = column(key) else { continue };
            if texts.insert(stage, Some((*text).to_owned())).is_some() {
                fields.wrong(
                    &["nulls"],
                    "contradiction",
                    format!("{key} is among the artifacts and among the nulls"),
                );
            }
        }
        let base = base.map(|known| {
            for stage in texts.keys().filter(|stage| !known.contains_key(stage)) {
                fields.wrong(
                    &["base", stage.column()],
                    "missing",
                    "what the pushed text replaces must be there",
                );
            }
            if state.is_some() && state_base.is_none() {
                fields.wrong(&["state_base"], "missing", "what the pushed state replaces must be there");
            }
            let state = state_base.flatten();
            Base { texts: known, state, revision }
        });
        fields.done()?;
        refuse_nul(&texts, meta.as_deref(), state)?;
        Ok(Self {
            project_id: id.map(project_id).transpose()?,
            name: name.map(str::to_owned),
            stack: stack.map(str::to_owned),
            framework: framework.map(str::to_owned),
            keys: artifacts.iter().map(|(key, _)| (*key).to_owned()).collect(),
            texts,
            meta,
            state: state.cloned(),
            session: session_id.map(session).transpose()?,
            timestamp: body.get("timestamp").and_then(Value::as_str).and_then(|text| text.parse().ok()),
            base,
            op: op.map(str::parse).transpose()?,
            create,
        })
    }
}

/// PostgreSQL cannot store U+0000, so no store takes it: a text that one gateway takes, every gateway takes.
fn refuse_nul(
    texts: &BTreeMap<Stage, Option<String>>,
    meta: Option<&str>,
    state: Option<&Map<String, Value>>,
) -> Result<(), Problem> {
    let text = texts.iter().find(|(_, text)| text.as_ref().is_some_and(|text| text.contains('\0')));
    let place = match text {
        Some((stage, _)) => stage.column(),
        None if meta.is_some_and(|meta| meta.contains('\0')) => META,
        None if state.is_some_and(has_nul) => "state_json",
        None => return Ok(()),
    };
    Err(Problem::new(ErrorKind::InvalidArgument, "nul", format!("{place} holds the character U+0000"))
        .with_hint("Take it out: PostgreSQL cannot store it."))
}

fn has_nul(map: &Map<String, Value>) -> bool {
    fn inside(value: &Value) -> bool {
        match value {
            Value::String(text) => text.contains('\0'),
            Value::Array(list) => list.iter().any(inside),
            Value::Object(map) => has_nul(map),
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }
    map.iter().any(|(key, value)| key.contains('\0') || inside(value))
}

/// A pull as it was asked for.
#[derive(Debug)]
pub(crate) struct Pull {
    pub(crate) project_id: ProjectId,
    pub(crate) session: Option<SessionId>,
    pub(crate) since: Option<Revision>,
    /// Artifacts are named by their paths, as the second generation of clients reads them.
    pub(crate) by_path: bool,
}

impl Pull {
    pub(crate) fn read(body: &Map<String, Value>) -> Result<Self, Problem> {
        let mut fields = Fields::new(body);
        let id = fields.text("project_id");
        if id.is_none() && fields.errors.is_empty() {
            fields.wrong(&["project_id"], "missing", "it must be there");
        }
        let session_id = fields.text("session_id").filter(|session| !session.is_empty());
        let since = fields.text("since").map(Revision::new);
        fields.done()?;
        Ok(Self {
            project_id: project_id(id.unwrap_or_default())?,
            session: session_id.map(session).transpose()?,
            since,
            by_path: body.contains_key("session_id") && !body.contains_key("since"),
        })
    }
}

/// A change of a session's state, as the second generation of clients asks for it.
#[derive(Debug)]
pub(crate) struct StatusChange {
    pub(crate) stages: Option<Vec<(Stage, String)>>,
    pub(crate) last_agent: Option<String>,
    pub(crate) progress: Option<u8>,
}

impl StatusChange {
    pub(crate) fn read(body: &Map<String, Value>) -> Result<Self, Problem> {
        let mut fields = Fields::new(body);
        let stages = fields.object("stages");
        let last_agent = fields.text("last_agent").map(str::to_owned);
        let progress = fields.some("progress_percent");
        if progress.is_some_and(|value| value.as_i64().is_none()) {
            fields.wrong(&["progress_percent"], "int_type", "a whole number is expected");
        }
        for (key, _) in stages.into_iter().flatten().filter(|(_, value)| !value.is_string()) {
            fields.wrong(&["stages", key], "string_type", "a text is expected");
        }
        fields.done()?;
        let refused = |reason, detail| Problem::new(ErrorKind::InvalidArgument, reason, detail);
        let mut changes = Vec::new();
        for (key, value) in stages.into_iter().flatten() {
            let status = value.as_str().unwrap_or_default();
            let stage = key.parse().map_err(|_| refused("stage", format!("Invalid stage name: {key}")))?;
            if StageStatus::read(status).is_none() {
                return Err(refused("status", format!("Invalid status for {key}: {status}")));
            }
            changes.push((stage, status.to_owned()));
        }
        let progress =
            progress.map(|value| value.as_i64().and_then(|n| u8::try_from(n).ok()).filter(|n| *n <= 100));
        let progress = match progress {
            Some(None) => {
                return Err(refused("usage", "progress_percent must be between 0 and 100".to_owned()));
            }
            Some(found) => found,
            None => None,
        };
        Ok(Self { stages: stages.map(|_| changes), last_agent, progress })
    }
}
