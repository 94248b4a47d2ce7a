//! The context as a handle: cancellation, progress, patience, environment.

use std::ffi::{c_char, c_void};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use idse_core::{Cancel, Context};

use crate::error::ErrorHandle;
use crate::guard::{checked, free, pointer};
use crate::status::Status;
use crate::text::{optional, owned, required, wrong};

/// How a call goes about its work. Free it with `idse_context_free`; a call that runs with it goes on.
pub struct ContextHandle {
    cancel: Cancel,
    context: Mutex<Context>,
}

impl ContextHandle {
    /// Returns the context for one call.
    pub(crate) fn get(&self) -> Context {
        self.context.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self, change: impl FnOnce(&mut Context)) {
        change(&mut self.context.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// One step of a verb that takes time. It is there during the callback only.
#[repr(C)]
#[derive(Debug)]
pub struct Progress {
    /// What is being done, as two or three words.
    pub doing: *const c_char,
    /// On what: a session or a stage.
    pub what: *const c_char,
    /// How many are done.
    pub done: u64,
    /// How many there are; 0 where that is not known.
    pub total: u64,
}

/// Is told every step, on the thread that does it, which need not be the one that called; several may tell at once.
/// It must return at once, and must not call a verb.
pub type ProgressFn = Option<unsafe extern "C" fn(progress: *const Progress, user: *mut c_void)>;

/// The caller's pointer, handed back untouched.
struct User(*mut c_void);
// SAFETY: the library only hands it back; that the caller's callback may use it on every thread is in its contract.
unsafe impl Send for User {}
// SAFETY: as above.
unsafe impl Sync for User {}

/// Makes a context with the environment of this process. NULL only where the library has a defect.
#[unsafe(no_mangle)]
pub extern "C" fn idse_context_new() -> *mut ContextHandle {
    pointer(|| {
        let context = Context::of_process();
        let cancel = context.cancel.clone();
        Box::into_raw(Box::new(ContextHandle { cancel, context: Mutex::new(context) }))
    })
}

/// Frees a context; NULL is nothing.
///
/// # Safety
/// `context` is NULL or a context that was not freed yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn idse_context_free(context: *mut ContextHandle) {
    // SAFETY: the caller's promise.
    unsafe { free(context) };
}

/// Asks every call with this context to stop at its next safe point: it ends with `IDSE_STATUS_CANCELLED`, or with
/// `IDSE_STATUS_UNSETTLED` where a write was on its way. The context stays cancelled; make a new one to go on. May be
/// called from every thread and from a signal handler.
///
/// # Safety
/// As for `idse_context_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn idse_context_cancel(context: *const ContextHandle) {
    // SAFETY: the caller's promise.
    if let Some(context) = unsafe { context.as_ref() } {
        context.cancel.cancel();
    }
}

/// Sets how long each call may wait for locks and servers; 0 is as long as the configuration says.
///
/// # Safety
/// As for `idse_context_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn idse_context_set_timeout(context: *const ContextHandle, milliseconds: u64) {
    // SAFETY: the caller's promise.
    if let Some(context) = unsafe { context.as_ref() } {
        let deadline = (milliseconds > 0).then(|| Duration::from_millis(milliseconds));
        context.change(|context| context.deadline = deadline);
    }
}

/// Sets who is told what is going on; NULL is nobody. `user` is handed back with every step.
///
/// # Safety
/// As for `idse_context_free`; `user` may be used by `callback` on every thread while a call with this context runs.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn idse_context_set_progress(
    context: *const ContextHandle,
    callback: ProgressFn,
    user: *mut c_void,
) {
    // SAFETY: the caller's promise.
    let Some(context) = (unsafe { context.as_ref() }) else { return };
    let user = User(user);
    context.change(|context| {
        context.progress = None;
        let Some(callback) = callback else { return };
        context.progress = Some(Arc::new(move |step: &idse_core::Progress| {
            let user = &user;
            let (doing, what) = (owned(step.doing), owned(&step.what));
            let progress = Progress {
                doing: doing.as_ptr(),
                what: what.as_ptr(),
                done: step.done,
                total: step.total.unwrap_or_default(),
            };
            // SAFETY: the caller's promise; the texts live until the callback returns.
            unsafe { callback(&raw const progress, user.0) };
        }));
    });
}

/// Sets an environment variable for the calls with this context, and only for them; a NULL `value` takes it away.
///
/// # Safety
/// As for `idse_context_free`; `name` and `value` are NULL or texts.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn idse_context_set_env(
    context: *const ContextHandle,
    name: *const c_char,
    value: *const c_char,
    error: *mut *mut ErrorHandle,
) -> Status {
    let work = || {
        // SAFETY: the caller's promise.
        let handle = unsafe { context.as_ref() }.ok_or_else(|| wrong("context", "it is NULL"))?;
        // SAFETY: the caller's promise.
        let (name, value) = unsafe { (required(name, "name")?, optional(value, "value")?) };
        handle.change(|context| context.env.set(name, value));
        Ok(())
    };
    // SAFETY: the caller's promise.
    unsafe { checked(error, work) }
}
