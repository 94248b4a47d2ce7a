//! What a gateway means by an answer that is no success.
//!
//! Ours says the kind of the error; the existing ones wrap nearly everything in a 500, and only its text tells.

use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind};
use crate::remote::http::Response;
use crate::stage::Stage;

use super::answer::text;

/// What an answer says about a project that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotThere {
    pub(super) project_exists: bool,
    /// Our gateway says it.
    pub(super) is_ours: bool,
}

/// Recognizes the ways in which gateways say that a project or a session is not there.
pub(super) fn not_there(status: u16, answer: &Map<String, Value>) -> Option<NotThere> {
    if status == 404
        && let Some(project_exists) = answer.get("project_exists").and_then(Value::as_bool)
    {
        return Some(NotThere { project_exists, is_ours: true });
    }
    let detail = text(answer, "detail")?;
    let is_wrapped = status == 500 && detail.starts_with("404: Project ");
    let is_plain = status == 404 && detail.starts_with("Project ") && text(answer, "kind").is_none();
    ((is_wrapped || is_plain) && detail.ends_with("not found"))
        .then_some(NotThere { project_exists: false, is_ours: false })
}

/// Returns the stage whose column the table behind an existing gateway does not have.
pub(super) fn missing_column(answer: &Map<String, Value>) -> Option<Stage> {
    let detail = text(answer, "detail").filter(|detail| detail.contains("PGRST204"))?;
    Stage::ALL.into_iter().find(|stage| detail.contains(&format!("'{}'", stage.column())))
}

/// Returns the error of an answer to a request that changes nothing.
pub(super) fn of_read(response: &Response) -> Error {
    match response.error_json() {
        Some(answer) => said(response, &answer).unwrap_or_else(|| response.failure()),
        None => response.failure(),
    }
}

/// Returns the error of an answer to a push: `Unsettled` where it does not say that nothing was written.
pub(super) fn of_write(response: &Response) -> Error {
    let Some(answer) = response.error_json() else { return response.write_failure() };
    match said(response, &answer) {
        Some(error) if is_of_unknown_fate(error.kind()) => response.lost_write(error.message()),
        Some(error) => error,
        None => response.write_failure(),
    }
}

fn is_of_unknown_fate(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Unsettled | ErrorKind::Internal | ErrorKind::Cancelled)
}

/// Returns the error that an answer names itself, or that its text gives away.
fn said(response: &Response, answer: &Map<String, Value>) -> Option<Error> {
    let named =
        text(answer, "kind").and_then(|kind| ErrorKind::ALL.iter().find(|known| known.name() == kind));
    if let Some(kind) = named {
        let error = Error::new(*kind, response.failure().message())
            .with_reason(reason(text(answer, "reason").unwrap_or_default()))
            .with("status", response.status().to_string());
        let error = match answer.get("retry_after").and_then(Value::as_u64) {
            Some(seconds) => error.with("retry_after", seconds.to_string()),
            None => error,
        };
        return Some(match hint(*kind) {
            "" => error,
            hint => error.with_hint(hint),
        });
    }
    let detail = text(answer, "detail").unwrap_or_default();
    // A statement that the database refused has changed nothing; its code stands in quotes, that of a proxy does not.
    if response.status() == 500 && detail.contains("'code': '") {
        let hint = if detail.contains("PGRST204") || detail.contains("42703") {
            "Its table lacks a column that this gateway insists on: create the project there by hand and tie this one to it with `idse sync link ID`, or put `idse-gateway` in its place."
        } else {
            "The database behind the gateway refused it."
        };
        return Some(
            Error::new(ErrorKind::Protocol, response.failure().message())
                .with_hint(hint)
                .with("status", response.status().to_string()),
        );
    }
    let is_wrapped = response.status() == 500 && detail.starts_with("400: ");
    is_wrapped.then(|| Error::new(ErrorKind::InvalidArgument, response.failure().message()))
}

/// Returns the words of a gateway that this client passes on; an unknown word refines nothing.
fn reason(word: &str) -> &'static str {
    const KNOWN: [&str; 13] = [
        "changed",
        "contended",
        "forbidden",
        "id",
        "media_type",
        "not_text",
        "nul",
        "project",
        "schema",
        "session",
        "stage",
        "too_large",
        "usage",
    ];
    KNOWN.into_iter().find(|known| *known == word).unwrap_or_default()
}

fn hint(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Unauthorized => {
            "Check the token: IDSE_TOKEN in the environment, or in `.env` beside the address."
        }
        ErrorKind::InvalidArgument => "The gateway refused the request; nothing was written.",
        ErrorKind::Exists => "Tie this project to the one that is there: `idse sync link NAME|ID`.",
        kind if kind.is_temporary() => "Try again in a moment.",
        _ => "",
    }
}
