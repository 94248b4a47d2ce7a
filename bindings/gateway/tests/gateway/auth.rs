//! Who is let in, and the many who are not.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

use crate::common::{Answer, Gateway, send};

const SECRET: &str = "a secret of more than thirty-two bytes, for tests alone";
const JWKS: &str = include_str!("keys/jwks.json");

fn hmac(secret: &[u8]) -> EncodingKey {
    EncodingKey::from_secret(secret)
}

fn rsa() -> EncodingKey {
    EncodingKey::from_rsa_der(include_bytes!("keys/rsa.der"))
}

fn ec() -> EncodingKey {
    EncodingKey::from_ec_der(include_bytes!("keys/ec.der"))
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn claims() -> Value {
    json!({"sub": "alice", "aud": "authenticated", "role": "authenticated", "iss": "https://issuer.example", "exp": now() + 600})
}

fn with(key: &str, value: Value) -> Value {
    let mut changed = claims();
    changed[key] = value;
    changed
}

fn without(key: &str) -> Value {
    let mut changed = claims();
    changed.as_object_mut().unwrap().remove(key);
    changed
}

/// Signs texts, whatever they are.
fn sign_text(header: &str, claims: &str, key: &EncodingKey, algorithm: Algorithm) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), key, algorithm).unwrap();
    format!("{message}.{signature}")
}

fn sign(header: &Value, claims: &Value, key: &EncodingKey, algorithm: Algorithm) -> String {
    sign_text(&header.to_string(), &claims.to_string(), key, algorithm)
}

fn hs256(claims: &Value) -> String {
    sign(&json!({"alg": "HS256", "typ": "JWT"}), claims, &hmac(SECRET.as_bytes()), Algorithm::HS256)
}

/// Publishes the public keys, and counts how often they are fetched.
fn publish(fetched: Arc<AtomicUsize>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            while lines.next().is_some_and(|line| !line.is_empty()) {}
            fetched.fetch_add(1, Ordering::Relaxed);
            let head =
                format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", JWKS.len());
            drop((&stream).write_all(format!("{head}{JWKS}").as_bytes()));
        }
    });
    address
}

struct World {
    gateway: Gateway,
    fetched: Arc<AtomicUsize>,
    _folder: TempDir,
}

fn world() -> World {
    let folder = tempdir().unwrap();
    let fetched = Arc::new(AtomicUsize::new(0));
    let keys = format!("http://{}/jwks.json", publish(fetched.clone()));
    let store = format!("sqlite:{}", folder.path().join("agency.db").display());
    let arguments =
        ["--store", &store, "--jwks", &keys, "--jwt-issuer", "https://issuer.example", "--rate", "0"];
    let gateway = Gateway::with(&arguments, &[("IDSE_GATEWAY_JWT_SECRET", SECRET)]);
    World { gateway, fetched, _folder: folder }
}

fn ask(gateway: &Gateway, token: &str) -> Answer {
    let header = format!("Bearer {token}");
    send(gateway.address, "GET", "/sync/projects", &[("authorization", &header)], b"")
}

#[test]
fn good_tokens_are_let_in_and_keys_are_fetched_once() {
    let world = world();
    let header = |algorithm: &str, kid: &str| json!({"alg": algorithm, "typ": "JWT", "kid": kid});
    for token in [
        hs256(&claims()),
        hs256(&with("aud", json!(["other", "authenticated"]))),
        hs256(&with("nbf", json!(now() - 5))),
        hs256(&with("exp", json!(now() as f64 + 60.5))),
        hs256(&without("role")),
        sign(&header("RS256", "rsa-1"), &claims(), &rsa(), Algorithm::RS256),
        sign(&header("ES256", "ec-1"), &claims(), &ec(), Algorithm::ES256),
        sign(&header("RS256", "rsa-1"), &claims(), &rsa(), Algorithm::RS256),
    ] {
        ask(&world.gateway, &token).ok();
    }
    assert_eq!(world.fetched.load(Ordering::Relaxed), 1);
}

