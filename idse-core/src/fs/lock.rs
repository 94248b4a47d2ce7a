//! The lock: one file, held by the kernel for an open handle, so that it is free when its holder is gone.

use std::fs::{File, TryLockError};
use std::time::Duration;

use super::{Dir, parent, system};
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};

/// How long to wait where the caller set no deadline.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long to sleep between two tries; a cancel is seen after at most that long.
const PAUSE: Duration = Duration::from_millis(25);

/// The workspace lock; dropped, or with the process, it is free.
#[derive(Debug)]
pub(crate) struct Lock {
    // Closing the handle frees the lock. The file itself stays: removing it would let two holders in.
    _file: File,
}

impl Dir {
    /// Takes the lock file, waiting up to the context's deadline (10 s without one).
    pub(crate) fn lock(&self, rel: &str, context: &Context) -> Result<Lock> {
        self.create_dirs(parent(rel))?;
        let opened = self.place(rel).and_then(|place| system::open_lock(&place.folder, place.name));
        let file = opened.map_err(|error| self.failure(rel, "open the lock", error))?;
        let end = context.clock.monotonic() + context.deadline.unwrap_or(PATIENCE);
        loop {
            context.check()?;
            match file.try_lock() {
                Ok(()) => return Ok(Lock { _file: file }),
                Err(TryLockError::Error(error)) => return Err(self.failure(rel, "lock", error)),
                Err(TryLockError::WouldBlock) => {}
            }
            let left = end.saturating_sub(context.clock.monotonic());
            if left.is_zero() {
                let path = self.path.join(rel).display().to_string();
                return Err(Error::new(
                    ErrorKind::Locked,
                    "another idse command is working in this workspace",
                )
                .with_hint("Wait until it is done and try again.")
                .with("path", path));
            }
            context.clock.sleep(PAUSE.min(left));
        }
    }
}
