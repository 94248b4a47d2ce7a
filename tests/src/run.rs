//! What a run of the program answered.

use std::process::Output;

use serde_json::Value;

/// What a run of the program answered; times, ids and the sandbox's own paths are replaced in its texts.
#[derive(Debug, Clone)]
#[must_use = "either compare the output or assert the exit code"]
pub struct Run {
    /// The exit code; `None` where a signal ended the program.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Run {
    /// Takes the output of a process; `places` are the paths to replace, the longest first.
    pub fn new(output: &Output, places: &[(String, &str)]) -> Self {
        let text = |bytes: &[u8]| {
            let mut text = String::from_utf8(bytes.to_vec()).expect("the program writes UTF-8");
            for (path, name) in places {
                text = text.replace(path.as_str(), name);
            }
            redact(&text)
        };
        Self { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    /// Asserts the exit code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "exit code; it said:\n{self}");
        self
    }

    /// Asserts that it ended with 0.
    #[track_caller]
    pub fn success(self) -> Self {
        self.exits(0)
    }

    /// Asserts that standard output is one document of this kind and returns it.
    #[track_caller]
    pub fn json(&self, kind: &str) -> Value {
        let document: Value = match serde_json::from_str(&self.stdout) {
            Ok(document) => document,
            Err(error) => panic!("not one JSON document: {error}\n{self}"),
        };
        assert_eq!(document["schema"], 1, "{self}");
        assert_eq!(document["kind"], kind, "{self}");
        document
    }

    /// Asserts that standard output is an error document and returns kind and reason of the error.
    #[track_caller]
    pub fn error(&self) -> (String, String) {
        let document = self.json("error");
        let text = |key: &str| document["error"][key].as_str().unwrap_or_default().to_owned();
        (text("kind"), text("reason"))
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.stdout)?;
        if !self.stderr.is_empty() {
            write!(f, "------ stderr\n{}", self.stderr)?;
        }
        match self.code {
            Some(0) => Ok(()),
            Some(code) => writeln!(f, "------ exit {code}"),
            None => writeln!(f, "------ ended by a signal"),
        }
    }
}

/// Replaces UUIDs by `[id]`, RFC 3339 times by `[time]`, digests by `[digest]` and keys of remotes by `[key]`.
pub fn redact(text: &str) -> String {
    let mut redacted = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let boundary = !redacted.ends_with(|c: char| c.is_ascii_alphanumeric());
        let found = if boundary { match_any(rest) } else { None };
        match found {
            Some((length, name)) => {
                redacted.push_str(name);
                rest = &rest[length..];
            }
            None => {
                redacted.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    redacted
}

fn match_any(text: &str) -> Option<(usize, &'static str)> {
    uuid(text)
        .map(|length| (length, "[id]"))
        .or_else(|| time(text).map(|length| (length, "[time]")))
        .or_else(|| digest(text).map(|length| (length, "[digest]")))
        .or_else(|| key(text).map(|length| (length, "[key]")))
}

fn uuid(text: &str) -> Option<usize> {
    follows(text, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx").then_some(36)
}

fn digest(text: &str) -> Option<usize> {
    let prefix = ["sha256:", "bytes:"].into_iter().find(|prefix| text.starts_with(prefix))?;
    let digits = text[prefix.len()..].bytes().take_while(u8::is_ascii_hexdigit).count();
    (digits == 64).then_some(prefix.len() + digits)
}

/// The key of a remote: 16 hexadecimal digits, a digest of where the sandbox happens to lie.
fn key(text: &str) -> Option<usize> {
    let digits = text.bytes().take_while(u8::is_ascii_alphanumeric).count();
    (digits == 16 && follows(text, "xxxxxxxxxxxxxxxx")).then_some(16)
}

fn time(text: &str) -> Option<usize> {
    if !follows(text, "dddd-dd-ddTdd:dd:dd") {
        return None;
    }
    let fraction = |rest: &str| match rest.strip_prefix('.') {
        Some(digits) => 1 + digits.bytes().take_while(u8::is_ascii_digit).count(),
        None => 0,
    };
    let length = 19 + fraction(&text[19..]);
    let zone = &text[length..];
    if zone.starts_with('Z') {
        Some(length + 1)
    } else if follows(zone, "+dd:dd") || follows(zone, "-dd:dd") {
        Some(length + 6)
    } else {
        Some(length)
    }
}

/// Tells whether a text begins like a pattern: `d` is a digit, `x` a hexadecimal one.
fn follows(text: &str, pattern: &str) -> bool {
    text.len() >= pattern.len()
        && text.bytes().zip(pattern.bytes()).all(|(byte, pattern)| match pattern {
            b'd' => byte.is_ascii_digit(),
            b'x' => byte.is_ascii_hexdigit(),
            other => byte == other,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_from_run_to_run_is_replaced() {
        let digest = format!("sha256:{}", "a1".repeat(32));
        for (text, expected) in [
            ("at 2026-01-10T15:30:00Z.", "at [time]."),
            ("2026-01-10T15:30:00.123456+00:00 x", "[time] x"),
            ("2026-01-10T15:30:00.123456", "[time]"),
            ("2026-01-10 15:30", "2026-01-10 15:30"),
            ("id 5f3c1f8e-8f0b-4d57-9c1c-2f4b6a1d7e90!", "id [id]!"),
            ("a5f3c1f8e-8f0b-4d57-9c1c-2f4b6a1d7e90", "a5f3c1f8e-8f0b-4d57-9c1c-2f4b6a1d7e90"),
            (&digest, "[digest]"),
            ("sha256:short ✅", "sha256:short ✅"),
            (".idse/sync/0123456789abcdef/x", ".idse/sync/[key]/x"),
            ("0123456789abcdef0", "0123456789abcdef0"),
        ] {
            assert_eq!(redact(text), expected);
        }
    }
}
