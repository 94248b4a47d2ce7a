//! As much of HTTP/1.1 as a proxy needs: where a message ends, and its head.

use std::io::{self, BufRead, Read};

/// The largest head, as servers have it.
const HEAD: usize = 64 << 10;

/// A request, as it came.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// `GET`, `PATCH`, …
    pub method: String,
    /// Path and query.
    pub target: String,
    /// The header fields in their order; names as they came.
    pub headers: Vec<(String, String)>,
    /// The body, without its framing.
    pub body: Vec<u8>,
}

impl Request {
    /// Returns a header field; names are compared without case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Tells whether it would change something.
    pub fn writes(&self) -> bool {
        !matches!(self.method.as_str(), "GET" | "HEAD" | "OPTIONS")
    }

    /// Returns the body as text, for what a failing test shows.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(super) fn read(from: &mut impl BufRead) -> io::Result<Option<Self>> {
        let head = read_head(from)?;
        if head.is_empty() {
            return Ok(None);
        }
        let mut lines = head.lines();
        let mut words = lines.next().unwrap_or_default().split(' ');
        let mut word = || words.next().unwrap_or_default().to_owned();
        let (method, target) = (word(), word());
        let headers = fields(lines);
        let mut request = Self { method, target, headers, body: Vec::new() };
        if has_chunks(&request.headers) {
            read_chunks(from, &mut Vec::new(), &mut request.body)?;
        } else if let Some(length) = length(&request.headers) {
            read_exactly(from, length, &mut request.body)?;
        }
        Ok(Some(request))
    }

    /// Writes the head for another server; the body follows with its length.
    pub(super) fn head(&self, headers: &[(String, String)]) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if self.writes() {
            head.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        head.push_str("\r\n");
        head.into_bytes()
    }
}

/// An answer, as the server sent it.
#[derive(Debug, Clone, Default)]
pub struct Reply {
    /// Status line and header fields with the empty line after them.
    pub head: Vec<u8>,
    /// The body with its framing.
    pub body: Vec<u8>,
    /// The body without it.
    pub plain: Vec<u8>,
}

impl Reply {
    /// Makes one with a body of its own.
    pub(super) fn new(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Self {
        let mut head = format!("HTTP/1.1 {status} {}\r\n", reason(status));
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
        Self { head: head.into_bytes(), body: body.to_vec(), plain: body.to_vec() }
    }

    pub(super) fn json(status: u16, body: &serde_json::Value) -> Self {
        Self::new(status, &[("Content-Type", "application/json; charset=utf-8")], body.to_string().as_bytes())
    }

    pub(super) fn read(from: &mut impl BufRead, to_head: bool) -> io::Result<Self> {
        let head = read_head(from)?;
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap_or_default().to_owned();
        let headers = fields(lines);
        let mut reply = Self { head: head.clone().into_bytes(), ..Self::default() };
        if head.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if to_head || matches!(status.as_str(), "204" | "304") {
            return Ok(reply);
        }
        if has_chunks(&headers) {
            read_chunks(from, &mut reply.body, &mut reply.plain)?;
            return Ok(reply);
        } else if let Some(length) = length(&headers) {
            read_exactly(from, length, &mut reply.body)?;
        } else {
            from.read_to_end(&mut reply.body)?;
        }
        reply.plain = reply.body.clone();
        Ok(reply)
    }

    /// Returns the bytes that go over the wire.
    pub(super) fn bytes(&self) -> Vec<u8> {
        [self.head.as_slice(), &self.body].concat()
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        301 => "Moved Permanently",
        302 => "Found",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        409 => "Conflict",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        _ => "Status",
    }
}

/// Reads to the empty line; empty where the other side has closed before the first byte.
fn read_head(from: &mut impl BufRead) -> io::Result<String> {
    let mut head = Vec::new();
    loop {
        let before = head.len();
        if from.by_ref().take(HEAD as u64).read_until(b'\n', &mut head)? == 0 {
            return if head.is_empty() {
                Ok(String::new())
            } else {
                Err(io::ErrorKind::UnexpectedEof.into())
            };
        }
        if head.len() > HEAD {
            return Err(io::ErrorKind::InvalidData.into());
        }
        if matches!(&head[before..], b"\r\n" | b"\n") {
            return String::from_utf8(head).map_err(|_| io::ErrorKind::InvalidData.into());
        }
    }
}

fn fields<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<(String, String)> {
    lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
        .collect()
}

fn has_chunks(headers: &[(String, String)]) -> bool {
    headers.iter().any(|(name, value)| {
        name.eq_ignore_ascii_case("transfer-encoding") && value.to_ascii_lowercase().contains("chunked")
    })
}

fn length(headers: &[(String, String)]) -> Option<usize> {
    headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"))?.1.parse().ok()
}

fn read_exactly(from: &mut impl BufRead, length: usize, to: &mut Vec<u8>) -> io::Result<()> {
    let read = from.by_ref().take(length as u64).read_to_end(to)?;
    if read == length { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// Reads a body in chunks: with its framing, and without.
fn read_chunks(from: &mut impl BufRead, framed: &mut Vec<u8>, plain: &mut Vec<u8>) -> io::Result<()> {
    loop {
        let mut line = Vec::new();
        from.read_until(b'\n', &mut line)?;
        let size = String::from_utf8_lossy(&line);
        let size = usize::from_str_radix(size.trim().split(';').next().unwrap_or_default(), 16)
            .map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
        framed.extend_from_slice(&line);
        let start = framed.len();
        read_exactly(from, size + 2, framed)?;
        plain.extend_from_slice(&framed[start..start + size]);
        if size == 0 {
            return Ok(());
        }
    }
}
