//! The client against servers that answer, stall, lie and die.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::context::{Cancel, Clock, SystemClock};

type Play = dyn Fn(usize, &mut TcpStream, &str) + Send + Sync;

/// A server on this machine; it plays one scene for each request, counted from zero.
struct Server {
    url: String,
    requests: Arc<AtomicUsize>,
}

impl Server {
    fn new(play: impl Fn(usize, &mut TcpStream, &str) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(AtomicUsize::new(0));
        let play: Arc<Play> = Arc::new(play);
        let counter = Arc::clone(&requests);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, play, counter) = (stream.unwrap(), Arc::clone(&play), Arc::clone(&counter));
                std::thread::spawn(move || {
                    while let Some(request) = read_request(&mut stream) {
                        let at = counter.fetch_add(1, Ordering::SeqCst);
                        play(at, &mut stream, &request);
                    }
                });
            }
        });
        Self { url, requests }
    }

    /// Always gives one answer.
    fn saying(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::new(move |_, stream, _| {
            drop(stream.write_all(&answer));
            drop(stream.shutdown(std::net::Shutdown::Both));
        })
    }

    fn client(&self) -> Client {
        Client::new(&self.url, &Limits::default(), &Env::default()).unwrap()
    }

    fn count(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        bytes.push(byte[0]);
    }
    let head = String::from_utf8(bytes).unwrap();
    let length =
        head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).ok()?;
    Some(head + &String::from_utf8_lossy(&body))
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len())
}

fn ok(body: &str) -> String {
    answer("200 OK", "content-type: application/json; charset=utf-8\r\n", body)
}

fn get() -> Call {
    Call::new(Method::Get, "/rows?id=eq.1")
}

fn patch() -> Call {
    Call::new(Method::Patch, "/rows?id=eq.1").json(&serde_json::json!({"spec_md": "text"}))
}

fn patient(milliseconds: u64) -> Context {
    Context { deadline: Some(Duration::from_millis(milliseconds)), ..Context::default() }
}

#[test]
fn a_request_arrives_as_it_was_built() {
    let server = Server::new(|_, stream, request| {
        let echoed = serde_json::Value::from(request.to_owned()).to_string();
        stream.write_all(ok(&echoed).as_bytes()).unwrap();
    });
    let client =
        Client::new(&format!("{}/rest/v1/", server.url), &Limits::default(), &Env::default()).unwrap();
    let call = patch().header("prefer", "return=representation").secret(
        "authorization",
        "Bearer ",
        &Secret::new("canary-key"),
    );
    let response = client.write(&call, &Context::default()).unwrap();
    let sent = response.json().unwrap().as_str().unwrap().to_owned();
    assert!(sent.starts_with("PATCH /rest/v1/rows?id=eq.1 HTTP/1.1\r\n"), "{sent}");
    for line in ["prefer: return=representation", "authorization: Bearer canary-key", "content-length: 18"] {
        assert!(sent.contains(&format!("\r\n{line}\r\n")), "{line}: {sent}");
    }
    assert!(sent.contains("user-agent: idse/"), "{sent}");
    assert!(!sent.contains("transfer-encoding"), "{sent}");
    assert!(sent.ends_with("\r\n\r\n{\"spec_md\":\"text\"}"), "{sent}");
}

#[test]
fn only_safe_addresses_make_a_client() {
    for url in [
        "http://agency.example",
        "ftp://127.0.0.1",
        "https://user:hunter2@agency.example",
        "https://agency.example?key=hunter2",
        "https://agency.example/#hunter2",
        "https://agency.example/a b",
        "https://agency.example/../x",
        "agency.example",
    ] {
        let error = Client::new(url, &Limits::default(), &Env::default()).unwrap_err();
        assert_eq!((error.kind(), error.reason()), (ErrorKind::InvalidArgument, "origin"), "{url}");
        assert!(!error.to_json().to_string().contains("hunter2"), "{error}");
    }
    let client =
        Client::new("HTTPS://Agency.Example:443/sync//", &Limits::default(), &Env::default()).unwrap();
    assert_eq!((client.origin(), client.base.as_str()), ("https://agency.example", "/sync"));
}

#[test]
fn a_redirect_is_an_answer_and_nobody_else_gets_the_key() {
    let other = Server::saying(ok("[]"));
    let server =
        Server::saying(answer("307 Temporary Redirect", &format!("location: {}/\r\n", other.url), ""));
    for response in [
        server
            .client()
            .read(&get().secret("apikey", "", &Secret::new("canary")), &Context::default())
            .unwrap(),
        server
            .client()
            .write(&patch().secret("apikey", "", &Secret::new("canary")), &Context::default())
            .unwrap(),
    ] {
        let error = response.write_failure();
        assert_eq!((error.kind(), error.reason()), (ErrorKind::Protocol, "redirect"));
    }
    assert_eq!((other.count(), server.count()), (0, 2));
}

