//! Texts: what identifies them, and how their line endings and byte order mark are kept.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::error::{Error, Result};

const BOM: char = '\u{feff}';

macro_rules! sha256_id {
    ($(#[$doc:meta])* $type:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type([u8; 32]);

        impl $type {
            /// Returns the 64 hexadecimal digits without the prefix.
            pub fn hex(&self) -> String {
                use fmt::Write as _;
                self.0.iter().fold(String::with_capacity(64), |mut hex, byte| {
                    // Writing to a String cannot fail.
                    _ = write!(hex, "{byte:02x}");
                    hex
                })
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}{}", $prefix, self.hex())
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $type {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self> {
                let wrong = || Error::argument(format!(concat!("{:?} is not `", $prefix, "` and 64 hexadecimal digits"), text));
                let hex = text.strip_prefix($prefix).ok_or_else(wrong)?;
                if hex.len() != 64 || !hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
                    return Err(wrong());
                }
                let mut bytes = [0; 32];
                for (byte, pair) in bytes.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
                    let pair = std::str::from_utf8(pair).map_err(|_| wrong())?;
                    *byte = u8::from_str_radix(pair, 16).map_err(|_| wrong())?;
                }
                Ok(Self(bytes))
            }
        }

        impl TryFrom<String> for $type {
            type Error = Error;

            fn try_from(text: String) -> Result<Self> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(id: $type) -> Self {
                id.to_string()
            }
        }
    };
}

sha256_id! {
    /// The identity of a text: SHA-256 with CRLF read as LF and without byte order mark, written `sha256:…`.
    ///
    /// Two texts with equal digests are in sync; the digest decides classification and travels on the wire.
    Digest, "sha256:"
}
sha256_id! {
    /// The identity of bytes: SHA-256 of exactly these bytes, written `bytes:…`.
    ///
    /// It names stored objects and verifies what a swap displaced.
    ObjectId, "bytes:"
}

impl Digest {
    /// Returns the digest of a text.
    pub fn of(text: &str) -> Self {
        Self(Sha256::digest(canonical(text).as_bytes()).into())
    }

    /// Returns the digest of a JSON value: object keys sorted, no white space.
    pub fn of_json(value: &serde_json::Value) -> Self {
        let mut sorted = value.clone();
        sorted.sort_all_objects();
        Self(Sha256::digest(sorted.to_string().as_bytes()).into())
    }
}

impl ObjectId {
    /// Returns the id of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

/// Returns the text with every CRLF as LF and without a leading byte order mark. A lone CR is content and stays.
pub fn canonical(text: &str) -> Cow<'_, str> {
    let text = text.strip_prefix(BOM).unwrap_or(text);
    if text.contains("\r\n") { Cow::Owned(text.replace("\r\n", "\n")) } else { Cow::Borrowed(text) }
}

/// How a text ends its lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineEnding {
    /// It has no line end.
    None,
    /// LF throughout.
    Lf,
    /// CRLF throughout.
    CrLf,
    /// Both occur.
    Mixed,
}

/// The outward form of a text: what [`Digest`] does not look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextStyle {
    /// It begins with a byte order mark.
    pub bom: bool,
    /// How it ends its lines.
    pub line_ending: LineEnding,
}

impl TextStyle {
    /// Returns the style of a text.
    pub fn of(text: &str) -> Self {
        let crlf = text.matches("\r\n").count();
        let lines = text.matches('\n').count();
        let line_ending = match (crlf, lines) {
            (_, 0) => LineEnding::None,
            (0, _) => LineEnding::Lf,
            (c, l) if c == l => LineEnding::CrLf,
            _ => LineEnding::Mixed,
        };
        Self { bom: text.starts_with(BOM), line_ending }
    }

    /// Returns `text` in this style.
    ///
    /// The digest never changes: where the style cannot be applied without changing it (the style is mixed, or
    /// the text holds a CR before a CRLF), `text` comes back as it is.
    pub fn apply<'a>(self, text: &'a str) -> Cow<'a, str> {
        let body = canonical(text);
        let styled = match self.line_ending {
            LineEnding::CrLf => Cow::Owned(body.replace('\n', "\r\n")),
            LineEnding::Lf => body,
            LineEnding::None | LineEnding::Mixed => match text.strip_prefix(BOM) {
                Some(rest) => Cow::Borrowed(rest),
                None => Cow::Borrowed(text),
            },
        };
        let styled = if self.bom { Cow::Owned(format!("{BOM}{styled}")) } else { styled };
        if canonical(&styled) == canonical(text) { styled } else { Cow::Borrowed(text) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_sees_through_line_endings_and_bom() {
        let digest = Digest::of("a\nb\n");
        for same in ["a\r\nb\r\n", "\u{feff}a\nb\n", "\u{feff}a\r\nb\n"] {
            assert_eq!(Digest::of(same), digest, "{same:?}");
        }
        for other in ["a\nb", "a\rb\n", "a\n\u{feff}b\n", "\u{feff}\u{feff}a\nb\n"] {
            assert_ne!(Digest::of(other), digest, "{other:?}");
        }
        assert_eq!(digest.to_string().parse::<Digest>().ok(), Some(digest));
    }

    #[test]
    fn a_style_never_changes_the_digest() {
        for style_of in ["", "x", "x\n", "x\r\n", "\u{feff}x\r\n", "x\r\ny\n"] {
            for text in ["", "a", "a\r\r\nb", "a\r\nb\n", "\u{feff}\u{feff}a\n", "a\rb\n", "\r\n"] {
                let styled = TextStyle::of(style_of).apply(text);
                assert_eq!(Digest::of(&styled), Digest::of(text), "{style_of:?} on {text:?}");
            }
        }
    }
}
