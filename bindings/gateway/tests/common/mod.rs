//! A gateway as a process of its own, and a client that sends what it is told to, byte for byte.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::disallowed_methods,
    reason = "shared by test programs that use parts of it"
)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// A running gateway; it ends with its owner.
pub struct Gateway {
    child: Child,
    pub address: SocketAddr,
    pub metrics: Option<SocketAddr>,
    log: Arc<Mutex<Vec<String>>>,
}

impl Gateway {
    /// Starts one with these arguments, on a port of its own.
    pub fn start(arguments: &[&str]) -> Self {
        Self::with(arguments, &[])
    }

    /// Starts one with these arguments and variables.
    pub fn with(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_idse-gateway"));
        command.env_clear().envs(variables.iter().copied());
        command.args(["--listen", "127.0.0.1:0", "--log", "json"]).args(arguments);
        let mut child =
            command.stdin(Stdio::null()).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (mut address, mut metrics) = (None, None);
        let mut early = Vec::new();
        while address.is_none() {
            let line = lines.next().unwrap_or_else(|| panic!("it ended: {early:?}")).unwrap();
            if let Ok(entry) = serde_json::from_str::<Value>(&line) {
                let found = entry["address"].as_str().and_then(|text| text.parse().ok());
                match entry["message"].as_str() {
                    Some("listening") => address = found,
                    Some("metrics") => metrics = found,
                    _ => {}
                }
            }
            early.push(line);
        }
        let log = Arc::new(Mutex::new(early));
        let sink = log.clone();
        std::thread::spawn(move || {
            lines.map_while(Result::ok).for_each(|line| sink.lock().unwrap().push(line));
        });
        Self { child, address: address.unwrap(), metrics, log }
    }

    /// Starts one over a SQLite file in a folder.
    pub fn sqlite(folder: &tempfile::TempDir, arguments: &[&str]) -> Self {
        let store = format!("sqlite:{}", folder.path().join("agency.db").display());
        Self::start(&[&["--store", &store][..], arguments].concat())
    }

    pub fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }

    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &id]).status().unwrap().success());
    }

    /// Waits for its end and returns the exit code.
    pub fn wait(&mut self, patience: Duration) -> Option<i32> {
        let until = Instant::now() + patience;
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("it did not end; its log:\n{}", self.log())
    }

    pub fn get(&self, path: &str) -> Answer {
        send(self.address, "GET", path, &[], b"")
    }

    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_text(path, &body.to_string())
    }

    pub fn post_text(&self, path: &str, body: &str) -> Answer {
        send(self.address, "POST", path, &[("content-type", "application/json")], body.as_bytes())
    }

    pub fn put(&self, path: &str, body: &Value) -> Answer {
        send(self.address, "PUT", path, &[("content-type", "application/json")], body.to_string().as_bytes())
    }

    pub fn push(&self, body: &Value) -> Answer {
        self.post("/sync/push", body)
    }

    pub fn pull(&self, id: &str) -> Value {
        self.post("/sync/pull", &json!({"project_id": id})).ok()
    }

    /// Creates a project with one text in `spec` and returns its id.
    pub fn project(&self, name: &str, spec: &str) -> String {
        let body =
            json!({"project_name": name, "artifacts": {"spec_md": spec}, "state_json": {"session_id": "s1"}});
        self.push(&body).ok()["project_id"].as_str().unwrap().to_owned()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// Returns the body of a success.
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text());
        self.json()
    }

    /// Returns the body of an error, which has the form that every error has.
    #[track_caller]
    pub fn problem(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{}", self.head);
        let body = self.json();
        assert!(body["detail"].is_string() && body["status"] == status, "{body}");
        body
    }
}

/// Sends a request over a connection of its own.
pub fn send(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let mut head =
        format!("{method} {path} HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        head.push_str(&format!("host: {address}\r\n"));
    }
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    raw(address, &[head.as_bytes(), body].concat())
}

/// Sends bytes and reads until the connection ends.
pub fn raw(address: SocketAddr, bytes: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    // A server that refuses early may close before it has read everything.
    drop(stream.write_all(bytes));
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer));
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or(answer.len());
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
    let body = answer.get(end + 4..).unwrap_or_default().to_vec();
    let is_chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
    Answer { status, head, body: if is_chunked { unchunk(&body) } else { body } }
}

fn unchunk(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = body.windows(2).position(|window| window == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&body[..end]).unwrap(), 16).unwrap();
        whole.extend(&body[end + 2..end + 2 + size]);
        body = &body[end + 4 + size..];
    }
    whole
}
