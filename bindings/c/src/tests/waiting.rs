//! Calls that wait for somebody else: a locked agency, a server that says nothing or only half of it. Each ends at once
//! when it is asked to, and leaves everything whole.

#![expect(clippy::disallowed_methods, reason = "a test measures time")]

use std::ffi::CString;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::ptr::null_mut;
use std::time::{Duration, Instant};

use idse_core::{Context, verb};
use serde_json::{Value, json};

use super::text;
use crate::*;

/// How soon a call ends that was asked to.
const SOON: Duration = Duration::from_millis(100);

/// A workspace with something to push, and the arguments of the push.
struct Story {
    folder: tempfile::TempDir,
    remote: String,
}

impl Story {
    fn new(remote: Option<String>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let agency = format!("sqlite:{}", folder.path().join("agency.db").display());
        let story = Self { folder, remote: remote.unwrap_or(agency) };
        story.does("init", json!({ "project": "portal", "session": "s1" }));
        story
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("alice")
    }

    /// Runs a verb that must not fail.
    fn does(&self, name: &str, mut arguments: Value) -> Value {
        arguments["root"] = self.root().to_str().unwrap().into();
        verb::call(name, &arguments, &Context::default()).unwrap()
    }

    fn artifacts(&self) -> Value {
        self.does("load", json!({}))["artifacts"].take()
    }

    /// Pushes through C, stops it from another thread by its workspace or its context, and returns how it ended.
    fn stopped_push(&self, env: &[(&str, &str)], by_workspace: bool) -> (Status, String) {
        let (root, mut workspace) = (CString::new(self.root().to_str().unwrap()).unwrap(), null_mut());
        let arguments = CString::new(json!({ "remote": self.remote }).to_string()).unwrap();
        let (mut out, mut error) = (null_mut(), null_mut());
        // SAFETY: every pointer is NULL, a text or writable; the handles are freed after the thread has ended.
        unsafe {
            assert_eq!(idse_workspace_open(root.as_ptr(), &raw mut workspace, null_mut()), Status::Ok);
            let context = idse_context_new();
            for (name, value) in env {
                let (name, value) = (CString::new(*name).unwrap(), CString::new(*value).unwrap());
                idse_context_set_env(context, name.as_ptr(), value.as_ptr(), null_mut());
            }
            let shared = Shared(workspace, context);
            let stopper = std::thread::spawn(move || {
                let shared = shared;
                std::thread::sleep(Duration::from_millis(300));
                let asked = Instant::now();
                if by_workspace {
                    idse_workspace_interrupt(shared.0);
                } else {
                    idse_context_cancel(shared.1);
                }
                asked
            });
            let verb = c"push".as_ptr();
            let status =
                idse_call(workspace, context, verb, arguments.as_ptr(), &raw mut out, &raw mut error);
            let late = stopper.join().unwrap().elapsed();
            assert!(late < SOON, "{late:?}");
            let reason = text(idse_error_reason(error));
            idse_error_free(error);
            idse_context_free(context);
            idse_workspace_free(workspace);
            (status, reason)
        }
    }
}

/// Pointers that a test hands to another thread.
struct Shared(*const WorkspaceHandle, *const ContextHandle);
// SAFETY: the header promises that workspaces and contexts may be shared.
unsafe impl Send for Shared {}

#[test]
fn an_interrupt_ends_a_push_that_waits_for_a_lock() {
    let story = Story::new(None);
    let push = || story.does("push", json!({ "remote": story.remote }))["outcome"].take();
    push();
    story.does("write", json!({ "stage": "spec", "text": "# Spec\n" }));
    let agency: &Path = story.remote.trim_start_matches("sqlite:").as_ref();
    let busy = rusqlite::Connection::open(agency).unwrap();
    busy.execute_batch("BEGIN IMMEDIATE").unwrap();
    let before = story.artifacts();
    for by_workspace in [true, false] {
        assert_eq!(story.stopped_push(&[], by_workspace), (Status::Cancelled, String::new()));
    }
    busy.execute_batch("ROLLBACK").unwrap();
    drop(busy);
    // Nothing is left half done, and the lock is free.
    assert_eq!(story.artifacts(), before);
    assert_eq!(story.does("status", json!({ "remote": story.remote }))["unsettled"], false);
    assert_eq!(push(), "done");
}

/// What a server says to a request.
#[derive(Clone, Copy)]
enum Says {
    Nothing,
    Half,
    /// To whoever reads, that there is no such project; to whoever writes, nothing.
    NothingToWriters,
    /// To whoever writes, half of an answer.
    HalfToWriters,
}

/// Starts a server of the protocol of Supabase, and returns its address. It goes on until the tests end.
fn server(says: Says) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for connection in listener.incoming().map(Result::unwrap) {
            std::thread::spawn(move || answer(connection, says));
        }
    });
    address
}

fn answer(mut connection: TcpStream, says: Says) {
    const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length:";
    let mut request = [0; 1 << 16];
    while let Ok(size @ 1..) = connection.read(&mut request) {
        let is_reading = request[..size].starts_with(b"GET");
        let answer = match says {
            Says::Nothing => continue,
            Says::NothingToWriters | Says::HalfToWriters if is_reading => format!("{HEAD} 2\r\n\r\n[]"),
            Says::NothingToWriters => continue,
            Says::Half | Says::HalfToWriters => format!("{HEAD} 1000\r\n\r\n[{{\"id\":"),
        };
        connection.write_all(answer.as_bytes()).unwrap();
    }
}

#[test]
fn an_interrupt_ends_a_push_whose_server_is_silent() {
    for (says, by_workspace) in [(Says::Nothing, true), (Says::Half, true), (Says::Half, false)] {
        let story = Story::new(Some("supabase".to_owned()));
        let before = story.artifacts();
        let env = [("SUPABASE_URL", &*server(says)), ("SUPABASE_ANON_KEY", "eyJhbGciOiJIUzI1NiJ9.e30.c2ln")];
        assert_eq!(story.stopped_push(&env, by_workspace), (Status::Cancelled, String::new()));
        assert_eq!(story.artifacts(), before);
        let status = story.does("set_stage", json!({ "stage": "spec", "status": "in_progress" }));
        assert_eq!(status["after"], "in_progress", "the lock is free");
    }
}

#[test]
fn an_interrupted_write_is_told_as_unsettled_and_can_be_settled() {
    for says in [Says::NothingToWriters, Says::HalfToWriters] {
        let story = Story::new(Some("supabase".to_owned()));
        let before = story.artifacts();
        let address = server(says);
        let env = [("SUPABASE_URL", &*address), ("SUPABASE_ANON_KEY", "eyJhbGciOiJIUzI1NiJ9.e30.c2ln")];
        assert_eq!(story.stopped_push(&env, true), (Status::Unsettled, "cancelled".to_owned()));
        assert_eq!(story.artifacts(), before);
        // The server has no such project, as it says when it is asked again: the push did not get there.
        let context = Context { env: env.into_iter().collect(), ..Context::default() };
        let arguments = json!({ "root": story.root(), "remote": "supabase" });
        let call = |name| verb::call(name, &arguments, &context).unwrap();
        assert_eq!(call("status")["unsettled"], true);
        drop(call("settle"));
        assert_eq!(call("status")["unsettled"], false);
    }
}
