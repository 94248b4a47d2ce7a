//! Verbs on threads of their own, which say how they go on and how they ended by one function of the caller's.
//!
//! What they do is up to the engine; what becomes of their words is up to `lib/door.cjs`.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use idse_core::{Cancel, Context, Progress, verb};
use napi::Env;
use napi::bindgen_prelude::Function;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode::NonBlocking};
use napi_derive::napi;
use serde_json::json;

use crate::{Settings, context, document, panic_if_asked, parse, run};

/// How long a worker or process that ends waits for its verbs to leave everything whole.
const PATIENCE: Duration = Duration::from_secs(2);

thread_local! {
    /// The verbs that this environment started: each has its own thread in Node.
    static RUNNING: RefCell<Vec<(Cancel, JoinHandle<()>)>> = const { RefCell::new(Vec::new()) };
    static HAS_HOOK: Cell<bool> = const { Cell::new(false) };
}

/// A verb that runs.
#[napi]
pub struct Job {
    cancel: Cancel,
}

#[napi]
impl Job {
    /// Asks the verb to stop at its next safe point.
    #[napi]
    pub fn cancel(&self) {
        self.cancel.cancel();
    }
}

/// Starts a verb. `said` is called with its documents: any number of kind `progress` where `progress` asks for them, and
/// at the end exactly one other, the answer or an error.
#[napi]
pub fn start(
    env: Env,
    verb: String,
    arguments: String,
    settings: Settings,
    progress: bool,
    said: Function<String, ()>,
) -> napi::Result<Job> {
    let cancel = Cancel::default();
    let context = context(&settings).map(|context| Context { cancel: cancel.clone(), ..context });
    let said = said.build_threadsafe_function().build()?;
    let said: Arc<ThreadsafeFunction<String, (), String, napi::Status, false>> = Arc::new(said);
    let thread = std::thread::Builder::new().name("idse".into()).spawn(move || {
        let answer = document(|| {
            panic_if_asked(&verb);
            let mut context = context?;
            if progress {
                let said = Arc::clone(&said);
                context.progress = Some(Arc::new(move |step| {
                    said.call(progress_document(step), NonBlocking);
                }));
            }
            run(&verb, &parse(&arguments)?, settings.utf16 == Some(true), &context)
        });
        // Refused only where the environment is gone, and nobody listens any more.
        said.call(answer, NonBlocking);
    })?;
    remember(env, cancel.clone(), thread)?;
    Ok(Job { cancel })
}

fn progress_document(step: &Progress) -> String {
    let Progress { doing, what, done, total } = step;
    let fields = json!({ "doing": doing, "what": what, "done": done, "total": total });
    verb::document("progress", &fields).unwrap_or_default().to_string()
}

/// Keeps the verb, so that an environment that ends stops it instead of cutting it off.
fn remember(env: Env, cancel: Cancel, thread: JoinHandle<()>) -> napi::Result<()> {
    RUNNING.with_borrow_mut(|running| {
        running.retain(|(_, thread)| !thread.is_finished());
        running.push((cancel, thread));
    });
    if !HAS_HOOK.replace(true) {
        env.add_env_cleanup_hook((), |()| stop_all())?;
    }
    Ok(())
}

fn stop_all() {
    let running = RUNNING.take();
    running.iter().for_each(|(cancel, _)| cancel.cancel());
    let mut left = PATIENCE;
    let step = Duration::from_millis(5);
    while running.iter().any(|(_, thread)| !thread.is_finished()) && !left.is_zero() {
        std::thread::sleep(step);
        left = left.saturating_sub(step);
    }
}
