//! Static tokens for small teams and machines: the gateway keeps their hashes, never the tokens.

use std::path::Path;

use idse_core::{Error, ErrorKind, Result};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use super::{Caller, Scopes};
use crate::disk;

/// What every token begins with, so that scanners for leaked secrets find it.
const PREFIX: &str = "idse_";
const MAX_FILE: u64 = 1024 * 1024;

/// The tokens that a file lists.
#[derive(Debug, Default)]
pub struct Tokens(Vec<Known>);

#[derive(Debug)]
struct Known {
    name: String,
    scopes: Scopes,
    hash: [u8; 32],
}

impl Tokens {
    /// Reads a file of lines like `ci read,write sha256:…`; blank lines and `#` comments are passed over.
    ///
    /// # Errors
    /// `Io`, and `InvalidConfig` that names the line.
    pub fn load(path: &Path) -> Result<Self> {
        Self::parse(&disk::read_text(path, MAX_FILE)?).map_err(|(line, why)| {
            Error::new(ErrorKind::InvalidConfig, format!("{} line {line}: {why}", path.display()))
                .with_hint("Make a line with `idse-gateway token NAME --scope read,write`.")
                .with("path", path.display().to_string())
        })
    }

    fn parse(text: &str) -> Result<Self, (usize, &'static str)> {
        let mut tokens: Vec<Known> = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |why| (number, why);
            let mut words = line.split_whitespace();
            let (Some(name), Some(scopes), Some(hash), None) =
                (words.next(), words.next(), words.next(), words.next())
            else {
                return Err(wrong("a name, scopes and a hash are expected"));
            };
            if tokens.iter().any(|known| known.name == name) {
                return Err(wrong("this name is there already"));
            }
            if !scopes.split(',').all(|scope| matches!(scope, "read" | "write")) {
                return Err(wrong("the scopes are `read`, `write` or `read,write`"));
            }
            let hash = hash.strip_prefix("sha256:").and_then(from_hex);
            let hash = hash.ok_or_else(|| wrong("the hash is `sha256:` and 64 hexadecimal digits"))?;
            tokens.push(Known { name: name.to_owned(), scopes: Scopes::of_words(scopes.split(',')), hash });
        }
        Ok(Self(tokens))
    }

    /// Finds whose token this is. Every hash is compared in full, so that the time tells nothing.
    pub(crate) fn find(&self, token: &str) -> Option<Caller> {
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let mut found = None;
        for known in &self.0 {
            if bool::from(known.hash.ct_eq(&hash)) {
                found = Some(known);
            }
        }
        let known = found?;
        Some(Caller { subject: format!("token:{}", known.name), scopes: known.scopes, jwt: None })
    }
}

/// Makes a token from two random ids and returns it with the line for the tokens file.
///
/// # Errors
/// `InvalidArgument` for a name with blanks, or for scopes that are none.
pub fn make_token(name: &str, scopes: &str, random: [Uuid; 2]) -> Result<(String, String)> {
    let token = format!("{PREFIX}{}{}", random[0].simple(), random[1].simple());
    let hash = hex(&Sha256::digest(token.as_bytes()));
    let line = format!("{name} {scopes} sha256:{hash}");
    match Tokens::parse(&line) {
        Ok(Tokens(tokens)) if tokens.len() == 1 => Ok((token, line)),
        Ok(_) => Err(Error::new(ErrorKind::InvalidArgument, "the name must not begin with `#`")),
        Err((_, why)) => {
            Err(Error::new(ErrorKind::InvalidArgument, format!("{name:?} with {scopes:?}: {why}")))
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_token_is_found_and_no_other() {
        let random = [Uuid::from_u128(1), Uuid::from_u128(2)];
        let (token, line) = make_token("ci", "read", random).unwrap();
        assert!(!line.contains(&token));
        let tokens = Tokens::parse(&format!("# people\n\n{line}\n")).unwrap();
        let caller = tokens.find(&token).unwrap();
        assert_eq!(
            (caller.subject.as_str(), caller.scopes),
            ("token:ci", Scopes { read: true, write: false })
        );
        for other in ["", "idse_", &token[1..], &token.to_uppercase(), &line] {
            assert!(tokens.find(other).is_none(), "{other}");
        }
    }

    #[test]
    fn wrong_lines_are_named() {
        for (text, line) in [
            ("ci read", 1),
            ("\nci read sha256:00", 2),
            ("ci all sha256:0000000000000000000000000000000000000000000000000000000000000000", 1),
            ("ci read md5:0000000000000000000000000000000000000000000000000000000000000000", 1),
        ] {
            assert_eq!(Tokens::parse(text).unwrap_err().0, line, "{text}");
        }
        assert!(make_token("two words", "read", [Uuid::nil(); 2]).is_err());
        assert!(make_token("#a", "read", [Uuid::nil(); 2]).is_err());
    }
}
