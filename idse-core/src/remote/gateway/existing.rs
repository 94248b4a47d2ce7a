//! Pushing through a gateway that stores whatever it is sent: read, compare, write, read back.
//!
//! Between two of these steps somebody can come in; the report says so ([`Guard::None`](crate::remote::Guard)).

use serde_json::{Map, Value, json};

use super::answer::{self, text};
use super::failure::{self, missing_column};
use super::{GatewayRemote, Kind, everything_differs, object};
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::remote::{
    Fetched, NewProject, PushItem, PushOutcome, PushRequest, RemoteSession, RemoteText, Sessions,
};
use crate::stage::Stage;
use crate::text::Digest;

impl GatewayRemote {
    /// Pushes over what was just read.
    pub(super) fn unguarded(
        &self,
        request: &PushRequest,
        before: Option<RemoteSession>,
        context: &Context,
    ) -> Result<PushOutcome> {
        let before = match before {
            Some(row) => row,
            None => match (&request.create, self.project_row(request, context)?) {
                (_, Some(row)) => row,
                (Some(new), None) => return self.make(request, new, context),
                (None, None) => return Ok(PushOutcome::Missing),
            },
        };
        if let Some(differs) = differences(request, &before) {
            return Ok(differs);
        }
        let mut skipped = Vec::new();
        while let Some(stage) = self.store(request, &before, &skipped, context)? {
            if skipped.contains(&stage) {
                return Err(self.odd(&format!("it has no column for {stage}, and says so again")));
            }
            skipped.push(stage);
        }
        self.read_back(request, &before, skipped, context)
    }

    /// Makes the project, with nothing but its state in it: only then its id is known, and it can be pushed to.
    fn make(&self, request: &PushRequest, new: &NewProject, context: &Context) -> Result<PushOutcome> {
        let body = json!({
            "project_id": null,
            "project_name": new.name,
            "stack": new.stack,
            "framework": new.framework,
            "session_id": request.target.session,
            "artifacts": {},
            "state_json": request.state.as_ref().map(|state| &state.value),
        });
        let response = self.post_push(body, context)?;
        if !response.is_success() {
            return Err(failure::of_write(&response));
        }
        Ok(everything_differs(request))
    }

    /// Sends the texts; returns the stage that the table has no column for.
    fn store(
        &self,
        request: &PushRequest,
        row: &RemoteSession,
        skipped: &[Stage],
        context: &Context,
    ) -> Result<Option<Stage>> {
        let response = self.post_push(body(request, row, skipped), context)?;
        if response.is_success() {
            let answer = object(&response).map_err(|error| response.lost_write(error.message()))?;
            return match answer::check_project(&answer, request.target.project_id) {
                Ok(()) => Ok(None),
                Err(why) => Err(response.lost_write(&why)),
            };
        }
        match response.error_json().as_ref().and_then(missing_column) {
            Some(stage) => Ok(Some(stage)),
            None => Err(failure::of_write(&response)),
        }
    }

    /// What the gateway says it stored is worth nothing before it was seen there.
    fn read_back(
        &self,
        request: &PushRequest,
        before: &RemoteSession,
        skipped: Vec<Stage>,
        context: &Context,
    ) -> Result<PushOutcome> {
        let unseen = |why: &str| {
            let message = format!("{} said that it stored the push, and {why}", self.address);
            Error::new(ErrorKind::Unsettled, message)
                .with_hint("The next sync finds out what happened; nothing is lost.")
        };
        let after = match self.fetch_row(request, context) {
            Ok(Some(row)) => row,
            Ok(None) => return Err(unseen("has nothing of it")),
            Err(error) => return Err(unseen("then could not be read").with_source(error)),
        };
        let items = || request.items.iter().filter(|item| !skipped.contains(&item.stage));
        let others: Vec<_> = items().filter(|item| !is_stored(item, &after)).map(|item| item.stage).collect();
        if !others.is_empty() {
            let is_old = |stage: &Stage| after.texts.get(stage) == before.texts.get(stage);
            if others.iter().all(is_old) {
                let names: Vec<_> = others.iter().map(|stage| stage.name()).collect();
                let message = format!(
                    "{} said that it stored {}, and still holds what was there before",
                    self.address,
                    names.join(", ")
                );
                return Err(Error::new(ErrorKind::Protocol, message)
                    .with_reason("not_stored")
                    .with_hint("Look at the log of the gateway; what was sent is still here."));
            }
            return Ok(PushOutcome::Differs { stages: others, state: false });
        }
        let is_ours = |stage: &Stage| items().any(|item| item.stage == *stage);
        let same = |stage: Stage| is_ours(&stage) || after.texts.get(&stage) == before.texts.get(&stage);
        let state = match &request.state {
            Some(state) => state_digest(&after) == Some(Digest::of_json(&state.value.clone().into())),
            None => state_digest(&after) == state_digest(before),
        };
        let in_step =
            request.revision.as_ref() == Some(&before.revision) && Stage::ALL.into_iter().all(same) && state;
        Ok(PushOutcome::Written { revision: after.revision, in_step, updated_at: after.updated_at, skipped })
    }

