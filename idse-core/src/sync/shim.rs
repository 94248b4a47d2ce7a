#![expect(unused_variables, missing_docs, reason = "signatures first")]
use std::path::Path;
use crate::remote::*; use crate::*;
impl SqliteRemote { pub fn open(path: &Path, context: &Context) -> Result<Self> { todo!() } }
impl Remote for SqliteRemote {
    fn info(&self) -> RemoteInfo { todo!() }
    fn fetch(&self, target: &Target, since: Option<&Revision>, context: &Context) -> Result<Fetched> { todo!() }
    fn push(&self, request: &PushRequest, context: &Context) -> Result<PushOutcome> { todo!() }
    fn projects(&self, filter: &ProjectFilter, context: &Context) -> Result<Vec<ProjectSummary>> { todo!() }
    fn health(&self, context: &Context) -> Result<Health> { todo!() }
}
impl Workspace {
    pub fn update_baseline(&self, keys: &[SessionKey], context: &Context) -> Result<usize> { todo!() }
    pub fn fix(&self, report: &ValidationReport, context: &Context) -> Result<Vec<(String, usize)>> { todo!() }
}
impl crate::fs::Dir {
    pub(crate) fn swap_support(&self, rel: &str) -> Result<&'static str> { todo!() }
    pub(crate) fn create_private_dir(&self, rel: &str) -> Result<()> { todo!() }
}
