//! The engine as a Node addon: starts a verb on a thread of its own, or runs it where it is called.
//!
//! Arguments and documents cross as JSON text. Promises, abort signals and frozen objects are made by `lib/door.cjs`.

mod job;
mod utf16;

use idse_core::{Context, Error, ErrorKind, Result, verb};
use napi_derive::napi;
use serde_json::{Value, json};

pub use job::{Job, start};

/// How a verb is called.
#[napi(object)]
pub struct Settings {
    /// Milliseconds that the verb may wait for locks and servers.
    pub timeout_ms: Option<f64>,
    /// The environment that the verb sees instead of the process's own.
    pub env: Option<std::collections::HashMap<String, String>>,
    /// Give the places of findings in UTF-16 too.
    pub utf16: Option<bool>,
}

/// Runs a local verb on the calling thread and returns its document, or that of an error.
#[napi]
pub fn call_sync(verb: String, arguments: String, settings: Settings) -> String {
    document(|| {
        panic_if_asked(&verb);
        let (arguments, context) = (parse(&arguments)?, context(&settings)?);
        refuse_waiting(&verb, &arguments)?;
        run(&verb, &arguments, settings.utf16 == Some(true), &context)
    })
}

/// Lists the verbs as `[{name, connecting}]`.
#[napi]
pub fn verbs() -> String {
    let of = |verb: &verb::Verb| json!({ "name": verb.name, "connecting": verb.connecting });
    verb::VERBS.iter().map(of).collect::<Value>().to_string()
}

/// Runs `work` and returns its document or that of its error; a panic is an error, too.
fn document(work: impl FnOnce() -> Result<Value>) -> String {
    verb::guarded(work).unwrap_or_else(|error| verb::error_document(&error)).to_string()
}

fn run(name: &str, arguments: &Value, utf16: bool, context: &Context) -> Result<Value> {
    let mut document = verb::call(name, arguments, context)?;
    if utf16 {
        utf16::add(&mut document, arguments, context);
    }
    Ok(document)
}

/// Stands where a defect of the engine would; only the tests' addon has the verb.
fn panic_if_asked(verb: &str) {
    assert!(!cfg!(feature = "panic-test") || verb != "panic", "as the test asked");
}

fn parse(arguments: &str) -> Result<Value> {
    serde_json::from_str(arguments).map_err(|error| {
        Error::new(ErrorKind::InvalidArgument, format!("the arguments are not JSON: {error}"))
            .with_reason("schema")
            .with_source(error)
    })
}

/// Makes the context of a call. The process environment is read here, on the thread that may also write it.
fn context(settings: &Settings) -> Result<Context> {
    let mut context = match &settings.env {
        Some(env) => Context { env: env.iter().collect(), ..Context::default() },
        None => Context::of_process(),
    };
    if let Some(ms) = settings.timeout_ms {
        let deadline = std::time::Duration::try_from_secs_f64(ms / 1000.0).map_err(|error| {
            Error::new(ErrorKind::InvalidArgument, format!("timeoutMs cannot be {ms}: {error}"))
                .with_reason("schema")
                .with("argument", "timeoutMs")
        })?;
        context.deadline = Some(deadline);
    }
    Ok(context)
}

/// Refuses what would hold up the event loop for as long as a server likes.
fn refuse_waiting(name: &str, arguments: &Value) -> Result<()> {
    let verb = verb::Verb::named(name)?;
    let asks = |argument: &str| matches!(&arguments[argument], Value::Bool(true) | Value::String(_));
    let argument = verb.connects_with.filter(|argument| asks(argument) && arguments[argument] != "base");
    if !verb.connecting && argument.is_none() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::InvalidArgument,
        format!("`{name}` would open a connection and hold up the event loop"),
    )
    .with_reason("usage")
    .with_hint("Call the verb without `Sync` and await its promise."))
}
