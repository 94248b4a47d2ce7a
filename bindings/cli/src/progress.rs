//! A moving line on standard error for work that takes longer than a blink.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use idse_core::{Context, Progress};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::page::shown;

/// Work that ends before this shows nothing: a line that flickers tells nobody anything.
const PATIENCE: Duration = Duration::from_millis(100);

/// The line; it goes away when dropped.
pub(crate) struct Line {
    bar: ProgressBar,
    done: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Shows the progress of the verbs that get `context`, on terminals only.
pub(crate) fn show(context: &mut Context) -> Option<Line> {
    if !std::io::stderr().is_terminal() || context.env.get("TERM") == Some("dumb") {
        return None;
    }
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
        bar.set_style(style);
    }
    let (done, waiting) = mpsc::channel();
    let late = bar.clone();
    let thread = std::thread::spawn(move || {
        if waiting.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            late.set_draw_target(ProgressDrawTarget::stderr());
            late.enable_steady_tick(PATIENCE);
        }
    });
    let told = bar.clone();
    context.progress = Some(Arc::new(move |progress: &Progress| told.set_message(sentence(progress))));
    Some(Line { bar, done: Some(done), thread: Some(thread) })
}

fn sentence(progress: &Progress) -> String {
    let Progress { doing, what, done, total } = progress;
    let what = shown(what);
    match total {
        Some(total) if *total > 1 => format!("{doing} {what} ({done}/{total})"),
        _ => format!("{doing} {what}"),
    }
}

impl Line {
    /// Takes the line away while a person is asked something.
    pub(crate) fn pause<T>(&self, ask: impl FnOnce() -> T) -> T {
        self.bar.suspend(ask)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        drop(self.done.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_reads_as_a_sentence() {
        let mut progress =
            Progress { doing: "validating", what: "portal/s1".into(), done: 2, total: Some(9) };
        assert_eq!(sentence(&progress), "validating portal/s1 (2/9)");
        progress.total = None;
        assert_eq!(sentence(&progress), "validating portal/s1");
    }
}
