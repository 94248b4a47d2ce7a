//! Status: where every stage of one session, or of many, stands. Nothing is changed.
//!
//! What sessions have in common is read once. Of one session, every file is read and compared by its text, whatever
//! its time says; of many, what nothing has touched since is taken from the cache.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::cache::Cache;
use crate::config::Settings;
use crate::context::Context;
use crate::diagnostic::Severity;
use crate::error::Result;
use crate::name::{ProjectId, ProjectName, SessionId, SessionKey};
use crate::parallel::in_parallel;
use crate::remote::{Remote, RemoteInfo, RemoteSession, Revision};
use crate::rules::{self, Baseline};
use crate::session::Session;
use crate::stage::{Stage, StageStatus};
use crate::sync::base::Base;
use crate::sync::classify::StatusClass;
use crate::sync::engine::Engine;
use crate::sync::plan::Sides;
use crate::sync::store::{Store, StoredBase};
use crate::sync::{Class, StageLine, StatusReport, rows, unfinished};
use crate::text::ObjectId;
use crate::workspace::Workspace;

/// Says where every stage stands, from the disk alone.
///
/// # Errors
/// Whatever loading the session reports.
pub fn status(
    workspace: &Workspace,
    key: &SessionKey,
    remote: &RemoteInfo,
    context: &Context,
) -> Result<StatusReport> {
    let project = CommonOfProject::read(workspace, &key.project, context)?;
    from_disk(workspace, &Common::read(workspace)?, &project, key, remote, context)
}

/// Says where every stage of many sessions stands, several sessions at a time and in their order.
///
/// # Errors
/// `Cancelled`, and what no session can do without: the baseline and the journal. What is wrong with one session is its own result.
pub fn statuses(
    workspace: &Workspace,
    sessions: &[(SessionKey, RemoteInfo)],
    context: &Context,
) -> Result<Vec<Result<StatusReport>>> {
    let common = Common::read(workspace)?;
    let mut projects = BTreeMap::new();
    for (key, _) in sessions {
        if !projects.contains_key(&key.project) {
            // An error cannot be shared: each session of the project meets its own below.
            let read = CommonOfProject::read(workspace, &key.project, context);
            projects.insert(&key.project, read.ok());
        }
    }
    let keys: Vec<_> = sessions.iter().map(|(key, _)| key).collect();
    let cache = Cache::open(workspace, "status", &keys, context);
    let one = |at: usize, (key, remote): &(SessionKey, RemoteInfo)| {
        context.check()?;
        context.step("looking at", key, at as u64, Some(sessions.len() as u64));
        let Some(Some(project)) = projects.get(&key.project) else {
            return status(workspace, key, remote, context);
        };
        let ask = |workspace: &Workspace| from_disk(workspace, &common, project, key, remote, context);
        cache.answer(key, &(common.question(key), project.question(key), remote), |_| true, ask)
    };
    let results = in_parallel(sessions, one);
    cache.save();
    // Who cancelled wants no answer of which a part is missing.
    context.check()?;
    Ok(results)
}

/// Says where every stage stands, with one look at what the agency holds now.
///
/// # Errors
/// As for [`pull`](crate::sync::pull).
pub fn status_checked(
    workspace: &Workspace,
    key: &SessionKey,
    remote: &dyn Remote,
    context: &Context,
) -> Result<StatusReport> {
    let engine = Engine::new(workspace, key, remote, context)?;
    let base = engine.base(&mut Vec::new())?;
    let located = engine.locate(base.as_ref(), false, false)?;
    engine.check_session(&located, base.as_ref(), false)?;
    let common = Common::read(workspace)?;
    let project = CommonOfProject::read(workspace, &key.project, context)?;
    let local = engine.local()?;
    let mut report = compare(
        workspace,
        &common,
        &project,
        &local,
        &engine.remote.info(),
        base.as_ref(),
        Some(&located.row),
    )?;
    report.checked = true;
    report.last_synced.clone_from(&located.row.updated_at);
    Ok(report)
}

/// What all sessions have in common.
struct Common {
    baseline: Baseline,
    /// The digest of the baseline.
    adopted: ObjectId,
    /// The sessions with a push whose fate is not known.
    unsettled: Vec<SessionKey>,
}

impl Common {
    fn read(workspace: &Workspace) -> Result<Self> {
        let unsettled = unfinished(workspace)?.pushes;
        let baseline = workspace.baseline()?;
        let adopted = ObjectId::of(baseline.render().as_bytes());
        Ok(Self { baseline, adopted, unsettled })
    }

