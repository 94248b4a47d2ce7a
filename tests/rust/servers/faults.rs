//! A server that fails: the documented error, nothing changed, no hang.

use std::time::{Duration, Instant};

use idse_core::remote::{ProjectFilter, Remote};
use idse_core::sync::Outcome;
use idse_core::{Error, ErrorKind, Stage};
use idse_tests::proxy::{Fault, Proxy, When};
use idse_tests::stack::{Layout, Stack};

use crate::world::{self, Client, Row};

/// A fault, and what a read and a write make of it.
struct Case {
    fault: Fault,
    read: Option<ErrorKind>,
    write: Option<ErrorKind>,
}

fn case(fault: Fault, read: ErrorKind, write: ErrorKind) -> Case {
    Case { fault, read: Some(read), write: Some(write) }
}

fn cases(elsewhere: &str) -> Vec<Case> {
    use ErrorKind::{NotFound, Protocol, RateLimited, Unauthorized, Unavailable, Unsettled};
    let long = Duration::from_secs(6);
    vec![
        case(Fault::status(401), Unauthorized, Unauthorized),
        case(Fault::gateway(401), Unauthorized, Unauthorized),
        case(Fault::status(403), Unauthorized, Unauthorized),
        case(Fault::gateway(403), Unauthorized, Unauthorized),
        case(Fault::status(404), NotFound, NotFound),
        case(Fault::html(404), NotFound, NotFound),
        case(Fault::status(409), Protocol, Protocol),
        case(Fault::too_many(1), RateLimited, RateLimited),
        case(Fault::too_many(3600), RateLimited, RateLimited),
        case(Fault::status(500), Unavailable, Unsettled),
        case(Fault::gateway(500), Unavailable, Unsettled),
        case(Fault::html(502), Unavailable, Unsettled),
        case(Fault::gateway(502), Unavailable, Unsettled),
        case(Fault::html(200), Protocol, Unsettled),
        case(Fault::Truncate, Protocol, Unsettled),
        case(Fault::CutReplyBody, Unavailable, Unsettled),
        case(Fault::CutAfterCommit, Unavailable, Unsettled),
        case(Fault::DelayHead(long), Unavailable, Unsettled),
        case(Fault::DelayBody(long), Unavailable, Unsettled),
        case(Fault::huge(40 << 20), Protocol, Unsettled),
        case(Fault::Reset, Unavailable, Unsettled),
        case(Fault::redirect(302, elsewhere), Protocol, Protocol),
        case(Fault::redirect(307, elsewhere), Protocol, Protocol),
        case(Fault::redirect(308, elsewhere), Protocol, Protocol),
        case(Fault::answer(204, &[], ""), Protocol, Unsettled),
        case(Fault::answer(200, &[("Content-Type", "application/json")], "{}"), Protocol, Unsettled),
        case(Fault::answer(200, &[("Content-Type", "application/json")], "[1]"), Protocol, Unsettled),
        case(Fault::answer(200, &[("Content-Type", "application/json")], "[{}, {}]"), Protocol, Unsettled),
        // What is right but for its name may be taken as it is, or refused.
        Case { fault: Fault::WrongType, read: None, write: None },
    ]
}

/// Calls something that fails in bounded time.
fn fails<T: std::fmt::Debug>(what: &str, act: impl FnOnce() -> idse_core::Result<T>) -> Error {
    let start = Instant::now();
    let answer = act();
    assert!(start.elapsed() < Duration::from_secs(20), "{what}: {:?}", start.elapsed());
    match answer {
        Err(error) => error,
        Ok(answer) => panic!("{what}: {answer:?}"),
    }
}

fn try_reads(client: &Client, proxy: &Proxy, case: &Case, shown: &str) {
    let Some(kind) = case.read else { return };
    let context = world::context();
    proxy.fail(When::Always, case.fault.clone());
    let pull = fails(&format!("pull, {shown}"), || client.pull());
    let list = fails(&format!("list, {shown}"), || client.remote.projects(&ProjectFilter::All, &context));
    proxy.heal();
    assert_eq!(pull.kind(), kind, "pull, {shown}: {pull:?}");
    assert_eq!(list.kind(), kind, "list, {shown}: {list:?}");
}

