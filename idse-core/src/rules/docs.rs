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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_list_is_well_formed() {
        let infos = all();
        assert!(infos.is_sorted_by_key(|info| info.code));
        for (index, info) in infos.iter().enumerate() {
            let digits = info.code.strip_prefix("IDSE").unwrap();
            assert!(digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit()), "{}", info.code);
            assert!(
                info.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'),
                "{}",
                info.name
            );
            assert!(infos[..index].iter().all(|other| other.code != info.code && other.name != info.name));
            assert_eq!(super::super::explain(&info.code.to_lowercase()).ok(), Some(*info));
            assert_eq!(super::super::explain(info.name).ok(), Some(*info));
        }
    }

    #[test]
    fn every_page_says_the_same_five_things() {
        for info in all() {
            let headings: Vec<_> = info.page.lines().filter_map(|line| line.strip_prefix("### ")).collect();
            assert_eq!(
                headings,
                ["What it checks", "Why it matters", "What to do", "Example", "Configuration"],
                "{}",
                info.name
            );
            assert!(info.page.ends_with('\n') && !info.summary.ends_with('.'), "{}", info.name);
        }
    }

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "a test compares a file, and rewrites it with IDSE_UPDATE=1"
    )]
    fn the_committed_page_is_current() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rules.md");
        if std::env::var_os("IDSE_UPDATE").is_some() {
            std::fs::write(&path, reference()).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
        assert!(
            committed == reference(),
            "docs/rules.md is not current: IDSE_UPDATE=1 cargo test -p idse-core"
        );
    }
}
