//! Supabase: the program as whole processes against PostgREST on loopback, behind a proxy that counts.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use idse_tests::proxy::Proxy;
use idse_tests::stack::{Layout, Stack};

use crate::Setting;
use crate::measure::{Program, median};
use crate::table::{Table, shown};

/// What one verb may take, in milliseconds.
const VERB: f64 = 30.0;
/// How many projects are pushed at once, one session each.
const PROJECTS: usize = 200;
const CLIENTS: usize = 8;
/// Which share of what PostgREST takes bare has to be left.
const SHARE: f64 = 0.6;

/// A workspace whose agency is the stack.
struct Work {
    program: Program,
    proxy: Proxy,
}

impl Work {
    fn new(setting: &Setting, name: &str) -> Self {
        let folder = setting.folder.join(name);
        drop(std::fs::remove_dir_all(&folder));
        std::fs::create_dir_all(folder.join("home")).unwrap();
        let stack = Stack::shared();
        let proxy = stack.supabase(Layout::Documented);
        let mut program = setting.idse(&folder, &[]);
        program.home = folder.join("home");
        program.env = vec![
            ("SUPABASE_URL".to_owned(), proxy.url()),
            ("SUPABASE_KEY".to_owned(), stack.keys().secret().to_owned()),
        ];
        Self { program, proxy }
    }

    fn run(&self, args: &[&str]) -> Duration {
        let args = args.iter().map(|arg| (*arg).to_owned()).collect();
        Program { args, ..self.program.clone() }.run(&[0]).0
    }

    fn spec(&self, project: &str) -> PathBuf {
        self.program.folder.join(format!(".idse/projects/{project}/sessions/s1/specs/spec.md"))
    }
}

pub(crate) fn measure(setting: &Setting, table: &mut Table) {
    one_session(setting, table);
    many_sessions(setting, table);
}

fn one_session(setting: &Setting, table: &mut Table) {
    let (work, stack) = (Work::new(setting, "servers-one"), Stack::shared());
    work.run(&["init", "one", "--session", "s1"]);
    write(&work.spec("one"), 0);
    work.run(&["sync", "push"]);
    let id = stack.sql("select id from documented.projects where name = 'one' limit 1");
    let mut times: [Vec<Duration>; 5] = Default::default();
    for round in 0..=setting.rounds {
        write(&work.spec("one"), 2 * round + 1);
        let push = work.run(&["sync", "push"]);
        stack.sql(&format!("update documented.projects set spec_md = spec_md || 'theirs' where id = '{id}'"));
        let pull = work.run(&["sync", "pull"]);
        let status = work.run(&["sync", "status"]);
        // A connection that waits is closed by the server.
        let mut bare = Bare::new(stack.postgrest());
        let patch =
            bare.ask("PATCH", &format!("/projects?id=eq.{id}"), &format!(r#"{{"plan_md": "{round}"}}"#));
        let head = bare.ask("GET", &format!("/projects?id=eq.{id}"), "");
        // Bare changes move the row; this one is no part of what is measured.
        work.run(&["sync", "pull"]);
        if round > 0 {
            let all = [push, pull, status, patch, head];
            times.iter_mut().zip(all).for_each(|(times, time)| times.push(time));
        }
    }
    let [push, pull, status, patch, head] = times.map(median);
    for (what, time, own) in [("push", push, patch), ("pull", pull, head), ("status", status, head)] {
        table.limit(&format!("sync {what}, a process, one request to PostgREST"), millis(time), VERB, "ms");
        let rest = time.saturating_sub(own);
        let value = format!("{} of {}", shown(rest), shown(time));
        table.plain(&format!("sync {what}: what is not PostgREST's own"), value);
    }
}

fn many_sessions(setting: &Setting, table: &mut Table) {
    let work = Work::new(setting, "servers-many");
    let names: Vec<String> = (0..PROJECTS).map(|n| format!("many-{n}")).collect();
    for name in &names {
        work.run(&["init", name, "--session", "s1"]);
        write(&work.spec(name), 0);
    }
    work.run(&["sync", "push", "--all"]);
    let mut times = Vec::new();
    for round in 1..=3 {
        names.iter().for_each(|name| write(&work.spec(name), round));
        work.proxy.requests();
        times.push(work.run(&["sync", "push", "--all"]));
    }
    let (requests, time) = (work.proxy.count(), median(times));
    let bare = bare_rate();
    let rate = f64_of(PROJECTS) / time.as_secs_f64();
    table.limit(
        &format!("sync push --all, {PROJECTS} sessions: requests"),
        f64_of(requests),
        f64_of(PROJECTS),
        "requests",
    );
    let what = format!(
        "sync push --all: {rate:.0}/s, bare PostgREST from {CLIENTS} clients {bare:.0}/s, share {:.2}",
        rate / bare
    );
    table.claim(&format!("{what}, at least {SHARE}"), rate >= SHARE * bare);
}

/// How many changes a second PostgREST takes from clients that keep their connections, each on a row of its own.
fn bare_rate() -> f64 {
    let stack = Stack::shared();
    let ids =
        stack.sql(&format!("select id from documented.projects where name like 'many-%' limit {CLIENTS}"));
    let each = 150;
    let start = Instant::now();
    std::thread::scope(|scope| {
        for id in ids.lines() {
            scope.spawn(move || {
                let mut bare = Bare::new(stack.postgrest());
                for n in 0..each {
                    let body =
                        format!(r#"{{"spec_md": "{}", "updated_at": "now"}}"#, text(n).replace('\n', "\\n"));
                    bare.ask("PATCH", &format!("/projects?id=eq.{id}"), &body);
                }
            });
        }
    });
    f64_of(each * ids.lines().count()) / start.elapsed().as_secs_f64()
}

/// A client without anything around it, on a connection that it keeps.
struct Bare {
    stream: BufReader<TcpStream>,
    token: String,
}

impl Bare {
    fn new(server: SocketAddr) -> Self {
        let stream = TcpStream::connect(server).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream: BufReader::new(stream), token: Stack::shared().keys().service() }
    }

    /// Sends a request and reads the answer: none has a body of a length that it names.
    fn ask(&mut self, method: &str, target: &str, body: &str) -> Duration {
        let start = Instant::now();
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nPrefer: return=minimal\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.token,
            body.len()
        );
        self.stream.get_mut().write_all(request.as_bytes()).unwrap();
        let mut status = String::new();
        self.stream.read_line(&mut status).unwrap();
        assert!(status.contains(" 20"), "{status}");
        let (mut line, mut has_chunks) = (String::new(), false);
        while line != "\r\n" {
            line.clear();
            assert!(self.stream.read_line(&mut line).unwrap() > 0, "the connection ended");
            has_chunks |= line.to_ascii_lowercase().starts_with("transfer-encoding: chunked");
        }
        // Lines of a chunked body: its texts are JSON, which has no line of a lone zero.
        while has_chunks && line != "0\r\n" {
            line.clear();
            assert!(self.stream.read_line(&mut line).unwrap() > 0, "the connection ended");
        }
        if has_chunks {
            self.stream.read_line(&mut line).unwrap();
        }
        start.elapsed()
    }
}

/// A specification of ordinary size that differs from round to round.
fn text(round: usize) -> String {
    format!("# Specification {round}\n\n{}", "One line of an ordinary specification.\n".repeat(100))
}

fn write(path: &Path, round: usize) {
    std::fs::write(path, text(round)).unwrap();
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn f64_of(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}
