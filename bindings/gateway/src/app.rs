//! The gateway as one value: what every request needs, and the way of its work to the store.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use idse_core::remote::{Health, RemoteInfo};
use idse_core::{Context, ErrorKind, ProjectId};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::agency::Agency;
use crate::auth::{Auth, Caller, Scopes};
use crate::limits::{Lanes, Rate};
use crate::problem::Problem;
use crate::store::{Purpose, Store};

/// How long an answer about the store's health is good for.
const HEALTH_FOR: Duration = Duration::from_secs(2);
/// How long the store may take to say that it is well.
const HEALTH_PATIENCE: Duration = Duration::from_secs(2);

/// What the gateway is told when it starts.
#[derive(Debug, Clone)]
pub struct Options {
    /// Refuse pushes that do not say what they replace.
    pub require_base: bool,
    /// How many requests a minute one subject may send; zero is no limit.
    pub rate: u32,
    /// How long a request may take, from its first byte to its answer.
    pub request_time: Duration,
    /// The longest body.
    pub body_bytes: usize,
    /// The host names that a request may be for; empty: any.
    pub hosts: Vec<String>,
    /// The origins whose pages may call the gateway from a browser.
    pub origins: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            require_base: false,
            rate: 0,
            request_time: Duration::from_secs(60),
            body_bytes: 17 * 1024 * 1024,
            hosts: Vec::new(),
            origins: Vec::new(),
        }
    }
}

/// The gateway.
pub struct App {
    store: Box<dyn Store>,
    pub(crate) auth: Auth,
    pub(crate) options: Options,
    pub(crate) rate: Rate,
    /// Tokens that were refused, by address: guessing is slow.
    pub(crate) guesses: Rate,
    lanes: Lanes,
    health: Mutex<Option<(Instant, Health)>>,
    stopping: AtomicBool,
}

impl App {
    /// Puts a gateway together.
    pub fn new(store: Box<dyn Store>, auth: Auth, options: Options) -> Self {
        Self {
            store,
            auth,
            rate: Rate::per_minute(options.rate),
            guesses: Rate::per_minute(120),
            options,
            lanes: Lanes::new(),
            health: Mutex::new(None),
            stopping: AtomicBool::new(false),
        }
    }

    /// Says what the agency behind the gateway is.
    pub fn info(&self) -> RemoteInfo {
        self.store.info()
    }

    /// Tells whether nobody is asked who they are.
    pub fn is_open(&self) -> bool {
        self.auth.is_open()
    }

    /// Returns the store.
    pub(crate) fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }

    /// Does the work of a request on a thread where it may wait. What was begun is finished, whether or not the
    /// client still listens.
    pub(crate) async fn work<T: Send + 'static>(
        self: Arc<Self>,
        caller: Caller,
        purpose: Purpose,
        project: Option<ProjectId>,
        work: impl FnOnce(&Agency<'_>) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let until = Instant::now() + self.options.request_time;
        // A lock on a row holds up who writes it; who reads goes on.
        let lane = project.filter(|_| purpose == Purpose::Write);
        let place = self.lanes.enter(lane, until).await?;
        let app = self;
        let worked = tokio::task::spawn_blocking(move || {
            let _place = place;
            let left = until.saturating_duration_since(Instant::now());
            let context = Context { deadline: Some(left), ..Context::default() };
            let remote = app.store.remote(&caller, purpose)?;
            work(&Agency {
                remote: remote.as_ref(),
                displaced: app.store.displaced(),
                context: &context,
                subject: &caller.subject,
                require_base: app.options.require_base,
            })
        });
        worked.await.unwrap_or_else(|_| {
            Err(Problem::new(ErrorKind::Internal, "panic", "a defect of the gateway; the store is as it was"))
        })
    }

    /// Asks the store whether it is well, at most once in a while, however many ask.
    pub(crate) async fn health(self: &Arc<Self>) -> Health {
        let mut known = self.health.lock().await;
        if let Some((at, health)) = known.as_ref()
            && at.elapsed() < HEALTH_FOR
        {
            return health.clone();
        }
        let app = self.clone();
        let asked = tokio::task::spawn_blocking(move || {
            let nobody = Caller { subject: String::new(), scopes: Scopes::ALL, jwt: None };
            let context = Context { deadline: Some(HEALTH_PATIENCE), ..Context::default() };
            app.store.remote(&nobody, Purpose::Probe).and_then(|remote| remote.health(&context))
        });
        let health = match tokio::time::timeout(HEALTH_PATIENCE + Duration::from_millis(500), asked).await {
            Ok(Ok(Ok(health))) => health,
            Ok(Ok(Err(error))) => Health { healthy: false, message: error.to_string() },
            Ok(Err(_)) | Err(_) => Health { healthy: false, message: "the store does not answer".to_owned() },
        };
        if !health.healthy {
            tracing::warn!(detail = %health.message, "the store is not well");
        }
        *known = Some((Instant::now(), health.clone()));
        health
    }

    /// Tells whether the gateway is about to end.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Says that the gateway is about to end: it is no longer ready, and finishes what it began.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Waits until nothing works on the store any more.
    pub async fn drained(&self, patience: Duration) -> bool {
        self.lanes.drained(patience).await
    }
}
