//! Verbs on threads beside Node's, which say how they go on and how they ended by one function of the caller's.
//!
//! What they do is up to the engine; what becomes of their words is up to `lib/door.cjs`.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
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

/// How many threads without a verb are kept: one that was just used has its memory at hand.
const IDLE: usize = 4;

thread_local! {
    /// The threads of the verbs that this environment started; it has a thread of its own in Node.
    static WORKERS: RefCell<Vec<Worker>> = const { RefCell::new(Vec::new()) };
    static HAS_HOOK: Cell<bool> = const { Cell::new(false) };
}

type Work = Box<dyn FnOnce() + Send>;

/// A thread that does one verb after the other, until nobody can give it one any more.
struct Worker {
    works: Sender<(Work, Arc<AtomicBool>)>,
    /// Whether its last verb is done, and how to stop it.
    last: (Arc<AtomicBool>, Cancel),
    thread: JoinHandle<()>,
}

impl Worker {
    fn start() -> std::io::Result<Self> {
        let (works, given) = channel::<(Work, Arc<AtomicBool>)>();
        let run = move || {
            for (work, is_done) in given {
                work();
                is_done.store(true, Ordering::Release);
            }
        };
        let thread = std::thread::Builder::new().name("idse".into()).spawn(run)?;
        Ok(Self { works, last: (Arc::new(AtomicBool::new(true)), Cancel::default()), thread })
    }

    fn is_idle(&self) -> bool {
        self.last.0.load(Ordering::Acquire)
    }

    fn give(&mut self, work: Work, cancel: Cancel) {
        let is_done = Arc::new(AtomicBool::new(false));
        self.last = (Arc::clone(&is_done), cancel);
        // It ends only after its environment.
        drop(self.works.send((work, is_done)));
    }
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
    let work = move || {
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
    };
    hand_over(env, Box::new(work), cancel.clone())?;
    Ok(Job { cancel })
}

fn progress_document(step: &Progress) -> String {
    let Progress { doing, what, done, total } = step;
    let fields = json!({ "doing": doing, "what": what, "done": done, "total": total });
    verb::document("progress", &fields).unwrap_or_default().to_string()
}

/// Gives the work to a thread, and sees to it that an environment that ends stops it instead of cutting it off.
fn hand_over(env: Env, work: Work, cancel: Cancel) -> napi::Result<()> {
    WORKERS.with_borrow_mut(|workers| -> std::io::Result<()> {
        let mut idle = 0;
        workers.retain(|worker| {
            idle += usize::from(worker.is_idle());
            !worker.is_idle() || idle <= IDLE
        });
        let at = match workers.iter().position(Worker::is_idle) {
            Some(at) => at,
            None => {
                workers.push(Worker::start()?);
                workers.len() - 1
            }
        };
        workers[at].give(work, cancel);
        Ok(())
    })?;
    if !HAS_HOOK.replace(true) {
        env.add_env_cleanup_hook((), |()| stop_all())?;
    }
    Ok(())
}

fn stop_all() {
    let threads: Vec<_> = WORKERS
        .take()
        .into_iter()
        .map(|Worker { works, last, thread }| {
            last.1.cancel();
            drop(works);
            thread
        })
        .collect();
    let mut left = PATIENCE;
    let step = Duration::from_millis(5);
    while threads.iter().any(|thread| !thread.is_finished()) && !left.is_zero() {
        std::thread::sleep(step);
        left = left.saturating_sub(step);
    }
}
