//! One Markdown file of a session, as it was found on disk.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::diagnostic::Span;
use crate::markdown::Positions;
use crate::stage::Stage;
use crate::text::{Digest, ObjectId};

/// The artifact of one stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// The stage it belongs to.
    pub stage: Stage,
    /// What its file holds.
    pub content: Content,
}

/// What an artifact's file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// There is no file.
    Absent,
    /// The text exactly as its bytes are, byte order mark and line endings included.
    Text(Arc<str>),
    /// There is something that cannot be taken as a text.
    Blocked(Blocked),
}

/// Why a file cannot be taken as a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocked {
    /// The stable word.
    pub reason: BlockedReason,
    /// The sentence for people: what and where.
    pub message: String,
    /// Where in the file, where it is a place of a text.
    #[serde(skip)]
    pub span: Option<Span>,
}

impl Blocked {
    /// Creates the reason why a file as a whole cannot be taken as a text.
    pub fn new(reason: BlockedReason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), span: None }
    }

    /// Says why a text cannot be an artifact, whether it comes from a file or from an editor; `path` is for the message.
    pub(crate) fn of_text(text: &str, path: &str) -> Option<Self> {
        let at = text.find('\0')?;
        let positions = Positions::new(text, [at, at + 1]);
        let span = Some(Span { start: positions.get(at), end: positions.get(at + 1) });
        let message = format!("{path} holds a NUL character at byte {at}");
        Some(Self { reason: BlockedReason::Nul, message, span })
    }
}

/// The stable words of [`Blocked`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockedReason {
    /// The bytes are not UTF-8.
    NotUtf8,
    /// The text holds U+0000, which PostgreSQL cannot store.
    Nul,
    /// The file is over the limit.
    TooLarge,
    /// The file is a symbolic link, or a folder on the way leads out of the workspace.
    Symlink,
    /// It is a folder, a FIFO, a socket or a device.
    NotAFile,
    /// The system refused to read it.
    Unreadable,
}

impl Artifact {
    /// Returns the text, where there is one.
    pub fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Text(text) => Some(text),
            Content::Absent | Content::Blocked(_) => None,
        }
    }

    /// Returns the digest of the text, where there is one.
    pub fn digest(&self) -> Option<Digest> {
        self.text().map(Digest::of)
    }

    /// Returns the id of the exact bytes, where there is a text.
    pub fn object(&self) -> Option<ObjectId> {
        self.text().map(|text| ObjectId::of(text.as_bytes()))
    }
}

impl Content {
    /// Tells whether there is no file.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// Takes bytes as a text, or says why they cannot be one; `path` is for the message.
    pub fn of_bytes(bytes: Vec<u8>, path: &str) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => match Blocked::of_text(&text, path) {
                None => Self::Text(text.into()),
                Some(blocked) => Self::Blocked(blocked),
            },
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                Self::Blocked(Blocked::new(
                    BlockedReason::NotUtf8,
                    format!("{path} is not UTF-8 at byte {at}"),
                ))
            }
        }
    }
}