/// Where everything fails, the push says that its fate is not known, or that it was refused, and is sent once.
/// Where only writes fail, a look at the agency tells the truth.
fn try_write(client: &Client, proxy: &Proxy, row: Row, case: &Case, shown: &str) {
    let before = row.column("row_to_json(projects)");
    client.write(Stage::Spec, "lost\n");
    proxy.requests();
    proxy.fail(When::Always, case.fault.clone());
    if let Some(kind) = case.write {
        let error = fails(&format!("push, {shown}"), || client.push());
        assert_eq!(error.kind(), kind, "push, {shown}: {error:?}");
        if kind != ErrorKind::Unsettled {
            assert_eq!(row.column("row_to_json(projects)"), before, "{shown}");
        }
        let writes = proxy.requests().iter().filter(|request| request.writes()).count();
        assert_eq!(writes, 1, "{shown}: a write is sent once");
    }
    proxy.heal();
    client.pull().unwrap();
    client.write(Stage::Spec, "looked after\n");
    proxy.fail(When::AlwaysWrite, case.fault.clone());
    let answer = client.push();
    proxy.heal();
    let is_there = row.column("spec_md") == "looked after";
    match answer {
        Ok(report) => assert_eq!((report.outcome, is_there), (Outcome::Done, true), "{shown}: {report:?}"),
        Err(error) => assert!(!is_there && error.kind() != ErrorKind::Unsettled, "{shown}: {error:?}"),
    }
    assert_eq!(client.read(Stage::Spec), b"looked after\n", "{shown}");
}

#[test]
fn every_fault_has_its_error_and_changes_nothing() {
    let stack = Stack::shared();
    let stranger = Proxy::before(stack.postgrest());
    let cases = cases(&format!("{}/rest/v1/projects", stranger.url()));
    let next = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    let Some(case) = cases.get(number) else { return };
                    one_fault(case);
                }
            });
        }
    });
    assert_eq!((stranger.connections(), stranger.count()), (0, 0), "nobody follows a redirect");
}

fn one_fault(case: &Case) {
    let mut shown = format!("{:?}", case.fault);
    shown.truncate(120);
    let row = Row::new(Layout::Documented, "begin\n");
    let proxy = Stack::shared().supabase(Layout::Documented);
    let client = Client::clone_of(row, world::impatient(&proxy));
    row.edit("plan_md = E'theirs\\n'");
    try_reads(&client, &proxy, case, &shown);
    assert_eq!(client.read(Stage::Plan), b"begin\n", "{shown}");
    client.pull().unwrap();
    try_write(&client, &proxy, row, case, &shown);
    assert_eq!(client.read(Stage::Plan), b"theirs\n", "{shown}");
    // The next verbs find all in order.
    client.write(Stage::Spec, "mine\n");
    let pushed = client.push().unwrap();
    assert!(matches!(pushed.outcome, Outcome::Done | Outcome::UpToDate), "{shown}: {pushed:?}");
    assert_eq!((row.column("spec_md"), row.column("plan_md")), ("mine".into(), "theirs".into()), "{shown}");
    assert_eq!(client.pull().unwrap().outcome, Outcome::UpToDate, "{shown}");
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let row = Row::new(Layout::Documented, "begin\n");
    let proxy = Stack::shared().supabase(Layout::Documented);
    let client = Client::clone_of(row, world::impatient(&proxy));
    drop(proxy);
    // The port is closed as soon as the proxy's thread has ended.
    std::thread::sleep(Duration::from_millis(50));
    client.write(Stage::Spec, "mine\n");
    for error in [fails("push", || client.push()), fails("pull", || client.pull())] {
        assert_eq!((error.kind(), error.reason()), (ErrorKind::Unavailable, "connect"), "{error:?}");
    }
    assert_eq!(
        (row.column("spec_md").as_str(), client.read(Stage::Spec).as_slice()),
        ("begin", &b"mine\n"[..])
    );
}
