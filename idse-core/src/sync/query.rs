//! Questions: what the agency holds and how the texts differ, without changing anything; `status` sums up.

use std::collections::BTreeMap;

use similar::TextDiff;

use crate::context::Context;
use crate::error::{Error, Result};
use crate::name::SessionKey;
use crate::remote::{Remote, RemoteInfo, RemoteSession, RemoteText};
use crate::session::Session;
use crate::stage::Stage;
use crate::state::SessionState;
use crate::sync::base::Base;
use crate::sync::classify::StatusClass;
use crate::sync::engine::{Engine, Located};
use crate::sync::plan::{Sides, plan_push};
use crate::sync::preview::agreed_texts;
use crate::sync::store::{Store, StoredBase};
use crate::sync::{Action, Class, DiffReport, DiffSide, PushOptions, RemoteStatus, StageDiff};
use crate::text::canonical;
use crate::workspace::Workspace;

/// Says what the agency holds of a session, and what a push or a pull would move.
///
/// # Errors
/// As for [`pull`](crate::sync::pull).
pub fn remote_status(
    workspace: &Workspace,
    key: &SessionKey,
    remote: &dyn Remote,
    context: &Context,
) -> Result<RemoteStatus> {
    let engine = Engine::new(workspace, key, remote, context)?;
    let base = engine.base(&mut Vec::new())?;
    let located = engine.locate(base.as_ref(), false, false)?;
    engine.check_session(&located, base.as_ref(), true)?;
    let Located { row, exists, .. } = located;
    if !exists {
        return Err(Error::not_found(format!(
            "{} does not have session `{}` yet",
            engine.info.address, key.session
        ))
        .with("session", key.session.as_str())
        .with_hint("Push it with `idse sync push`."));
    }
    let session = engine.local()?;
    let mut report = RemoteStatus {
        project: row.name.clone(),
        project_id: row.project_id,
        session: row.session.clone(),
        remote: engine.remote.info(),
        last_synced: row.updated_at.clone(),
        stages: BTreeMap::new(),
        last_agent: None,
        incoming: Vec::new(),
        outgoing: Vec::new(),
        both: Vec::new(),
    };
    if report.project.is_empty() {
        report.project = key.project.to_string();
    }
    let state = row.state.clone().map(SessionState::new).unwrap_or_default();
    report.last_agent = state.last_agent().map(str::to_owned);
    report.stages = Stage::ALL.into_iter().filter_map(|s| Some((s, state.known_status(s)?))).collect();
    compare(&mut report, &session, base.as_ref(), &row);
    Ok(report)
}

fn compare(report: &mut RemoteStatus, session: &Session, base: Option<&Base>, row: &RemoteSession) {
    let open = BTreeMap::new();
    let sides = Sides { local: session, base, remote: row, open: &open };
    for push in plan_push(&sides, &PushOptions::default(), &BTreeMap::new()) {
        let stage = push.step.stage;
        if push.step.action == Action::Conflict {
            report.both.push(stage);
            continue;
        }
        if push.sends {
            report.outgoing.push(stage);
        }
        let is_newer = matches!(push.step.class, Class::RemoteChange | Class::NewThere);
        if is_newer || sides.status_class(stage) == StatusClass::Remote {
            report.incoming.push(stage);
        }
    }
}

/// Compares the files with what both sides last agreed on. Local.
///
/// # Errors
/// `NotFound` (`never_synced`): there was never a sync with this agency.
pub fn diff(
    workspace: &Workspace,
    key: &SessionKey,
    stages: &[Stage],
    remote: &RemoteInfo,
    context: &Context,
) -> Result<DiffReport> {
    let store = Store::new(workspace.dir());
    let StoredBase::Base(base) = store.base(&remote.key, key)? else {
        return Err(Error::not_found(format!("{key} was never synced with {}", remote.address))
            .with_reason("never_synced")
            .with_hint("Push or pull first, or compare with what the agency holds: `--remote`."));
    };
    let session = workspace.load(key, context)?;
    let texts = agreed_texts(&store, Some(&base))?;
    Ok(diff_report(&session, stages, DiffSide::Base, &texts))
}

/// Compares the files with what the agency holds now.
///
/// # Errors
/// As for [`pull`](crate::sync::pull).
pub fn diff_remote(
    workspace: &Workspace,
    key: &SessionKey,
    stages: &[Stage],
    remote: &dyn Remote,
    context: &Context,
) -> Result<DiffReport> {
    let engine = Engine::new(workspace, key, remote, context)?;
    let base = engine.base(&mut Vec::new())?;
    let located = engine.locate(base.as_ref(), false, false)?;
    engine.check_session(&located, base.as_ref(), false)?;
    let session = engine.local()?;
    let agreed = agreed_texts(&engine.store, base.as_ref())?;
    let mut texts = BTreeMap::new();
    for (stage, text) in located.row.texts {
        match text {
            RemoteText::Text(text) => {
                texts.insert(stage, text);
            }
            RemoteText::Unknown => texts.extend(agreed.get(&stage).map(|text| (stage, text.clone()))),
            RemoteText::Absent | RemoteText::Unmapped => {}
        }
    }
    Ok(diff_report(&session, stages, DiffSide::Remote, &texts))
}

fn diff_report(
    session: &Session,
    stages: &[Stage],
    side: DiffSide,
    texts: &BTreeMap<Stage, String>,
) -> DiffReport {
    let other = match side {
        DiffSide::Base => "base",
        DiffSide::Remote => "agency",
    };
    let mut found = Vec::new();
    for stage in Stage::ALL.into_iter().filter(|s| stages.is_empty() || stages.contains(s)) {
        let (old, new) = (texts.get(&stage).map(String::as_str), session.artifact(stage).text());
        if old.map(canonical) == new.map(canonical) {
            continue;
        }
        let path = session.artifact_path(stage);
        let (old, new) = (canonical(old.unwrap_or_default()), canonical(new.unwrap_or_default()));
        let diff = TextDiff::from_lines(old.as_ref(), new.as_ref());
        let diff = diff.unified_diff().header(&format!("{other}/{path}"), &path).to_string();
        found.push(StageDiff { stage, path, diff });
    }
    DiffReport {
        project: session.key.project.clone(),
        session: session.key.session.clone(),
        side,
        stages: found,
    }
}
