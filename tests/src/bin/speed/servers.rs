//! Supabase: the program as whole processes against PostgREST on loopback, behind a proxy that counts.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use idse_tests::proxy::Proxy;
use idse_tests::stack::{Layout, Stack};

use crate::Setting;
use crate::client::{Client, Head, rate};
use crate::measure::{Program, f64_of, median, millis};
use crate::table::{Table, shown};

/// What one verb may take, in milliseconds.
const VERB: f64 = 30.0;
/// How many projects are pushed at once, one session each.
const PROJECTS: usize = 200;
const CLIENTS: usize = 8;
/// How long bare PostgREST is asked.
const BARE_TIME: Duration = Duration::from_secs(3);
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
        let patch = own("PATCH", &id, &format!(r#"{{"plan_md": "{round}"}}"#));
        let get = own("GET", &id, "");
        // Bare changes move the row; this one is no part of what is measured.
        work.run(&["sync", "pull"]);
        if round > 0 {
            let all = [push, pull, status, patch, get];
            times.iter_mut().zip(all).for_each(|(times, time)| times.push(time));
        }
    }
    let [push, pull, status, patch, get] = times.map(median);
    for (what, time, own) in [("push", push, patch), ("pull", pull, get), ("status", status, get)] {
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

/// How long PostgREST itself takes for one request on a new connection, as a process makes it.
fn own(method: &'static str, id: &str, body: &str) -> Duration {
    let start = Instant::now();
    Client::new(Stack::shared().postgrest()).ask(&head(method), &format!("/projects?id=eq.{id}"), body);
    start.elapsed()
}

fn head(method: &'static str) -> Head {
    let token = format!("Bearer {}", Stack::shared().keys().service());
    let fields = [("Authorization", token.as_str()), ("Prefer", "return=minimal")];
    Head::new(method, &[&fields[..], &[("Content-Type", "application/json")]].concat())
}

/// How many changes a second PostgREST takes from clients that keep their connections, each on a row of its own.
fn bare_rate() -> f64 {
    let stack = Stack::shared();
    let ids =
        stack.sql(&format!("select id from documented.projects where name like 'many-%' limit {CLIENTS}"));
    let clients = ids.lines().map(|id| (Client::new(stack.postgrest()), format!("/projects?id=eq.{id}")));
    let head = head("PATCH");
    rate(BARE_TIME, clients, |(client, target), round| {
        let body = serde_json::json!({"spec_md": text(round), "updated_at": "now"});
        client.ask(&head, target, &body.to_string());
    })
}

/// A specification of ordinary size that differs from round to round.
fn text(round: usize) -> String {
    format!("# Specification {round}\n\n{}", "One line of an ordinary specification.\n".repeat(100))
}

fn write(path: &Path, round: usize) {
    std::fs::write(path, text(round)).unwrap();
}
