//! A double of the gateway that `idse-gateway` takes the place of, in both of its generations: a small HTTP server
//! over tables in memory that answers as the real one was seen to answer, its defects included.
//!
//! Here requests come in and faults are met; what is answered belongs to `routes`, what is stored to `table`.

mod routes;
mod table;

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use table::{OldRow, Table};

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generation {
    /// Columns of one table; whatever an artifact is called becomes a column.
    First,
    /// The same columns, and sessions and documents beside them; answers are keyed by path.
    Second,
}

type Edit = Box<dyn FnOnce(&mut Table) + Send>;

/// What happens to one request.
pub enum OldFault {
    /// It is never answered, and nothing is done.
    LoseRequest,
    /// It is done, and the answer never arrives.
    LoseReply,
    /// It is done, and the answer breaks off in the middle.
    CutReply,
    /// A proxy answers in the place of the gateway, after it did what it was asked.
    ProxyAfter(u16),
    /// Somebody edits the table before it is done.
    Before(Edit),
    /// Somebody edits the table after it is done.
    After(Edit),
}

struct Shared {
    generation: Generation,
    table: Mutex<Table>,
    faults: Mutex<VecDeque<(String, OldFault)>>,
    requests: Mutex<Vec<String>>,
    stopped: AtomicBool,
}

/// A running one; it stops when it is dropped.
pub struct OldGateway {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl OldGateway {
    /// Starts one on a port of this machine.
    pub fn start(generation: Generation, table: Table) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            generation,
            table: Mutex::new(table),
            faults: Mutex::default(),
            requests: Mutex::default(),
            stopped: AtomicBool::new(false),
        });
        let served = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if served.stopped.load(Ordering::SeqCst) {
                    return;
                }
                let (Ok(stream), shared) = (stream, Arc::clone(&served)) else { continue };
                std::thread::spawn(move || serve(&shared, stream));
            }
        });
        Self { address, shared }
    }

    /// Returns the address as a configuration names it.
    pub fn url(&self) -> String {
        format!("http://{}/sync", self.address)
    }

    /// Returns the tables.
    pub fn table(&self) -> MutexGuard<'_, Table> {
        self.shared.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the next request to a path meet a fault; more calls queue up.
    pub fn fail_next(&self, path: &str, fault: OldFault) {
        self.shared.faults.lock().unwrap().push_back((path.to_owned(), fault));
    }

    /// Returns the requests so far, as `POST /sync/push`, and forgets them.
    pub fn take_requests(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.requests.lock().unwrap())
    }
}

impl Drop for OldGateway {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Wakes the one that waits for connections.
        drop(TcpStream::connect(self.address));
    }
}

/// A request as it came.
struct Asked {
    method: String,
    path: String,
    content_type: String,
    is_last: bool,
    body: Vec<u8>,
}

fn serve(shared: &Shared, stream: TcpStream) {
    let mut reader = BufReader::new(stream);
    while let Some(asked) = read(&mut reader) {
        if !answer(shared, &asked, reader.get_mut()) || asked.is_last {
            drop(reader.get_ref().shutdown(Shutdown::Both));
            return;
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let (mut content_type, mut length, mut is_last) = (String::new(), 0, false);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok().filter(|read| *read > 0)?;
        let Some((name, value)) = header.split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-type" => value.trim().clone_into(&mut content_type),
            "connection" => is_last = value.trim().eq_ignore_ascii_case("close"),
            "content-length" => length = value.trim().parse().ok()?,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Asked { method, path, content_type, is_last, body })
}

/// Answers; returns whether the connection stays.
fn answer(shared: &Shared, asked: &Asked, stream: &mut TcpStream) -> bool {
    let path = asked.path.split('?').next().unwrap_or_default().to_owned();
    shared.requests.lock().unwrap().push(format!("{} {path}", asked.method));
    let fault = {
        let mut faults = shared.faults.lock().unwrap();
        let at = faults.iter().position(|(of, _)| *of == path);
        at.and_then(|at| faults.remove(at)).map(|(_, fault)| fault)
    };
    let mut table = shared.table.lock().unwrap_or_else(PoisonError::into_inner);
    let fault = match fault {
        Some(OldFault::LoseRequest) => return false,
        Some(OldFault::Before(edit)) => {
            edit(&mut table);
            None
        }
        other => other,
    };
    let (status, body) = routes::answer(shared.generation, &mut table, asked);
    let body = body.to_string();
    let (status, body, whole) = match fault {
        Some(OldFault::LoseReply) => return false,
        Some(OldFault::CutReply) => (status, body, false),
        Some(OldFault::ProxyAfter(status)) => (status, "<html>Bad Gateway</html>".to_owned(), true),
        Some(OldFault::After(edit)) => {
            edit(&mut table);
            (status, body, true)
        }
        _ => (status, body, true),
    };
    drop(table);
    let kind = if body.starts_with('<') { "text/html" } else { "application/json" };
    let head =
        format!("HTTP/1.1 {status} x\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n", body.len());
    let sent = if whole { body.len() } else { body.len() / 2 };
    stream.write_all(head.as_bytes()).is_ok() && stream.write_all(&body.as_bytes()[..sent]).is_ok() && whole
}
