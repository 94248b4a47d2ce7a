//! The one error of the engine, numbered so that every door reports the same thing.
//!
//! Findings and conflicts are data and live in reports; an [`Error`] means that the work could not be done.

use std::fmt;
use std::path::Path;

/// The result of everything that can fail in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, by what the caller should do about it.
///
/// The numbers are part of the C interface and of the wire: new kinds are added, numbers are never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument is wrong. Correct the call; nothing was changed.
    InvalidArgument,
    /// What was named does not exist. Name something else, or create it.
    NotFound,
    /// The folder is no usable workspace. `idse doctor` says how to mend it.
    InvalidWorkspace,
    /// A configuration value cannot be used. The message names the file and the key.
    InvalidConfig,
    /// What should be created is already there. Nothing was overwritten.
    Exists,
    /// The local disk refused. The message names the path.
    Io,
    /// Another process holds the workspace or the agency file. Try again.
    Locked,
    /// The other side does not let this caller in, or is not trusted yet.
    Unauthorized,
    /// The other side asks to slow down. Try again after `retry_after`.
    RateLimited,
    /// The other side did not answer, or could not do it now; nothing was written. Try again.
    Unavailable,
    /// The other side answered something that is not the protocol.
    Protocol,
    /// A write was sent and its reply was lost. The next sync verb finds out what happened.
    Unsettled,
    /// The caller cancelled.
    Cancelled,
    /// A defect of the engine.
    Internal,
}

impl ErrorKind {
    /// Every kind, in the order of their codes.
    pub const ALL: &'static [Self] = &[
        Self::InvalidArgument,
        Self::NotFound,
        Self::InvalidWorkspace,
        Self::InvalidConfig,
        Self::Exists,
        Self::Io,
        Self::Locked,
        Self::Unauthorized,
        Self::RateLimited,
        Self::Unavailable,
        Self::Protocol,
        Self::Unsettled,
        Self::Cancelled,
        Self::Internal,
    ];

    /// Returns the stable number of the kind.
    pub fn code(self) -> u32 {
        match self {
            Self::InvalidArgument => 10,
            Self::NotFound => 11,
            Self::InvalidWorkspace => 12,
            Self::InvalidConfig => 13,
            Self::Exists => 14,
            Self::Io => 20,
            Self::Locked => 21,
            Self::Unauthorized => 30,
            Self::RateLimited => 31,
            Self::Unavailable => 32,
            Self::Protocol => 33,
            Self::Unsettled => 34,
            Self::Cancelled => 41,
            Self::Internal => 90,
        }
    }

    /// Returns the stable name of the kind, as JSON and the editor extension spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::InvalidArgument => "InvalidArgument",
            Self::NotFound => "NotFound",
            Self::InvalidWorkspace => "InvalidWorkspace",
            Self::InvalidConfig => "InvalidConfig",
            Self::Exists => "Exists",
            Self::Io => "Io",
            Self::Locked => "Locked",
            Self::Unauthorized => "Unauthorized",
            Self::RateLimited => "RateLimited",
            Self::Unavailable => "Unavailable",
            Self::Protocol => "Protocol",
            Self::Unsettled => "Unsettled",
            Self::Cancelled => "Cancelled",
            Self::Internal => "Internal",
        }
    }

    /// Tells whether the same call may succeed later without a change by the caller.
    pub fn is_temporary(self) -> bool {
        matches!(self, Self::Locked | Self::RateLimited | Self::Unavailable | Self::Unsettled)
    }

    /// Returns the exit code of the command line for this kind.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::InvalidArgument
            | Self::InvalidWorkspace
            | Self::InvalidConfig
            | Self::Exists
            | Self::Io => 2,
            Self::NotFound => 6,
            Self::Locked | Self::RateLimited | Self::Unavailable | Self::Protocol | Self::Unsettled => 4,
            Self::Unauthorized => 5,
            Self::Cancelled => 130,
            Self::Internal => 70,
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A failure: its kind, what happened in one sentence, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(Box<Repr>);

type Source = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, thiserror::Error)]
#[error("{message}")]
struct Repr {
    kind: ErrorKind,
    reason: &'static str,
    message: String,
    hint: Option<String>,
    context: Vec<(&'static str, String)>,
    #[source]
    source: Option<Source>,
}

impl Error {
    /// Creates an error; `message` is one sentence without a full stop: what, where, why.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Repr {
            kind,
            reason: "",
            message: message.into(),
            hint: None,
            context: Vec::new(),
            source: None,
        }))
    }

    /// Adds the stable word that refines the kind.
    #[must_use]
    pub fn with_reason(mut self, reason: &'static str) -> Self {
        self.0.reason = reason;
        self
    }

    /// Adds what a person can do about it, as an imperative sentence.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Adds a fact, by a stable key (`path`, `project`, `session`, `stage`, `retry_after`).
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.0.context.push((key, value.into()));
        self
    }

    /// Adds the error that caused this one.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Source>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Returns the kind.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns the stable word that refines the kind, or `""`.
    pub fn reason(&self) -> &'static str {
        self.0.reason
    }

    /// Returns the message alone.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Returns what a person can do about it.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// Returns the facts, in the order in which they were added.
    pub fn context(&self) -> &[(&'static str, String)] {
        &self.0.context
    }

    /// Returns one fact by its key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.context.iter().find(|(k, _)| *k == key).map(|(_, v)| v.as_str())
    }

    /// Tells whether the same call may succeed later without a change by the caller.
    pub fn is_temporary(&self) -> bool {
        self.kind().is_temporary()
    }

    /// Returns the error as the JSON object that every door prints: `{kind, code, reason, message, hint, temporary, exit, context}`.
    pub fn to_json(&self) -> serde_json::Value {
        let context: serde_json::Map<_, _> =
            self.context().iter().map(|(k, v)| ((*k).to_owned(), v.as_str().into())).collect();
        serde_json::json!({
            "kind": self.kind().name(),
            "code": self.kind().code(),
            "reason": self.reason(),
            "message": self.to_string(),
            "hint": self.hint(),
            "temporary": self.is_temporary(),
            "exit": self.kind().exit_code(),
            "context": context,
        })
    }

    /// Creates an I/O error that names the path and keeps the system's own error.
    pub(crate) fn io(path: &Path, doing: &str, source: std::io::Error) -> Self {
        let text = source.to_string();
        Self::new(ErrorKind::Io, format!("cannot {doing} {}: {text}", path.display()))
            .with("path", path.display().to_string())
            .with_source(source)
    }

    pub(crate) fn argument(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidArgument, message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, message)
    }

    pub(crate) fn cancelled() -> Self {
        Self::new(ErrorKind::Cancelled, "cancelled")
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
            .with_hint("This is a defect of idse; please report it with the command that showed it.")
    }
}