    pub(super) fn fetch_row(
        &self,
        request: &PushRequest,
        context: &Context,
    ) -> Result<Option<RemoteSession>> {
        use crate::remote::Remote as _;
        match self.fetch(&request.target, None, context)? {
            Fetched::Session(row) => Ok(Some(*row)),
            Fetched::Missing { .. } | Fetched::Unchanged => Ok(None),
        }
    }

    /// Returns the project as a row without texts, where only the session of the push is not there yet.
    fn project_row(&self, request: &PushRequest, context: &Context) -> Result<Option<RemoteSession>> {
        if self.kind() != (Kind::Existing { sessions: Sessions::Many }) {
            return Ok(None);
        }
        let id = request.target.project_id;
        let Ok(answer) =
            self.pull(&json!({"project_id": id, "session_id": request.target.session}), context)?
        else {
            return Ok(None);
        };
        answer::check_project(&answer, id).map_err(|why| self.odd(&why))?;
        let field = |key| text(&answer, key).map(str::to_owned);
        Ok(Some(RemoteSession {
            project_id: id,
            name: field("name").unwrap_or_default(),
            stack: field("stack"),
            framework: field("framework"),
            session: Some(request.target.session.clone()),
            revision: crate::remote::Revision::new(""),
            updated_at: field("updated_at"),
            texts: Stage::ALL.map(|stage| (stage, RemoteText::Unknown)).into(),
            meta: RemoteText::Unmapped,
            state: None,
        }))
    }
}

/// Returns the body of a push. The second generation writes name, stack and framework every time, so that they are
/// sent back as they were read.
fn body(request: &PushRequest, row: &RemoteSession, skipped: &[Stage]) -> Value {
    let items = request.items.iter().filter(|item| !skipped.contains(&item.stage));
    let artifacts: Map<_, _> = items
        // There is no way to say NULL; the empty text counts as none.
        .map(|item| (item.stage.column().to_owned(), item.text.clone().unwrap_or_default().into()))
        .collect();
    let state = request.state.as_ref().map(|state| &state.value).or(row.state.as_ref());
    json!({
        "project_id": request.target.project_id,
        "project_name": row.name,
        "stack": row.stack,
        "framework": row.framework,
        "session_id": request.target.session,
        "artifacts": artifacts,
        "state_json": state,
    })
}

/// Compares what a push replaces with what is there; what the gateway does not say speaks against nothing.
fn differences(request: &PushRequest, row: &RemoteSession) -> Option<PushOutcome> {
    let differs = |item: &&PushItem| match row.texts.get(&item.stage) {
        Some(RemoteText::Text(text)) => item.expected != Some(Digest::of(text)),
        Some(RemoteText::Absent) => item.expected.is_some(),
        Some(RemoteText::Unknown | RemoteText::Unmapped) | None => false,
    };
    let stages: Vec<_> = request.items.iter().filter(differs).map(|item| item.stage).collect();
    let held = state_digest(row);
    let state = request.state.as_ref().is_some_and(|state| state.expected != held);
    (state || !stages.is_empty()).then_some(PushOutcome::Differs { stages, state })
}

fn is_stored(item: &PushItem, row: &RemoteSession) -> bool {
    match (row.texts.get(&item.stage), item.text.as_deref()) {
        (Some(RemoteText::Text(there)), Some(sent)) => Digest::of(there) == Digest::of(sent),
        (Some(RemoteText::Text(there)), None) => there.is_empty(),
        // The second generation leaves out an empty text.
        (_, sent) => sent.is_none_or(str::is_empty),
    }
}

fn state_digest(row: &RemoteSession) -> Option<Digest> {
    row.state.clone().map(|state| Digest::of_json(&state.into()))
}
