//! What can go wrong between a client and a server.

use std::time::Duration;

use super::http::Reply;

/// What happens to one exchange.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// The connection ends before a byte reaches the server.
    CutBeforeSend,
    /// The server gets the head and half of the body, then both connections end.
    CutRequest,
    /// The server gets everything and answers; nothing of the answer arrives.
    CutAfterCommit,
    /// So many bytes of the answer arrive, then the connection ends.
    CutReply(usize),
    /// The head of the answer and half of its body arrive, then the connection ends.
    CutReplyBody,
    /// The connection is reset, not closed, before a byte reaches the server.
    Reset,
    /// The answer takes so long to begin.
    DelayHead(Duration),
    /// The head of the answer arrives at once, the body so much later.
    DelayBody(Duration),
    /// Another answer instead; the server hears nothing.
    Answer {
        /// The status.
        status: u16,
        /// Header fields beside the length.
        headers: Vec<(String, String)>,
        /// The body.
        body: Vec<u8>,
    },
    /// The server does what it is asked, and the client gets this status from somebody between.
    AnswerAfterCommit(u16),
    /// What the server answers ends in the middle; the framing is right.
    Truncate,
    /// What the server answers is called `text/plain`.
    WrongType,
}

impl Fault {
    /// An error as PostgREST writes it.
    pub fn status(status: u16) -> Self {
        let body = serde_json::json!({
            "code": format!("XX{status}"), "details": null, "hint": null, "message": "injected by a test",
        });
        Self::answer(status, &[("Content-Type", "application/json; charset=utf-8")], body.to_string())
    }

    /// An error as the gateway before PostgREST writes it.
    pub fn gateway(status: u16) -> Self {
        Self::answer(status, &[("Content-Type", "application/json")], r#"{"message":"injected by a test"}"#)
    }

    /// Too many requests, to be tried again after so many seconds.
    pub fn too_many(seconds: u32) -> Self {
        let seconds = seconds.to_string();
        Self::answer(
            429,
            &[("Retry-After", &seconds), ("Content-Type", "application/json")],
            r#"{"message":"slow"}"#,
        )
    }

    /// A page for people.
    pub fn html(status: u16) -> Self {
        Self::answer(
            status,
            &[("Content-Type", "text/html")],
            "<!doctype html><title>Sign in</title><h1>Sign in</h1>",
        )
    }

    /// A redirect.
    pub fn redirect(status: u16, to: &str) -> Self {
        Self::answer(status, &[("Location", to)], "")
    }

    /// A right answer of so many bytes.
    pub fn huge(bytes: usize) -> Self {
        let row =
            format!(r#"[{{"id":"00000000-0000-4000-8000-000000000000","spec_md":"{}"}}]"#, "x".repeat(bytes));
        Self::answer(200, &[("Content-Type", "application/json; charset=utf-8")], row)
    }

    /// The answer that the client gets while the server hears nothing.
    pub(super) fn instead(&self) -> Option<Reply> {
        let Self::Answer { status, headers, body } = self else { return None };
        let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Some(Reply::new(*status, &headers, body))
    }

    /// Any other answer.
    pub fn answer(status: u16, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Self {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self::Answer { status, headers, body: body.into() }
    }
}

/// Which exchanges a fault happens to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// The next one.
    Next,
    /// The next one that would change something.
    NextWrite,
    /// All, until [`Proxy::heal`](super::Proxy::heal).
    Always,
    /// All that would change something.
    AlwaysWrite,
    /// All that only read.
    AlwaysRead,
}

impl When {
    pub(super) fn matches(self, writes: bool) -> bool {
        match self {
            Self::Next | Self::Always => true,
            Self::NextWrite | Self::AlwaysWrite => writes,
            Self::AlwaysRead => !writes,
        }
    }

    pub(super) fn once(self) -> bool {
        matches!(self, Self::Next | Self::NextWrite)
    }
}
