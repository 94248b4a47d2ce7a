//! `idse-gateway` itself: checks what it was told, listens, and ends when it is asked to.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use idse_core::{Context, Error, ErrorKind, Result};
use idse_gateway::auth::{Auth, Jwt, JwtRules, KeySource, Secret, Tokens};
use idse_gateway::{App, Options, metrics, router};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::args::{LogForm, Serve};

/// The names of this machine for itself.
const LOCAL: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

pub(crate) fn run(args: &Serve, context: &Context) -> Result<()> {
    let auth = auth(args, context)?;
    if auth.is_open() && !args.listen.ip().is_loopback() {
        return Err(config(format!(
            "{} can be reached from other machines, and nobody would be asked who they are",
            args.listen
        ))
        .with_hint("Add --tokens, --jwks or a JWT secret; or listen on 127.0.0.1."));
    }
    let store = args.store.open(context)?;
    start_log(args.log);
    let options = Options {
        require_base: args.require_base,
        rate: args.rate.unwrap_or(if auth.is_open() { 0 } else { 600 }),
        request_time: Duration::from_secs(args.request_time),
        hosts: hosts(args),
        origins: origins(args)?,
        ..Options::default()
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::new(ErrorKind::Io, format!("cannot start: {error}")).with_source(error))?;
    let app = Arc::new(App::new(store, auth, options));
    let done = runtime.block_on(serve(args, app));
    // What still works on the store after the grace is cut off as a crash would cut it: written or not, never half.
    runtime.shutdown_timeout(Duration::from_secs(1));
    done
}

async fn serve(args: &Serve, app: Arc<App>) -> Result<()> {
    let listener = listen(args.listen).await?;
    let (stop, mut stopped) = watch::channel(false);
    let grace = Duration::from_secs(args.grace);
    if let Some(address) = args.metrics {
        let page = metrics::router(metrics::install()?);
        let (listener, mut stopped) = (listen(address).await?, stopped.clone());
        tracing::info!(address = %local(&listener), "metrics");
        let wait = async move { drop(stopped.wait_for(|stop| *stop).await) };
        tokio::spawn(async move { idse_gateway::serve(listener, page, wait, Duration::ZERO).await });
    }
    say_start(&app, &listener);
    let signals = Signals::new()?;
    let wait = {
        let app = app.clone();
        async move {
            let signal = signals.next().await;
            tracing::info!(signal, "stopping: what was begun is finished");
            app.stop();
            stop.send_replace(true);
            tokio::spawn(async move {
                signals.next().await;
                tracing::warn!("asked to stop again: ending now");
                std::process::exit(130);
            });
        }
    };
    let answered = idse_gateway::serve(listener, router(&app), wait, grace).await;
    let drained = app.drained(grace).await;
    drop(stopped.wait_for(|stop| *stop).await);
    if answered && drained {
        tracing::info!("stopped");
    } else {
        tracing::warn!("stopped before everything was finished");
    }
    Ok(())
}

fn say_start(app: &App, listener: &TcpListener) {
    let (address, store) = (local(listener), app.info().address);
    if app.is_open() {
        tracing::warn!(
            "no authentication: whoever can reach this machine's loopback can read and write everything"
        );
    }
    tracing::info!(%address, store, version = env!("CARGO_PKG_VERSION"), "listening");
}

fn local(listener: &TcpListener) -> String {
    listener.local_addr().map_or_else(|_| "?".to_owned(), |address| address.to_string())
}

async fn listen(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        Error::new(ErrorKind::Io, format!("cannot listen on {address}: {error}"))
            .with_hint("Name another address with --listen.")
            .with_source(error)
    })
}

fn auth(args: &Serve, context: &Context) -> Result<Auth> {
    let tokens = args.tokens.as_deref().map(Tokens::load).transpose()?;
    let secret = match &args.jwt_secret_file {
        Some(path) => Some(Secret::load(path)?),
        None => context.env.get("IDSE_GATEWAY_JWT_SECRET").map(Secret::new),
    };
    let keys = args.jwks.as_deref().map(KeySource::new).transpose()?;
    let rules = JwtRules {
        issuer: args.jwt_issuer.clone(),
        audience: args.jwt_audience.clone(),
        roles: args.jwt_role.clone(),
    };
    let has_jwt = secret.is_some() || keys.is_some();
    let jwt = has_jwt.then(|| Jwt::new(secret.as_ref(), keys, rules)).transpose()?;
    Ok(Auth { tokens, jwt })
}

fn hosts(args: &Serve) -> Vec<String> {
    let mut hosts: Vec<_> = args.host.iter().map(|host| host.to_ascii_lowercase()).collect();
    if args.listen.ip().is_loopback() {
        hosts.extend(LOCAL.map(str::to_owned));
    }
    hosts
}

fn origins(args: &Serve) -> Result<Vec<String>> {
    for origin in &args.cors_origin {
        let host = origin.split_once("://").filter(|(scheme, _)| matches!(*scheme, "http" | "https"));
        if !host.is_some_and(|(_, host)| !host.is_empty() && !host.contains(['/', '*', ' '])) {
            return Err(
                config(format!("{origin:?} is no origin")).with_hint("Name it as https://app.example.")
            );
        }
    }
    Ok(args.cors_origin.clone())
}

fn config(message: String) -> Error {
    Error::new(ErrorKind::InvalidConfig, message)
}

fn start_log(form: LogForm) {
    let log = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_max_level(tracing::Level::INFO);
    match form {
        LogForm::Text => log.with_ansi(false).init(),
        LogForm::Json => log.json().flatten_event(true).init(),
    }
}

/// The signals that ask the gateway to end.
struct Signals {
    #[cfg(unix)]
    terminate: tokio::sync::Mutex<tokio::signal::unix::Signal>,
}

impl Signals {
    fn new() -> Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let terminate = signal(SignalKind::terminate()).map_err(|error| {
                Error::new(ErrorKind::Io, format!("cannot listen for signals: {error}")).with_source(error)
            })?;
            Ok(Self { terminate: tokio::sync::Mutex::new(terminate) })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// Waits for the next one and returns its name.
    async fn next(&self) -> &'static str {
        #[cfg(unix)]
        {
            let mut terminate = self.terminate.lock().await;
            tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = tokio::signal::ctrl_c() => "SIGINT",
            }
        }
        #[cfg(not(unix))]
        {
            drop(tokio::signal::ctrl_c().await);
            "interrupt"
        }
    }
}
