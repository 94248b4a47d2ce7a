//! One exchange: a request goes out on a thread of its own, so that the caller can be called off while a server is
//! silent, and comes back with what is known about how far it got.

use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ureq::http::{HeaderMap, Request};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Proxy, SendBody};

use super::Scrubber;
use crate::context::Context;
use crate::error::{Error, ErrorKind};

/// How long to wait between two looks at the caller's cancel flag.
const POLL: Duration = Duration::from_millis(20);
/// How much longer than its own time limit a request may need to say that it ran out of time.
const GRACE: Duration = Duration::from_secs(1);
/// How long the head of an answer may be.
const HEAD_LIMIT: usize = 64 << 10;
/// How many idle connections are kept.
const IDLE: usize = 8;

/// A request that can be sent.
pub(super) struct Outgoing {
    pub(super) head: Request<()>,
    pub(super) body: Option<Arc<[u8]>>,
    pub(super) scrubber: Arc<Scrubber>,
}

/// A whole answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// Why there is no whole answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    Dns,
    Connect,
    Tls,
    Timeout,
    Broken,
    NotHttp,
    TooLarge,
    Cancelled,
}

/// No whole answer, and whether the other side may have got the request.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) cause: Cause,
    pub(super) detail: String,
    pub(super) sent: bool,
}

impl Failure {
    /// What it means for a request that changes nothing.
    pub(super) fn of_read(self, origin: &str) -> Error {
        let Self { cause, detail, .. } = self;
        let (kind, reason, what, hint) = match cause {
            Cause::Cancelled => return Error::cancelled(),
            Cause::Dns => (
                ErrorKind::Unavailable,
                "dns",
                "its name is not known",
                "Check the address and the network; a Supabase project that was removed or paused long ago has no name either.",
            ),
            Cause::Connect => (
                ErrorKind::Unavailable,
                "connect",
                "nothing answers there",
                "Check the address and the network, and that the server runs.",
            ),
            Cause::Tls => (
                ErrorKind::Unavailable,
                "tls",
                "no safe connection could be made",
                "Check the clock and the certificates of this machine; SSL_CERT_FILE names another list of authorities.",
            ),
            Cause::Timeout => (
                ErrorKind::Unavailable,
                "timeout",
                "it did not answer in time",
                "Try again; `limits.request_seconds` and `limits.connect_seconds` in the configuration say how long to wait.",
            ),
            Cause::Broken => (ErrorKind::Unavailable, "connection", "the connection broke", "Try again."),
            Cause::NotHttp => (
                ErrorKind::Protocol,
                "",
                "its answer cannot be understood",
                "Check that the address is the one of an agency.",
            ),
            Cause::TooLarge => (
                ErrorKind::Protocol,
                "response_too_large",
                "its answer is larger than is allowed",
                "`limits.response_bytes` in the configuration says how large it may be.",
            ),
        };
        let detail = if detail.is_empty() { String::new() } else { format!(" ({detail})") };
        Error::new(kind, format!("{origin}: {what}{detail}"))
            .with_reason(reason)
            .with_hint(hint)
            .with("origin", origin)
    }

    /// What it means for a request that writes.
    pub(super) fn of_write(self, origin: &str) -> Error {
        if !self.sent {
            return self.of_read(origin);
        }
        let is_cancelled = self.cause == Cause::Cancelled;
        let what =
            if is_cancelled { "cancelled".to_owned() } else { self.of_read(origin).message().to_owned() };
        Error::new(
            ErrorKind::Unsettled,
            format!("{what}; the write had been sent, and whether it happened is not known"),
        )
        .with_reason(if is_cancelled { "cancelled" } else { "" })
        .with_hint("The next sync finds out what happened; nothing is lost.")
        .with("origin", origin)
    }
}

/// The connections to one origin, one agent each: calling one request off must not touch the others.
pub(super) struct Agents {
    config: ureq::config::Config,
    idle: Mutex<Vec<Agent>>,
}

impl Agents {
    pub(super) fn new(origin: &str, proxy: Option<Proxy>, connect: Duration) -> Self {
        let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .https_only(origin.starts_with("https://"))
            // A key goes to no other place than the one it was given for.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .proxy(proxy)
            .timeout_connect(Some(connect))
            .timeout_resolve(Some(connect))
            .max_response_header_size(HEAD_LIMIT)
            .max_idle_connections(1)
            .max_idle_connections_per_host(1)
            .build();
        Self { config, idle: Mutex::new(Vec::new()) }
    }

