//! What a verb gets from its caller: cancellation, progress, a deadline, the clock, random ids, the environment.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::name::OpId;

/// A flag that asks a running verb to stop. Clones share the flag.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<Flag>);

#[derive(Default)]
struct Flag {
    is_set: AtomicBool,
    /// Who is asked at each look.
    ask: Option<Box<dyn Fn() -> bool + Send + Sync>>,
    /// How many looks at the flag are left until it sets itself; zero: it never does.
    looks: AtomicU64,
}

impl Cancel {
    /// Creates a flag that sets itself when it is looked at for the n-th time: what a test needs that stops a verb
    /// at each of its safe points in turn. Zero never sets itself.
    pub fn at(look: u64) -> Self {
        Self(Arc::new(Flag { looks: AtomicU64::new(look), ..Flag::default() }))
    }

    /// Creates a flag that asks whenever it is looked at, and sets itself once the answer is yes: for a caller who hears
    /// of a wish to stop on the thread that runs the verb. Verbs look often, on several threads, and never wait longer
    /// than 50 ms between two looks of their first thread.
    ///
    /// ```
    /// let cancel = idse_core::Cancel::asking(|| true);
    /// assert!(cancel.is_cancelled());
    /// ```
    pub fn asking(ask: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(Flag { ask: Some(Box::new(ask)), ..Flag::default() }))
    }

    /// Asks every verb that holds a clone to stop at its next safe point.
    pub fn cancel(&self) {
        self.0.is_set.store(true, Ordering::Relaxed);
    }

    /// Tells whether both are clones of one flag.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Tells whether somebody asked to stop.
    pub fn is_cancelled(&self) -> bool {
        let left = self.0.looks.load(Ordering::Relaxed);
        if left > 0 {
            self.0.looks.store(left - 1, Ordering::Relaxed);
            if left == 1 {
                self.cancel();
            }
        }
        if !self.0.is_set.load(Ordering::Relaxed) && self.0.ask.as_ref().is_some_and(|ask| ask()) {
            self.cancel();
        }
        self.0.is_set.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flag").field("is_set", &self.is_set).finish_non_exhaustive()
    }
}

/// One step of a verb that takes time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// What is being done, as two or three words: `validating`, `reading the agency`.
    pub doing: &'static str,
    /// On what: a session or a stage.
    pub what: String,
    /// How many are done.
    pub done: u64,
    /// How many there are, where that is known.
    pub total: Option<u64>,
}

/// The time, and the ids that must not repeat.
pub trait Clock: Send + Sync {
    /// Returns the time of day.
    fn now(&self) -> Timestamp;
    /// Returns the time since some fixed moment; it never goes backwards.
    fn monotonic(&self) -> Duration;
    /// Returns an id that nobody else gets.
    fn unique(&self) -> Uuid;
    /// Waits.
    fn sleep(&self, duration: Duration);
}

/// The clock and the random numbers of the system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the system's clock")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that reads the system's clock")]
    fn monotonic(&self) -> Duration {
        static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
        START.get_or_init(std::time::Instant::now).elapsed()
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that draws random ids")]
    fn unique(&self) -> Uuid {
        Uuid::new_v4()
    }

    fn sleep(&self, duration: Duration) {
        std::thread::sleep(duration);
    }
}

/// Environment variables as a value; empty unless the caller fills it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Env(BTreeMap<OsString, OsString>);

impl Env {
    /// Returns the variables of this process.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the process environment")]
    pub fn of_process() -> Self {
        Self(std::env::vars_os().collect())
    }

    /// Sets a variable, or takes it away.
    pub fn set(&mut self, name: impl Into<OsString>, value: Option<impl Into<OsString>>) {
        let name = name.into();
        match value {
            Some(value) => drop(self.0.insert(name, value.into())),
            None => drop(self.0.remove(&name)),
        }
    }

    /// Returns the value of a variable; one that is empty or not UTF-8 counts as not set.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(std::ffi::OsStr::new(name))?.to_str().filter(|value| !value.is_empty())
    }

    /// Returns the value of a variable as a path.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.0.get(std::ffi::OsStr::new(name)).filter(|value| !value.is_empty()).map(PathBuf::from)
    }

    /// Returns the user's home folder.
    pub fn home(&self) -> Option<PathBuf> {
        self.path(if cfg!(windows) { "USERPROFILE" } else { "HOME" })
    }
}

impl<K: Into<OsString>, V: Into<OsString>> FromIterator<(K, V)> for Env {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(k, v)| (k.into(), v.into())).collect())
    }
}

/// Prints names only: values may be secrets.
impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

type ProgressFn = Arc<dyn Fn(&Progress) + Send + Sync>;

/// What every verb takes from its caller.
///
/// ```
/// let context = idse_core::Context::default();
/// assert!(context.check().is_ok());
/// context.cancel.cancel();
/// assert_eq!(context.check().unwrap_err().kind(), idse_core::ErrorKind::Cancelled);
/// ```
#[derive(Clone)]
pub struct Context {
    /// Polled between effects, and at least every 50 ms while waiting.
    pub cancel: Cancel,
    /// Called at every step; must return at once.
    pub progress: Option<ProgressFn>,
    /// How long a verb may wait for locks and servers, measured by [`Clock::monotonic`] from its call.
    pub deadline: Option<Duration>,
    /// The time and random ids.
    pub clock: Arc<dyn Clock>,
    /// The environment variables that the verb may see.
    pub env: Env,
    /// Verbs that only look at many sessions may keep what they found, and take what was kept, as long as nothing
    /// that it came from has changed. `IDSE_NO_CACHE` in the environment forbids it too.
    pub cache: bool,
}

impl Context {
    /// Returns the context of an ordinary program: the system's clock and the process environment.
    pub fn of_process() -> Self {
        Self { env: Env::of_process(), ..Self::default() }
    }

    /// Returns an error if the caller asked to stop.
    ///
    /// # Errors
    /// [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled).
    pub fn check(&self) -> Result<()> {
        if self.cancel.is_cancelled() { Err(Error::cancelled()) } else { Ok(()) }
    }

    /// Reports a step.
    pub(crate) fn step(&self, doing: &'static str, what: impl fmt::Display, done: u64, total: Option<u64>) {
        if let Some(progress) = &self.progress {
            progress(&Progress { doing, what: what.to_string(), done, total });
        }
    }

    /// Returns the time as RFC 3339 in UTC with microseconds.
    pub(crate) fn timestamp(&self) -> String {
        format!("{:.6}", self.clock.now())
    }

    /// Returns a new operation id.
    pub(crate) fn op(&self) -> OpId {
        OpId::new(self.clock.unique())
    }
}

impl Default for Context {
    fn default() -> Self {
        Self {
            cancel: Cancel::default(),
            progress: None,
            deadline: None,
            clock: Arc::new(SystemClock),
            env: Env::default(),
            cache: true,
        }
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("cancel", &self.cancel)
            .field("deadline", &self.deadline)
            .field("env", &self.env)
            .field("cache", &self.cache)
            .finish_non_exhaustive()
    }
}
