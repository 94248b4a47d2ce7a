//! Running it: health, metrics, slow stores, and a stop that loses nothing.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::tempdir;

use crate::common::{Gateway, send};

#[test]
fn health_says_what_existing_clients_read() {
    let folder = tempdir().unwrap();
    let gateway = Gateway::sqlite(&folder, &[]);
    let health = gateway.get("/sync/health").ok();
    assert_eq!(health["status"], "healthy");
    assert_eq!(health["supabase_connected"], true);
    assert_eq!(health["message"], "MCP sync service operational");
    assert_eq!(gateway.get("/livez").ok(), json!({"status": "ok"}));
    assert_eq!(gateway.get("/readyz").ok(), json!({"status": "ok"}));
    gateway.project("p", "x");
    for side in ["agency.db", "agency.db-wal", "agency.db-shm"] {
        std::fs::remove_file(folder.path().join(side)).unwrap();
    }
    std::fs::write(
        folder.path().join("agency.db"),
        "this is no database, and longer than a header of one".repeat(200),
    )
    .unwrap();
    std::thread::sleep(Duration::from_millis(2100));
    let sick = gateway.get("/sync/health");
    assert_eq!((sick.status, &sick.json()["status"]), (200, &json!("unhealthy")));
    assert_eq!(gateway.get("/readyz").status, 503);
    assert_eq!(gateway.get("/livez").status, 200);
    let failed = gateway.get("/sync/projects");
    assert!(failed.status >= 500 && !failed.text().contains("agency.db"), "{}", failed.text());
    assert!(gateway.log().contains("agency.db"), "the log says which file");
}

#[test]
fn metrics_have_a_listener_of_their_own() {
    let folder = tempdir().unwrap();
    let gateway = Gateway::sqlite(&folder, &["--metrics", "127.0.0.1:0"]);
    let id = gateway.project("p", "x");
    gateway.push(&json!({"project_id": id, "artifacts": {"spec_md": "y"}})).ok();
    gateway.get("/made/up/path");
    let text = send(gateway.metrics.unwrap(), "GET", "/metrics", &[], b"").text();
    for line in [
        r#"http_requests_total{route="/sync/push",method="POST",status="200"} 2"#,
        r#"http_requests_total{route="-",method="GET",status="404"} 1"#,
        "idse_displaced_texts_total 1",
        "http_request_duration_seconds_bucket",
    ] {
        assert!(text.contains(line), "{line} is not in:\n{text}");
    }
    assert!(!text.contains("made/up"), "{text}");
}

/// Somebody holds the file for writing; reads and the probes go on, and the write waits its turn.
#[test]
fn a_slow_store_stalls_nobody_who_does_not_need_it() {
    let folder = tempdir().unwrap();
    let gateway = Gateway::sqlite(&folder, &[]);
    let id = gateway.project("p", "one");
    let connection = rusqlite::Connection::open(folder.path().join("agency.db")).unwrap();
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    let waiting = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for n in 0..120 {
            let (gateway, id, waiting) = (&gateway, &id, &waiting);
            scope.spawn(move || {
                let body = json!({"project_id": id, "artifacts": {"plan_md": format!("{n}")}});
                waiting.fetch_add(1, Ordering::SeqCst);
                gateway.push(&body).ok();
                waiting.fetch_sub(1, Ordering::SeqCst);
            });
        }
        while waiting.load(Ordering::SeqCst) < 120 {
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(300));
        let mut slowest = Duration::ZERO;
        for _ in 0..20 {
            for path in ["/sync/health", "/livez", "/readyz", "/sync/projects", "/openapi.json"] {
                let started = Instant::now();
                gateway.get(path).ok();
                slowest = slowest.max(started.elapsed());
            }
        }
        assert_eq!(waiting.load(Ordering::SeqCst), 120, "the writes wait");
        assert!(slowest < Duration::from_secs(1), "{slowest:?}");
        let other =
            gateway.post("/sync/pull", &json!({"project_id": "11111111-2222-4333-8444-555555555555"}));
        assert_eq!(other.status, 404);
        connection.execute_batch("COMMIT").unwrap();
    });
    gateway.pull(&id);
}

#[test]
fn a_stop_finishes_what_was_begun() {
    for signal in ["TERM", "INT"] {
        let folder = tempdir().unwrap();
        let mut gateway = Gateway::sqlite(&folder, &[]);
        let id = gateway.project("p", "0");
        let (address, over) = (gateway.address, AtomicBool::new(false));
        let acknowledged = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..8)
                .map(|writer| {
                    let (id, over) = (&id, &over);
                    scope.spawn(move || {
                        let mut last = 0;
                        for n in 1.. {
                            let stage = ["intent", "context", "spec", "plan", "tasks", "feedback"][writer % 6];
                            if writer >= 6 || over.load(Ordering::Relaxed) {
                                break;
                            }
                            let body = json!({"project_id": id, "artifacts": {format!("{stage}_md"): n.to_string()}});
                            let body = body.to_string();
                            let Ok(answer) = std::panic::catch_unwind(|| send(address, "POST", "/sync/push", &[], body.as_bytes())) else {
                                break;
                            };
                            match answer.status {
                                200 => last = n,
                                0 => break,
                                _ => panic!("{}", answer.text()),
                            }
                        }
                        (["intent", "context", "spec", "plan", "tasks", "feedback"][writer % 6], last)
                    })
                })
                .collect();
            std::thread::sleep(Duration::from_millis(400));
            gateway.signal(signal);
            assert_eq!(gateway.wait(Duration::from_secs(20)), Some(0));
            over.store(true, Ordering::Relaxed);
            writers.into_iter().take(6).map(|writer| writer.join().unwrap()).collect::<Vec<_>>()
        });
        assert!(gateway.log().contains("\"stopped\""), "{}", gateway.log());
        let after = Gateway::sqlite(&folder, &[]).pull(&id);
        for (stage, last) in acknowledged {
            let found: u64 =
                after["artifacts"][format!("{stage}_md")].as_str().unwrap_or("0").parse().unwrap();
            assert!(
                last > 0 && (found == last || found == last + 1),
                "{stage}: {last} acknowledged, {found} found"
            );
        }
    }
}

#[test]
fn a_stop_waits_for_a_write_that_waits() {
    let folder = tempdir().unwrap();
    let mut gateway = Gateway::sqlite(&folder, &[]);
    let id = gateway.project("p", "one");
    let connection = rusqlite::Connection::open(folder.path().join("agency.db")).unwrap();
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    let address = gateway.address;
    let body = json!({"project_id": id, "artifacts": {"spec_md": "two"}}).to_string();
    let pushed = std::thread::spawn(move || send(address, "POST", "/sync/push", &[], body.as_bytes()).status);
    std::thread::sleep(Duration::from_millis(300));
    gateway.signal("TERM");
    std::thread::sleep(Duration::from_millis(300));
    connection.execute_batch("COMMIT").unwrap();
    assert_eq!(pushed.join().unwrap(), 200);
    assert_eq!(gateway.wait(Duration::from_secs(20)), Some(0));
    assert_eq!(Gateway::sqlite(&folder, &[]).pull(&id)["artifacts"]["spec_md"], "two");
}
