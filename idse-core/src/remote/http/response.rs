//! An answer: its status, its JSON, and the error that a status stands for.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use ureq::http::HeaderMap;

use super::Scrubber;
use super::exchange::Answer;
use crate::error::{Error, ErrorKind, Result};

/// A whole answer of any status.
pub(crate) struct Response {
    origin: String,
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
    scrubber: Arc<Scrubber>,
}

impl std::fmt::Debug for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Response").field("status", &self.status).field("bytes", &self.body.len()).finish()
    }
}

impl Response {
    pub(super) fn new(origin: &str, answer: Answer, scrubber: Arc<Scrubber>) -> Self {
        let Answer { status, headers, body } = answer;
        Self { origin: origin.to_owned(), status, headers, body, scrubber }
    }

    pub(crate) fn status(&self) -> u16 {
        self.status
    }

    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Returns a header that is plain text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns how long the server asks to wait, where it says so in seconds.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        self.header("retry-after")?.trim().parse().ok().map(Duration::from_secs)
    }

    /// Returns the JSON that the answer says it is.
    ///
    /// # Errors
    /// `Protocol` where it says to be something else, or is not whole.
    pub(crate) fn json(&self) -> Result<Value> {
        if !self.says_json() {
            return Err(self.protocol(&format!("it sent {} instead of JSON", self.what())));
        }
        serde_json::from_slice(&self.body)
            .map_err(|error| self.protocol(&format!("its JSON cannot be read: {error}")))
    }

    /// Returns the JSON of an answer of any status, where it is an object.
    pub(crate) fn error_json(&self) -> Option<serde_json::Map<String, Value>> {
        match self.says_json().then(|| serde_json::from_slice(&self.body)) {
            Some(Ok(Value::Object(object))) => Some(object),
            _ => None,
        }
    }

    /// Makes the error of an answer that is not the protocol.
    pub(crate) fn protocol(&self, why: &str) -> Error {
        let why = self.scrubber.clean(why);
        Error::new(ErrorKind::Protocol, format!("{} is not understood: {why}", self.origin))
            .with_hint("Check that the address is the one of an agency.")
            .with("origin", self.origin.as_str())
            .with("status", self.status.to_string())
    }

    /// Makes the error that the status stands for, with what the server says about it.
    pub(crate) fn failure(&self) -> Error {
        let (kind, reason) = kind_of(self.status);
        let said = self.said();
        let said = if said.is_empty() { String::new() } else { format!(": {said}") };
        let error = Error::new(kind, format!("{} answered {}{said}", self.origin, self.status))
            .with_reason(reason)
            .with("origin", self.origin.as_str())
            .with("status", self.status.to_string());
        let error = match self.retry_after() {
            Some(pause) => error.with("retry_after", pause.as_secs().to_string()),
            None => error,
        };
        match hint_of(self.status) {
            "" => error,
            hint => error.with_hint(hint),
        }
    }

    /// Makes the error of a write: `Unsettled` where the status does not say that nothing was written.
    pub(crate) fn write_failure(&self) -> Error {
        let is_refused =
            (400..500).contains(&self.status) && self.status != 408 || (300..400).contains(&self.status);
        if is_refused { self.failure() } else { self.lost_write(self.failure().message()) }
    }

    /// Makes the error of a write whose answer does not say whether it happened.
    pub(crate) fn lost_write(&self, why: &str) -> Error {
        let why = self.scrubber.clean(why);
        Error::new(ErrorKind::Unsettled, format!("{why}; whether the write happened is not known"))
            .with_hint("The next sync finds out what happened; nothing is lost.")
            .with("origin", self.origin.as_str())
            .with("status", self.status.to_string())
    }

    /// Returns what the server says in words, fit to be shown.
    pub(crate) fn said(&self) -> String {
        if let Some(object) = self.error_json() {
            let text = ["message", "detail", "msg", "error_description", "error", "title"]
                .iter()
                .find_map(|key| object.get(*key).and_then(Value::as_str));
            return text.map(|text| self.scrubber.clean(text)).unwrap_or_default();
        }
        if self.body.is_empty() { String::new() } else { format!("with {}", self.what()) }
    }

    /// Returns a text of the answer, fit to be shown.
    pub(crate) fn clean(&self, text: &str) -> String {
        self.scrubber.clean(text)
    }

    fn says_json(&self) -> bool {
        let kind = self.header("content-type").unwrap_or_default().split(';').next().unwrap_or_default();
        let kind = kind.trim().to_ascii_lowercase();
        kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
    }

    fn what(&self) -> String {
        let start =
            String::from_utf8_lossy(&self.body[..self.body.len().min(512)]).trim_start().to_ascii_lowercase();
        if start.starts_with("<!doctype html") || start.starts_with("<html") {
            return "a web page".to_owned();
        }
        match self.header("content-type") {
            Some(kind) => self.scrubber.clean(kind),
            None => "something without a type".to_owned(),
        }
    }
}

/// Returns the kind and the reason that a status stands for.
fn kind_of(status: u16) -> (ErrorKind, &'static str) {
    match status {
        300..=399 => (ErrorKind::Protocol, "redirect"),
        401 => (ErrorKind::Unauthorized, ""),
        403 | 407 => (ErrorKind::Unauthorized, "forbidden"),
        404 | 410 => (ErrorKind::NotFound, ""),
        408 => (ErrorKind::Unavailable, "timeout"),
        409 => (ErrorKind::Exists, ""),
        413 => (ErrorKind::InvalidArgument, "too_large"),
        423 => (ErrorKind::Locked, ""),
        429 => (ErrorKind::RateLimited, ""),
        500..=599 => (ErrorKind::Unavailable, ""),
        _ => (ErrorKind::Protocol, ""),
    }
}

fn hint_of(status: u16) -> &'static str {
    match status {
        300..=399 => {
            "Redirects are not followed, so that no key goes astray: configure the address that it leads to."
        }
        401 => "Check the key or the token.",
        403 => "Check that the key or the token may do this.",
        404 => "Check the address.",
        413 => "Push fewer stages at once.",
        429 | 500..=599 => "Try again later.",
        _ => "",
    }
}
