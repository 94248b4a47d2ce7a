//! Texts as lines: what makes two lines equal, and the bytes that a line is written with.
//!
//! It owns line ends and the byte order mark; which lines stand in a result is decided by its neighbours.

use imara_diff::{Interner, Token};

use crate::text::{LineEnding, TextStyle};

const BOM: char = '\u{feff}';

/// What of a line counts: its content and whether a line end follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key<'a> {
    content: &'a str,
    ended: bool,
}

impl<'a> Key<'a> {
    fn of(raw: &'a str) -> Self {
        match raw.strip_suffix('\n') {
            Some(line) => Self { content: line.strip_suffix('\r').unwrap_or(line), ended: true },
            None => Self { content: raw, ended: false },
        }
    }
}

/// A text as lines, without its byte order mark.
pub(super) struct Lines<'a> {
    /// How the text is formed outwardly.
    pub(super) style: TextStyle,
    /// The lines with their ends; only the last may have none.
    pub(super) raw: Vec<&'a str>,
    /// One token a line: two lines are equal where their tokens are.
    pub(super) tokens: Vec<Token>,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str, interner: &mut Interner<Key<'a>>) -> Self {
        let body = text.strip_prefix(BOM).unwrap_or(text);
        let raw: Vec<_> = body.split_inclusive('\n').collect();
        let tokens = raw.iter().map(|line| interner.intern(Key::of(line))).collect();
        Self { style: TextStyle::of(text), raw, tokens }
    }
}

/// The three texts of a merge over one set of tokens.
pub(super) struct Sides<'a> {
    pub(super) base: Lines<'a>,
    pub(super) local: Lines<'a>,
    pub(super) remote: Lines<'a>,
}

impl<'a> Sides<'a> {
    /// Splits the texts into lines.
    pub(super) fn new(base: &'a str, local: &'a str, remote: &'a str) -> Self {
        let mut interner = Interner::new(base.len() / 32);
        Self {
            base: Lines::new(base, &mut interner),
            local: Lines::new(local, &mut interner),
            remote: Lines::new(remote, &mut interner),
        }
    }

    /// Returns the line ending of lines that the merge writes itself.
    pub(super) fn line_ending(&self) -> LineEnding {
        let styles = [self.local.style, self.remote.style, self.base.style];
        styles.iter().map(|s| s.line_ending).find(|&e| e != LineEnding::None).unwrap_or(LineEnding::Lf)
    }
}

/// Returns the content of a line, without its end.
pub(super) fn content(raw: &str) -> &str {
    Key::of(raw).content
}

/// Returns whether a line has an end.
pub(super) fn is_ended(raw: &str) -> bool {
    raw.ends_with('\n')
}

/// A text under construction in the form of the local text.
pub(super) struct Writer {
    body: String,
    style: TextStyle,
}

impl Writer {
    /// Starts a text in a form.
    pub(super) fn new(style: TextStyle, capacity: usize) -> Self {
        Self { body: String::with_capacity(capacity), style }
    }

    /// Adds a line of the local text, byte for byte.
    pub(super) fn own(&mut self, raw: &str) {
        self.body.push_str(raw);
    }

    /// Adds a line of another text, with this text's line ending if that is uniform.
    pub(super) fn adopt(&mut self, raw: &str) {
        let Key { content, ended } = Key::of(raw);
        match self.style.line_ending {
            LineEnding::Lf | LineEnding::CrLf if ended => self.line(content, self.style.line_ending),
            _ => self.body.push_str(raw),
        }
    }

    /// Adds a line from its content.
    pub(super) fn line(&mut self, content: &str, ending: LineEnding) {
        self.body.push_str(content);
        // A CR before a lone LF would read as one CRLF: such a line can only end in CRLF.
        let crlf = ending == LineEnding::CrLf || content.ends_with('\r');
        self.body.push_str(if crlf { "\r\n" } else { "\n" });
    }

    /// Ends the last line where it has no end.
    pub(super) fn end_line(&mut self, ending: LineEnding) {
        if !self.body.is_empty() && !self.body.ends_with('\n') {
            let start = self.body.rfind('\n').map_or(0, |at| at + 1);
            let last = self.body.split_off(start);
            self.line(&last, ending);
        }
    }

    /// Returns the text.
    pub(super) fn finish(self) -> String {
        // A first line that begins with the mark itself needs one before it, else it would be taken for the text's.
        if self.style.bom || self.body.starts_with(BOM) { format!("{BOM}{}", self.body) } else { self.body }
    }
}
