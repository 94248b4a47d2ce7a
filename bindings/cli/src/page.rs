//! Text for people: styles, marks and lines; nothing that another side wrote can steer the terminal.

use std::borrow::Cow;
use std::fmt;

use anstyle::{AnsiColor, Style};
use idse_core::Env;

/// The styles in use; all plain where colour is off.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Styles {
    pub(crate) good: Style,
    pub(crate) bad: Style,
    pub(crate) warn: Style,
    pub(crate) hint: Style,
    pub(crate) bold: Style,
    pub(crate) dim: Style,
}

impl Styles {
    pub(crate) fn new(color: bool) -> Self {
        if !color {
            return Self::default();
        }
        Self {
            good: AnsiColor::Green.on_default(),
            bad: AnsiColor::Red.on_default().bold(),
            warn: AnsiColor::Yellow.on_default(),
            hint: AnsiColor::Cyan.on_default(),
            bold: Style::new().bold(),
            dim: Style::new().dimmed(),
        }
    }
}

/// The marks in front of results.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Marks {
    pub(crate) good: &'static str,
    pub(crate) warn: &'static str,
    pub(crate) bad: &'static str,
}

impl Marks {
    const UNICODE: Self = Self { good: "✅", warn: "⚠️ ", bad: "❌" };
    const ASCII: Self = Self { good: "[ok]", warn: "[!]", bad: "[x]" };

    /// Chooses the marks that the locale can show; `IDSE_ASCII=1` always chooses plain ones.
    pub(crate) fn of(env: &Env) -> Self {
        let plain = env.get("IDSE_ASCII").is_some_and(|value| value != "0");
        if !plain && (cfg!(windows) || is_utf8(env)) { Self::UNICODE } else { Self::ASCII }
    }
}

/// The locale as POSIX decides it: the first of the three that is set.
fn is_utf8(env: &Env) -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| env.get(name)).unwrap_or("C");
    let locale = locale.to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

/// A text that is being written, line by line.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) styles: Styles,
    pub(crate) marks: Marks,
    pub(crate) text: String,
}

impl Page {
    pub(crate) fn new(styles: Styles, marks: Marks) -> Self {
        Self { styles, marks, text: String::new() }
    }

    /// Adds a line.
    pub(crate) fn line(&mut self, line: impl fmt::Display) {
        self.text.push_str(&line.to_string());
        self.text.push('\n');
    }

    /// Adds an empty line.
    pub(crate) fn gap(&mut self) {
        self.text.push('\n');
    }

    /// Adds `key: value`.
    pub(crate) fn field(&mut self, key: &str, value: impl fmt::Display) {
        let bold = self.styles.bold;
        let value = value.to_string();
        self.line(format_args!("{bold}{key}:{bold:#} {}", shown(&value)));
    }

    /// Adds a line that reports success.
    pub(crate) fn good(&mut self, line: impl fmt::Display) {
        let (mark, style) = (self.marks.good, self.styles.good);
        self.line(format_args!("{mark} {style}{line}{style:#}"));
    }

    /// Adds a line that asks for attention.
    pub(crate) fn warn(&mut self, line: impl fmt::Display) {
        let (mark, style) = (self.marks.warn, self.styles.warn);
        self.line(format_args!("{mark} {style}{line}{style:#}"));
    }

    /// Adds a line that reports a refusal.
    pub(crate) fn bad(&mut self, line: impl fmt::Display) {
        let (mark, style) = (self.marks.bad, self.styles.bad);
        self.line(format_args!("{mark} {style}{line}{style:#}"));
    }

    /// Adds an indented line that says what to do.
    pub(crate) fn hint(&mut self, line: impl fmt::Display) {
        let style = self.styles.hint;
        self.line(format_args!("{style}hint:{style:#} {line}"));
    }

    /// Adds a table with a heading; columns are as wide as they need to be.
    pub(crate) fn table<const N: usize>(&mut self, heading: [&str; N], rows: &[[String; N]]) {
        let rows: Vec<[String; N]> =
            rows.iter().map(|row| row.each_ref().map(|cell| shown(cell).into_owned())).collect();
        let width = |column: usize| {
            let cells = rows.iter().map(|row| row[column].chars().count());
            cells.chain([heading[column].chars().count()]).max().unwrap_or(0)
        };
        let widths: [usize; N] = std::array::from_fn(width);
        let draw = |cells: [&str; N]| {
            let padded: Vec<String> =
                cells.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
            padded.join("  ").trim_end().to_owned()
        };
        let dim = self.styles.dim;
        self.line(format_args!("{dim}{}{dim:#}", draw(heading)));
        for row in &rows {
            self.line(draw(row.each_ref().map(String::as_str)));
        }
    }
}

/// Returns a text from outside as it may be shown: control characters and direction marks become visible.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if steers(c) {
            safe.extend(c.escape_unicode());
        } else {
            safe.push(c);
        }
    }
    Cow::Owned(safe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_cannot_steer_the_terminal() {
        assert_eq!(shown("Müller & Söhne"), "Müller & Söhne");
        assert_eq!(shown("a\u{1b}[2Jb\nc"), r"a\u{1b}[2Jb\u{a}c");
        assert_eq!(shown("x\u{202e}y\u{9b}z"), r"x\u{202e}y\u{9b}z");
    }

    #[test]
    fn the_locale_decides_the_marks() {
        let marks = |pairs: &[(&str, &str)]| Marks::of(&pairs.iter().copied().collect()).good;
        assert_eq!(marks(&[("LANG", "en_US.UTF-8")]), "✅");
        assert_eq!(marks(&[("LC_ALL", "C.utf8"), ("LANG", "C")]), "✅");
        assert_eq!(marks(&[("LANG", "en_US.UTF-8"), ("IDSE_ASCII", "1")]), "[ok]");
        if !cfg!(windows) {
            assert_eq!(marks(&[("LC_ALL", "C"), ("LANG", "en_US.UTF-8")]), "[ok]");
            assert_eq!(marks(&[]), "[ok]");
        }
    }

    #[test]
    fn columns_are_as_wide_as_they_need_to_be() {
        let mut page = Page::new(Styles::default(), Marks::ASCII);
        page.table(["a", "long"], &[["wide cell".into(), "x".into()], ["é".into(), String::new()]]);
        assert_eq!(page.text, "a          long\nwide cell  x\né\n");
    }
}
