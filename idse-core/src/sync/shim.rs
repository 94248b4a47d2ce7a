#![expect(unused_variables, missing_docs, reason = "signatures first")]
use super::*;
use crate::remote::*;
use crate::*;
use std::path::Path;
pub fn push(
    workspace: &Workspace,
    key: &SessionKey,
    remote: &dyn Remote,
    options: &PushOptions,
    context: &Context,
) -> Result<SyncReport> {
    todo!()
}
pub fn pull(
    workspace: &Workspace,
    key: &SessionKey,
    remote: &dyn Remote,
    options: &PullOptions,
    context: &Context,
) -> Result<SyncReport> {
    todo!()
}
pub fn clone(
    root: &Path,
    remote: &dyn Remote,
    name_or_id: &str,
    session: Option<&SessionId>,
    context: &Context,
) -> Result<CloneReport> {
    todo!()
}
pub fn link(
    workspace: &Workspace,
    project: &ProjectName,
    remote: &dyn Remote,
    name_or_id: &str,
    context: &Context,
) -> Result<LinkReport> {
    todo!()
}
pub fn remote_status(
    workspace: &Workspace,
    key: &SessionKey,
    remote: &dyn Remote,
    context: &Context,
) -> Result<RemoteStatus> {
    todo!()
}
pub fn status(
    workspace: &Workspace,
    key: &SessionKey,
    remote: &RemoteInfo,
    context: &Context,
) -> Result<StatusReport> {
    todo!()
}
pub fn status_checked(
    workspace: &Workspace,
    key: &SessionKey,
    remote: &dyn Remote,
    context: &Context,
) -> Result<StatusReport> {
    todo!()
}
pub fn diff(
    workspace: &Workspace,
    key: &SessionKey,
    stages: &[Stage],
    remote: &RemoteInfo,
    context: &Context,
) -> Result<DiffReport> {
    todo!()
}
pub fn diff_remote(
    workspace: &Workspace,
    key: &SessionKey,
    stages: &[Stage],
    remote: &dyn Remote,
    context: &Context,
) -> Result<DiffReport> {
    todo!()
}
pub fn resolve(
    workspace: &Workspace,
    key: &SessionKey,
    remote: &RemoteInfo,
    stage: Stage,
    resolution: &Resolution,
    context: &Context,
) -> Result<ResolveReport> {
    todo!()
}
pub fn undo(workspace: &Workspace, op: Option<OpId>, force: bool, context: &Context) -> Result<UndoReport> {
    todo!()
}
impl SqliteRemote {
    pub fn open(path: &Path, context: &Context) -> Result<Self> {
        todo!()
    }
}
impl Remote for SqliteRemote {
    fn info(&self) -> RemoteInfo {
        todo!()
    }
    fn fetch(&self, target: &Target, since: Option<&Revision>, context: &Context) -> Result<Fetched> {
        todo!()
    }
    fn push(&self, request: &PushRequest, context: &Context) -> Result<PushOutcome> {
        todo!()
    }
    fn projects(&self, filter: &ProjectFilter, context: &Context) -> Result<Vec<ProjectSummary>> {
        todo!()
    }
    fn health(&self, context: &Context) -> Result<Health> {
        todo!()
    }
}
impl Workspace {
    pub fn update_baseline(&self, keys: &[SessionKey], context: &Context) -> Result<usize> {
        todo!()
    }
    pub fn fix(&self, report: &ValidationReport, context: &Context) -> Result<Vec<(String, usize)>> {
        todo!()
    }
}
impl crate::fs::Dir {
    pub(crate) fn swap_support(&self, rel: &str) -> Result<&'static str> {
        todo!()
    }
    pub(crate) fn create_private_dir(&self, rel: &str) -> Result<()> {
        todo!()
    }
}
