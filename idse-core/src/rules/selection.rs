//! Which rules run, and how much their findings matter in this project.

use crate::config::ValidateSettings;
use crate::diagnostic::Severity;

use super::{RULES, RuleInfo};

/// The severity of every rule, by its place in `RULES`; `None` is off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Selection {
    severities: Vec<Option<Severity>>,
    /// Nothing was selected or ignored.
    pub(super) is_whole: bool,
}

impl Selection {
    pub(super) fn new(settings: &ValidateSettings) -> Self {
        Self {
            severities: RULES.iter().map(|rule| severity(&rule.info(), settings)).collect(),
            is_whole: settings.select.is_empty() && settings.ignore.is_empty(),
        }
    }

    pub(super) fn severity(&self, rule: usize) -> Option<Severity> {
        self.severities.get(rule).copied().flatten()
    }
}

/// Decides on one rule: `ignore` beats `select`, and what names the rule itself beats a prefix.
fn severity(info: &RuleInfo, settings: &ValidateSettings) -> Option<Severity> {
    let named = |list: &[String]| list.iter().any(|entry| info.is_called(entry));
    let matched = |list: &[String]| list.iter().any(|entry| info.matches(entry));
    let is_selected = settings.select.is_empty()
        || matched(&settings.select)
        // A mistake in the selection itself must not go unseen.
        || info.code == super::meta::UNKNOWN_RULE;
    let is_ignored = matched(&settings.ignore) && (named(&settings.ignore) || !named(&settings.select));
    if !is_selected || is_ignored {
        return None;
    }
    let overrides = || settings.severity.iter();
    let overridden = overrides().find(|(entry, _)| info.is_called(entry)).or_else(|| {
        overrides().filter(|(entry, _)| info.matches(entry)).max_by_key(|(entry, _)| entry.len())
    });
    match overridden {
        Some((_, severity)) => *severity,
        // A rule that is off by default runs where somebody asks for it by its own name.
        None => info.severity.or_else(|| named(&settings.select).then_some(Severity::Warning)),
    }
}

impl RuleInfo {
    /// Tells whether an entry of the configuration means this rule: its code, its name, or `IDSE` and the first
    /// digits of its code.
    pub(super) fn matches(&self, entry: &str) -> bool {
        let is_prefix = entry.len() >= 4
            && entry.len() <= self.code.len()
            && self.code.as_bytes()[..entry.len()].eq_ignore_ascii_case(entry.as_bytes());
        is_prefix || self.is_called(entry)
    }
}

/// Tells whether an entry of the configuration means any rule.
pub(super) fn is_known(entry: &str) -> bool {
    RULES.iter().any(|rule| rule.info().matches(entry))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn severity_of(code: &str, settings: &ValidateSettings) -> Option<Severity> {
        let selection = Selection::new(settings);
        selection.severity(RULES.iter().position(|rule| rule.info().code == code).unwrap())
    }

    fn list(entries: &[&str]) -> Vec<String> {
        entries.iter().map(|entry| (*entry).to_owned()).collect()
    }

    #[test]
    fn the_more_exact_entry_wins() {
        type Entries = &'static [&'static str];
        let cases: [(Entries, Entries, &str, Option<Severity>); 11] = [
            (&[], &[], "IDSE101", Some(Severity::Error)),
            (&[], &[], "IDSE302", None),
            (&["IDSE302"], &[], "IDSE302", Some(Severity::Warning)),
            (&["IDSE3"], &[], "IDSE302", None),
            (&["IDSE1"], &[], "IDSE301", None),
            (&["idse1"], &[], "IDSE101", Some(Severity::Error)),
            (&["requires-input"], &["IDSE1"], "IDSE101", Some(Severity::Error)),
            (&["IDSE1"], &["requires-input"], "IDSE101", None),
            (&["IDSE1"], &["IDSE10"], "IDSE110", Some(Severity::Error)),
            (&["IDSE1"], &[], "IDSE901", Some(Severity::Warning)),
            (&[], &["IDSE"], "IDSE901", None),
        ];
        for (select, ignore, code, expected) in cases {
            let settings = ValidateSettings {
                select: list(select),
                ignore: list(ignore),
                ..ValidateSettings::default()
            };
            assert_eq!(severity_of(code, &settings), expected, "{select:?} {ignore:?} {code}");
        }
    }

    #[test]
    fn severities_can_be_given_by_code_name_and_prefix() {
        let mut settings = ValidateSettings::default();
        settings.severity.insert("IDSE1".into(), Some(Severity::Info));
        settings.severity.insert("empty-section".into(), None);
        settings.severity.insert("requirement-without-acceptance".into(), Some(Severity::Error));
        assert_eq!(severity_of("IDSE101", &settings), Some(Severity::Info));
        assert_eq!(severity_of("IDSE104", &settings), None);
        assert_eq!(severity_of("IDSE302", &settings), Some(Severity::Error));
        assert_eq!(severity_of("IDSE001", &settings), Some(Severity::Error));
    }
}
