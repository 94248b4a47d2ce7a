//! Resolve: a person's answer to a conflict. Local; the next push is an ordinary one.

use std::collections::BTreeMap;

use crate::artifact::Content;
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::fs::Lock;
use crate::name::SessionKey;
use crate::remote::RemoteInfo;
use crate::stage::{Stage, StageStatus};
use crate::sync::base::{Base, StageBase};
use crate::sync::classify::names;
use crate::sync::engine::log_record;
use crate::sync::merge::has_markers;
use crate::sync::record::{ConflictRecord, FileChange, LogText, StateChange, Transaction};
use crate::sync::settle::refuse_unsettled;
use crate::sync::store::{Store, StoredBase};
use crate::sync::{Resolution, ResolveOptions, ResolveReport, Verb, transaction};
use crate::text::TextStyle;
use crate::workspace::{Workspace, check_text};

/// Answers the open conflict of a stage.
///
/// The base moves to the recorded remote text, so that the next push sends the answer as an ordinary change. What
/// the file held is kept. An answer that leaves nothing records the consent to clear the text in the agency.
///
/// # Errors
/// `NotFound` (`no_conflict`): nothing is open. `InvalidArgument` (`markers`): marker lines are left in the text.
/// `Unsettled`: a push of the stage has to be settled first.
pub fn resolve(
    workspace: &Workspace,
    key: &SessionKey,
    remote: &RemoteInfo,
    options: &ResolveOptions,
    context: &Context,
) -> Result<ResolveReport> {
    let ResolveOptions { stage, ref resolution, dry_run } = *options;
    let (_lock, store) = begin(workspace, Some(key), dry_run, context)?;
    refuse_unsettled(&store, key, &[stage])?;
    let folder = remote.key.as_str();
    let mut open = store.conflicts(folder, key)?;
    let record = open.remove(&stage).ok_or_else(|| no_conflict(stage, open.keys().copied().collect()))?;
    let StoredBase::Base(base) = store.base(&remote.key, key)? else {
        return Err(Error::new(
            ErrorKind::InvalidWorkspace,
            format!("the record of the last sync of {key} is gone"),
        )
        .with_hint("Run `idse sync pull`: it finds the conflict again."));
    };
    let answer = Answer::new(workspace, key, stage, &record, folder, resolution, context)?;
    let transaction = answer.transaction(&store, &base, context)?;
    let report = ResolveReport {
        project: key.project.clone(),
        session: key.session.clone(),
        stage,
        op: (!dry_run).then_some(transaction.log.op),
        conflict: record.kind,
        resolution: match resolution {
            Resolution::Local => "local",
            Resolution::Remote => "remote",
            Resolution::Merged => "merged",
            Resolution::Text(_) => "text",
        },
        object: transaction.log.texts.first().and_then(|text| text.after),
        dry_run,
        push: answer.differs_from_remote(),
        open: open.into_keys().collect(),
    };
    if dry_run || transaction::run(workspace, &transaction, context)?.is_empty() {
        return Ok(report);
    }
    Err(Error::new(
        ErrorKind::Locked,
        format!("an editor saved {stage} at the same moment; the conflict is still open"),
    )
    .with_reason("raced")
    .with_hint("Look at the file and resolve again."))
}

/// Begins a local verb: the lock, and what earlier processes left is finished. A dry run only looks.
pub(crate) fn begin<'a>(
    workspace: &'a Workspace,
    key: Option<&SessionKey>,
    dry_run: bool,
    context: &Context,
) -> Result<(Option<Lock>, Store<'a>)> {
    if dry_run {
        return Ok((None, Store::dry(workspace.dir())));
    }
    let lock = workspace.lock(context)?;
    transaction::recover(workspace, key, context)?;
    Ok((Some(lock), Store::new(workspace.dir())))
}

fn no_conflict(stage: Stage, open: Vec<Stage>) -> Error {
    let hint = if open.is_empty() {
        "Nothing needs resolving.".to_owned()
    } else {
        format!("Open are: {}.", names(&open))
    };
    Error::not_found(format!("{stage} has no open conflict"))
        .with_reason("no_conflict")
        .with("stage", stage.name())
        .with_hint(hint)
}

/// What a stage becomes.
struct Answer<'a> {
    key: &'a SessionKey,
    stage: Stage,
    record: &'a ConflictRecord,
    folder: &'a str,
    /// What the file holds.
    before: Option<String>,
    /// What it is to hold.
    after: Option<String>,
    /// The status now and afterwards.
    status: (StageStatus, StageStatus),
}

