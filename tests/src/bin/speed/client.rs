//! The plainest client: it keeps its connection, sends what it is told to, and reads the answer to its end.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::measure::f64_of;

/// A request, all but its target and its body.
#[derive(Clone, Default)]
pub(crate) struct Head {
    pub(crate) method: &'static str,
    pub(crate) headers: String,
}

impl Head {
    pub(crate) fn new(method: &'static str, headers: &[(&str, &str)]) -> Self {
        let headers = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        Self { method, headers }
    }
}

/// A connection that is kept.
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
    host: String,
}

impl Client {
    pub(crate) fn new(server: SocketAddr) -> Self {
        let stream = TcpStream::connect(server).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        Self { stream: BufReader::with_capacity(64 << 10, stream), host: server.to_string() }
    }

    /// Sends a request and returns the body of the answer, which has to be a success.
    pub(crate) fn ask(&mut self, head: &Head, target: &str, body: &str) -> Vec<u8> {
        let (status, answer) = self.try_ask(head, target, body);
        assert!((200..300).contains(&status), "{status} {}", String::from_utf8_lossy(&answer));
        answer
    }

    /// Sends a request and returns status and body of the answer.
    pub(crate) fn try_ask(&mut self, head: &Head, target: &str, body: &str) -> (u16, Vec<u8>) {
        let Head { method, headers } = head;
        let mut request = format!(
            "{method} {target} HTTP/1.1\r\nHost: {}\r\n{headers}Content-Length: {}\r\n\r\n",
            self.host,
            body.len()
        );
        request.push_str(body);
        self.stream.get_mut().write_all(request.as_bytes()).unwrap();
        let status = self.line();
        let status = status.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
        let (mut length, mut has_chunks) = (0, false);
        loop {
            let line = self.line().to_ascii_lowercase();
            let Some((name, value)) = line.split_once(':') else { break };
            match name {
                "content-length" => length = value.trim().parse().unwrap(),
                "transfer-encoding" => has_chunks = true,
                _ => {}
            }
        }
        let mut answer = Vec::new();
        if !has_chunks {
            self.take(length, &mut answer);
            return (status, answer);
        }
        loop {
            let size = usize::from_str_radix(self.line().trim(), 16).unwrap();
            self.take(size, &mut answer);
            self.line();
            if size == 0 {
                return (status, answer);
            }
        }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        assert!(self.stream.read_line(&mut line).unwrap() > 0, "the connection ended");
        line
    }

    fn take(&mut self, length: usize, to: &mut Vec<u8>) {
        let read = (&mut self.stream).take(length as u64).read_to_end(to).unwrap();
        assert_eq!(read, length, "the connection ended");
    }
}

/// Lets so many clients work for a while, each with a state of its own, and returns how many rounds they did a second.
///
/// What a client does first, on a cold connection, does not count.
pub(crate) fn rate<S: Send>(
    time: Duration,
    clients: impl IntoIterator<Item = S>,
    round: impl Fn(&mut S, usize) + Sync,
) -> f64 {
    let mut clients: Vec<S> = clients.into_iter().collect();
    std::thread::scope(|scope| {
        for client in &mut clients {
            scope.spawn(|| round(client, 0));
        }
    });
    let start = Instant::now();
    let work = |client: &mut S| {
        let mut number = 1;
        while start.elapsed() < time {
            round(client, number);
            number += 1;
        }
        number - 1
    };
    let work = &work;
    let done: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = clients.iter_mut().map(|client| scope.spawn(move || work(client))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    f64_of(done) / start.elapsed().as_secs_f64()
}
