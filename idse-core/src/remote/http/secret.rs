//! Secrets: values that can be sent and never shown, and texts of strangers made fit to be shown.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// A key or a token. It has no way to be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a key; space around it does not belong to it.
    pub fn new(text: impl Into<String>) -> Self {
        let text: String = text.into();
        Self(text.trim().to_owned())
    }

    /// Returns what goes into a request, and nowhere else.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// What every kind of key that Supabase gives out begins with.
const BEGINNINGS: [&str; 3] = ["eyJ", "sb_", "sbp_"];
/// A secret that is shorter is no secret, and its letters are everywhere.
const SHORTEST: usize = 6;
/// How much of a stranger's text is shown.
const SHOWN: usize = 300;
const HIDDEN: &str = "***";

/// Takes secrets out of texts that come from outside: a server may repeat what it was sent.
#[derive(Clone, Default)]
pub(crate) struct Scrubber {
    forms: Vec<String>,
}

impl Scrubber {
    pub(crate) fn new<'a>(secrets: impl Iterator<Item = &'a Secret>) -> Self {
        let mut forms = Vec::new();
        for secret in secrets.filter(|secret| secret.0.len() >= SHORTEST) {
            forms.push(secret.0.clone());
            forms.push(percent(&secret.0));
            forms.extend(encoded(secret.0.as_bytes()));
        }
        forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
        forms.dedup();
        Self { forms }
    }

    /// Returns a text in one line, without secrets, and not too long.
    pub(crate) fn clean(&self, text: &str) -> String {
        // More than is shown, so that a secret at the edge is seen whole; bounded, because it is a stranger's.
        let mut text: String = text.chars().take(16 << 10).collect();
        for form in &self.forms {
            text = text.replace(form, HIDDEN);
        }
        let words = text.split_inclusive(|c: char| !is_of_key(c)).map(hide_key).collect::<String>();
        printable(&words)
    }
}

/// Returns a text of a stranger in one line, without what a terminal would obey, and not too long.
pub(crate) fn printable(text: &str) -> String {
    let plain = |c: char| if c.is_control() || is_invisible(c) { ' ' } else { c };
    let line: String = text.chars().take(16 << 10).map(plain).collect();
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// Characters that change how the text around them is read.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn is_of_key(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '+' | '/' | '%')
}

/// Hides a word that looks like a key of whoever.
fn hide_key(word: &str) -> String {
    let at = BEGINNINGS.iter().filter_map(|beginning| word.find(beginning)).min();
    match at {
        Some(at) if word.len() - at > 12 => {
            let tail = word.trim_start_matches(is_of_key);
            format!("{}{HIDDEN}{tail}", &word[..at])
        }
        _ => word.to_owned(),
    }
}

fn percent(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
        out
    })
}

/// Returns the letters that a secret leaves in the base64 of any text that holds it: one spelling for each of the
/// three places where it can begin.
fn encoded(secret: &[u8]) -> Vec<String> {
    let mut forms = Vec::new();
    for before in 0..3usize {
        let mut padded = vec![0; before];
        padded.extend_from_slice(secret);
        // Letters that also depend on the neighbours are left out.
        let start = (before * 8).div_ceil(6);
        let end = padded.len() * 8 / 6;
        for text in [STANDARD_NO_PAD.encode(&padded), URL_SAFE_NO_PAD.encode(&padded)] {
            forms.extend(text.get(start..end).filter(|form| form.len() >= SHORTEST).map(str::to_owned));
        }
    }
    forms
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: &str = "canary/Key+with=odd~chars-1234567890";

    #[test]
    fn a_secret_cannot_be_printed() {
        let secret = Secret::new(format!(" {KEY}\n"));
        assert_eq!(secret.expose(), KEY);
        assert_eq!(format!("{secret:?} {secret:#?}"), "Secret(***) Secret(***)");
    }

    #[test]
    fn what_a_server_repeats_is_hidden_in_every_form() {
        let secret = Secret::new(KEY);
        let scrubber = Scrubber::new([&secret].into_iter());
        let forms = [
            KEY.to_owned(),
            percent(KEY),
            STANDARD_NO_PAD.encode(KEY),
            URL_SAFE_NO_PAD.encode(KEY),
            STANDARD_NO_PAD.encode(format!("Bearer {KEY}")),
            STANDARD_NO_PAD.encode(format!("x{KEY}y")),
        ];
        for form in forms {
            let shown = scrubber.clean(&format!("the server said {form} to you"));
            let core = &form[6..form.len() - 6];
            assert!(!shown.contains(&core[..core.len().min(20)]), "{form}: {shown}");
            assert!(shown.starts_with("the server said ") && shown.ends_with(" to you"), "{shown}");
        }
    }

    #[test]
    fn keys_of_others_are_hidden_too() {
        let scrubber = Scrubber::default();
        for key in
            ["eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoiYW5vbiJ9.abc", "sb_secret_0123456789", "sbp_0123456789abcdef"]
        {
            for text in
                [format!("bad key {key}"), format!("\"{key}\""), format!("key={key};"), format!("x{key}")]
            {
                assert!(!scrubber.clean(&text).contains(&key[..12]), "{text}");
            }
        }
        assert_eq!(scrubber.clean("column sb_x of eyJ"), "column sb_x of eyJ");
    }

    #[test]
    fn what_a_terminal_would_obey_is_gone() {
        assert_eq!(printable("a\u{1b}[31mred\r\n\tb\u{202e}c"), "a [31mred b c");
        assert_eq!(printable(&"x".repeat(1000)).chars().count(), SHOWN + 1);
    }

    proptest! {
        #[test]
        fn cleaning_never_fails_and_never_lets_the_secret_through(before in ".{0,40}", after in ".{0,40}", key in "[!-~]{8,60}") {
            let secret = Secret::new(key.clone());
            let shown = Scrubber::new([&secret].into_iter()).clean(&format!("{before}{key}{after}"));
            prop_assert!(!shown.contains(&key) || HIDDEN.contains(&key));
            prop_assert!(!shown.chars().any(char::is_control));
        }
    }
}
