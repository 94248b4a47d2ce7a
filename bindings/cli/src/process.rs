//! The process around a verb: panics, signals, and the difference between them.

use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use idse_core::{Cancel, Error, ErrorKind};

use crate::exit::Exit;
use crate::output;

const APOLOGY: &str = "\
idse stopped because of a defect in idse itself. Nothing that you wrote is lost: files are replaced as a whole
or not at all, and what was replaced is kept. Please report what you did together with the lines below; `idse
doctor` says whether something is left to be settled.";

/// Replaces the message of a panic by an apology that says what matters now.
pub(crate) fn apologise_for_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let version = env!("CARGO_PKG_VERSION");
        // Where standard error is closed, nobody is there to be told.
        drop(writeln!(std::io::stderr(), "{APOLOGY}\n\n  idse {version}: {panic}"));
    }));
}

/// Runs `work`; a panic becomes the exit code of a defect, and an error document with `--json`.
pub(crate) fn guarded(json: bool, work: impl FnOnce() -> Exit) -> Exit {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        if json {
            let error = Error::new(ErrorKind::Internal, "idse stopped because of a defect in idse itself")
                .with_reason("panic");
            drop(output::error_document(&error));
        }
        Exit::DEFECT
    })
}

/// Makes Ctrl-C, SIGTERM and SIGHUP ask the running verb to stop at its next safe point.
///
/// A second one, or one while a person is asked something, ends the process at once: every write is safe against that.
pub(crate) fn listen(cancel: Cancel, waiting: Arc<AtomicBool>) {
    let heard = ctrlc::set_handler(move || {
        if cancel.is_cancelled() || waiting.load(Ordering::SeqCst) {
            std::process::exit(i32::from(Exit::INTERRUPTED.code()));
        }
        cancel.cancel();
    });
    // Without a handler the signal ends the process, which every write is safe against.
    drop(heard);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_defect() {
        let exit = guarded(false, || panic!("for the test"));
        assert_eq!(exit, Exit::DEFECT);
        assert_eq!(guarded(false, || Exit::CONFLICT), Exit::CONFLICT);
    }
}
