//! One connection: requests go to the server, answers come back, and what is to be spoiled is spoiled here.

use std::io::{self, BufReader, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use super::Shared;
use super::fault::Fault;
use super::http::{Reply, Request};

/// Serves one connection until either side closes it.
pub(super) fn serve(shared: &Shared, client: &TcpStream) -> io::Result<()> {
    client.set_nodelay(true)?;
    let mut from_client = BufReader::new(client);
    let mut server = None;
    while let Some(mut request) = Request::read(&mut from_client)? {
        let fault = shared.note(&request);
        let head = request.method == "HEAD";
        let last = request.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        shared.act_before(&request);
        if matches!(fault, Some(Fault::CutBeforeSend | Fault::Reset)) {
            shared.act_after(&request);
            return if fault == Some(Fault::Reset) { reset(client) } else { client.shutdown(Shutdown::Both) };
        }
        let instead = fault.as_ref().and_then(Fault::instead);
        let reply = match (instead, shared.door.enter(&mut request)) {
            (Some(reply), _) => reply,
            (None, Err(refusal)) => *refusal,
            (None, Ok(())) if fault == Some(Fault::CutRequest) => {
                forward_half(shared, &request)?;
                shared.act_after(&request);
                return client.shutdown(Shutdown::Both);
            }
            (None, Ok(())) => {
                let reply = forward(shared, &mut server, &request, head)?;
                shared.act_after(&request);
                reply
            }
        };
        if !deliver(client, fault, reply)? || last {
            return client.shutdown(Shutdown::Both);
        }
    }
    Ok(())
}

/// Gives the client what the fault leaves of an answer; tells whether the connection goes on.
fn deliver(mut client: &TcpStream, fault: Option<Fault>, reply: Reply) -> io::Result<bool> {
    match fault {
        Some(Fault::CutAfterCommit) => return Ok(false),
        Some(Fault::CutReply(bytes)) => {
            let all = reply.bytes();
            send(client, &all[..bytes.min(all.len().saturating_sub(1))])?;
            return Ok(false);
        }
        Some(Fault::CutReplyBody) => {
            send(client, &reply.head)?;
            send(client, &reply.body[..reply.body.len() / 2])?;
            return Ok(false);
        }
        Some(Fault::DelayHead(time)) => {
            std::thread::sleep(time);
            send(client, &reply.bytes())?;
        }
        Some(Fault::DelayBody(time)) => {
            send(client, &reply.head)?;
            client.flush()?;
            std::thread::sleep(time);
            send(client, &reply.body)?;
        }
        Some(Fault::AnswerAfterCommit(status)) => {
            let page = Reply::new(status, &[("Content-Type", "text/html")], b"<h1>Somebody between</h1>");
            send(client, &page.bytes())?;
        }
        Some(Fault::Truncate) => {
            let json = [("Content-Type", "application/json; charset=utf-8")];
            send(client, &Reply::new(200, &json, &reply.plain[..reply.plain.len() / 2]).bytes())?;
        }
        Some(Fault::WrongType) => {
            send(client, &Reply::new(200, &[("Content-Type", "text/plain")], &reply.plain).bytes())?;
        }
        _ => send(client, &reply.bytes())?,
    }
    Ok(true)
}

fn send(mut to: &TcpStream, bytes: &[u8]) -> io::Result<()> {
    to.write_all(bytes)
}

/// Closes with a reset instead of an end.
fn reset(client: &TcpStream) -> io::Result<()> {
    rustix::net::sockopt::set_socket_linger(client, Some(Duration::ZERO))?;
    Ok(())
}

/// A connection to the server and when it was last used.
type Server = Option<(BufReader<TcpStream>, Instant)>;

/// A server closes a connection that nobody uses; long before that, this proxy does.
const IDLE: Duration = Duration::from_secs(5);

/// Sends a request to the server and reads the whole answer.
fn forward(shared: &Shared, server: &mut Server, request: &Request, head: bool) -> io::Result<Reply> {
    let kept = server.take().filter(|(_, used)| used.elapsed() < IDLE);
    let mut stream = match kept {
        Some((stream, _)) => stream,
        None => {
            let stream = TcpStream::connect(shared.server)?;
            stream.set_nodelay(true)?;
            BufReader::new(stream)
        }
    };
    let reply = ask(&mut stream, request, head)?;
    *server = Some((stream, Instant::now()));
    Ok(reply)
}

fn ask(server: &mut BufReader<TcpStream>, request: &Request, head: bool) -> io::Result<Reply> {
    let mut bytes = request.head(&onward(request));
    bytes.extend_from_slice(&request.body);
    server.get_mut().write_all(&bytes)?;
    Reply::read(server, head)
}

/// Sends the head and half of the body, and ends the connection.
fn forward_half(shared: &Shared, request: &Request) -> io::Result<()> {
    let mut stream = TcpStream::connect(shared.server)?;
    stream.write_all(&request.head(&onward(request)))?;
    stream.write_all(&request.body[..request.body.len() / 2])?;
    stream.shutdown(Shutdown::Both)
}

/// The header fields that are not about one connection.
fn onward(request: &Request) -> Vec<(String, String)> {
    let own = ["connection", "content-length", "transfer-encoding", "keep-alive", "expect"];
    let keep = |name: &str| !own.iter().any(|other| name.eq_ignore_ascii_case(other));
    request.headers.iter().filter(|(name, _)| keep(name)).cloned().collect()
}
