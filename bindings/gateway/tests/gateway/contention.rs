//! Four gateways over one file, and somebody beside them: what was acknowledged is what is there.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use idse_core::remote::{Fetched, PushItem, PushOutcome, PushRequest, Remote as _, SqliteRemote, Target};
use idse_core::{Context, Digest, Stage};
use serde_json::json;
use tempfile::tempdir;

use crate::common::Gateway;

const EACH: usize = 40;

/// Adds one to the number in `spec`, guarded by what was read.
fn increment(gateway: &Gateway, id: &str) {
    loop {
        let pulled = gateway.pull(id);
        let text = pulled["artifacts"]["spec_md"].as_str().unwrap();
        let number: usize = text.parse().unwrap();
        let answer = gateway.push(&json!({
            "project_id": id, "session_id": "s1",
            "artifacts": {"spec_md": (number + 1).to_string()},
            "base": {"spec_md": pulled["digests"]["spec_md"]},
            "revision": pulled["revision"],
        }));
        match answer.status {
            200 => return,
            409 => {}
            status => panic!("{status}: {}", answer.text()),
        }
    }
}

/// The same without a gateway.
fn increment_directly(file: &Path, id: &str) {
    let context = Context::default();
    let remote = SqliteRemote::open(file, &context).unwrap();
    let target = Target { project_id: id.parse().unwrap(), session: "s1".parse().unwrap() };
    loop {
        let Fetched::Session(row) = remote.fetch(&target, None, &context).unwrap() else {
            panic!("it is there")
        };
        let text = row.texts[&Stage::Spec].text().unwrap();
        let number: usize = text.parse().unwrap();
        let item = PushItem {
            stage: Stage::Spec,
            text: Some((number + 1).to_string()),
            expected: Some(Digest::of(text)),
        };
        let request = PushRequest {
            target: target.clone(),
            op: "8d10b8b9-18d1-4adf-9a42-bf8fc4527bda".parse().unwrap(),
            revision: None,
            items: vec![item],
            state: None,
            create: None,
        };
        if matches!(remote.push(&request, &context).unwrap(), PushOutcome::Written { .. }) {
            return;
        }
    }
}

#[test]
fn four_gateways_behave_as_one() {
    let folder = tempdir().unwrap();
    let gateways: Vec<_> = (0..4).map(|_| Gateway::sqlite(&folder, &[])).collect();
    let id = gateways[0].project("p", "0");
    let file = folder.path().join("agency.db");
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let (gateways, id) = (&gateways, &id);
            scope.spawn(move || (0..EACH).for_each(|n| increment(&gateways[(writer + n) % 4], id)));
        }
        scope.spawn(|| (0..EACH).for_each(|_| increment_directly(&file, &id)));
    });
    for gateway in &gateways {
        assert_eq!(gateway.pull(&id)["artifacts"]["spec_md"], (9 * EACH).to_string());
    }
}

#[test]
fn one_name_becomes_one_project() {
    let folder = tempdir().unwrap();
    let gateways: Vec<_> = (0..4).map(|_| Gateway::sqlite(&folder, &[])).collect();
    let made = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for client in 0..40 {
            let (gateways, made) = (&gateways, &made);
            scope.spawn(move || {
                let body = json!({"project_name": format!("p{}", client / 2), "artifacts": {"spec_md": client.to_string()}});
                match gateways[client % 4].push(&body).status {
                    200 => drop(made.fetch_add(1, Ordering::Relaxed)),
                    status => assert_eq!(status, 409),
                }
            });
        }
    });
    assert_eq!(made.into_inner(), 20);
    assert_eq!(gateways[0].get("/sync/projects").ok()["count"], 20);
}

/// Existing clients overwrite one another; every text that lost is kept.
#[test]
fn every_text_that_was_overwritten_is_kept() {
    let folder = tempdir().unwrap();
    let gateways: Vec<_> = (0..4).map(|_| Gateway::sqlite(&folder, &[])).collect();
    let id = gateways[0].project("p", "first");
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let (gateways, id) = (&gateways, &id);
            scope.spawn(move || {
                for n in 0..10 {
                    let body = json!({"project_id": id, "artifacts": {"spec_md": format!("{writer}.{n}")}});
                    let mut answer = gateways[(writer + n) % 4].push(&body);
                    while answer.status == 503 {
                        answer = gateways[(writer + n) % 4].push(&body);
                    }
                    answer.ok();
                }
            });
        }
    });
    let last = gateways[0].pull(&id)["artifacts"]["spec_md"].as_str().unwrap().to_owned();
    let connection = rusqlite::Connection::open(folder.path().join("agency.db")).unwrap();
    let mut statement =
        connection.prepare("SELECT DISTINCT text FROM displaced WHERE column_name = 'spec_md'").unwrap();
    let kept: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let authored =
        (0..8).flat_map(|writer| (0..10).map(move |n| format!("{writer}.{n}"))).chain(["first".to_owned()]);
    let lost: Vec<_> = authored.filter(|text| *text != last && !kept.contains(text)).collect();
    assert!(lost.is_empty(), "lost: {lost:?}");
}
