//! Who asks: a name, what it may do, and the token that it came with.
//!
//! How a request becomes a caller belongs to `auth`.

use std::fmt;

/// A text that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the secret itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// What a caller may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scopes {
    /// Pull, list, see the status.
    pub read: bool,
    /// Push and change the status.
    pub write: bool,
}

impl Scopes {
    /// Everything.
    pub const ALL: Self = Self { read: true, write: true };
}

/// Who sent a request.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who it is: the subject of a JWT, the name of a token, or `local`.
    pub subject: String,
    /// What the caller may do.
    pub scopes: Scopes,
    /// The user's own token, for a store that decides by it.
    pub jwt: Option<Secret>,
}
