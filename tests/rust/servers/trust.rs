//! No output of any command shows a key, whatever the server does; who may be asked at all is in `origins`.

use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use idse_tests::Sandbox;
use idse_tests::proxy::{Fault, Proxy, When};
use idse_tests::stack::{Layout, Stack};
use uuid::Uuid;

/// Every command that may send a request.
const CONNECTING: [&[&str]; 10] = [
    &["sync", "push"],
    &["sync", "push", "--dry-run"],
    &["sync", "pull"],
    &["sync", "status"],
    &["sync", "list"],
    &["sync", "clone", "anything"],
    &["sync", "link", "anything"],
    &["sync", "diff", "--remote"],
    &["status", "--remote-check"],
    &["doctor", "--remote"],
];

/// Makes a workspace with a project of a name of its own, and keys in its environment.
fn workspace(variables: &[(&str, String)]) -> Sandbox {
    let mut sandbox = Sandbox::new().env("RUST_BACKTRACE", "full");
    for (name, value) in variables {
        sandbox = sandbox.env(name, value.as_str());
    }
    let name = format!("p-{}", Uuid::new_v4());
    drop(sandbox.idse(&["init", &name, "--session", "s1"]).success());
    sandbox
}

/// What must not be seen of a secret: itself, its parts, and what it looks like when it is encoded.
fn needles(secret: &str) -> Vec<String> {
    let mut needles = vec![secret.to_owned()];
    // The last part of a JWT is what makes it one; the first is the same in all.
    needles.extend(secret.split('.').skip(1).map(str::to_owned));
    needles.extend(secret.strip_prefix("sb_secret_").map(str::to_owned));
    for before in ["", "x", "xx"] {
        // Where it stands in a longer text moves its letters; what surely is its own lies in the middle.
        for encoded in [STANDARD_NO_PAD.encode(format!("{before}{secret}")), URL_SAFE_NO_PAD.encode(secret)] {
            needles.push(encoded[4..encoded.len() - 4].to_owned());
        }
    }
    let percent = |keep: fn(char) -> bool| -> String {
        let shown = |c: char| if keep(c) { c.to_string() } else { format!("%{:02X}", u32::from(c)) };
        secret.chars().map(shown).collect()
    };
    needles.push(percent(|c| c.is_ascii_alphanumeric()));
    needles.push(secret.bytes().map(|byte| format!("{byte:02x}")).collect());
    needles
}

/// Servers that fail in ways in which clients talk too much; some say the key back.
fn talkative(keys: &[String], elsewhere: &str) -> Vec<Fault> {
    let json = [("Content-Type", "application/json")];
    let mut faults = vec![
        Fault::status(401),
        Fault::status(403),
        Fault::gateway(500),
        Fault::html(200),
        Fault::Truncate,
        Fault::CutAfterCommit,
        Fault::Reset,
        Fault::redirect(307, elsewhere),
        Fault::answer(418, &[("Content-Type", "text/plain\u{1b}[2J")], "?"),
    ];
    for key in keys {
        let base64 = STANDARD_NO_PAD.encode(format!("Bearer {key}"));
        let body = serde_json::json!({
            "code": key, "message": format!("no such key: {key}"), "details": base64, "hint": key.replace('_', "%5F"),
        });
        faults.push(Fault::answer(400, &json, body.to_string()));
        faults.push(Fault::answer(
            500,
            &[("Content-Type", "text/html")],
            format!("<pre>apikey: {key}</pre>"),
        ));
        faults.push(Fault::answer(200, &json, format!(r#"[{{"id": "{key}", "name": "{key}"}}]"#)));
        faults.push(Fault::answer(302, &[("Location", &format!("{elsewhere}?apikey={key}"))], key.as_str()));
    }
    faults
}

#[test]
fn no_output_shows_a_key() {
    let stack = Stack::shared();
    let keys = stack.keys();
    let stranger = Proxy::before(stack.postgrest());
    let (secret, user) = (keys.secret().to_owned(), keys.user("canary"));
    let users = [
        vec![("SUPABASE_KEY", secret)],
        vec![("SUPABASE_PUBLISHABLE_KEY", keys.publishable().to_owned()), ("IDSE_TOKEN", user)],
        vec![("SUPABASE_ANON_KEY", keys.anon())],
    ];
    let mut work = Vec::new();
    for variables in &users {
        let secrets: Vec<String> = variables.iter().map(|(_, value)| value.clone()).collect();
        let faults = talkative(&secrets, &stranger.url());
        work.extend(faults.into_iter().map(|fault| (variables, fault)));
    }
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some((variables, fault)) = work.get(next.fetch_add(1, Ordering::Relaxed)) {
                    look_for_keys(variables, fault);
                }
            });
        }
    });
    assert_eq!((stranger.connections(), stranger.count()), (0, 0), "nobody follows a redirect");
}

/// Runs every command against a server that fails, and searches what it says and what it leaves.
fn look_for_keys(variables: &[(&str, String)], fault: &Fault) {
    let proxy = Stack::shared().supabase(Layout::Documented);
    let mut with_url = variables.to_vec();
    with_url.push(("SUPABASE_URL", proxy.url()));
    let sandbox = workspace(&with_url);
    sandbox.write(".idseconfig.json", r#"{"limits": {"request_seconds": 2}}"#);
    drop(sandbox.idse(&["sync", "push"]).success());
    let needles: Vec<String> = variables.iter().flat_map(|(_, secret)| needles(secret)).collect();
    let search = |bytes: &[u8], place: &str| {
        let text = String::from_utf8_lossy(bytes);
        for needle in &needles {
            assert!(!text.contains(needle.as_str()), "{place}, {fault:?}: {needle}\n{text}");
        }
    };
    proxy.fail(When::Always, fault.clone());
    for (number, command) in CONNECTING.iter().enumerate() {
        let session = sandbox.root().join(".idse/projects");
        for entry in std::fs::read_dir(session).unwrap().flatten().filter(|entry| entry.path().is_dir()) {
            let spec = entry.path().join("sessions/s1/specs/spec.md");
            std::fs::write(spec, format!("# {number}\n")).unwrap();
        }
        let flags: &[&str] = if number % 2 == 0 { &["-vv"] } else { &["-vv", "--json"] };
        let args: Vec<&str> = command.iter().chain(flags).copied().collect();
        let output = sandbox.command(&args).output().unwrap();
        search(&output.stdout, &format!("{command:?}, stdout"));
        search(&output.stderr, &format!("{command:?}, stderr"));
        assert_ne!(output.status.code(), Some(70), "{command:?}, {fault:?}");
        assert_ne!(output.status.code(), None, "{command:?}, {fault:?}");
    }
    for folder in [sandbox.root().to_owned(), sandbox.home()] {
        for file in crate::world::walk(&folder) {
            search(&std::fs::read(&file).unwrap(), &file.display().to_string());
        }
    }
}
