//! Findings that a project has adopted: they are known, and only new ones are reported.
//!
//! This module knows the file's text; reading and writing the file is up to the caller.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::diagnostic::{Diagnostic, ValidationReport};
use crate::error::{Error, ErrorKind, Result};
use crate::text::ObjectId;

/// Where the baseline lies, relative to the workspace.
pub const BASELINE_PATH: &str = ".idse/validate-baseline.json";

/// The adopted findings.
///
/// A finding is recognised by its rule, its file and the line that it points to, so it stays recognised when
/// lines move. A line that changes is looked at anew.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Baseline {
    counts: BTreeMap<Entry, u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    path: String,
    code: String,
    fingerprint: String,
}

#[derive(Serialize, Deserialize)]
struct File {
    schema: u32,
    findings: Vec<Line>,
}

#[derive(Serialize, Deserialize)]
struct Line {
    code: String,
    path: String,
    fingerprint: String,
    count: u64,
}

const SCHEMA: u32 = 1;

impl Baseline {
    /// Adopts every finding of a report.
    pub fn of(report: &ValidationReport) -> Self {
        let mut fingerprints = Fingerprints::new(report);
        let mut counts = BTreeMap::new();
        for diagnostic in &report.diagnostics {
            *counts.entry(Entry::of(diagnostic, &mut fingerprints)).or_insert(0) += 1;
        }
        Self { counts }
    }

    /// Reads the file's text.
    ///
    /// # Errors
    /// `InvalidConfig` where it is no baseline, or one of a later version.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = |why: String| {
            Error::new(ErrorKind::InvalidConfig, format!("{BASELINE_PATH} cannot be used: {why}"))
                .with_reason("baseline")
                .with_hint("`idse validate --update-baseline` writes it anew.")
                .with("path", BASELINE_PATH)
        };
        let text = text.trim_start_matches('\u{feff}');
        let file: File = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
        if file.schema != SCHEMA {
            return Err(wrong(format!("it has schema {}, and this version knows {SCHEMA}", file.schema)));
        }
        let mut counts = BTreeMap::new();
        for Line { code, path, fingerprint, count } in file.findings {
            let known: &mut u64 = counts.entry(Entry { path, code, fingerprint }).or_default();
            *known = known.saturating_add(count);
        }
        Ok(Self { counts })
    }

    /// Returns the file's text; equal baselines give equal bytes.
    pub fn render(&self) -> String {
        let findings = self.counts.iter().map(|(entry, count)| Line {
            code: entry.code.clone(),
            path: entry.path.clone(),
            fingerprint: entry.fingerprint.clone(),
            count: *count,
        });
        let file = File { schema: SCHEMA, findings: findings.collect() };
        // Texts and numbers always serialize.
        let mut text = serde_json::to_string_pretty(&file).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Takes the adopted findings out of a report and counts them.
    ///
    /// Of equal findings, as many are taken as were adopted, the first ones first.
    pub fn apply(&self, report: &mut ValidationReport) {
        if self.is_empty() {
            return;
        }
        let mut left = self.counts.clone();
        let mut fingerprints = Fingerprints::new(report);
        let keep: Vec<bool> = report
            .diagnostics
            .iter()
            .map(|diagnostic| match left.get_mut(&Entry::of(diagnostic, &mut fingerprints)) {
                Some(count) if *count > 0 => {
                    *count -= 1;
                    false
                }
                _ => true,
            })
            .collect();
        report.baselined += keep.iter().filter(|keep| !**keep).count() as u64;
        let mut keep = keep.into_iter();
        report.diagnostics.retain(|_| keep.next().unwrap_or(true));
    }

    /// Returns how many findings are adopted.
    pub fn len(&self) -> u64 {
        self.counts.values().sum()
    }

    /// Tells whether nothing is adopted.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }
}

impl Entry {
    fn of(diagnostic: &Diagnostic, fingerprints: &mut Fingerprints) -> Self {
        Self {
            path: diagnostic.path.clone(),
            code: diagnostic.code.clone(),
            fingerprint: fingerprints.of(diagnostic),
        }
    }
}

