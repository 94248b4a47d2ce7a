//! Answers on standard output, everything else on standard error.
//!
//! With `--json` exactly one document goes to standard output; it carries `schema` and `kind`.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::{self, IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};
use idse_core::{Error, ErrorKind, Result, verb};
use serde::Serialize;
use serde_json::Value;

use crate::args::Global;
use crate::page::{Marks, Page, Styles, shown};
use crate::progress::Line;

/// How answers and messages are shown.
pub(crate) struct Output {
    pub(crate) json: bool,
    pub(crate) quiet: bool,
    verbose: u8,
    marks: Marks,
    out: bool,
    err: bool,
    /// What moves on standard error until the answer comes.
    line: RefCell<Option<Line>>,
    warned: RefCell<BTreeSet<String>>,
}

impl Output {
    pub(crate) fn new(global: &Global, marks: Marks, line: Option<Line>) -> Self {
        let choice = match global.color {
            clap::ColorChoice::Auto => ColorChoice::Auto,
            clap::ColorChoice::Always => ColorChoice::Always,
            clap::ColorChoice::Never => ColorChoice::Never,
        };
        Self {
            json: global.json,
            quiet: global.quiet,
            verbose: global.verbose,
            marks,
            out: coloured(choice, &io::stdout()),
            err: coloured(choice, &io::stderr()),
            line: RefCell::new(line),
            warned: RefCell::default(),
        }
    }

    /// Tells whether answers are coloured.
    pub(crate) fn color(&self) -> bool {
        self.out && !self.json
    }

    /// Answers a question: the document with `--json`, else the text.
    pub(crate) fn answer(
        &self,
        kind: &str,
        value: &impl Serialize,
        text: impl FnOnce(&mut Page),
    ) -> Result<()> {
        if self.json {
            self.settle();
            return document(kind, value);
        }
        let mut page = Page::new(Styles::new(self.out), self.marks);
        text(&mut page);
        self.print(&page.text)
    }

    /// Reports what was done: like [`Output::answer`], but `--quiet` keeps the text back.
    pub(crate) fn report(
        &self,
        kind: &str,
        value: &impl Serialize,
        text: impl FnOnce(&mut Page),
    ) -> Result<()> {
        if self.quiet && !self.json { Ok(()) } else { self.answer(kind, value, text) }
    }

    /// Prints an answer as it is.
    pub(crate) fn print(&self, text: &str) -> Result<()> {
        self.settle();
        // What was not coloured here is data, and data is not to be touched on its way.
        let written = if self.out {
            write_all(&mut AutoStream::new(io::stdout().lock(), ColorChoice::Always), text)
        } else {
            write_all(&mut io::stdout().lock(), text)
        };
        finish(written)
    }

    /// Says something beside the answer, unless `--quiet` or `--json`, whose document has it.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet && !self.json {
            self.err(|page| page.line(shown(text)));
        }
    }

    /// Warns beside the answer, once for each reason, unless `--quiet`.
    pub(crate) fn warning(&self, text: &str) {
        if !self.quiet && self.warned.borrow_mut().insert(text.to_owned()) {
            self.err(|page| {
                let style = page.styles.warn;
                page.line(format_args!("{style}warning:{style:#} {}", shown(text)));
            });
        }
    }

    /// Says something with `-v`.
    pub(crate) fn detail(&self, text: &str) {
        if self.verbose > 0 {
            self.err(|page| {
                let dim = page.styles.dim;
                page.line(format_args!("{dim}{}{dim:#}", shown(text)));
            });
        }
    }

    /// Takes away what moves: from here on only lines that stay are written.
    pub(crate) fn settle(&self) {
        drop(self.line.take());
    }

    /// Does something on standard error that nothing may move under.
    pub(crate) fn pause<T>(&self, work: impl FnOnce() -> T) -> T {
        match &*self.line.borrow() {
            Some(line) => line.pause(work),
            None => work(),
        }
    }

    /// Reports an error: its sentence, what it is about with `-v`, and what to do.
    pub(crate) fn error(&self, error: &Error) {
        self.err(|page| {
            let bad = page.styles.bad;
            page.line(format_args!("{bad}error:{bad:#} {}", shown(error.message())));
            if self.verbose > 0 {
                for (key, value) in error.context() {
                    page.line(format_args!("  {key}: {}", shown(value)));
                }
                let mut source = std::error::Error::source(error);
                while let Some(cause) = source {
                    page.line(format_args!("  cause: {}", shown(&cause.to_string())));
                    source = cause.source();
                }
            }
            if let Some(hint) = error.hint() {
                page.hint(shown(hint));
            }
        });
    }

    /// Says what went wrong where no [`Error`] stands for it, `--quiet` or not.
    pub(crate) fn trouble(&self, text: &str) {
        self.err(|page| {
            let bad = page.styles.bad;
            page.line(format_args!("{bad}error:{bad:#} {}", shown(text)));
        });
    }

    fn err(&self, text: impl FnOnce(&mut Page)) {
        let mut page = Page::new(Styles::new(self.err), self.marks);
        text(&mut page);
        // Where standard error is closed, nobody is there to be told.
        self.pause(|| {
            drop(write_all(&mut AutoStream::new(io::stderr().lock(), self.err_choice()), &page.text));
        });
    }

    fn err_choice(&self) -> ColorChoice {
        if self.err { ColorChoice::Always } else { ColorChoice::Never }
    }
}

fn coloured(choice: ColorChoice, stream: &impl anstream::stream::RawStream) -> bool {
    match choice {
        ColorChoice::Auto => AutoStream::choice(stream) != ColorChoice::Never,
        ColorChoice::Never => false,
        ColorChoice::Always | ColorChoice::AlwaysAnsi => true,
    }
}

/// Tells whether a person sits there: only then may a question be asked.
pub(crate) fn is_attended() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Prints a document: `schema` and `kind`, then the fields of `value`.
pub(crate) fn document(kind: &str, value: &impl Serialize) -> Result<()> {
    print_document(&verb::document(kind, value)?)
}

/// Prints the document of an error.
pub(crate) fn error_document(error: &Error) -> Result<()> {
    print_document(&verb::error_document(error))
}

fn print_document(document: &Value) -> Result<()> {
    let mut text = serde_json::to_string_pretty(document).unwrap_or_default();
    text.push('\n');
    finish(write_all(&mut io::stdout().lock(), &text))
}

fn write_all(stream: &mut impl Write, text: &str) -> io::Result<()> {
    stream.write_all(text.as_bytes())?;
    stream.flush()
}

/// A reader that has seen enough is no error; an answer that could not be written is one.
fn finish(written: io::Result<()>) -> Result<()> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::new(ErrorKind::Io, format!("cannot write the answer to standard output: {error}"))
                .with_source(error))
        }
        _ => Ok(()),
    }
}
