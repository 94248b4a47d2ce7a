//! Writing: one guarded change of one row, and what an empty answer to it means.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Map, Value};

use super::row::{Row, Version};
use super::shape::Shape;
use super::{LESSONS, SupabaseRemote, failure, query, row};
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::name::ProjectId;
use crate::remote::decide::{Before, Decision, decide};
use crate::remote::http::{Response, printable};
use crate::remote::{
    Guard, NewProject, ProjectFilter, PushMeta, PushOutcome, PushRequest, Remote as _, RemoteText,
};
use crate::stage::Stage;
use crate::text::Digest;

/// How often a write is tried anew where others write between.
const ATTEMPTS: u32 = 5;
/// How many bytes of text an answer repeats, so that they can be compared with what was sent.
const ECHO: usize = 256 << 10;

/// Writes a request, and `meta_md` with it where the table has a column for it; the flag tells whether it was.
pub(super) fn push(
    remote: &SupabaseRemote,
    request: &PushRequest,
    meta: Option<&PushMeta>,
    context: &Context,
) -> Result<(PushOutcome, bool)> {
    check(request)?;
    if meta.is_some_and(|meta| meta.text.contains('\0')) {
        return Err(nul(row::META));
    }
    // Columns that another push of this run found missing are not sent again.
    let known = |stage: &Stage| !remote.shape().has(stage.column());
    let skipped = request.items.iter().map(|item| item.stage).filter(known).collect();
    let mut writer = Writer { remote, request, meta, context, skipped };
    let outcome = writer.write()?;
    let stored = writer.meta.is_some() && remote.shape().has(row::META);
    Ok((outcome, stored))
}

impl Writer<'_> {
    fn write(&mut self) -> Result<PushOutcome> {
        let (remote, request) = (self.remote, self.request);
        if request.create.is_some() && request.revision.is_none() {
            return self.create();
        }
        let known = request.revision.as_ref().and_then(Version::of);
        let known = known.filter(|version| {
            matches!(version, Version::Row(_)) && remote.shape().guard() == Guard::RowVersion
        });
        if let Some(version) = known {
            if let Some(written) = self.change(&version, true)? {
                return Ok(written);
            }
            return self.compare(Some(&version), None);
        }
        self.compare(None, None)
    }
}

fn check(request: &PushRequest) -> Result<()> {
    // Says no to a push that names a stage twice; what is there does not matter for that.
    decide(request, &Before::NoSession)?;
    let has_nul =
        |item: &&crate::remote::PushItem| item.text.as_deref().is_some_and(|text| text.contains('\0'));
    match request.items.iter().find(has_nul) {
        Some(item) => Err(nul(item.stage.name()).with("stage", item.stage.name())),
        None => Ok(()),
    }
}

fn nul(what: &str) -> Error {
    Error::argument(format!("{what} holds a NUL character, which no column can hold")).with_reason("nul")
}

struct Writer<'a> {
    remote: &'a SupabaseRemote,
    request: &'a PushRequest,
    meta: Option<&'a PushMeta>,
    context: &'a Context,
    skipped: BTreeSet<Stage>,
}

