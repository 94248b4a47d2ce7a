//! Who asks: a bearer token becomes a caller with scopes, or the request is refused.
//!
//! What a caller may see of the agency is decided by the store, which gets the caller's own token.

mod claims;
mod jwks;
mod jwt;
mod tokens;

pub use self::jwks::KeySource;
pub use self::jwt::{Jwt, JwtRules};
pub use self::tokens::{Tokens, make_token};
pub use crate::caller::{Caller, Scopes, Secret};

use std::path::Path;

use axum::http::{HeaderMap, header};
use idse_core::{Error, ErrorKind, Result};

use crate::disk;
use crate::problem::Problem;

/// The longest bearer token that is looked at.
const MAX_TOKEN: usize = 8 * 1024;

impl Secret {
    /// Reads a secret from a file of one line.
    ///
    /// # Errors
    /// `Io`, and `InvalidConfig` (`secret`) where others can read the file.
    pub fn load(path: &Path) -> Result<Self> {
        if disk::is_readable_by_others(path) {
            return Err(Error::new(ErrorKind::InvalidConfig, format!("others can read {}", path.display()))
                .with_reason("secret")
                .with_hint("Take the right from them: `chmod 600 FILE`.")
                .with("path", path.display().to_string()));
        }
        Ok(Self::new(disk::read_text(path, 64 * 1024)?.trim()))
    }
}

impl Scopes {
    /// Reads words like `read`, `idse:write`; words that mean nothing here are passed over.
    pub(crate) fn of_words<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        let mut scopes = Self { read: false, write: false };
        for word in words {
            match word.strip_prefix("idse:").unwrap_or(word) {
                "read" => scopes.read = true,
                "write" => scopes.write = true,
                _ => {}
            }
        }
        scopes
    }
}

/// What a route asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    Read,
    Write,
}

/// Everything that lets callers in.
#[derive(Debug, Default)]
pub struct Auth {
    /// Static tokens.
    pub tokens: Option<Tokens>,
    /// JSON Web Tokens.
    pub jwt: Option<Jwt>,
}

impl Auth {
    /// Tells whether nobody is asked who they are.
    pub fn is_open(&self) -> bool {
        self.tokens.is_none() && self.jwt.is_none()
    }

    /// Finds out who sends these headers.
    pub(crate) async fn caller(&self, headers: &HeaderMap) -> Result<Caller, Problem> {
        if self.is_open() {
            return Ok(Caller { subject: "local".to_owned(), scopes: Scopes::ALL, jwt: None });
        }
        let token = bearer(headers)?;
        if let Some(tokens) = &self.tokens
            && let Some(caller) = tokens.find(token)
        {
            return Ok(caller);
        }
        match &self.jwt {
            Some(jwt) if token.split('.').count() == 3 => jwt.verify(token).await,
            _ => Err(refused("the token is not known")),
        }
    }
}

fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().ok_or_else(|| refused("no token was sent"))?;
    if values.next().is_some() {
        return Err(refused("more than one Authorization header was sent"));
    }
    let text = value.to_str().map_err(|_| refused("the Authorization header is not text"))?;
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    let token = token.trim();
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() || token.contains(char::is_whitespace) {
        return Err(refused("the Authorization header must be `Bearer` and one token"));
    }
    if token.len() > MAX_TOKEN {
        return Err(refused("the token is too long"));
    }
    Ok(token)
}

/// Returns the answer to a token that lets nobody in. It never holds a part of the token.
pub(crate) fn refused(why: &str) -> Problem {
    Problem::new(ErrorKind::Unauthorized, "", why)
        .with_hint("Send `Authorization: Bearer TOKEN` with a token that this gateway knows.")
}
