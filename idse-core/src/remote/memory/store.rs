//! The table of an agency in memory: projects, their rows, and what the table cannot do.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind, Result};
use crate::name::{OpId, ProjectId, SessionId};
use crate::remote::decide::{Before, Decision, Held, decide, op_mark, revision};
use crate::remote::{
    Fetched, ProjectFilter, ProjectSummary, PushOutcome, PushRequest, RemoteSession, RemoteSessionSummary,
    RemoteText, Revision, Target,
};
use crate::stage::Stage;
use crate::text::Digest;

/// What a row holds, as a hand edit sees it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MemoryRow {
    /// The texts that are there.
    pub texts: BTreeMap<Stage, String>,
    /// `state_json`.
    pub state: Option<Map<String, Value>>,
}

#[derive(Debug, Default)]
pub(super) struct Store {
    counter: i64,
    pub(super) projects: BTreeMap<ProjectId, Project>,
    pub(super) history: BTreeMap<(ProjectId, RowKey), BTreeMap<Stage, Vec<String>>>,
    pub(super) hidden: BTreeSet<ProjectId>,
    pub(super) unmapped: BTreeSet<Stage>,
    pub(super) cannot_express_absence: bool,
}

/// The session where the remote holds many, else nothing.
pub(super) type RowKey = Option<SessionId>;

#[derive(Debug)]
pub(super) struct Project {
    name: String,
    stack: Option<String>,
    framework: Option<String>,
    updated_at: String,
    pub(super) rows: BTreeMap<RowKey, Row>,
}

#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) held: MemoryRow,
    counter: i64,
    op: String,
    updated_at: String,
}

impl Store {
    pub(super) fn row(&self, project_id: ProjectId, key: &RowKey) -> Option<&Row> {
        self.projects.get(&project_id)?.rows.get(key)
    }

    pub(super) fn edit(
        &mut self,
        project_id: ProjectId,
        key: RowKey,
        edit: impl FnOnce(&mut MemoryRow),
    ) -> bool {
        let Some(row) = self.projects.get_mut(&project_id).and_then(|project| project.rows.get_mut(&key))
        else {
            return false;
        };
        self.counter += 1;
        row.counter = self.counter;
        edit(&mut row.held);
        let held = row.held.clone();
        self.record((project_id, key), &held);
        true
    }

    fn record(&mut self, key: (ProjectId, RowKey), held: &MemoryRow) {
        let stages = self.history.entry(key).or_default();
        for (stage, text) in &held.texts {
            let texts = stages.entry(*stage).or_default();
            if texts.last() != Some(text) {
                texts.push(text.clone());
            }
        }
    }

    pub(super) fn fetch(&self, target: &Target, key: &RowKey, since: Option<&Revision>) -> Fetched {
        let visible =
            self.projects.get(&target.project_id).filter(|_| !self.hidden.contains(&target.project_id));
        let Some(project) = visible else { return Fetched::Missing { project_exists: false } };
        let Some(row) = project.rows.get(key) else { return Fetched::Missing { project_exists: true } };
        if since == Some(&row.revision()) {
            return Fetched::Unchanged;
        }
        Fetched::Session(Box::new(RemoteSession {
            project_id: target.project_id,
            name: project.name.clone(),
            stack: project.stack.clone(),
            framework: project.framework.clone(),
            session: row.session(key),
            revision: row.revision(),
            updated_at: Some(row.updated_at.clone()),
            texts: Stage::ALL.map(|stage| (stage, self.text(row, stage))).into(),
            meta: RemoteText::Unmapped,
            state: row.held.state.clone(),
        }))
    }

    fn text(&self, row: &Row, stage: Stage) -> RemoteText {
        match row.held.texts.get(&stage) {
            _ if self.unmapped.contains(&stage) => RemoteText::Unmapped,
            Some(text) => RemoteText::Text(text.clone()),
            None if self.cannot_express_absence => RemoteText::Unknown,
            None => RemoteText::Absent,
        }
    }

    pub(super) fn push(&mut self, request: &PushRequest, key: RowKey, now: &str) -> Result<PushOutcome> {
        let project_id = request.target.project_id;
        for item in &request.items {
            if item.text.is_none() && self.cannot_express_absence {
                return Err(Error::argument(format!("the agency cannot store this {}", item.stage))
                    .with_reason("stage")
                    .with("stage", item.stage.name()));
            }
        }
        if self.hidden.contains(&project_id) && self.projects.contains_key(&project_id) {
            return match request.create {
                None => Ok(PushOutcome::Missing),
                Some(_) => Err(Error::new(
                    ErrorKind::Exists,
                    "the id belongs to a project that this caller cannot see",
                )
                .with_hint("Create the project with another id: `--new-id`.")),
            };
        }
        let in_step = match decide(request, &self.before(project_id, &key))? {
            Decision::Refuse(outcome) => return Ok(outcome),
            Decision::Update { in_step } => in_step,
            Decision::CreateProject | Decision::CreateRow => true,
        };
        Ok(self.write(request, key, in_step, now))
    }

