//! A repository may come from a stranger: what it names gets nothing before the user says so.

use std::io::Read as _;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use idse_tests::Sandbox;

/// What every name leads to, through the proxy that the environment names: it notes what arrives.
struct World {
    url: String,
    heard: Arc<Mutex<Vec<String>>>,
}

impl World {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let heard: Arc<Mutex<Vec<String>>> = Arc::default();
        let noted = Arc::clone(&heard);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let (mut head, mut byte) = (Vec::new(), [0]);
                while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|count| count > 0) {
                    head.push(byte[0]);
                }
                noted.lock().unwrap().push(String::from_utf8_lossy(&head).into_owned());
            }
        });
        Self { url, heard }
    }

    fn heard(&self) -> Vec<String> {
        std::mem::take(&mut *self.heard.lock().unwrap())
    }
}

const CANARY: &str = "sb_secret_CanaryThatMustNotSing_1234";

const VERBS: [&[&str]; 8] = [
    &["sync", "push"],
    &["sync", "pull"],
    &["sync", "status"],
    &["sync", "list"],
    &["sync", "diff", "--remote"],
    &["sync", "clone", "portal"],
    &["status", "--remote-check"],
    &["sync", "link", "portal"],
];

#[test]
fn what_a_repository_names_hears_nothing_before_it_is_trusted() {
    for (number, (file, text)) in [
        (".idseconfig.json", r#"{"supabase_url": "https://evil.example"}"#),
        (".idseconfig.json", r#"{"supabase_project": "evil"}"#),
        (".idseconfig.json", r#"{"mcp_endpoint": "https://evil.supabase.co"}"#),
        (".idse/config.json", r#"{"supabase_url": "https://evil.example"}"#),
        (".env", "SUPABASE_URL=https://evil.example\nSUPABASE_SERVICE_ROLE_KEY=theirs\n"),
        (".env", "IDSE_REMOTE=https://evil.example/rest/v1\n"),
    ]
    .into_iter()
    .enumerate()
    {
        let world = World::new();
        let sandbox = Sandbox::new().env("HTTPS_PROXY", &world.url);
        drop(sandbox.idse(&["init", "portal", "--session", "s1"]).success());
        sandbox.write(file, text);
        let armed = sandbox
            .clone()
            .env("SUPABASE_SERVICE_ROLE_KEY", CANARY)
            .env("IDSE_TOKEN", "CanaryTokenThatMustNotSing");
        // Every verb once; what differs between the places is who named the address.
        for verb in &VERBS[..if number == 0 { VERBS.len() } else { 2 }] {
            for sandbox in [&sandbox, &armed] {
                let run = sandbox.idse(&[&["-v", "--json"], *verb].concat()).exits(5);
                assert_eq!(
                    run.error(),
                    ("Unauthorized".into(), "untrusted".into()),
                    "{text} {verb:?}: {run}"
                );
                assert!(run.stdout.contains("idse trust https://evil."), "{run}");
                assert!(!format!("{run}").contains("Canary"), "{run}");
            }
        }
        drop(armed.idse(&["doctor", "--remote"]));
        assert_eq!(world.heard(), [""; 0], "{text}");

        // Trusted, it is asked, through the tunnel that the proxy is asked for, which shows no key.
        let origin =
            if text.contains("example") { "https://evil.example" } else { "https://evil.supabase.co" };
        drop(armed.idse(&["trust", origin]).success());
        let run = armed.idse(&["-v", "--json", "sync", "list"]).exits(4);
        let heard = world.heard().concat();
        assert!(heard.starts_with("CONNECT evil."), "{text}: {heard:?} {run}");
        assert!(!heard.contains("Canary") && !format!("{run}").contains("Canary"), "{text}: {heard} {run}");
    }
}

#[test]
fn an_option_alone_takes_no_key_to_a_new_place() {
    let world = World::new();
    let sandbox = Sandbox::new()
        .env("HTTPS_PROXY", &world.url)
        .env("SUPABASE_URL", "https://home.example")
        .env("SUPABASE_SERVICE_ROLE_KEY", CANARY);
    drop(sandbox.idse(&["init", "portal", "--session", "s1"]).success());
    let run = sandbox.idse(&["--json", "sync", "list", "--remote", "https://evil.supabase.co"]).exits(5);
    assert_eq!(run.error().1, "untrusted", "{run}");
    assert_eq!(world.heard(), [""; 0]);
    drop(sandbox.idse(&["--json", "sync", "list"]).exits(4));
    assert!(world.heard().concat().starts_with("CONNECT home.example:443"));
}