impl Writer<'_> {
    fn id(&self) -> ProjectId {
        self.request.target.project_id
    }

    /// Reads, compares every item with what it is to replace, and changes exactly the row that was compared.
    ///
    /// `missed` is the version that a change just missed; `row` is what was read already.
    fn compare(&mut self, missed: Option<&Version>, row: Option<Row>) -> Result<PushOutcome> {
        let mut missed = missed.cloned();
        let mut read = row;
        for attempt in 0..ATTEMPTS {
            let row = match read.take() {
                Some(row) => Some(row),
                None => self.remote.read_row(self.id(), self.context)?,
            };
            let Some(row) = row else { return Ok(PushOutcome::Missing) };
            if missed.as_ref() == Some(&row.version) {
                return Err(failure::no_update_right(&self.remote.address, self.remote.credentials.kind()));
            }
            let in_step = match decide(self.request, &Before::Row(row.held()))? {
                Decision::Refuse(outcome) => return Ok(outcome),
                Decision::Update { .. } if self.meta_differs(&row) => {
                    return Ok(PushOutcome::Differs { stages: Vec::new(), state: false });
                }
                Decision::Update { in_step } => in_step,
                Decision::CreateProject | Decision::CreateRow => {
                    return Err(Error::internal("a row that is there was to be made"));
                }
            };
            if let Some(written) = self.change(&row.version, in_step)? {
                return Ok(written);
            }
            missed = Some(row.version);
            let jitter = u64::from(self.context.clock.unique().as_bytes()[0]) % 16;
            self.context.check()?;
            self.context.clock.sleep(Duration::from_millis((4 << attempt) + jitter));
        }
        Err(Error::new(
            ErrorKind::Unavailable,
            format!(
                "others keep writing to this row of {}: gave up after {ATTEMPTS} attempts",
                self.remote.address
            ),
        )
        .with_reason("contended")
        .with_hint("Nothing was written. Try again in a moment."))
    }

    /// Changes the row if it still has a version; `None`: it has not, or it is not there, or may not be changed.
    fn change(&mut self, version: &Version, in_step: bool) -> Result<Option<PushOutcome>> {
        for _ in 0..LESSONS {
            let asked = self.remote.shape().clone();
            let call =
                self.remote.call(query::change(self.id(), version, &self.answer_columns(), self.changes()));
            let response = self.remote.client.write(&call, self.context)?;
            if response.is_success() {
                return self.written(&response, Some(version), in_step);
            }
            if !self.learn(&asked, &response)? {
                return Ok(None);
            }
        }
        Err(failure::no_agency("the table changes while it is written"))
    }

    /// Learns from a refusal; `false` where the row has to be read anew, an error where nothing is to be learned.
    fn learn(&mut self, asked: &Shape, response: &Response) -> Result<bool> {
        let column = self.remote.shape().learn_from_write(asked, &failure::Code::of(response));
        let stage = |column| Stage::ALL.into_iter().find(|stage| stage.column() == column);
        match column {
            Some("xmin") => Ok(false),
            Some(column) => {
                self.skipped.extend(stage(column));
                Ok(true)
            }
            None => Err(failure::explain_write(response, self.remote.credentials.kind())),
        }
    }

    fn sent(&self) -> impl Iterator<Item = &crate::remote::PushItem> {
        self.request.items.iter().filter(|item| !self.skipped.contains(&item.stage))
    }

    /// Tells whether the row holds another `meta_md` than the one that is to be replaced.
    fn meta_differs(&self, row: &Row) -> bool {
        let held = row.session.meta.text().map(Digest::of);
        self.meta.is_some_and(|meta| row.session.meta != RemoteText::Unmapped && meta.expected != held)
    }

    fn changes(&self) -> Map<String, Value> {
        let mut body = Map::new();
        for item in self.sent() {
            body.insert(item.stage.column().into(), item.text.clone().map_or(Value::Null, Value::from));
        }
        if let Some(meta) = self.meta.filter(|_| self.remote.shape().has(row::META)) {
            body.insert(row::META.into(), meta.text.as_str().into());
        }
        if let Some(state) = &self.request.state {
            body.insert("state_json".into(), state.value.clone().into());
        }
        if self.remote.shape().has("updated_at") {
            // The clock of the server.
            body.insert("updated_at".into(), "now".into());
        }
        body
    }

    fn echoes(&self) -> bool {
        self.sent().filter_map(|item| item.text.as_ref()).map(String::len).sum::<usize>() <= ECHO
    }

    fn answer_columns(&self) -> String {
        let echoed = self.sent().filter(|_| self.echoes()).map(|item| item.stage.column());
        self.remote.shape().written_columns(echoed)
    }

    /// Reads the answer to a write: the row as it is now, or none.
    fn written(
        &self,
        response: &Response,
        before: Option<&Version>,
        in_step: bool,
    ) -> Result<Option<PushOutcome>> {
        let lost = |error: Error| response.lost_write(error.message());
        let mut rows = row::objects(response).map_err(lost)?;
        let Some(object) = rows.pop() else { return Ok(None) };
        let id = row::project_id(&object);
        if !rows.is_empty() || id != Ok(self.id()) {
            return Err(response.lost_write("the answer to a change names another row"));
        }
        let differs = |item: &&crate::remote::PushItem| {
            let stored = object.get(item.stage.column()).unwrap_or(&Value::Null);
            stored.as_str() != item.text.as_deref()
        };
        if let Some(item) = self.sent().filter(|_| self.echoes()).find(differs) {
            return Err(response
                .lost_write(&format!("the table stored another text of {} than was sent", item.stage)));
        }
        let mut version = row::version(&object).map_err(|why| response.lost_write(&why))?;
        if matches!(version, Version::Row(_)) && before == Some(&version) {
            // Some storage engines give no version of their own.
            self.remote.shape().lose_xmin();
            version = Version::Time(row::text(&object, "updated_at"));
        }
        Ok(Some(PushOutcome::Written {
            revision: version.revision(),
            in_step,
            updated_at: row::text(&object, "updated_at"),
            skipped: self.skipped.iter().copied().collect(),
        }))
    }

    fn create(&mut self) -> Result<PushOutcome> {
        let Some(new) = self.request.create.clone() else { return Ok(PushOutcome::Missing) };
        for _ in 0..LESSONS {
            let asked = self.remote.shape().clone();
            let call = self.remote.call(query::create(&self.answer_columns(), self.new_row(&new)));
            let response = self.remote.client.write(&call, self.context)?;
            if response.is_success() {
                let written = self.written(&response, None, true)?;
                return written.ok_or_else(|| response.lost_write("the answer to a new row is empty"));
            }
            let code = failure::Code::of(&response);
            if code.code == "23505" {
                return self.collided(&new, &code);
            }
            self.learn(&asked, &response)?;
        }
        Err(failure::no_agency("the table changes while it is written"))
    }

    fn new_row(&self, new: &NewProject) -> Map<String, Value> {
        let mut body = self.changes();
        body.retain(|_, value| !value.is_null());
        body.insert("id".into(), self.id().to_string().into());
        body.insert("name".into(), new.name.as_str().into());
        for (column, value) in [("stack", &new.stack), ("framework", &new.framework)] {
            if let (Some(value), true) = (value, self.remote.shape().has(column)) {
                body.insert(column.into(), value.as_str().into());
            }
        }
        body
    }

    /// Somebody has the id or the name already.
    fn collided(&mut self, new: &NewProject, code: &failure::Code) -> Result<PushOutcome> {
        let id = self.id();
        if let Some(row) = self.remote.read_row(id, self.context)? {
            if row.session.name == new.name.as_str() {
                return self.compare(None, Some(row));
            }
            let name = printable(&row.session.name);
            return Err(Error::new(
                ErrorKind::Exists,
                format!("{} has the id of this project already, under the name {name:?}", self.remote.address),
            )
            .with_reason("other_project")
            .with("project_id", id.to_string())
            .with_hint(format!(
                "If it is the same project: `idse sync link {id}`. If it is another one: `idse sync push --new-id`."
            )));
        }
        let named = self.remote.projects(&ProjectFilter::Name(new.name.to_string()), self.context)?;
        if !named.is_empty() {
            // Somebody was first; the next look finds it.
            return Ok(PushOutcome::Missing);
        }
        let (what, hint) = if code.details.contains("(name)") {
            ("name", "Ask its owner to let you see it, or rename your project.")
        } else {
            (
                "id",
                "Ask its owner to let you see it, or make a project of your own: `idse sync push --new-id`.",
            )
        };
        Err(Error::new(
            ErrorKind::Exists,
            format!(
                "{} has a project with the {what} of `{}` already, and hides it from you",
                self.remote.address, new.name
            ),
        )
        .with_reason("hidden")
        .with("project_id", id.to_string())
        .with_hint(hint))
    }
}
