//! A loopback proxy that knows HTTP: it counts, it remembers, and it spoils exchanges as it is told.
//! What stands behind it is `stack`, or any other server.

mod door;
mod exchange;
mod fault;
mod http;

use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use door::Door;
pub use fault::{Fault, When};
pub use http::{Reply, Request};

/// What somebody else does in the middle of an exchange.
pub type Third = Box<dyn FnMut(&Request) + Send>;

/// A proxy on a port of its own; it ends with the value.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    door: Door,
    server: SocketAddr,
    closing: AtomicBool,
    told: Mutex<Told>,
}

/// What the proxy has been told and what it has seen.
#[derive(Default)]
struct Told {
    faults: Vec<(When, Fault)>,
    before: Option<(When, Third)>,
    after: Option<(When, Third)>,
    requests: Vec<Request>,
    connections: usize,
    open: Vec<Weak<TcpStream>>,
}

impl Proxy {
    /// Opens one before any server.
    pub fn before(server: SocketAddr) -> Self {
        Self::open(server, Door::Open)
    }

    /// Opens one that is the gateway of a Supabase project.
    pub(crate) fn supabase(server: SocketAddr, schema: &'static str) -> Self {
        Self::open(server, Door::Supabase { schema })
    }

    fn open(server: SocketAddr, door: Door) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (closing, told) = (AtomicBool::new(false), Mutex::default());
        let shared = Arc::new(Shared { door, server, closing, told });
        let own = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if own.closing.load(Ordering::SeqCst) {
                    return;
                }
                let stream = Arc::new(stream);
                own.note_connection(&stream);
                let own = Arc::clone(&own);
                // Who closes in the middle ends the thread; that is what this proxy is for.
                std::thread::spawn(move || drop(exchange::serve(&own, &stream)));
            }
        });
        Self { address, shared }
    }

    /// Returns where it listens: `http://127.0.0.1:…`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Spoils exchanges. Faults wait in a queue: the first one that matches an exchange happens to it.
    pub fn fail(&self, when: When, fault: Fault) {
        self.shared.told().faults.push((when, fault));
    }

    /// Does something before a request reaches the server; once or always, as `when` says.
    pub fn before_it(&self, when: When, act: impl FnMut(&Request) + Send + 'static) {
        self.shared.told().before = Some((when, Box::new(act)));
    }

    /// Does something when the server is done with a request, or would be, before the client hears of it.
    pub fn after_it(&self, when: When, act: impl FnMut(&Request) + Send + 'static) {
        self.shared.told().after = Some((when, Box::new(act)));
    }

    /// Forgets all faults that have not happened.
    pub fn heal(&self) {
        let mut told = self.shared.told();
        told.faults.clear();
        (told.before, told.after) = (None, None);
    }

    /// Returns the requests since it was last asked, in the order in which they came.
    pub fn requests(&self) -> Vec<Request> {
        std::mem::take(&mut self.shared.told().requests)
    }

    /// Returns how many requests came since the list was last taken.
    pub fn count(&self) -> usize {
        self.shared.told().requests.len()
    }

    /// Returns how many connections were opened so far, also those without a request.
    pub fn connections(&self) -> usize {
        self.shared.told().connections
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::SeqCst);
        for stream in self.shared.told().open.drain(..).filter_map(|stream| stream.upgrade()) {
            drop(stream.shutdown(Shutdown::Both));
        }
        // Wakes the thread that accepts.
        drop(TcpStream::connect(self.address));
    }
}

impl Shared {
    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_connection(&self, stream: &Arc<TcpStream>) {
        let mut told = self.told();
        told.connections += 1;
        told.open.retain(|open| open.strong_count() > 0);
        told.open.push(Arc::downgrade(stream));
    }

    /// Notes a request and returns what is to happen to it.
    fn note(&self, request: &Request) -> Option<Fault> {
        let mut told = self.told();
        told.requests.push(request.clone());
        let found = told.faults.iter().position(|(when, _)| when.matches(request.writes()))?;
        if told.faults[found].0.once() {
            Some(told.faults.remove(found).1)
        } else {
            Some(told.faults[found].1.clone())
        }
    }

    fn act_before(&self, request: &Request) {
        self.act(|told| &mut told.before, request);
    }

    fn act_after(&self, request: &Request) {
        self.act(|told| &mut told.after, request);
    }

    /// Lets somebody else act, where that is asked for; outside of the lock, for it may use the proxy.
    fn act(&self, whose: impl Fn(&mut Told) -> &mut Option<(When, Third)>, request: &Request) {
        let taken = whose(&mut self.told()).take();
        let Some((when, mut act)) = taken else { return };
        let matches = when.matches(request.writes());
        if matches {
            act(request);
        }
        let mut told = self.told();
        let place = whose(&mut told);
        if place.is_none() && !(matches && when.once()) {
            *place = Some((when, act));
        }
    }
}
