//! The harness itself: the servers start fast, answer as they should, and leave nothing behind.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use idse_tests::proxy::{Fault, Proxy, When};
use idse_tests::stack::{Layout, Stack};
use uuid::Uuid;

/// Sends a request by hand and returns what comes back until the connection ends; empty where nothing does.
fn ask(proxy: &Proxy, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> String {
    let mut stream = TcpStream::connect(proxy.address()).unwrap();
    let mut head = format!("{method} {target} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer));
    String::from_utf8_lossy(&answer).into_owned()
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("nothing")
}

#[test]
fn every_layout_answers_as_it_does_in_the_field() {
    let stack = Stack::shared();
    let keys = stack.keys();
    let user = format!("Bearer {}", keys.user("harness"));
    let read = |layout: Layout, select: &str| {
        let proxy = stack.supabase(layout);
        let headers = [("apikey", keys.publishable()), ("Authorization", &user)];
        status(&ask(&proxy, "GET", &format!("/rest/v1/projects?limit=1&select={select}"), &headers, ""))
            .to_owned()
    };
    for layout in Layout::ALL {
        assert_eq!(read(layout, "id,updated_at"), "200", "{layout:?}");
        let hidden = matches!(layout, Layout::Granted | Layout::Viewed);
        let xmin = match layout {
            Layout::Granted => "403",
            Layout::Viewed => "400",
            _ => "200",
        };
        assert_eq!(read(layout, "id,xmin"), xmin, "{layout:?}, hidden: {hidden}");
        let framework = if matches!(layout, Layout::Deployed | Layout::Extended) { "200" } else { "400" };
        assert_eq!(read(layout, "framework"), framework, "{layout:?}");
    }
}

#[test]
fn keys_are_checked_as_the_gateway_does() {
    let stack = Stack::shared();
    let keys = stack.keys();
    let proxy = stack.supabase(Layout::Documented);
    let (anon, user, expired) =
        (keys.anon(), format!("Bearer {}", keys.user("u")), format!("Bearer {}", keys.expired("u")));
    let secret = format!("Bearer {}", keys.secret());
    for (headers, expected) in [
        (&[][..], "401"),
        (&[("apikey", "sb_publishable_wrong")], "401"),
        (&[("apikey", keys.publishable())], "200"),
        (&[("apikey", keys.secret())], "200"),
        (&[("apikey", &anon)], "200"),
        (&[("apikey", keys.publishable()), ("Authorization", &user)], "200"),
        (&[("apikey", keys.publishable()), ("Authorization", &expired)], "401"),
        (&[("apikey", keys.secret()), ("Authorization", &secret)], "401"),
    ] {
        let answer = ask(&proxy, "GET", "/rest/v1/projects?limit=1", headers, "");
        assert_eq!(status(&answer), expected, "{headers:?}: {answer}");
    }
    assert_eq!(status(&ask(&proxy, "GET", "/projects", &[("apikey", &anon)], "")), "404");
    assert_eq!(proxy.requests().len(), 9);
}

#[test]
fn faults_happen_where_they_say() {
    let stack = Stack::shared();
    let proxy = stack.supabase(Layout::Documented);
    let id = Uuid::new_v4();
    let headers = [("apikey", stack.keys().secret()), ("Content-Type", "application/json")];
    let text = || stack.sql(&format!("select spec_md from documented.projects where id = '{id}'"));
    let write = |text: &str| {
        let target = format!("/rest/v1/projects?id=eq.{id}&select=id");
        ask(&proxy, "PATCH", &target, &[headers[0], headers[1], ("Prefer", "return=representation")], text)
    };
    stack.sql(&format!("insert into documented.projects (id, name, spec_md) values ('{id}', 'faults', '0')"));
    let body = |n: usize| format!(r#"{{"spec_md":"{n}"}}"#);
    let whole = write(&body(1));
    assert_eq!((status(&whole), text().as_str()), ("200", "1"));
    for (n, fault, arrives, commits) in [
        (2, Fault::CutBeforeSend, 0..1, false),
        (3, Fault::Reset, 0..1, false),
        (4, Fault::CutRequest, 0..1, false),
        (5, Fault::CutAfterCommit, 0..1, true),
        (6, Fault::CutReply(0), 0..1, true),
        (7, Fault::CutReply(9), 9..10, true),
        (8, Fault::CutReply(usize::MAX), whole.len() - 1..whole.len(), true),
        (9, Fault::CutReplyBody, 100..whole.len() - 1, true),
        (10, Fault::status(500), 40..1000, false),
        (11, Fault::AnswerAfterCommit(502), 40..1000, true),
        (12, Fault::html(200), 40..1000, false),
        (13, Fault::Truncate, 40..whole.len(), true),
        (14, Fault::WrongType, 40..1000, true),
        (15, Fault::DelayHead(Duration::from_millis(1)), whole.len()..whole.len() + 1, true),
        (16, Fault::DelayBody(Duration::from_millis(1)), whole.len()..whole.len() + 1, true),
    ] {
        let before = text();
        proxy.fail(When::NextWrite, fault.clone());
        let answer = write(&body(n));
        assert!(arrives.contains(&answer.len()), "{fault:?}: {} bytes: {answer}", answer.len());
        assert_eq!(text(), if commits { n.to_string() } else { before }, "{fault:?}");
    }
    let seen = proxy.count();
    proxy.after_it(When::NextWrite, move |request| {
        assert!(request.writes());
        stack.sql(&format!("update documented.projects set spec_md = 'by hand' where id = '{id}'"));
    });
    assert_eq!(status(&write(&body(17))), "200");
    assert_eq!((text().as_str(), proxy.count()), ("by hand", seen + 1));
}

/// Not a test of its own: a program that starts the servers, says where they are, and waits to be killed.
#[test]
fn holder() {
    if std::env::var_os("IDSE_TEST_HOLD").is_some() {
        let stack = Stack::shared();
        println!("\nholds {} {}", stack.folder().display(), stack.postgrest());
        std::thread::sleep(Duration::from_secs(60));
    }
}

#[test]
fn a_killed_test_program_leaves_nothing_behind() {
    let start = Instant::now();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "harness::holder", "--nocapture", "--test-threads", "1"])
        .env("IDSE_TEST_HOLD", "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.map_while(Result::ok).find(|line| line.starts_with("holds ")).unwrap();
    assert!(start.elapsed() < Duration::from_secs(10), "starting took {:?}", start.elapsed());
    let mut words = line.split(' ').skip(1);
    let (folder, address) = (std::path::PathBuf::from(words.next().unwrap()), words.next().unwrap());
    let pid = std::fs::read_to_string(folder.join("data/postmaster.pid")).unwrap();
    let server = format!("/proc/{}", pid.lines().next().unwrap());
    assert!(TcpStream::connect(address).is_ok() && folder.join(".s.PGSQL.5432").exists());
    child.kill().unwrap();
    child.wait().unwrap();
    let end = Instant::now() + Duration::from_secs(10);
    while folder.exists() || TcpStream::connect(address).is_ok() || std::path::Path::new(&server).exists() {
        assert!(Instant::now() < end, "{} or its servers are still there", folder.display());
        std::thread::sleep(Duration::from_millis(20));
    }
}
