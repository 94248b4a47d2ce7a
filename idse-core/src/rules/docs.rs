//! The reference of all rules as one Markdown page, made from the list.

use super::{RuleInfo, all};

/// Returns the reference of all rules, as `docs/rules.md` holds it.
pub fn reference() -> String {
    let mut page = String::from(
        "# Rules\n\n\
         What `idse validate` checks. Codes and names are permanent. A rule can be named by its code or its name;\n\
         `select`, `ignore` and `severity` also take the first digits of a code (`IDSE1`). This page is generated\n\
         from the rules themselves.\n\n\
         | code | name | severity | finds |\n|---|---|---|---|\n",
    );
    let infos = all();
    for info in &infos {
        page += &format!(
            "| [{code}](#{anchor}) | `{name}` | {severity} | {summary} |\n",
            code = info.code,
            anchor = info.anchor(),
            name = info.name,
            severity = info.severity_name(),
            summary = info.summary,
        );
    }
    for info in &infos {
        page += &format!("\n{}", info.to_markdown());
    }
    page
}

impl RuleInfo {
    /// Returns the page with its title, as `idse rule CODE` prints it.
    pub fn to_markdown(&self) -> String {
        format!(
            "## {} {}\n\nSeverity: {}. Finds: {}.\n\n{}",
            self.code,
            self.name,
            self.severity_name(),
            self.summary,
            self.page
        )
    }

    /// Returns the default severity, or `off`.
    pub fn severity_name(&self) -> &'static str {
        self.severity.map_or("off", crate::diagnostic::Severity::name)
    }

    /// Returns the anchor of the rule on the page of all rules.
    fn anchor(&self) -> String {
        format!("{}-{}", self.code.to_lowercase(), self.name)
    }
}
