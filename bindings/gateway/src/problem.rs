//! What the gateway answers where it could not do what was asked: problem+json by the one table of errors.
//!
//! What went wrong comes from the engine or from whoever reads the request; here it gets its status and its form.

#[cfg(feature = "server")]
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use idse_core::{Error, ErrorKind};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::service::Answer;

/// The media type of every error (RFC 9457).
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// One field of a request that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct FieldError {
    /// Where: `["body", "artifacts", "spec_md"]`.
    pub(crate) loc: Vec<String>,
    /// What is wrong, in one sentence.
    pub(crate) msg: String,
    /// A stable word.
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
}

/// An answer that is an error.
#[derive(Debug)]
pub(crate) struct Problem(Box<Repr>);

#[derive(Debug)]
struct Repr {
    error: Error,
    status: StatusCode,
    errors: Vec<FieldError>,
    fields: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// Creates the answer to a request that the engine would refuse in the same way.
    pub(crate) fn new(kind: ErrorKind, reason: &'static str, detail: impl Into<String>) -> Self {
        Error::new(kind, detail).with_reason(reason).into()
    }

    /// Creates the answer to a body whose fields are not as they should be.
    pub(crate) fn schema(errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [] => "the body is not as it should be".to_owned(),
            [first, rest @ ..] => {
                let more =
                    if rest.is_empty() { String::new() } else { format!(" (and {} more)", rest.len()) };
                format!("{}: {}{more}", first.loc.join("."), first.msg)
            }
        };
        let mut problem = Self::new(ErrorKind::InvalidArgument, "schema", detail);
        problem.0.errors = errors;
        problem
    }

    /// Answers with another status than the table has for the kind: HTTP itself is what is wrong.
    pub(crate) fn with_status(mut self, status: StatusCode) -> Self {
        self.0.status = status;
        self
    }

    /// Adds what to do about it.
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.error = self.0.error.with_hint(hint);
        self
    }

    /// Adds a field beside those of every problem.
    pub(crate) fn with_field(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.fields.insert(key.to_owned(), value.into());
        self
    }

    /// Adds a header.
    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// Asks the client to wait.
    pub(crate) fn with_retry_after(self, seconds: u64) -> Self {
        self.with_header(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)))
            .with_field("retry_after", seconds.max(1))
    }

    /// Returns the status.
    #[cfg(feature = "server")]
    pub(crate) fn status(&self) -> StatusCode {
        self.0.status
    }

    /// Returns the detail for the log: the whole message, which may name the gateway's own files.
    pub(crate) fn for_log(&self) -> String {
        self.0.error.to_string()
    }

    /// Returns the whole answer, for whoever speaks HTTP in the gateway's place.
    pub(crate) fn into_answer(self) -> Answer {
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        Answer {
            status: self.0.status.as_u16(),
            media_type: PROBLEM_JSON,
            headers: self.0.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
            body: self.body().to_string(),
            log: Some(self.for_log()),
        }
    }

    fn body(&self) -> Value {
        let error = &self.0.error;
        let mut body = json!({
            "type": format!("urn:idse:error:{}", type_name(error)),
            "title": error.kind().name(),
            "status": self.0.status.as_u16(),
            "detail": public(error),
            "kind": error.kind().name(),
            "code": error.kind().code(),
            "reason": error.reason(),
            "hint": error.hint(),
            "temporary": error.is_temporary(),
        });
        if let Some(object) = body.as_object_mut() {
            if !self.0.errors.is_empty() {
                object.insert("errors".into(), json!(self.0.errors));
            }
            for key in ["project", "project_id", "project_ids", "session", "stage"] {
                if let Some(value) = error.get(key) {
                    object.insert(key.into(), value.into());
                }
            }
            object.extend(self.0.fields.clone());
        }
        body
    }
}

fn type_name(error: &Error) -> String {
    match error.reason() {
        "" => error.kind().name().to_ascii_lowercase(),
        reason => format!("{}:{reason}", error.kind().name().to_ascii_lowercase()),
    }
}

