//! One verb, on the calling thread and without the interpreter, which is taken back now and then to look for Ctrl-C and
//! to hand on what is reported.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use idse_core::{Cancel, Clock as _, Context, Progress, Result, SystemClock, verb};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde_json::Value;

use crate::convert;

/// How long to leave the interpreter alone. With the engine's own 50 ms a Ctrl-C is obeyed within 100 ms.
const TICK: Duration = Duration::from_millis(20);

/// Does what a verb of the engine does, and returns its document.
///
/// `progress` is called with a dictionary at every step, on this thread; what it raises stops the verb. `timeout` is
/// how many seconds the verb may wait for locks and servers. Ctrl-C stops it, too, and leaves everything whole.
#[pyfunction]
#[pyo3(signature = (verb, arguments, progress = None, timeout = None))]
pub(crate) fn call<'py>(
    py: Python<'py>,
    verb: &str,
    arguments: &Bound<'py, PyDict>,
    progress: Option<Py<PyAny>>,
    timeout: Option<f64>,
) -> PyResult<Bound<'py, PyAny>> {
    let arguments = convert::from_python(arguments)?;
    let deadline = timeout.map(Duration::try_from_secs_f64).transpose();
    let deadline = deadline.map_err(|_| PyValueError::new_err("timeout: a number of seconds from 0 on"))?;
    let caller = Arc::new(Caller::new(progress));
    let context =
        Context { deadline, progress: reporter(&caller), cancel: cancel(&caller), ..Context::of_process() };
    // A defect must not end the interpreter, nor pass by `except Exception`.
    let answer = py.detach(|| verb::guarded(|| perform(verb, &arguments, &context)));
    caller.listen(py);
    match (answer, caller.stopped().take()) {
        (Ok(document), None) => convert::to_python(py, &document),
        (Err(error), None) => Err(convert::exception(py, &error)),
        (Ok(_), Some(stopped)) => Err(stopped),
        (Err(error), Some(stopped)) => {
            stopped.set_cause(py, Some(convert::exception(py, &error)));
            Err(stopped)
        }
    }
}

fn perform(verb: &str, arguments: &Value, context: &Context) -> Result<Value> {
    #[cfg(feature = "testing")]
    assert_ne!(verb, "panic", "asked to panic");
    verb::call(verb, arguments, context)
}

/// The Python program that waits for a verb.
struct Caller {
    thread: ThreadId,
    progress: Option<Py<PyAny>>,
    /// What was reported and not yet handed on.
    steps: Mutex<Vec<Progress>>,
    /// When the interpreter was last asked, in milliseconds.
    asked: AtomicU64,
    /// What stopped the verb.
    stopped: Mutex<Option<PyErr>>,
}

impl Caller {
    fn new(progress: Option<Py<PyAny>>) -> Self {
        let thread = thread::current().id();
        Self {
            thread,
            progress,
            steps: Mutex::default(),
            asked: AtomicU64::new(now()),
            stopped: Mutex::default(),
        }
    }

    fn stopped(&self) -> MutexGuard<'_, Option<PyErr>> {
        self.stopped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells whether the verb should stop. Signals and reports belong to the thread that called; the others only hear
    /// what came of them.
    fn wants_to_stop(&self) -> bool {
        let is_time =
            || now().saturating_sub(self.asked.load(Ordering::Relaxed)) >= u64::from(TICK.subsec_millis());
        if thread::current().id() == self.thread && is_time() {
            Python::attach(|py| self.listen(py));
        }
        self.stopped().is_some()
    }

    /// Takes a step, on whatever thread it happens.
    fn take(&self, step: &Progress) {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner).push(step.clone());
        if thread::current().id() == self.thread {
            Python::attach(|py| self.listen(py));
        }
    }

    /// Hands on what was reported, and lets Python's signal handlers run. The first that raises says what stopped the
    /// verb: a second Ctrl-C does not make it faster.
    fn listen(&self, py: Python<'_>) {
        let steps = std::mem::take(&mut *self.steps.lock().unwrap_or_else(PoisonError::into_inner));
        let told = || steps.iter().try_for_each(|step| report(py, step, self.progress.as_ref()));
        let is_stopped = self.stopped().is_some();
        let listened = if is_stopped { Ok(()) } else { told() };
        if let Err(error) = listened.and_then(|()| py.check_signals()) {
            self.stopped().get_or_insert(error);
        }
        self.asked.store(now(), Ordering::Relaxed);
    }
}

fn now() -> u64 {
    u64::try_from(SystemClock.monotonic().as_millis()).unwrap_or(u64::MAX)
}

fn cancel(caller: &Arc<Caller>) -> Cancel {
    let caller = Arc::clone(caller);
    Cancel::asking(move || caller.wants_to_stop())
}

type Report = Arc<dyn Fn(&Progress) + Send + Sync>;

fn reporter(caller: &Arc<Caller>) -> Option<Report> {
    caller.progress.as_ref()?;
    let caller = Arc::clone(caller);
    Some(Arc::new(move |step| caller.take(step)))
}

fn report(py: Python<'_>, step: &Progress, progress: Option<&Py<PyAny>>) -> PyResult<()> {
    let Some(progress) = progress else { return Ok(()) };
    let fields = PyDict::new(py);
    fields.set_item("doing", step.doing)?;
    fields.set_item("what", &step.what)?;
    fields.set_item("done", step.done)?;
    fields.set_item("total", step.total)?;
    progress.call1(py, (fields,)).map(drop)
}
