//! What nobody should send: it is answered with the right status, and nothing changes.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::tempdir;

use crate::common::{Gateway, raw, send};

/// Returns everything that the gateway holds.
fn everything(gateway: &Gateway) -> Value {
    let list = gateway.get("/sync/projects").ok();
    let pulls: Vec<_> = list["projects"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| gateway.pull(p["id"].as_str().unwrap()))
        .collect();
    json!([list, pulls])
}

#[test]
fn bodies() {
    let folder = tempdir().unwrap();
    let gateway = Gateway::sqlite(&folder, &[]);
    let id = gateway.project("p", "one");
    let before = everything(&gateway);
    let push = |fields: &str| format!(r#"{{"project_id":"{id}","artifacts":{{"spec_md":"x"}}{fields}}}"#);
    let artifacts = |artifacts: &str| format!(r#"{{"project_id":"{id}","artifacts":{artifacts}}}"#);
    let nested = |n: usize| format!("{}1{}", "[".repeat(n), "]".repeat(n));
    for (status, body) in [
        (422, String::new()),
        (422, "{".into()),
        (422, "null".into()),
        (422, "[]".into()),
        (422, "\"text\"".into()),
        (422, "\u{feff}{}".into()),
        (422, format!("{} trailing", push(""))),
        (422, r#"{"project_name":"q"}"#.into()),
        (422, artifacts("null")),
        (422, artifacts("[]")),
        (422, artifacts(r#"{"spec_md":null}"#)),
        (422, artifacts(r#"{"spec_md":1}"#)),
        (422, artifacts(r#"{"spec_md":{"a":"b"}}"#)),
        (422, artifacts(r#"{"nope_md":"x"}"#)),
        (422, artifacts(r#"{"id":"11111111-2222-4333-8444-555555555555"}"#)),
        (422, artifacts(r#"{"name":"owned","spec_md":"x"}"#)),
        (422, artifacts(r#"{"updated_at":"1999-01-01"}"#)),
        (422, artifacts(r#"{"state_json":"text"}"#)),
        (422, artifacts(r#"{"spec_md; DROP TABLE projects":"x"}"#)),
        (422, artifacts(r#"{"":"x"}"#)),
        (422, artifacts(r#"{"spec_md":"a","spec_md":"b"}"#)),
        (422, artifacts(r#"{"spec_md":"a","\u0073pec_md":"b"}"#)),
        (422, push(r#","state_json":"text""#)),
        (422, push(r#","state_json":[]"#)),
        (422, push(r#","state_json":{"a":NaN}"#)),
        (422, push(r#","state_json":{"a":Infinity}"#)),
        (422, push(r#","state_json":{"a":1,"a":2}"#)),
        (422, push(r#","state_json":{"$serde_json::private::Number":"1"}"#)),
        (422, push(r#","session_id":7"#)),
        (422, push(r#","op":"x""#)),
        (422, push(r#","create":"yes""#)),
        (422, push(r#","project_id":"again""#)),
        (422, artifacts(r#"{"spec_md":"lone \ud800 surrogate"}"#)),
        (422, artifacts(r#"{"spec_md":"\udc00"}"#)),
        (422, artifacts(r#"{"spec_md":"\ud800\u0041"}"#)),
        (422, push(r#","state_json":{"\ud800":1}"#)),
        (422, r#"{"project_id":7,"artifacts":{}}"#.into()),
        (400, artifacts(r#"{"spec_md":"a\u0000b"}"#)),
        (400, push(r#","state_json":{"a":["\u0000"]}"#)),
        (400, push(r#","state_json":{"\u0000":1}"#)),
        (400, push(&format!(r#","state_json":{{"a":{}}}"#, nested(63)))),
        (400, nested(20_000)),
        (400, "[".repeat(100_000)),
        (400, push(r#","session_id":"../../../etc""#)),
        (400, push(r#","session_id":"a/b""#)),
        (400, push(r#","session_id":"CON""#)),
        (400, push(r#","state_json":{"session_id":"../x"},"session_id":null"#)),
        (400, r#"{"project_name":"../x","artifacts":{}}"#.into()),
        (400, r#"{"project_name":"a b","artifacts":{}}"#.into()),
    ] {
        let answer = gateway.post_text("/sync/push", &body);
        let shown: String = body.chars().take(120).collect();
        assert_eq!(answer.status, status, "{shown}: {}", answer.text());
        answer.problem(status);
    }
    let not_text =
        [b"{\"project_id\":\"".as_slice(), id.as_bytes(), b"\",\"artifacts\":{\"spec_md\":\"\xff\xfe\"}}"]
            .concat();
    send(gateway.address, "POST", "/sync/push", &[], &not_text).problem(400);
    assert_eq!(everything(&gateway), before);
}

#[test]
fn ids_paths_and_methods() {
    let folder = tempdir().unwrap();
    let gateway = Gateway::sqlite(&folder, &[]);
    let id = gateway.project("p", "one");
    let before = everything(&gateway);
    for wrong in [
        "abc-123",
        "1",
        "'%20OR%20'1'='1",
        "%00",
        "..%2f..%2fetc%2fpasswd",
        "eq.1",
        &"9".repeat(3000),
        "null",
    ] {
        gateway.get(&format!("/sync/status/{wrong}")).problem(422);
        gateway.get(&format!("/sync/status/{wrong}/s1")).problem(422);
        gateway.put(&format!("/sync/status/{wrong}/s1"), &json!({"last_agent": "x"})).problem(422);
    }
    for wrong in ["..%2fx", "%2e%2e", "a%20b", "%00", "con"] {
        gateway.get(&format!("/sync/status/{id}/{wrong}")).problem(400);
    }
    gateway.get("/sync/status/%ff%fe").problem(400);
    for (method, path, status) in [
        ("GET", "/sync/push", 405),
        ("PUT", "/sync/pull", 405),
        ("POST", "/sync/projects", 405),
        ("PATCH", "/sync/projects", 405),
        ("TRACE", "/sync/projects", 405),
        ("MADEUP", "/sync/projects", 405),
        ("DELETE", "/sync/sessions/p/s1", 405),
        ("DELETE", "/sync/sessions/p/s1?force=true", 405),
        ("GET", "/sync", 404),
        ("GET", "/nope", 404),
        ("GET", "//sync/projects", 404),
        ("GET", "/sync/../etc/passwd", 404),
        ("GET", "/sync/%2e%2e/projects", 404),
        ("GET", "/metrics", 404),
        ("GET", "/.env", 404),
        ("GET", "/sync/status/", 404),
    ] {
        let answer = send(gateway.address, method, path, &[], b"");
        let is_sent_on = answer.status == 307 && status == 404;
        assert!(answer.status == status || is_sent_on, "{method} {path}: {}", answer.text());
    }
    let moved = gateway.get("/sync/projects/");
    assert_eq!((moved.status, moved.header("location")), (307, Some("/sync/projects")));
    let elsewhere = gateway.get("//evil.example/");
    assert_eq!((elsewhere.status, elsewhere.header("location")), (404, None));
    assert_eq!(everything(&gateway), before);
}

#[test]
fn sizes_and_media_types() {
    let folder = tempdir().unwrap();
    let gateway = Gateway::sqlite(&folder, &[]);
    let id = gateway.project("p", "one");
    let before = everything(&gateway);
    let json = ("content-type", "application/json");
    let big = vec![b' '; 17 * 1024 * 1024 + 1];
    send(gateway.address, "POST", "/sync/push", &[json], &big).problem(413);
    let head = format!("POST /sync/push HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n", gateway.address);
    raw(gateway.address, format!("{head}content-length: 99999999999\r\n\r\n").as_bytes()).problem(413);
    let mut chunked = format!("{head}transfer-encoding: chunked\r\n\r\n").into_bytes();
    for _ in 0..18 {
        chunked.extend(format!("{:x}\r\n", 1024 * 1024).as_bytes());
        chunked.extend(vec![b' '; 1024 * 1024]);
        chunked.extend(b"\r\n");
    }
    raw(gateway.address, &chunked).problem(413);
    let body = format!(r#"{{"project_id":"{id}","artifacts":{{"spec_md":"x"}}}}"#);
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonx",
        "",
    ] {
        send(gateway.address, "POST", "/sync/push", &[("content-type", kind)], body.as_bytes()).problem(415);
    }
    send(gateway.address, "POST", "/sync/push", &[json, ("content-encoding", "gzip")], body.as_bytes())
        .problem(415);
    assert_eq!(everything(&gateway), before);
    send(
        gateway.address,
        "POST",
        "/sync/push",
        &[("content-type", "application/json; charset=utf-8")],
        body.as_bytes(),
    )
    .ok();
    let five = "é".repeat(2_500_000);
    gateway.push(&json!({"project_id": id, "artifacts": {"spec_md": five}})).ok();
    assert_eq!(gateway.pull(&id)["artifacts"]["spec_md"], five);
}

#[test]
fn heads() {
    let folder = tempdir().unwrap();
    let gateway = Gateway::sqlite(&folder, &[]);
    let ask = |head: &str| raw(gateway.address, head.as_bytes()).status;
    let host = gateway.address;
    let long = "x".repeat(40_000);
    assert_eq!(
        ask(&format!("GET /livez HTTP/1.1\r\nhost: {host}\r\nx-long: {long}\r\nconnection: close\r\n\r\n")),
        431
    );
    let many: String = (0..100).map(|n| format!("x-{n}: y\r\n")).collect();
    assert_eq!(ask(&format!("GET /livez HTTP/1.1\r\nhost: {host}\r\n{many}connection: close\r\n\r\n")), 431);
    assert_eq!(ask("nonsense\r\n\r\n"), 400);
    assert_eq!(
        ask(&format!(
            "POST /sync/push HTTP/1.1\r\nhost: {host}\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!"
        )),
        400
    );
    assert_eq!(ask("GET /livez HTTP/1.1\r\nconnection: close\r\n\r\n"), 403, "no host");
    let odd = send(gateway.address, "GET", "/livez", &[("x-request-id", "a b\tc<script>")], b"");
    assert_eq!(odd.header("x-request-id").unwrap().len(), 32);
    let own = send(gateway.address, "GET", "/livez", &[("x-request-id", "abc-1.2_3")], b"");
    assert_eq!(own.header("x-request-id"), Some("abc-1.2_3"));
}

#[test]
fn hostile_texts_come_back_byte_for_byte() {
    let folder = tempdir().unwrap();
    let gateway = Gateway::sqlite(&folder, &[]);
    let id = gateway.project("p", "");
    for text in [
        "",
        "\r\n\r\r\n\n",
        "\u{feff}\u{feff}bom",
        "no newline",
        "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467} e\u{301} é \u{202e}rtl",
        "\u{1}\u{7f}\u{80}\u{9f}\u{2028}\u{2029}\u{fffe}\u{ffff}\u{10ffff}",
        "'; DROP TABLE projects; --",
        r#"\ \u0041 \ud800 "quoted" </script>"#,
        "<<<<<<< a\n=======\n>>>>>>> b\n",
        "{\"$serde_json::private::Number\":\"1\"}",
    ] {
        let answer = gateway.push(&json!({"project_id": id, "artifacts": {"spec_md": text}})).ok();
        assert_eq!(gateway.pull(&id)["artifacts"]["spec_md"], text, "{text:?}: {answer}");
    }
    // As Python sends it: everything beyond ASCII escaped, in pairs of surrogates where needed.
    let escaped = format!(r#"{{"project_id":"{id}","artifacts":{{"spec_md":"\u6f22\ud83d\ude00\u007f"}}}}"#);
    gateway.post_text("/sync/push", &escaped).ok();
    assert_eq!(gateway.pull(&id)["artifacts"]["spec_md"], "漢😀\u{7f}");
}

#[test]
fn pages_of_others_cannot_use_the_gateway_of_this_machine() {
    let folder = tempdir().unwrap();
    let gateway = Gateway::sqlite(&folder, &["--cors-origin", "https://app.example"]);
    let ask = |headers: &[(&str, &str)]| send(gateway.address, "GET", "/sync/projects", headers, b"");
    for host in
        ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "localhost.evil.example", "[::2]", ""]
    {
        ask(&[("host", host)]).problem(403);
    }
    for host in ["localhost", "localhost:1", "LOCALHOST:8000", "127.0.0.1", "[::1]:8000"] {
        ask(&[("host", host)]).ok();
    }
    for origin in
        ["https://evil.example", "null", "http://localhost:9999", "https://app.example.evil.example"]
    {
        let answer = ask(&[("origin", origin)]);
        answer.problem(403);
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
    let own = format!("http://{}", gateway.address);
    ask(&[("origin", &own)]).ok();
    let listed = ask(&[("origin", "https://app.example")]);
    assert_eq!(listed.header("access-control-allow-origin"), Some("https://app.example"));
    assert_eq!(listed.header("access-control-allow-credentials"), None);
    let preflight = |origin: &str| {
        let headers = [("origin", origin), ("access-control-request-method", "POST")];
        let answer = send(gateway.address, "OPTIONS", "/sync/push", &headers, b"");
        answer.header("access-control-allow-origin").map(str::to_owned)
    };
    assert_eq!(preflight("https://app.example").as_deref(), Some("https://app.example"));
    assert_eq!(preflight("https://evil.example"), None);
}

#[test]
fn a_client_that_dawdles_holds_up_nobody() {
    let folder = tempdir().unwrap();
    let gateway = Gateway::sqlite(&folder, &["--request-time", "2"]);
    let mut slow: Vec<_> = (0..200)
        .map(|_| {
            let mut stream = TcpStream::connect(gateway.address).unwrap();
            stream
                .write_all(b"POST /sync/push HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\n{")
                .unwrap();
            stream
        })
        .collect();
    gateway.project("p", "one");
    let mut first = slow.remove(0);
    drop(slow);
    first.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut answer = String::new();
    drop(first.read_to_string(&mut answer));
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer:?}");
}
