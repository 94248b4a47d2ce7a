//! One verb on a thread of its own, while the calling thread waits without the interpreter, looks for Ctrl-C and
//! hands on what is reported.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use idse_core::{Cancel, Context, Error, ErrorKind, Progress, Result, verb};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde_json::Value;

use crate::convert;

/// How long to wait between two looks for a signal. With the engine's own 50 ms a Ctrl-C is obeyed within 100 ms.
const TICK: Duration = Duration::from_millis(20);

enum Event {
    Step(Progress),
    Done(Result<Value>),
}

/// Does what a verb of the engine does, and returns its document.
///
/// `progress` is called with a dictionary at every step, on this thread; what it raises stops the verb. `timeout` is
/// how many seconds the verb may wait for locks and servers. Ctrl-C stops it, too, and leaves everything whole.
#[pyfunction]
#[pyo3(signature = (verb, arguments, progress = None, timeout = None))]
pub(crate) fn call<'py>(
    py: Python<'py>,
    verb: String,
    arguments: &Bound<'py, PyDict>,
    progress: Option<&Bound<'py, PyAny>>,
    timeout: Option<f64>,
) -> PyResult<Bound<'py, PyAny>> {
    let arguments = convert::from_python(arguments)?;
    let deadline = timeout.map(Duration::try_from_secs_f64).transpose();
    let deadline = deadline.map_err(|_| PyValueError::new_err("timeout: a number of seconds from 0 on"))?;
    let (sender, events) = mpsc::channel();
    let context = Context { deadline, progress: reporter(progress, &sender), ..Context::of_process() };
    let cancel = context.cancel.clone();
    let work = move || drop(sender.send(Event::Done(guarded(|| perform(&verb, &arguments, &context)))));
    std::thread::Builder::new().name("idse".to_owned()).spawn(work)?;
    let (answer, stopped) = wait(py, events, &cancel, progress);
    match (answer, stopped) {
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

type Report = Arc<dyn Fn(&Progress) + Send + Sync>;

fn reporter(progress: Option<&Bound<'_, PyAny>>, sender: &Sender<Event>) -> Option<Report> {
    progress?;
    let sender = sender.clone();
    // Nobody listens any more only when the caller is gone, and then nobody wants to know.
    Some(Arc::new(move |step| drop(sender.send(Event::Step(step.clone())))))
}

/// A defect must not end the interpreter, nor pass by `except Exception`.
fn guarded(work: impl FnOnce() -> Result<Value>) -> Result<Value> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
        Err(broken(&format!("the engine panicked: {text}")))
    })
}

fn broken(message: &str) -> Error {
    Error::new(ErrorKind::Internal, message)
        .with_reason("panic")
        .with_hint("This is a defect of idse; please report it with the call that showed it.")
}

/// Waits for the end, whatever happens: the lock and the files are in order only when the verb is back.
fn wait(
    py: Python<'_>,
    mut events: Receiver<Event>,
    cancel: &Cancel,
    progress: Option<&Bound<'_, PyAny>>,
) -> (Result<Value>, Option<PyErr>) {
    let mut stopped = None;
    loop {
        // Moved in, because only the one who waits may hold a receiver.
        let receiver = &mut events;
        let event = py.detach(move || receiver.recv_timeout(TICK));
        let listened = match event {
            Ok(Event::Done(answer)) => return (answer, stopped),
            Ok(Event::Step(step)) if stopped.is_none() => report(py, &step, progress),
            Ok(Event::Step(_)) | Err(RecvTimeoutError::Timeout) => Ok(()),
            Err(RecvTimeoutError::Disconnected) => {
                return (Err(broken("the engine's thread is gone")), stopped);
            }
        };
        if let Err(error) = listened.and_then(|()| py.check_signals()) {
            cancel.cancel();
            // A second Ctrl-C does not make it faster, and the first says who stopped it.
            stopped.get_or_insert(error);
        }
    }
}

fn report(py: Python<'_>, step: &Progress, progress: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
    let Some(progress) = progress else { return Ok(()) };
    let fields = PyDict::new(py);
    fields.set_item("doing", step.doing)?;
    fields.set_item("what", &step.what)?;
    fields.set_item("done", step.done)?;
    fields.set_item("total", step.total)?;
    progress.call1((fields,)).map(drop)
}