/// Tokens that must not be let in, by what is wrong with them.
fn bad_tokens() -> Vec<(&'static str, String)> {
    let good = hs256(&claims());
    let parts: Vec<_> = good.split('.').map(str::to_owned).collect();
    let b64 = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let (claims_text, secret) = (claims().to_string(), hmac(SECRET.as_bytes()));
    let head = |header: Value| sign(&header, &claims(), &hmac(SECRET.as_bytes()), Algorithm::HS256);
    let rs = |header: Value| sign(&header, &claims(), &rsa(), Algorithm::RS256);
    let es = |header: Value| sign(&header, &claims(), &ec(), Algorithm::ES256);
    let set: Value = serde_json::from_str(JWKS).unwrap();
    let modulus = set["keys"][0]["n"].as_str().unwrap();
    let mut tampered = good.clone().into_bytes();
    let last = tampered.len() - 5;
    tampered[last] = if tampered[last] == b'A' { b'B' } else { b'A' };
    let mut bad = vec![
        ("empty", String::new()),
        ("a word", "nonsense".into()),
        ("two parts", format!("{}.{}", parts[0], parts[1])),
        ("four parts", format!("{good}.x")),
        ("only dots", "..".into()),
        ("truncated", good[..good.len() - 8].into()),
        ("no signature", format!("{}.{}.", parts[0], parts[1])),
        ("no claims", format!("{}..{}", parts[0], parts[2])),
        ("no header", format!(".{}.{}", parts[1], parts[2])),
        ("tampered signature", String::from_utf8(tampered).unwrap()),
        (
            "other claims under the signature",
            format!("{}.{}.{}", parts[0], b64(&with("sub", json!("eve")).to_string()), parts[2]),
        ),
        ("padding", format!("{good}==")),
        ("huge", format!("{good}{}", "A".repeat(9000))),
        ("alg none", format!("{}.{}.", b64(r#"{"alg":"none"}"#), b64(&claims_text))),
        ("alg None", format!("{}.{}.", b64(r#"{"alg":"None"}"#), b64(&claims_text))),
        ("alg NONE with a signature", head(json!({"alg": "NONE"}))),
        ("alg none with a signature", head(json!({"alg": "none"}))),
        ("alg empty", head(json!({"alg": ""}))),
        ("alg missing", head(json!({"typ": "JWT"}))),
        ("alg number", head(json!({"alg": 1}))),
        ("alg null", head(json!({"alg": null}))),
        ("alg twice", sign_text(r#"{"alg":"none","alg":"HS256"}"#, &claims_text, &secret, Algorithm::HS256)),
        ("alg hs256", head(json!({"alg": "hs256"}))),
        (
            "another secret",
            sign(
                &json!({"alg": "HS256"}),
                &claims(),
                &hmac(b"another secret of more than thirty-two bytes"),
                Algorithm::HS256,
            ),
        ),
        ("an empty secret", sign(&json!({"alg": "HS256"}), &claims(), &hmac(b""), Algorithm::HS256)),
        ("HS384", sign(&json!({"alg": "HS384"}), &claims(), &secret, Algorithm::HS384)),
        ("HS512", sign(&json!({"alg": "HS512"}), &claims(), &secret, Algorithm::HS512)),
        ("HS256 signed as HS384", sign(&json!({"alg": "HS256"}), &claims(), &secret, Algorithm::HS384)),
        (
            "the modulus as a secret",
            sign(
                &json!({"alg": "HS256", "kid": "rsa-1"}),
                &claims(),
                &hmac(modulus.as_bytes()),
                Algorithm::HS256,
            ),
        ),
        (
            "the key set as a secret",
            sign(
                &json!({"alg": "HS256", "kid": "rsa-1"}),
                &claims(),
                &hmac(JWKS.as_bytes()),
                Algorithm::HS256,
            ),
        ),
        (
            "a symmetric key of the set",
            sign(&json!({"alg": "HS256", "kid": "oct-1"}), &claims(), &hmac(&[b'k'; 48]), Algorithm::HS256),
        ),
        ("RS256 signed with the secret", head(json!({"alg": "RS256", "kid": "rsa-1"}))),
        ("ES256 signed with the secret", head(json!({"alg": "ES256", "kid": "ec-1"}))),
        ("RS256 without key id", rs(json!({"alg": "RS256"}))),
        ("RS256 with an unknown key id", rs(json!({"alg": "RS256", "kid": "rsa-2"}))),
        ("RS256 with the id of another key", rs(json!({"alg": "RS256", "kid": "ec-1"}))),
        ("ES256 with the id of another key", es(json!({"alg": "ES256", "kid": "rsa-1"}))),
        ("ES256 with a key for encryption", es(json!({"alg": "ES256", "kid": "enc-1"}))),
        ("a key id that is a path", rs(json!({"alg": "RS256", "kid": "../../etc/passwd"}))),
        ("a key id that is a number", rs(json!({"alg": "RS256", "kid": 1}))),
        ("a key in the header", es(json!({"alg": "ES256", "jwk": set["keys"][1]}))),
        (
            "an address of keys in the header",
            es(json!({"alg": "ES256", "kid": "x", "jku": "http://127.0.0.1:1/"})),
        ),
        ("RS384", sign(&json!({"alg": "RS384", "kid": "rsa-1"}), &claims(), &rsa(), Algorithm::RS384)),
        ("PS256", sign(&json!({"alg": "PS256", "kid": "rsa-1"}), &claims(), &rsa(), Algorithm::PS256)),
        (
            "a stranger's key",
            sign(
                &json!({"alg": "ES256", "kid": "ec-1"}),
                &claims(),
                &EncodingKey::from_ec_der(include_bytes!("keys/stranger.der")),
                Algorithm::ES256,
            ),
        ),
        (
            "an empty ES256 signature",
            format!(
                "{}.{}.{}",
                b64(r#"{"alg":"ES256","kid":"ec-1"}"#),
                b64(&claims_text),
                URL_SAFE_NO_PAD.encode([0_u8; 64])
            ),
        ),
        ("critical headers", head(json!({"alg": "HS256", "crit": ["exp"], "exp": 1}))),
        ("another type", head(json!({"alg": "HS256", "typ": "dpop+jwt"}))),
        ("compressed", head(json!({"alg": "HS256", "zip": "DEF"}))),
        ("claims that are a list", sign_text(r#"{"alg":"HS256"}"#, "[]", &secret, Algorithm::HS256)),
        ("claims that are no JSON", sign_text(r#"{"alg":"HS256"}"#, "claims", &secret, Algorithm::HS256)),
        (
            "another token inside",
            sign_text(r#"{"alg":"HS256","cty":"JWT"}"#, &good, &secret, Algorithm::HS256),
        ),
    ];
    for (what, claims) in [
        ("expired", with("exp", json!(now() - 31))),
        ("expired long ago", with("exp", json!(1))),
        ("no exp", without("exp")),
        ("exp is text", with("exp", json!((now() + 600).to_string()))),
        ("exp is negative", with("exp", json!(-1))),
        ("exp is null", with("exp", Value::Null)),
        ("not yet", with("nbf", json!(now() + 300))),
        ("nbf is text", with("nbf", json!("soon"))),
        ("another audience", with("aud", json!("other"))),
        ("no audience", without("aud")),
        ("an empty list of audiences", with("aud", json!([]))),
        ("an audience that begins alike", with("aud", json!("authenticated2"))),
        ("audiences that are no texts", with("aud", json!(["authenticated", 1]))),
        ("another issuer", with("iss", json!("https://issuer.example.evil"))),
        ("no issuer", without("iss")),
        ("a list of issuers", with("iss", json!(["https://issuer.example"]))),
        ("role anon", with("role", json!("anon"))),
        ("role service_role", with("role", json!("service_role"))),
        ("a list of roles", with("role", json!(["authenticated"]))),
        ("no subject", without("sub")),
        ("an empty subject", with("sub", json!(""))),
        ("a subject that is a number", with("sub", json!(7))),
        ("a huge subject", with("sub", json!("x".repeat(300)))),
        ("scope is a list", with("scope", json!(["idse:read"]))),
    ] {
        bad.push((what, hs256(&claims)));
    }
    bad
}

#[test]
fn bad_tokens_are_refused_and_told_nothing() {
    let world = world();
    let tokens = bad_tokens();
    assert!(tokens.len() >= 60, "{}", tokens.len());
    for (what, token) in &tokens {
        let answer = ask(&world.gateway, token);
        // Guessing is slowed down in the end; being slow is no way in either.
        assert!(matches!(answer.status, 401 | 429), "{what}: {}", answer.text());
        assert!(answer.status == 429 || answer.header("www-authenticate").is_some(), "{what}");
        assert!(token.len() < 20 || !answer.text().contains(&token[..20]), "{what}");
    }
    let log = world.gateway.log();
    for (what, token) in tokens.iter().filter(|(_, token)| token.len() > 40) {
        assert!(!log.contains(&token[token.len() - 20..]), "{what} is in the log");
    }
    assert!(!log.contains(SECRET));
    assert!(world.fetched.load(Ordering::Relaxed) <= 2, "unknown keys do not make it fetch again and again");
    ask(&world.gateway, &hs256(&claims())).ok();
}

#[test]
fn headers_that_are_no_bearer_token_are_refused() {
    let world = world();
    let good = hs256(&claims());
    let path = "/sync/projects";
    for headers in [
        vec![],
        vec![("authorization", "Basic YWxhZGRpbjpvcGVu".to_owned())],
        vec![("authorization", good.clone())],
        vec![("authorization", format!("Bearer {good} x"))],
        vec![("authorization", format!("Bearer {good}")), ("authorization", format!("Bearer {good}"))],
        vec![("x-authorization", format!("Bearer {good}"))],
        vec![("cookie", format!("token={good}"))],
    ] {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        send(world.gateway.address, "GET", path, &headers, b"").problem(401);
    }
    send(world.gateway.address, "GET", &format!("{path}?access_token={good}"), &[], b"").problem(401);
    for open in ["/sync/health", "/livez", "/readyz", "/docs", "/openapi.json"] {
        assert_eq!(world.gateway.get(open).status, 200, "{open}");
    }
}

#[test]
fn scopes_say_what_a_caller_may_do() {
    let folder = tempdir().unwrap();
    let make = |name: &str, scope: &str| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_idse-gateway"))
            .args(["token", name, "--scope", scope])
            .output()
            .unwrap();
        let line = String::from_utf8(output.stderr).unwrap().lines().last().unwrap().to_owned();
        (String::from_utf8(output.stdout).unwrap().trim().to_owned(), line)
    };
    let (reader, writer) = (make("reader", "read"), make("writer", "read,write"));
    let tokens = folder.path().join("tokens");
    std::fs::write(&tokens, format!("# who\n{}\n{}\n", reader.1, writer.1)).unwrap();
    let gateway = Gateway::sqlite(&folder, &["--tokens", tokens.to_str().unwrap(), "--rate", "24"]);
    let push = |token: &str| {
        let headers =
            [("authorization", format!("Bearer {token}")), ("content-type", "application/json".to_owned())];
        let headers = [(headers[0].0, headers[0].1.as_str()), (headers[1].0, headers[1].1.as_str())];
        send(gateway.address, "POST", "/sync/push", &headers, br#"{"project_name":"p","artifacts":{}}"#)
    };
    assert_eq!(push(&reader.0).problem(403)["reason"], "forbidden");
    push(&writer.0).ok();
    ask(&gateway, &reader.0).ok();
    assert!(gateway.log().contains("token:reader") && !gateway.log().contains(&reader.0));
    // Six at once, then one every few seconds; the other caller is not held up.
    let answers: Vec<_> = (0..10).map(|_| ask(&gateway, &writer.0)).collect();
    let slow = answers.iter().find(|answer| answer.status == 429).expect("too many requests");
    assert!(slow.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
    ask(&gateway, &reader.0).ok();
}

#[test]
fn what_could_be_reached_by_others_asks_who_they_are() {
    let folder = tempdir().unwrap();
    let store = format!("sqlite:{}", folder.path().join("agency.db").display());
    let run = |arguments: &[&str], secret: &str| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_idse-gateway"))
            .args(["--store", &store])
            .args(arguments)
            .env("IDSE_GATEWAY_JWT_SECRET", secret)
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, said) = run(&["--listen", "0.0.0.0:0"], "");
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("--tokens"), "{said}");
    let (code, said) = run(&["--listen", "0.0.0.0:0"], "short");
    assert!(code == Some(2) && said.contains("32 bytes") && !said.contains("short"), "{said}");
    for wrong in [
        &["--jwks", "http://keys.example/jwks.json"][..],
        &["--jwks", "http://localhost.evil.example/"],
        &["--tokens", "/nowhere/tokens"],
        &["--cors-origin", "*"],
        &["--store", "postgres://x"],
    ] {
        assert_eq!(run(wrong, "").0, Some(2), "{wrong:?}");
    }
    let gateway = Gateway::sqlite(&folder, &[]);
    assert!(gateway.log().contains("no authentication"), "{}", gateway.log());
}