    /// Returns all of it that the status of a session depends on.
    fn question(&self, key: &SessionKey) -> impl Serialize {
        (self.adopted, self.unsettled.contains(key))
    }
}

/// What the sessions of one project have in common.
struct CommonOfProject {
    settings: Settings,
    current: Option<SessionId>,
    id: Option<ProjectId>,
}

impl CommonOfProject {
    fn read(workspace: &Workspace, project: &ProjectName, context: &Context) -> Result<Self> {
        Ok(Self {
            settings: workspace.settings(Some(project), context)?,
            current: workspace.current_session(project)?,
            id: workspace.project_file(project)?.project_id,
        })
    }

    /// Returns all of it that the status of a session depends on.
    fn question(&self, key: &SessionKey) -> impl Serialize {
        let Settings { validate, limits, .. } = &self.settings;
        (validate, limits.artifact_bytes, self.current.as_ref() == Some(&key.session), self.id)
    }
}

fn from_disk(
    workspace: &Workspace,
    common: &Common,
    project: &CommonOfProject,
    key: &SessionKey,
    remote: &RemoteInfo,
    context: &Context,
) -> Result<StatusReport> {
    let store = Store::new(workspace.dir());
    let (base, note) = match store.base(&remote.key, key)? {
        StoredBase::Base(base) => (Some(*base), None),
        StoredBase::None => (None, None),
        StoredBase::Damaged => {
            (None, Some("the record of the last sync is damaged; the next sync makes it anew"))
        }
    };
    let local = workspace.load_with(key, &project.settings, context)?;
    let row = match &base {
        Some(base) => last_seen(&store, base, &local)?,
        None => None,
    };
    let mut report = compare(workspace, common, project, &local, remote, base.as_ref(), row.as_ref())?;
    report.notes.extend(note.map(str::to_owned));
    Ok(report)
}

/// Returns what the remote held when it was last read, whether or not the revision still counts.
///
/// A text that the file holds too is not read again.
pub(super) fn last_seen(store: &Store<'_>, base: &Base, local: &Session) -> Result<Option<RemoteSession>> {
    let mut known = base.clone();
    known.revision.get_or_insert_with(|| Revision::new(""));
    rows::remembered_beside(store, &known, local)
}

fn compare(
    workspace: &Workspace,
    common: &Common,
    project: &CommonOfProject,
    session: &Session,
    remote: &RemoteInfo,
    base: Option<&Base>,
    row: Option<&RemoteSession>,
) -> Result<StatusReport> {
    let key = &session.key;
    let mut findings = rules::validate(session, &[], &project.settings.validate);
    common.baseline.apply(&mut findings);
    let open = Store::new(workspace.dir()).conflicts(remote.key.as_str(), key)?;
    let sides = row.map(|row| Sides { local: session, base, remote: row, open: &open });
    let mut stages = Vec::new();
    for stage in Stage::ALL {
        let count = |severity| {
            findings.diagnostics.iter().filter(|d| d.stage == Some(stage) && d.severity == severity).count()
        };
        let step = sides.as_ref().map(|sides| sides.step(stage));
        let status_class = sides.as_ref().map_or(StatusClass::InSync, |sides| sides.status_class(stage));
        let class = step.map(|step| step.class);
        let is_local = matches!(class, Some(Class::LocalChange | Class::NewHere));
        let consents =
            class == Some(Class::DeletedHere) && base.is_some_and(|base| base.stage(stage).consent);
        let never = row.is_none() && session.artifact(stage).text().is_some();
        stages.push(StageLine {
            stage,
            status: session.state.status(stage),
            errors: count(Severity::Error),
            warnings: count(Severity::Warning),
            sync: class,
            conflict: open.get(&stage).map(|record| record.kind),
            push: (is_local || consents || never || status_class == StatusClass::Local)
                && !open.contains_key(&stage),
            pull: matches!(class, Some(Class::RemoteChange | Class::NewThere | Class::BothChanged))
                || status_class == StatusClass::Remote,
        });
    }
    Ok(StatusReport {
        project: key.project.clone(),
        session: key.session.clone(),
        current: project.current.as_ref() == Some(&key.session),
        project_id: base.map(|base| base.project_id).or(project.id),
        remote: remote.clone(),
        checked: false,
        last_synced: base.and_then(|base| base.updated_at.clone()),
        last_agent: session.state.last_agent().map(str::to_owned),
        next: stages.iter().find(|s| s.status != StageStatus::Complete).map(|s| s.stage),
        stages,
        unsettled: common.unsettled.contains(key),
        notes: Vec::new(),
    })
}
