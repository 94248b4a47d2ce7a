//! Replies that are lost between a client and the gateway: the client never believes what did not happen.

use idse_core::config::Limits;
use idse_core::remote::{
    Fetched, GatewayRemote, Guard, PushItem, PushOutcome, PushRequest, Remote as _, RemoteSession, Target,
};
use idse_core::{Context, Digest, Env, ErrorKind, Result, Stage};
use idse_tests::proxy::{Fault, Proxy, When};
use tempfile::tempdir;
use uuid::Uuid;

use crate::common::Gateway;

fn remote(proxy: &Proxy) -> GatewayRemote {
    GatewayRemote::new(&proxy.url(), None, &Limits::default(), &Env::default()).unwrap()
}

fn row(remote: &GatewayRemote, target: &Target) -> RemoteSession {
    match remote.fetch(target, None, &Context::default()).unwrap() {
        Fetched::Session(row) => *row,
        other => panic!("{other:?}"),
    }
}

fn push(remote: &GatewayRemote, target: &Target, read: &RemoteSession, text: &str) -> Result<PushOutcome> {
    let expected = read.texts[&Stage::Spec].text().map(Digest::of);
    let request = PushRequest {
        target: target.clone(),
        op: Uuid::new_v4().to_string().parse().unwrap(),
        revision: Some(read.revision.clone()),
        items: vec![PushItem { stage: Stage::Spec, text: Some(text.to_owned()), expected }],
        state: None,
        create: None,
    };
    remote.push(&request, &Context::default())
}

#[test]
fn our_client_is_guarded_in_one_request() {
    let folder = tempdir().unwrap();
    let gateway = Gateway::sqlite(&folder, &[]);
    let proxy = Proxy::before(gateway.address);
    let target =
        Target { project_id: gateway.project("p", "one").parse().unwrap(), session: "s1".parse().unwrap() };
    let remote = remote(&proxy);
    let read = row(&remote, &target);
    assert_eq!(remote.info().guard, Guard::RowVersion);
    proxy.requests();
    assert!(matches!(
        push(&remote, &target, &read, "two").unwrap(),
        PushOutcome::Written { in_step: true, .. }
    ));
    assert!(matches!(push(&remote, &target, &read, "three").unwrap(), PushOutcome::Differs { .. }));
    assert_eq!(proxy.requests().len(), 2);
    assert_eq!(row(&remote, &target).texts[&Stage::Spec].text(), Some("two"));
}

#[test]
fn a_lost_reply_is_never_taken_for_a_failure() {
    let folder = tempdir().unwrap();
    let gateway = Gateway::sqlite(&folder, &[]);
    let target =
        Target { project_id: gateway.project("p", "one").parse().unwrap(), session: "s1".parse().unwrap() };
    let proxy = Proxy::before(gateway.address);
    let remote = remote(&proxy);
    for (number, fault) in [
        Fault::CutBeforeSend,
        Fault::CutRequest,
        Fault::CutAfterCommit,
        Fault::CutReply(0),
        Fault::CutReply(1),
        Fault::CutReply(40),
        Fault::CutReplyBody,
        Fault::Truncate,
        Fault::AnswerAfterCommit(502),
        Fault::AnswerAfterCommit(504),
        Fault::Reset,
        Fault::html(200),
        Fault::gateway(503),
    ]
    .into_iter()
    .enumerate()
    {
        let read = row(&remote, &target);
        let before = read.texts[&Stage::Spec].text().unwrap().to_owned();
        let text = format!("text {number}");
        // Every push is a POST, and so is a pull: only the next one is spoiled.
        proxy.fail(When::Next, fault.clone());
        let outcome = push(&remote, &target, &read, &text);
        proxy.heal();
        let held = row(&remote, &target).texts[&Stage::Spec].text().unwrap().to_owned();
        assert!(held == before || held == text, "{fault:?}: {held}");
        match outcome {
            Ok(PushOutcome::Written { .. }) => assert_eq!(held, text, "{fault:?}"),
            Ok(other) => panic!("{fault:?}: {other:?}"),
            Err(error) if error.kind() == ErrorKind::Unsettled => {}
            Err(error) => assert_eq!(held, before, "{fault:?}: {error:?} says that nothing was written"),
        }
    }
}