    /// Sends a request and waits for the whole answer, at most `patience` long.
    pub(super) fn exchange(
        &self,
        outgoing: &Outgoing,
        patience: Duration,
        most: u64,
        context: &Context,
    ) -> Result<Answer, Failure> {
        let sent = Arc::new(AtomicBool::new(false));
        let failed = |cause, detail: String| {
            Err(Failure {
                cause,
                detail: outgoing.scrubber.clean(&detail),
                sent: sent.load(Ordering::SeqCst),
            })
        };
        if context.cancel.is_cancelled() {
            return failed(Cause::Cancelled, String::new());
        }
        if patience.is_zero() {
            return failed(Cause::Timeout, String::new());
        }
        let agent = self.take();
        let (sender, receiver) = sync_channel(1);
        let job = Job {
            agent: agent.clone(),
            head: outgoing.head.clone(),
            body: outgoing.body.clone(),
            sent: Arc::clone(&sent),
            patience,
            most,
        };
        let thread = std::thread::Builder::new().name("idse-http".to_owned());
        if let Err(error) = thread.spawn(move || job.run(&sender)) {
            return failed(Cause::Connect, error.to_string());
        }
        match wait(&receiver, patience + GRACE, context) {
            Ok(Ok(answer)) => {
                self.give_back(agent);
                Ok(answer)
            }
            Ok(Err((cause, detail))) => failed(cause, detail),
            Err(cause) => {
                // Closes the socket: from here on nothing more is sent, so what `sent` says then is final.
                agent.shutdown();
                failed(cause, String::new())
            }
        }
    }

    fn take(&self) -> Agent {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.unwrap_or_else(|| self.config.new_agent())
    }

    fn give_back(&self, agent: Agent) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE {
            idle.push(agent);
        }
    }
}

type Outcome = Result<Answer, (Cause, String)>;

fn wait(receiver: &Receiver<Outcome>, patience: Duration, context: &Context) -> Result<Outcome, Cause> {
    let end = context.clock.monotonic() + patience;
    loop {
        match receiver.recv_timeout(POLL) {
            Ok(outcome) => return Ok(outcome),
            Err(RecvTimeoutError::Disconnected) => return Err(Cause::Broken),
            Err(RecvTimeoutError::Timeout) => {}
        }
        if context.cancel.is_cancelled() {
            return Err(Cause::Cancelled);
        }
        if context.clock.monotonic() >= end {
            return Err(Cause::Timeout);
        }
    }
}

struct Job {
    agent: Agent,
    head: Request<()>,
    body: Option<Arc<[u8]>>,
    sent: Arc<AtomicBool>,
    patience: Duration,
    most: u64,
}

impl Job {
    fn run(self, sender: &SyncSender<Outcome>) {
        let outcome = self.ask();
        // Nobody waits any more where the caller was called off.
        drop(sender.send(outcome));
    }

    fn ask(self) -> Outcome {
        let Self { agent, head, body, sent, patience, most } = self;
        let body = match body {
            Some(bytes) => SendBody::from_owned_reader(Witness { bytes, at: 0, sent }),
            None => {
                sent.store(true, Ordering::SeqCst);
                SendBody::none()
            }
        };
        let (parts, ()) = head.into_parts();
        let request = agent.configure_request(Request::from_parts(parts, body));
        let request = request.timeout_global(Some(patience)).build();
        let response = agent.run(request).map_err(|error| cause(&error))?;
        let (parts, mut body) = response.into_parts();
        let mut bytes = Vec::new();
        let read = body.as_reader().take(most.saturating_add(1)).read_to_end(&mut bytes);
        read.map_err(|error| cause(&ureq::Error::from(error)))?;
        if bytes.len() as u64 > most {
            return Err((Cause::TooLarge, format!("more than {most} bytes")));
        }
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body: bytes })
    }
}

/// A body that remembers that it was asked for: until then the other side has at most a head, which writes nothing.
struct Witness {
    bytes: Arc<[u8]>,
    at: usize,
    sent: Arc<AtomicBool>,
}

impl Read for Witness {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.sent.store(true, Ordering::SeqCst);
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.at += count;
        Ok(count)
    }
}

fn cause(error: &ureq::Error) -> (Cause, String) {
    let cause = match error {
        ureq::Error::HostNotFound => Cause::Dns,
        ureq::Error::Timeout(ureq::Timeout::Resolve) => Cause::Dns,
        ureq::Error::Timeout(_) => Cause::Timeout,
        ureq::Error::ConnectionFailed | ureq::Error::ConnectProxyFailed(_) => Cause::Connect,
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) | ureq::Error::Pem(_) | ureq::Error::TlsRequired => {
            Cause::Tls
        }
        ureq::Error::Io(error) => io_cause(error),
        _ => Cause::NotHttp,
    };
    (cause, error.to_string())
}

fn io_cause(error: &io::Error) -> Cause {
    use io::ErrorKind as Kind;
    match error.kind() {
        Kind::ConnectionRefused
        | Kind::HostUnreachable
        | Kind::NetworkUnreachable
        | Kind::NetworkDown
        | Kind::AddrNotAvailable
        | Kind::PermissionDenied => Cause::Connect,
        Kind::TimedOut | Kind::WouldBlock => Cause::Timeout,
        // How a handshake fails, and an answer whose compression is broken.
        Kind::InvalidData if is_tls(error) => Cause::Tls,
        Kind::InvalidData | Kind::InvalidInput => Cause::NotHttp,
        // The resolver of the system has no kind of its own.
        _ if error.to_string().contains("lookup address") => Cause::Dns,
        _ => Cause::Broken,
    }
}

fn is_tls(error: &io::Error) -> bool {
    let text = error.to_string();
    ["certificate", "tls", "TLS", "handshake", "peer", "alert"].iter().any(|word| text.contains(word))
}
