//! A validation report as people and machines read it.
//!
//! Every form is a pure function of the report: the same report gives the same bytes. What is in the report is up
//! to `rules`, and where it goes is up to the caller.

mod full;
mod github;
mod json;
mod junit;
mod sarif;
#[cfg(test)]
pub(crate) mod tests;

use std::fmt::Write as _;
use std::str::FromStr;

use crate::diagnostic::{Diagnostic, Severity, ValidationReport};
use crate::error::{Error, Result};
use crate::name::did_you_mean;

/// The version of all JSON documents: raised when a field changes its meaning or goes.
pub const SCHEMA: u32 = 1;

/// The forms of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// With source lines and carets.
    Full,
    /// One line a finding.
    Concise,
    /// The JSON of `docs/wire.md`.
    Json,
    /// SARIF 2.1.0.
    Sarif,
    /// Annotations of GitHub Actions.
    Github,
    /// JUnit XML.
    Junit,
}

impl Format {
    /// Every form.
    pub const ALL: [Self; 6] =
        [Self::Full, Self::Concise, Self::Json, Self::Sarif, Self::Github, Self::Junit];

    /// Returns the name used on the command line and by the bindings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Concise => "concise",
            Self::Json => "json",
            Self::Sarif => "sarif",
            Self::Github => "github",
            Self::Junit => "junit",
        }
    }
}

impl FromStr for Format {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|format| format.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name);
            let hint = match did_you_mean(text, names) {
                Some(near) => format!("Did you mean `{near}`?"),
                None => format!("The formats are {}.", names.join(", ")),
            };
            Error::argument(format!("unknown format `{text}`")).with_reason("format").with_hint(hint)
        })
    }
}

/// Writes a report in a form; `color` matters to [`Format::Full`] and [`Format::Concise`] only.
///
/// Each form ends with a line end, or is empty where it has nothing to say.
pub fn render(report: &ValidationReport, format: Format, color: bool) -> String {
    match format {
        Format::Full => full::render(report, color),
        Format::Concise => report.diagnostics.iter().map(|found| concise(found, color)).collect(),
        Format::Json => json::render(report),
        Format::Sarif => sarif::render(report),
        Format::Github => report.diagnostics.iter().map(github::line).collect(),
        Format::Junit => junit::render(report),
    }
}

/// Returns a report as the document that [`Format::Json`] writes, as a value.
pub fn document(report: &ValidationReport) -> serde_json::Value {
    json::value(report)
}

/// Says in one sentence what was looked at and what was found.
///
/// ```
/// use idse_core::{ValidationReport, report};
/// let report = ValidationReport { sessions: 1, artifacts: 7, suppressed: 2, ..ValidationReport::default() };
/// assert_eq!(report::summary(&report), "no findings in 7 artifacts of 1 session (2 suppressed)");
/// ```
pub fn summary(report: &ValidationReport) -> String {
    let count = |number: u64, one: &str| format!("{number} {one}{}", if number == 1 { "" } else { "s" });
    let found: Vec<_> =
        [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Info, "note")]
            .into_iter()
            .map(|(severity, word)| (report.count(severity) as u64, word))
            .filter(|(number, _)| *number > 0)
            .map(|(number, word)| count(number, word))
            .collect();
    let found = if found.is_empty() { "no findings".to_owned() } else { found.join(", ") };
    let mut text = format!(
        "{found} in {} of {}",
        count(report.artifacts, "artifact"),
        count(report.sessions, "session")
    );
    let held: Vec<_> = [(report.baselined, "in the baseline"), (report.suppressed, "suppressed")]
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, word)| format!("{number} {word}"))
        .collect();
    if !held.is_empty() {
        _ = write!(text, " ({})", held.join(", "));
    }
    text
}

/// `path:line:column: severity CODE [name] message`.
fn concise(found: &Diagnostic, color: bool) -> String {
    let place =
        found.span.map_or_else(String::new, |span| format!("{}:{}:", span.start.line, span.start.column));
    let (path, message) = (one_line(&found.path), one_line(&found.message));
    let Diagnostic { code, name, severity, .. } = found;
    if color {
        let tint = match severity {
            Severity::Error => "\x1b[1;31m",
            Severity::Warning => "\x1b[1;33m",
            Severity::Info => "\x1b[1;34m",
        };
        format!(
            "\x1b[1m{path}\x1b[0m:{place} {tint}{severity}\x1b[0m \x1b[1m{code}\x1b[0m [{name}] {message}\n"
        )
    } else {
        format!("{path}:{place} {severity} {code} [{name}] {message}\n")
    }
}

/// Replaces what would break a line or steer a terminal; names of files may hold anything.
fn one_line(text: &str) -> std::borrow::Cow<'_, str> {
    if text.contains(char::is_control) {
        text.replace(char::is_control, "\u{fffd}").into()
    } else {
        text.into()
    }
}