#[test]
fn a_read_is_repeated_and_a_write_is_not() {
    for status in ["429 Slow", "502 Bad", "503 Busy", "504 Late", "520 Odd", "524 Late"] {
        let play = move |at: usize, stream: &mut TcpStream, _: &str| {
            let text = if at == 0 { answer(status, "", "") } else { ok("[1]") };
            stream.write_all(text.as_bytes()).unwrap();
        };
        let server = Server::new(play);
        let response = server.client().read(&get(), &Context::default()).unwrap();
        assert_eq!((response.status(), server.count()), (200, 2), "{status}");
        let server = Server::new(play);
        let response = server.client().write(&patch(), &Context::default()).unwrap();
        let want = if status.starts_with("429") { ErrorKind::RateLimited } else { ErrorKind::Unsettled };
        assert_eq!((response.write_failure().kind(), server.count()), (want, 1), "{status}");
    }
}

#[test]
fn retry_after_is_waited_for_within_reason() {
    let server = Server::new(|at, stream, _| {
        let text = if at == 0 { answer("429 Slow", "retry-after: 1\r\n", "") } else { ok("[]") };
        stream.write_all(text.as_bytes()).unwrap();
    });
    let start = SystemClock.monotonic();
    assert!(server.client().read(&get(), &Context::default()).unwrap().is_success());
    assert!(SystemClock.monotonic() - start >= Duration::from_secs(1));

    let server = Server::saying(answer("429 Slow", "retry-after: 3600\r\n", ""));
    let error = server.client().read(&get(), &Context::default()).unwrap().failure();
    assert_eq!(
        (error.kind(), error.get("retry_after"), server.count()),
        (ErrorKind::RateLimited, Some("3600"), 1)
    );
}

#[test]
fn nothing_there_is_known_to_have_written_nothing() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let client = Client::new(&format!("http://{closed}"), &Limits::default(), &Env::default()).unwrap();
    for result in [client.read(&get(), &Context::default()), client.write(&patch(), &Context::default())] {
        let error = result.unwrap_err();
        assert_eq!((error.kind(), error.reason()), (ErrorKind::Unavailable, "connect"), "{error}");
    }
    let client = Client::new("https://agency.invalid", &Limits::default(), &Env::default()).unwrap();
    let error = client.write(&patch(), &Context::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
}

#[test]
fn a_server_without_tls_gets_nothing() {
    let server = Server::saying(ok("[]"));
    let url = server.url.replace("http://", "https://");
    let client = Client::new(&url, &Limits::default(), &Env::default()).unwrap();
    let error = client.write(&patch(), &patient(2_000)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert_eq!(server.count(), 0);
}

#[test]
fn a_cancel_is_seen_while_the_server_is_silent() {
    for is_write in [false, true] {
        let server = Server::new(|_, _, _| std::thread::sleep(Duration::from_secs(3)));
        let context = Context { cancel: Cancel::default(), ..Context::default() };
        let cancel = context.cancel.clone();
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(200));
            cancel.cancel();
        });
        let start = SystemClock.monotonic();
        let client = server.client();
        let result = if is_write { client.write(&patch(), &context) } else { client.read(&get(), &context) };
        let error = result.unwrap_err();
        let took = SystemClock.monotonic() - start;
        let want = if is_write { (ErrorKind::Unsettled, "cancelled") } else { (ErrorKind::Cancelled, "") };
        assert_eq!((error.kind(), error.reason()), want);
        assert!(took < Duration::from_millis(1_500), "{took:?}");
        // The client is as good as new, for others.
        let error = client.read(&get(), &context).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
    }
}