impl<'a> Answer<'a> {
    fn new(
        workspace: &Workspace,
        key: &'a SessionKey,
        stage: Stage,
        record: &'a ConflictRecord,
        folder: &'a str,
        resolution: &Resolution,
        context: &Context,
    ) -> Result<Self> {
        let session = workspace.load(key, context)?;
        let before = match &session.artifact(stage).content {
            Content::Absent => None,
            Content::Text(text) => Some(text.to_string()),
            Content::Blocked(blocked) => return Err(Error::new(ErrorKind::Io, blocked.message.clone())),
        };
        let store = Store::new(workspace.dir());
        let style = before.as_deref().map(TextStyle::of);
        let after = if record.has_text() {
            let text = chosen(&store, key, stage, record, folder, resolution, before.as_deref())?;
            text.map(|text| style.map_or_else(|| text.clone(), |style| style.apply(&text).into_owned()))
        } else {
            before.clone()
        };
        let asked = !matches!(resolution, Resolution::Remote);
        if let Some(text) = after.as_deref().filter(|_| asked) {
            check_markers(text, record, stage)?;
        }
        if let Some(text) = after.as_deref().filter(|_| after != before) {
            let limit = workspace.settings(Some(&key.project), context)?.limits.artifact_bytes;
            check_text(stage, text, limit)?;
        }
        let now = session.state.status(stage);
        let then = match (record.status, resolution) {
            (Some(status), Resolution::Remote) => status.remote,
            _ => now,
        };
        Ok(Self { key, stage, record, folder, before, after, status: (now, then) })
    }

    /// The next push has something to send.
    fn differs_from_remote(&self) -> bool {
        let after = self.after.as_deref().map(crate::text::Digest::of);
        let text = self.record.has_text() && after != self.record.remote.map(|t| t.digest);
        text || self.record.status.is_some_and(|status| status.remote != self.status.1)
    }

    fn transaction(&self, store: &Store<'_>, base: &Base, context: &Context) -> Result<Transaction> {
        let mut log = log_record(store, context, Verb::Resolve, self.key, self.folder, Some(base))?;
        let keep = |text: &Option<String>| text.as_ref().map(|t| store.keep(t.as_bytes())).transpose();
        let (before, after) = (keep(&self.before)?, keep(&self.after)?);
        log.texts.push(LogText { stage: self.stage, before, after });
        log.conflicts_before.insert(self.stage, Some(self.record.clone()));
        let mut next = base.clone();
        if self.record.has_text() {
            let clears = after.is_none() && self.record.remote.is_some();
            let seen = base.stage(self.stage).seen;
            *next.stage_mut(self.stage) = StageBase { agreed: self.record.remote, seen, consent: clears };
        }
        let mut state = StateChange::default();
        if let Some(status) = self.record.status {
            next.statuses.insert(self.stage, status.remote);
        }
        if self.status.0 != self.status.1 {
            log.statuses_before.insert(self.stage, self.status.0);
            state.statuses.insert(self.stage, self.status.1);
        }
        if let Some(bytes) = store.merged(self.folder, self.key, self.stage)? {
            log.kept.push(store.keep(&bytes)?);
        }
        let if_raced = base.stage(self.stage);
        let files = if before == after {
            Vec::new()
        } else {
            vec![FileChange { stage: self.stage, before, after, if_raced }]
        };
        let conflicts = BTreeMap::from([(self.stage, None)]);
        Ok(Transaction { files, base: Some(next), state, conflicts, log })
    }
}

/// Returns the text that a person chose.
fn chosen(
    store: &Store<'_>,
    key: &SessionKey,
    stage: Stage,
    record: &ConflictRecord,
    folder: &str,
    resolution: &Resolution,
    file: Option<&str>,
) -> Result<Option<String>> {
    match resolution {
        Resolution::Local => Ok(file.map(str::to_owned)),
        Resolution::Remote => match record.remote {
            None => Ok(None),
            Some(remote) => store.text(remote.object)?.map(Some).ok_or_else(|| gone("remote.md")),
        },
        Resolution::Merged => {
            let bytes = store.merged(folder, key, stage)?.ok_or_else(|| gone("merged.md"))?;
            match Content::of_bytes(bytes, "merged.md") {
                Content::Text(text) => Ok(Some(text.to_string())),
                Content::Absent => Ok(None),
                Content::Blocked(blocked) => Err(Error::argument(blocked.message)),
            }
        }
        Resolution::Text(text) => Ok(Some(text.clone())),
    }
}

fn gone(name: &str) -> Error {
    Error::new(ErrorKind::Io, format!("the recorded {name} is gone"))
        .with_hint("Run `idse sync pull`: it writes the texts of the conflict again.")
}

fn check_markers(text: &str, record: &ConflictRecord, stage: Stage) -> Result<()> {
    if record.marker_length == 0 || !has_markers(text, record.marker_length) {
        return Ok(());
    }
    Err(Error::argument(format!("{stage} still holds conflict markers"))
        .with_reason("markers")
        .with("stage", stage.name())
        .with_hint("Edit the marked places, then resolve again."))
}
