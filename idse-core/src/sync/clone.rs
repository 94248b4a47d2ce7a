//! Clone and link: joining a project that the agency already has, or tying a local one to it.

use std::path::Path;

use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::name::{ProjectId, ProjectName, SessionId, SessionKey};
use crate::remote::{ProjectFilter, ProjectSummary, Remote, Sessions};
use crate::sync::engine::ambiguous;
use crate::sync::store::Store;
use crate::sync::{CloneReport, LinkReport, PullOptions, Verb, pull, transaction};
use crate::workspace::Workspace;

/// Brings a project of the agency into the workspace at `root`, and makes the workspace where there is none.
///
/// Without `session`, every session that the agency names is pulled; the one written last becomes the current one.
///
/// # Errors
/// `NotFound`: the agency has no such project or session. `Exists`: the project is here already. `InvalidArgument`:
/// its name cannot be a folder.
pub fn clone(
    root: &Path,
    remote: &dyn Remote,
    name_or_id: &str,
    session: Option<&SessionId>,
    context: &Context,
) -> Result<CloneReport> {
    let found = find(remote, name_or_id, context)?;
    let project: ProjectName = found.name.parse().map_err(|error: Error| {
        error.with_hint("The project's name in the agency cannot be a folder; rename it there first.")
    })?;
    let sessions = sessions_of(&found, remote, session)?;
    let workspace = Workspace::create(root)?;
    {
        let _lock = workspace.lock(context)?;
        transaction::recover(&workspace, None, context)?;
        if workspace.projects()?.found.contains(&project)
            && !is_half_cloned(&workspace, &project, found.project_id)?
        {
            return Err(Error::new(ErrorKind::Exists, format!("project `{project}` is here already"))
                .with("project", project.as_str())
                .with_hint(format!(
                    "Tie it to the agency's with `idse sync link {}`, then pull.",
                    found.project_id
                )));
        }
        for session in &sessions {
            let key = SessionKey { project: project.clone(), session: session.clone() };
            workspace.make_session(&key, context)?;
        }
        workspace.save_project_id(&project, found.project_id, None, context)?;
    }
    let mut reports = Vec::new();
    for session in sessions.iter().rev() {
        let key = SessionKey { project: project.clone(), session: session.clone() };
        let options = PullOptions { adopt_session: true, ..PullOptions::default() };
        let mut report = pull(&workspace, &key, remote, &options, context)?;
        report.verb = Verb::Clone;
        reports.push(report);
        // The last one to be pulled, the one that was written last, stays the current one.
        workspace.switch_session(&key, context)?;
    }
    reports.reverse();
    Ok(CloneReport { project, project_id: found.project_id, sessions: reports })
}

/// A clone that died in the middle is finished, not refused: it has the identity and no current session.
fn is_half_cloned(workspace: &Workspace, project: &ProjectName, id: ProjectId) -> Result<bool> {
    let is_same = workspace.project_file(project)?.project_id == Some(id);
    Ok(is_same && workspace.pointer_is_missing(project)?)
}

fn sessions_of(
    found: &ProjectSummary,
    remote: &dyn Remote,
    wanted: Option<&SessionId>,
) -> Result<Vec<SessionId>> {
    let known: Vec<_> = found.sessions.iter().filter_map(|s| s.session.clone()).collect();
    let is_one = remote.info().sessions == Sessions::One;
    match wanted {
        Some(wanted) if known.contains(wanted) || (is_one && known.is_empty()) => Ok(vec![wanted.clone()]),
        Some(wanted) => {
            Err(Error::not_found(format!("the agency has no session `{wanted}` of `{}`", found.name))
                .with("session", wanted.as_str())
                .with_hint(match known.first() {
                    Some(first) => format!("It has `{first}`, for one: see `idse sync list`."),
                    None => "It has no session yet.".to_owned(),
                }))
        }
        None if known.is_empty() => Err(Error::not_found(format!(
            "the agency does not say which session of `{}` it holds",
            found.name
        ))
        .with_reason("unknown_session")
        .with_hint("Say which one to take it as: `--session ID`.")),
        None => Ok(known),
    }
}

fn find(remote: &dyn Remote, name_or_id: &str, context: &Context) -> Result<ProjectSummary> {
    let info = remote.info();
    let filter = match name_or_id.parse::<ProjectId>() {
        Ok(id) => ProjectFilter::Id(id),
        Err(_) => ProjectFilter::Name(name_or_id.to_owned()),
    };
    let mut found = remote.projects(&filter, context)?;
    match (found.len(), found.pop()) {
        (1, Some(only)) => Ok(only),
        (_, None) => Err(Error::not_found(format!("{} has no project `{name_or_id}`", info.address))
            .with("project", name_or_id)
            .with_hint("See what is there with `idse sync list`.")),
        (_, Some(last)) => {
            found.push(last);
            Err(ambiguous(&info, name_or_id, &found))
        }
    }
}

/// Ties a local project to one that the agency has. Nothing is transferred; what was agreed with another identity
/// is forgotten, so that the next sync compares text by text.
///
/// # Errors
/// `NotFound`: the agency has no such project. `Exists` (`ambiguous_name`): several bear the name.
pub fn link(
    workspace: &Workspace,
    project: &ProjectName,
    remote: &dyn Remote,
    name_or_id: &str,
    context: &Context,
) -> Result<LinkReport> {
    let found = find(remote, name_or_id, context)?;
    let _lock = workspace.lock(context)?;
    transaction::recover(workspace, None, context)?;
    let store = Store::new(workspace.dir());
    let key = remote.info().key;
    // First the pushes that nobody heard of again: settling one would bring the other identity back.
    store.forget_pushes(&key, project, found.project_id)?;
    if store.find_base(&key, project, |base| base.project_id != found.project_id)?.is_some() {
        store.forget(&key, project)?;
    }
    workspace.save_project_id(project, found.project_id, None, context)?;
    Ok(LinkReport { project: project.clone(), project_id: found.project_id, name: found.name })
}