    fn before(&self, project_id: ProjectId, key: &RowKey) -> Before {
        let Some(project) = self.projects.get(&project_id) else { return Before::NoProject };
        let Some(row) = project.rows.get(key) else { return Before::NoSession };
        Before::Row(Held {
            revision: row.revision(),
            texts: row.held.texts.iter().map(|(stage, text)| (*stage, Digest::of(text))).collect(),
            state: row.held.state.clone().map(|state| Digest::of_json(&Value::Object(state))),
        })
    }

    fn write(&mut self, request: &PushRequest, key: RowKey, in_step: bool, now: &str) -> PushOutcome {
        let project_id = request.target.project_id;
        self.counter += 1;
        let project = self.projects.entry(project_id).or_insert_with(|| Project::new(request, now));
        now.clone_into(&mut project.updated_at);
        let row = project.rows.entry(key.clone()).or_insert_with(Row::empty);
        row.stamp(self.counter, request.op, now);
        let (skipped, items): (Vec<_>, Vec<_>) =
            request.items.iter().partition(|item| self.unmapped.contains(&item.stage));
        for item in items {
            match &item.text {
                Some(text) => row.held.texts.insert(item.stage, text.clone()),
                None => row.held.texts.remove(&item.stage),
            };
        }
        if let Some(state) = &request.state {
            row.held.state = Some(state.value.clone());
        }
        let (revision, held) = (row.revision(), row.held.clone());
        self.record((project_id, key), &held);
        let skipped = skipped.iter().map(|item| item.stage).collect();
        PushOutcome::Written { revision, in_step, updated_at: Some(now.to_owned()), skipped }
    }

    pub(super) fn list(&self, filter: &ProjectFilter) -> Vec<ProjectSummary> {
        let mut found: Vec<_> = self
            .projects
            .iter()
            .filter(|(id, _)| !self.hidden.contains(id))
            .filter(|(id, project)| match filter {
                ProjectFilter::All => true,
                ProjectFilter::Name(name) => project.name == *name,
                ProjectFilter::Id(wanted) => *id == wanted,
            })
            .collect();
        found.sort_by_key(|(_, project)| {
            std::cmp::Reverse(project.rows.values().map(|row| row.counter).max())
        });
        found.into_iter().map(|(id, project)| project.summary(*id)).collect()
    }
}

impl Project {
    fn new(request: &PushRequest, now: &str) -> Self {
        let (name, stack, framework) = match &request.create {
            Some(new) => (new.name.to_string(), new.stack.clone(), new.framework.clone()),
            None => Default::default(),
        };
        Self { name, stack, framework, updated_at: now.to_owned(), rows: BTreeMap::new() }
    }

    fn summary(&self, project_id: ProjectId) -> ProjectSummary {
        let mut rows: Vec<_> = self.rows.iter().collect();
        rows.sort_by_key(|(_, row)| std::cmp::Reverse(row.counter));
        let sessions = rows.into_iter().map(|(key, row)| RemoteSessionSummary {
            session: row.session(key),
            updated_at: Some(row.updated_at.clone()),
            state: row.held.state.clone(),
        });
        ProjectSummary {
            project_id,
            name: self.name.clone(),
            stack: self.stack.clone(),
            framework: self.framework.clone(),
            updated_at: Some(self.updated_at.clone()),
            sessions: sessions.collect(),
        }
    }
}

impl Row {
    fn empty() -> Self {
        Self { held: MemoryRow::default(), counter: 0, op: String::new(), updated_at: String::new() }
    }

    fn stamp(&mut self, counter: i64, op: OpId, now: &str) {
        self.counter = counter;
        self.op = op_mark(op);
        now.clone_into(&mut self.updated_at);
    }

    fn revision(&self) -> Revision {
        revision(self.counter, &self.op)
    }

    fn session(&self, key: &RowKey) -> Option<SessionId> {
        key.clone().or_else(|| self.held.state.as_ref()?.get("session_id")?.as_str()?.parse().ok())
    }
}
