//! Our client at our gateway: every clean verb in one request, and no answer that is lost loses a text.

use std::sync::{Arc, Mutex};

use idse_core::Stage;
use idse_tests::Sandbox;
use idse_tests::proxy::{Fault, Proxy, When};
use serde_json::json;

use crate::http::send;
use crate::server::Server;

/// Alice behind a proxy before our gateway; she has pushed `spec`.
struct World {
    server: Server,
    proxy: Arc<Proxy>,
    alice: Sandbox,
}

impl World {
    fn new() -> Option<Self> {
        let server = Server::ours("open")?;
        let proxy = Arc::new(Proxy::before(server.address().parse().unwrap()));
        let alice = Sandbox::new().env("IDSE_REMOTE", format!("{}/sync", proxy.url()));
        drop(alice.idse(&["init", "portal", "--session", "s1"]).success());
        alice.write_stage(Stage::Spec, "# Spec\n");
        drop(alice.idse(&["sync", "push"]).success());
        drop(proxy.requests());
        Some(Self { server, proxy, alice })
    }

    fn count(&self) -> usize {
        self.proxy.requests().len()
    }

    /// Returns the text of `spec` beside all clients.
    fn stored(&self) -> String {
        stored(self.server.address())
    }
}

fn ask(address: &str, line: (&str, &str), body: &serde_json::Value) -> serde_json::Value {
    let headers = [("content-type".to_owned(), "application/json".to_owned())];
    let answer = send(address, line.0, line.1, &headers, body.to_string().as_bytes());
    serde_json::from_slice(&answer.body).unwrap()
}

fn project(address: &str) -> String {
    let list = ask(address, ("GET", "/sync/projects?name=portal"), &json!({}));
    list["projects"][0]["id"].as_str().unwrap().to_owned()
}

fn stored(address: &str) -> String {
    let pulled = ask(address, ("POST", "/sync/pull"), &json!({"project_id": project(address)}));
    pulled["artifacts"]["spec_md"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_clean_push_and_a_clean_pull_are_one_request_each() {
    let Some(world) = World::new() else { return };
    let bob = world.alice.beside("bob");
    drop(bob.idse(&["sync", "clone", "portal"]).success());
    assert_eq!(bob.read_stage(Stage::Spec), "# Spec\n");
    drop(world.proxy.requests());

    world.alice.write_stage(Stage::Spec, "# Spec 2\n");
    let report = world.alice.idse(&["sync", "push", "--json"]).success().json("sync-report");
    assert_eq!((world.count(), &report["guard"]), (1, &json!("row_version")), "{report}");
    drop(world.alice.idse(&["sync", "pull"]).success());
    assert_eq!(world.count(), 1, "nothing new");
    drop(bob.idse(&["sync", "pull"]).success());
    assert_eq!((world.count(), bob.read_stage(Stage::Spec).as_str()), (1, "# Spec 2\n"));

    bob.write_stage(Stage::Spec, "# Of Bob\n");
    drop(bob.idse(&["sync", "push"]).success());
    world.alice.write_stage(Stage::Spec, "# Of Alice\n");
    assert_eq!(world.alice.idse(&["sync", "push"]).code, Some(3));
    assert_eq!(world.stored(), "# Of Bob\n");
    assert_eq!(world.alice.idse(&["sync", "pull"]).code, Some(3));
    drop(world.alice.idse(&["sync", "resolve", "spec", "--local"]).success());
    drop(world.alice.idse(&["sync", "push"]).success());
    assert_eq!(world.stored(), "# Of Alice\n");
    drop(world.alice.idse(&["sync", "undo"]).success());
    assert_eq!(world.alice.read_stage(Stage::Spec), "# Of Bob\n");
}

#[test]
fn a_lost_answer_of_our_gateway_is_settled_by_reading() {
    for (fault, third) in [
        (Fault::CutBeforeSend, false),
        (Fault::CutRequest, false),
        (Fault::CutAfterCommit, false),
        (Fault::CutReplyBody, false),
        (Fault::Truncate, false),
        (Fault::AnswerAfterCommit(502), false),
        (Fault::CutAfterCommit, true),
    ] {
        let Some(world) = World::new() else { return };
        world.alice.write_stage(Stage::Spec, "# Of Alice\n");
        let seen = Arc::new(Mutex::new(0));
        let (address, pushes) = (world.server.address().to_owned(), Arc::clone(&seen));
        if third {
            world.proxy.after_it(When::NextWrite, move |_| {
                *pushes.lock().unwrap() += 1;
                let body = json!({"project_id": project(&address), "artifacts": {"spec_md": "# By hand\n"}});
                assert_eq!(ask(&address, ("POST", "/sync/push"), &body)["success"], true);
            });
        }
        world.proxy.fail(When::NextWrite, fault.clone());
        let run = world.alice.idse(&["sync", "push"]);
        if third {
            assert_eq!(world.stored(), "# By hand\n", "{fault:?} {run}");
            drop(world.alice.idse(&["sync", "pull"]));
            assert_eq!(world.stored(), "# By hand\n");
        } else {
            assert_eq!((run.code, world.stored().as_str()), (Some(0), "# Of Alice\n"), "{fault:?} {run}");
            drop(world.alice.idse(&["sync", "push"]).success());
        }
    }
}
