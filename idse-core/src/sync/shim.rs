#![expect(unused_variables, missing_docs, reason = "signatures first")]
use crate::*;
impl Workspace {
    pub fn update_baseline(&self, keys: &[SessionKey], context: &Context) -> Result<usize> { todo!() }
    pub fn fix(&self, report: &ValidationReport, context: &Context) -> Result<Vec<(String, usize)>> { todo!() }
}