/// Computes fingerprints; the one of a line is kept for the next finding on it.
pub(crate) struct Fingerprints {
    sources: BTreeMap<String, std::sync::Arc<str>>,
    last: Option<(String, u32, String)>,
}

impl Fingerprints {
    pub(crate) fn new(report: &ValidationReport) -> Self {
        Self { sources: report.sources.clone(), last: None }
    }

    /// Returns 16 hexadecimal digits that stay the same while the line, or without a line the message, does.
    pub(crate) fn of(&mut self, diagnostic: &Diagnostic) -> String {
        let source = self.sources.get(&diagnostic.path);
        let Some((text, span)) = source.zip(diagnostic.span) else {
            return digest(&diagnostic.message);
        };
        if let Some((path, line, known)) = &self.last
            && *line == span.start.line
            && *path == diagnostic.path
        {
            return known.clone();
        }
        let words: Vec<_> = line_at(text, span.start.offset as usize).split_whitespace().collect();
        let fingerprint = digest(&words.join(" "));
        self.last = Some((diagnostic.path.clone(), span.start.line, fingerprint.clone()));
        fingerprint
    }
}

fn digest(words: &str) -> String {
    let mut hex = ObjectId::of(words.as_bytes()).hex();
    hex.truncate(16);
    hex
}

/// Returns the line around an offset, without its end; empty where the text has no such offset.
pub(crate) fn line_at(text: &str, offset: usize) -> &str {
    let Some((before, after)) = text.split_at_checked(offset) else { return "" };
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let end = after.find('\n').map_or(text.len(), |at| offset + at);
    text[start..end].trim_start_matches('\u{feff}').trim_end_matches('\r')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ValidateSettings;
    use crate::rules::validate_text;
    use crate::stage::{Stage, StageStatus};

    fn report(text: &str) -> ValidationReport {
        let settings = ValidateSettings::default();
        let diagnostics = validate_text(None, Stage::Tasks, StageStatus::Pending, text, &settings);
        let sources = [(Stage::Tasks.path().to_owned(), text.into())].into();
        ValidationReport { diagnostics, sources, ..ValidationReport::default() }
    }

    fn left(baseline: &Baseline, text: &str) -> (usize, u64) {
        let mut report = report(text);
        baseline.apply(&mut report);
        (report.diagnostics.len(), report.baselined)
    }

    const OLD: &str = "# Tasks\n\n- a [REQUIRES INPUT] [REQUIRES INPUT]\n- b [REQUIRES INPUT]\n";

    #[test]
    fn adopted_findings_stay_adopted_when_lines_move() {
        let baseline = Baseline::of(&report(OLD));
        assert_eq!(baseline.len(), 4);
        assert_eq!(left(&baseline, OLD), (0, 4));
        assert_eq!(left(&baseline, &format!("# New\n\n{}", OLD.replace("\n- ", "\n  -   "))), (0, 4));
        assert_eq!(left(&baseline, &OLD.replace('\n', "\r\n")), (0, 4));
        assert_eq!(left(&baseline, &OLD.replace("- b", "- c")), (1, 3));
        assert_eq!(left(&baseline, &format!("{OLD}- b [REQUIRES INPUT]\n")), (1, 4));
        assert_eq!(left(&baseline, "## Phase 1\n\n- b [REQUIRES INPUT]\n"), (0, 1));
        assert_eq!(left(&Baseline::default(), OLD), (4, 0));
    }

    #[test]
    fn the_file_says_what_the_baseline_is() {
        let baseline = Baseline::of(&report(OLD));
        let text = baseline.render();
        assert_eq!(Baseline::parse(&text).ok(), Some(baseline.clone()));
        assert_eq!(Baseline::of(&report(OLD)).render(), text);
        assert!(text.ends_with("}\n"));
        crate::report::tests::assert_matches_schema("baseline", &text);
        for wrong in
            ["", "[]", "{}", r#"{"schema": 2, "findings": []}"#, r#"{"schema": 1, "findings": [{}]}"#]
        {
            let error = Baseline::parse(wrong).expect_err(wrong);
            assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{wrong}");
        }
    }
}