#[test]
fn a_deadline_ends_the_wait() {
    let slow_head = |_: usize, stream: &mut TcpStream, _: &str| {
        for byte in ok("[]").bytes() {
            if stream.write_all(&[byte]).is_err() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    for is_write in [false, true] {
        let server = Server::new(slow_head);
        let client = server.client();
        let context = patient(300);
        let start = SystemClock.monotonic();
        let result = if is_write { client.write(&patch(), &context) } else { client.read(&get(), &context) };
        let error = result.unwrap_err();
        assert!(SystemClock.monotonic() - start < Duration::from_secs(3));
        let want = if is_write { (ErrorKind::Unsettled, "") } else { (ErrorKind::Unavailable, "timeout") };
        assert_eq!((error.kind(), error.reason()), want, "{error}");
    }
}

#[test]
fn a_connection_that_breaks_is_tried_again_for_a_read_alone() {
    let whole = ok(r#"[{"id":1}]"#);
    for cut in [0, 1, 20, whole.len() - 1] {
        let part = whole.as_bytes()[..cut].to_vec();
        let server = Server::saying(part.clone());
        let error = server.client().read(&get(), &Context::default()).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Protocol), "{cut}: {error}");
        let server = Server::saying(part);
        let error = server.client().write(&patch(), &Context::default()).unwrap_err();
        assert_eq!((error.kind(), server.count()), (ErrorKind::Unsettled, 1), "{cut}: {error}");
    }
}

#[test]
fn an_answer_has_limits() {
    let limits = Limits { response_bytes: 1000, request_bytes: 100, ..Limits::default() };
    let server = Server::saying(ok(&format!("{:>1001}", 1)));
    let client = Client::new(&server.url, &limits, &Env::default()).unwrap();
    let error = client.read(&get(), &Context::default()).unwrap_err();
    assert_eq!((error.kind(), error.reason()), (ErrorKind::Protocol, "response_too_large"));
    let error = client.write(&patch(), &Context::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsettled);

    let long = Call::new(Method::Post, "/rows").json(&"x".repeat(99).into());
    let error = client.write(&long, &Context::default()).unwrap_err();
    assert_eq!((error.kind(), error.reason(), server.count()), (ErrorKind::InvalidArgument, "too_large", 2));

    let server = Server::saying(ok(&format!("{:>1000}", 1)));
    let client = Client::new(&server.url, &limits, &Env::default()).unwrap();
    assert_eq!(client.read(&get(), &Context::default()).unwrap().json().unwrap(), 1);

    let head = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(100_000));
    let error = Server::saying(head).client().read(&get(), &Context::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
}

#[test]
fn the_limit_counts_what_comes_out_of_the_compression() {
    // 20,000 spaces and a digit, compressed.
    let zipped: &[u8] = &[
        31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 237, 193, 177, 0, 0, 0, 0, 2, 48, 149, 20, 242, 151, 75, 163, 99,
        91, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 192, 131, 14, 137, 79, 236, 182, 33, 78,
        0, 0,
    ];
    let mut text = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
        zipped.len()
    )
    .into_bytes();
    text.extend_from_slice(zipped);
    let server = Server::saying(text);
    assert_eq!(server.client().read(&get(), &Context::default()).unwrap().json().unwrap(), 1);
    let limits = Limits { response_bytes: 20_000, ..Limits::default() };
    let client = Client::new(&server.url, &limits, &Env::default()).unwrap();
    let error = client.read(&get(), &Context::default()).unwrap_err();
    assert_eq!((error.kind(), error.reason()), (ErrorKind::Protocol, "response_too_large"));
}

#[test]
fn what_is_not_json_is_not_read_as_such() {
    for (kind, body) in [
        ("text/html", "<!DOCTYPE html><title>hotel</title>"),
        ("application/json", "<html>"),
        ("application/json", "[{\"id\":"),
        ("application/json", ""),
        ("text/plain", "[]"),
    ] {
        let server = Server::saying(answer("200 OK", &format!("content-type: {kind}\r\n"), body));
        let error = server.client().read(&get(), &Context::default()).unwrap().json().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{kind} {body}");
    }
    let server = Server::saying(answer("200 OK", "content-type: application/problem+json\r\n", "[]"));
    assert!(server.client().read(&get(), &Context::default()).unwrap().json().is_ok());
}

#[test]
fn a_status_stands_for_an_error() {
    for (status, kind, reason) in [
        (400, ErrorKind::Protocol, ""),
        (401, ErrorKind::Unauthorized, ""),
        (403, ErrorKind::Unauthorized, "forbidden"),
        (404, ErrorKind::NotFound, ""),
        (409, ErrorKind::Exists, ""),
        (413, ErrorKind::InvalidArgument, "too_large"),
        (429, ErrorKind::RateLimited, ""),
        (500, ErrorKind::Unavailable, ""),
    ] {
        let body = r#"{"message":"see eyJhbGciOiJIUzI1NiJ9.eyJ4Ijoi\u001b[31m canary-key"}"#;
        let server =
            Server::saying(answer(&format!("{status} X"), "content-type: application/json\r\n", body));
        let call = patch().secret("apikey", "", &Secret::new("canary-key"));
        let response = server.client().write(&call, &Context::default()).unwrap();
        let error = response.failure();
        assert_eq!((error.kind(), error.reason()), (kind, reason), "{status}");
        let shown =
            error.to_json().to_string() + &format!("{error:?}") + &response.write_failure().to_string();
        assert!(
            !shown.contains("canary-key") && !shown.contains("eyJ") && !shown.contains('\u{1b}'),
            "{shown}"
        );
        let is_lost = response.write_failure().kind() == ErrorKind::Unsettled;
        assert_eq!(is_lost, status == 500, "{status}");
    }
}

#[test]
fn a_key_that_fits_into_no_header_is_refused_and_not_shown() {
    let server = Server::saying(ok("[]"));
    for key in ["", "two words", "line\nbreak: x", "schlüssel", &"x".repeat(9000)] {
        let call = get().secret("apikey", "", &Secret::new(key));
        let error = server.client().read(&call, &Context::default()).unwrap_err();
        assert_eq!((error.kind(), error.reason()), (ErrorKind::InvalidConfig, "secret"));
        assert!(key.is_empty() || !error.to_json().to_string().contains(key));
    }
}