/// Returns what the client may read: where the message names a file of the gateway, the log has it.
fn public(error: &Error) -> String {
    let is_private =
        error.get("path").is_some() || matches!(error.kind(), ErrorKind::Io | ErrorKind::Internal);
    match error.kind() {
        _ if !is_private => error.to_string(),
        ErrorKind::Locked => "the store is held by another process".to_owned(),
        _ => "the store of this gateway failed; its log says why, by the request id".to_owned(),
    }
}

/// Returns the status of an error by its kind and reason.
pub(crate) fn status_of(kind: ErrorKind, reason: &str) -> StatusCode {
    let status = match (kind, reason) {
        (ErrorKind::InvalidArgument, "schema" | "id") => 422,
        (ErrorKind::InvalidArgument, "too_large") => 413,
        (ErrorKind::InvalidArgument, "media_type") => 415,
        (ErrorKind::InvalidArgument, _) => 400,
        (ErrorKind::NotFound, _) => 404,
        (ErrorKind::InvalidWorkspace | ErrorKind::InvalidConfig, _) => 422,
        (ErrorKind::Exists, _) => 409,
        (ErrorKind::Locked, _) => 423,
        (ErrorKind::Unauthorized, "forbidden" | "untrusted") => 403,
        (ErrorKind::Unauthorized, _) => 401,
        (ErrorKind::RateLimited, _) => 429,
        (ErrorKind::Unavailable, _) => 503,
        (ErrorKind::Protocol, _) => 502,
        (ErrorKind::Unsettled, _) => 504,
        (ErrorKind::Cancelled, _) => 499,
        _ => 500,
    };
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let status = status_of(error.kind(), error.reason());
        let wait = error.get("retry_after").and_then(|text| text.parse::<f64>().ok());
        let problem = Self(Box::new(Repr {
            status,
            errors: Vec::new(),
            fields: Map::new(),
            headers: Vec::new(),
            error,
        }));
        match wait {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to an hour")]
            Some(seconds) => problem.with_retry_after(seconds.clamp(1.0, 3600.0).ceil() as u64),
            None if matches!(status.as_u16(), 423 | 429 | 503) => problem.with_retry_after(1),
            None => problem,
        }
    }
}

#[cfg(feature = "server")]
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (
            self.0.status,
            [(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON))],
            self.body().to_string(),
        )
            .into_response();
        if self.0.status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer realm=\"idse-gateway\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        for (name, value) in &self.0.headers {
            response.headers_mut().insert(name, value.clone());
        }
        response.extensions_mut().insert(LogDetail(self.for_log()));
        response
    }
}

/// What the log says about an answer that is an error.
#[cfg(feature = "server")]
#[derive(Debug, Clone)]
pub(crate) struct LogDetail(pub(crate) String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_is_the_one_of_the_table() {
        let table = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/conformance/errors.tsv");
        #[expect(clippy::disallowed_methods, reason = "a test reads its table")]
        let table = std::fs::read_to_string(table).unwrap();
        for line in table.lines().skip(1) {
            let columns: Vec<_> = line.split('\t').collect();
            let kind = ErrorKind::ALL.iter().find(|kind| kind.name() == columns[0]).unwrap();
            let reason = if columns[3] == "-" { "" } else { columns[3] };
            assert_eq!(status_of(*kind, reason).as_str(), columns[5], "{line}");
        }
    }

    #[test]
    fn files_of_the_gateway_stay_in_its_log() {
        let error = Error::new(ErrorKind::Locked, "/srv/secret.db is held").with("path", "/srv/secret.db");
        let problem = Problem::from(error);
        assert!(!problem.body().to_string().contains("/srv"), "{}", problem.body());
        assert!(problem.for_log().contains("/srv"));
        assert_eq!(problem.body()["retry_after"], 1);
    }
}
