//! Names and ids, checked once at the door: a value of these types is always safe to use in a path or a request.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::{Error, Result};

/// Names that Windows reserves for devices, whatever their extension
/// (<https://learn.microsoft.com/windows/win32/fileio/naming-a-file>).
const DEVICES: [&str; 22] = [
    "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9",
    "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];

/// Returns why `text` cannot be a project or session name, or `None` where it can.
pub(crate) fn objection(text: &str) -> Option<&'static str> {
    let mut bytes = text.bytes();
    let stem = text.split('.').next().unwrap_or_default();
    match bytes.next() {
        None => Some("it is empty"),
        Some(first) if !(first.is_ascii_alphanumeric() || first == b'_') => {
            Some("it must begin with an ASCII letter, a digit or an underscore")
        }
        _ if !bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-')) => {
            Some("only ASCII letters, digits, `.`, `_` and `-` are allowed")
        }
        _ if text.len() > 64 => Some("it is longer than 64 characters"),
        _ if text.ends_with('.') => Some("it ends in a dot"),
        _ if DEVICES.iter().any(|device| stem.eq_ignore_ascii_case(device)) => {
            Some("it is the name of a device on Windows")
        }
        _ => None,
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $what:literal, $reason:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            /// Returns the name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self> {
                match objection(text) {
                    None => Ok(Self(text.to_owned())),
                    Some(why) => Err(Error::argument(format!("{:?} is no {} name: {why}", text, $what))
                        .with_reason($reason)
                        .with_hint("Names are 1 to 64 of A-Z a-z 0-9 . _ - and begin with a letter, a digit or `_`.")),
                }
            }
        }

        impl TryFrom<String> for $type {
            type Error = Error;

            fn try_from(text: String) -> Result<Self> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> Self {
                name.0
            }
        }
    };
}

name! {
    /// The name of a project: the folder below `.idse/projects/`.
    ProjectName, "project", "project"
}
name! {
    /// The name of a session: the folder below `sessions/`, and `session_id` on disk and on the wire.
    SessionId, "session", "session"
}

impl SessionId {
    /// The name of the session that describes the project as a whole.
    pub const BLUEPRINT: &'static str = "__blueprint__";

    /// Tells whether this is the blueprint session.
    pub fn is_blueprint(&self) -> bool {
        self.0 == Self::BLUEPRINT
    }
}

/// Which session of which project.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SessionKey {
    /// The project.
    pub project: ProjectName,
    /// The session.
    pub session: SessionId,
}

impl fmt::Display for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.project, self.session)
    }
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $type:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(Uuid);

        impl $type {
            /// Wraps a UUID.
            pub fn new(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// Returns the UUID.
            pub fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0.hyphenated(), f)
            }
        }

        impl FromStr for $type {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self> {
                Uuid::try_parse(text).map(Self).map_err(|_| {
                    Error::argument(format!("{text:?} is no {}: a UUID is expected", $what)).with_reason("id")
                })
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

uuid_id! {
    /// The identity of a project in an agency.
    ProjectId, "project id"
}
uuid_id! {
    /// The identity of one operation that changed something.
    OpId, "operation id"
}

/// Finds the candidate that a mistyped `text` most likely meant.
pub fn did_you_mean<'a>(text: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(candidate, text), candidate))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(likeness, _)| *likeness > 0.8)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        for good in ["a", "_", "0", "__blueprint__", "session-1736534123", "A.b_c-d", &"x".repeat(64)] {
            assert!(good.parse::<SessionId>().is_ok(), "{good}");
        }
        for bad in [
            "",
            ".",
            "..",
            "a/b",
            "a\\b",
            "a\0",
            "a\n",
            "-a",
            ".a",
            "a.",
            "a ",
            "é",
            "con",
            "NUL.txt",
            "Com1.x.y",
            &"x".repeat(65),
        ] {
            let error = bad.parse::<ProjectName>().expect_err(bad);
            assert_eq!((error.kind().code(), error.reason()), (10, "project"));
        }
    }

    #[test]
    fn suggestions_are_close() {
        assert_eq!(did_you_mean("custmer-portal", ["customer-portal", "billing"]), Some("customer-portal"));
        assert_eq!(did_you_mean("zzz", ["customer-portal", "billing"]), None);
    }
}
