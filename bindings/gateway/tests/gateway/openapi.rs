//! The OpenAPI document, held against the routes: a client that knows nothing else drives them from it.

use std::collections::BTreeSet;
use std::sync::Arc;

use idse_core::Context;
use idse_gateway::auth::Auth;
use idse_gateway::store::SqliteStore;
use idse_gateway::{App, DOCUMENT, Options, routes};
use jsonschema::Validator;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};
use tempfile::tempdir;

use crate::common::{Answer, Gateway, send};

fn document() -> Value {
    serde_json::from_str(DOCUMENT).unwrap()
}

#[test]
fn every_route_is_described_and_every_description_is_a_route() {
    let folder = tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("agency.db"), &Context::default()).unwrap();
    let app = Arc::new(App::new(Box::new(store), Auth::default(), Options::default()));
    let routed: BTreeSet<_> =
        routes(&app).into_iter().map(|(method, path)| format!("{method} {path}")).collect();
    let document = document();
    let paths = document["paths"].as_object().unwrap();
    let described: BTreeSet<_> = paths
        .iter()
        .flat_map(|(path, operations)| {
            operations
                .as_object()
                .unwrap()
                .keys()
                .map(move |method| format!("{} {path}", method.to_uppercase()))
        })
        .collect();
    assert_eq!(routed, described);
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn the_document_and_its_page_are_served() {
    let folder = tempdir().unwrap();
    let gateway = Gateway::sqlite(&folder, &[]);
    assert_eq!(gateway.get("/openapi.json").text(), DOCUMENT);
    let page = gateway.get("/docs");
    let text = page.text();
    for (path, _) in document()["paths"].as_object().unwrap() {
        assert!(text.contains(path), "{path}");
    }
    for outside in ["http://", "https://", "src=", "<script", "@import", "url("] {
        assert!(!text.contains(outside), "{outside}");
    }
    assert!(page.header("content-security-policy").unwrap().contains("default-src 'none'"));
    assert_eq!(gateway.get("/").header("location"), Some("/docs"));
}

/// Everything that a client needs to know of one operation.
#[derive(Debug, Clone)]
struct Operation {
    method: String,
    path: String,
    body: Option<String>,
    responses: Value,
}

fn operations() -> Vec<Operation> {
    let mut found = Vec::new();
    for (path, operations) in document()["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"]["$ref"];
            found.push(Operation {
                method: method.to_uppercase(),
                path: path.clone(),
                body: schema.as_str().map(|path| path.rsplit('/').next().unwrap().to_owned()),
                responses: operation["responses"].clone(),
            });
        }
    }
    found
}

/// Returns a validator of a schema with everything that it refers to.
fn validator(schema: &Value) -> Validator {
    let mut whole = schema.clone();
    whole["components"] = document()["components"].clone();
    jsonschema::options().should_validate_formats(true).build(&whole).unwrap()
}

/// Invents values for a schema: mostly what it allows, sometimes what it does not.
fn value(schema: &Value, known: &[String], depth: usize) -> BoxedStrategy<Value> {
    let odd = prop_oneof![
        Just(Value::Null),
        Just(json!(7)),
        Just(json!(true)),
        Just(json!([])),
        Just(json!({"a": 1})),
        Just(json!("abc-123")),
        Just(json!("../x"))
    ];
    prop_oneof![19 => allowed(schema, known, depth), 1 => odd].boxed()
}

fn allowed(schema: &Value, known: &[String], depth: usize) -> BoxedStrategy<Value> {
    if let Some(path) = schema["$ref"].as_str() {
        let name = path.rsplit('/').next().unwrap();
        return allowed(&document()["components"]["schemas"][name], known, depth);
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        let choices: Vec<_> = choices.iter().map(|choice| allowed(choice, known, depth)).collect();
        return proptest::strategy::Union::new(choices).boxed();
    }
    if let Some(words) = schema["enum"].as_array() {
        return prop::sample::select(words.clone()).boxed();
    }
    let kinds = match &schema["type"] {
        Value::Array(kinds) => kinds.clone(),
        Value::Null => vec![json!("string"), json!("null")],
        kind => vec![kind.clone()],
    };
    let choices: Vec<_> =
        kinds.iter().map(|kind| of_kind(kind.as_str().unwrap(), schema, known, depth)).collect();
    proptest::strategy::Union::new(choices).boxed()
}

fn of_kind(kind: &str, schema: &Value, known: &[String], depth: usize) -> BoxedStrategy<Value> {
    match kind {
        "null" => Just(Value::Null).boxed(),
        "boolean" => any::<bool>().prop_map(Value::from).boxed(),
        "integer" | "number" => (0..120_u32).prop_map(Value::from).boxed(),
        "array" => prop::collection::vec(value(&schema["items"], known, depth + 1), 0..3)
            .prop_map(Value::from)
            .boxed(),
        "object" => object(schema, known, depth),
        _ if schema["format"] == "uuid" => {
            prop_oneof![8 => prop::sample::select(known.to_vec()).prop_map(Value::from),
                1 => any::<u128>().prop_map(|n| uuid::Uuid::from_u128(n).to_string().into())]
            .boxed()
        }
        _ if schema["pattern"].as_str().is_some_and(|pattern| pattern.starts_with("^sha256")) => {
            prop_oneof![Just(idse_core::Digest::of("one")), Just(idse_core::Digest::of(""))]
                .prop_map(|digest| json!(digest))
                .boxed()
        }
        _ if schema["pattern"].is_string() => prop_oneof![
            Just(json!("s1")),
            Just(json!("p")),
            Just(json!("__blueprint__")),
            "[a-z]{1,8}".prop_map(Value::from)
        ]
        .boxed(),
        _ => prop_oneof![Just(json!("one")), Just(json!("")), ".{0,40}".prop_map(Value::from)].boxed(),
    }
}

fn object(schema: &Value, known: &[String], depth: usize) -> BoxedStrategy<Value> {
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let Some(properties) = schema["properties"].as_object().filter(|_| depth < 4) else {
        return Just(json!({})).boxed();
    };
    let fields: Vec<_> = properties
        .iter()
        .map(|(name, field)| {
            let name = name.clone();
            let chance = if required.contains(&json!(name)) { 0.98 } else { 0.4 };
            (Just(name), prop::option::weighted(chance, value(field, known, depth + 1)))
        })
        .collect();
    fields
        .prop_map(|fields| {
            fields
                .into_iter()
                .filter_map(|(name, value)| Some((name, value?)))
                .collect::<serde_json::Map<_, _>>()
                .into()
        })
        .boxed()
}

fn call(known: &[String]) -> impl Strategy<Value = (Operation, String, Option<Value>)> + use<> {
    let known = known.to_vec();
    prop::sample::select(operations()).prop_flat_map(move |operation| {
        let ids = prop_oneof![8 => prop::sample::select(known.clone()), 1 => Just("abc-123".to_owned()),
            1 => any::<u128>().prop_map(|n| uuid::Uuid::from_u128(n).to_string())];
        let sessions = prop_oneof![4 => Just("s1".to_owned()), 1 => "[a-zA-Z0-9._-]{1,70}", 1 => Just("%2e%2e".to_owned())];
        let body = operation.body.as_ref().map(|name| value(&document()["components"]["schemas"][name], &known, 0));
        let body = match body {
            Some(body) => body.prop_map(Some).boxed(),
            None => Just(None).boxed(),
        };
        (Just(operation), ids, sessions, body).prop_map(|(operation, id, session, body)| {
            let path = operation.path.replace("{project_id}", &id).replace("{session_id}", &session).replace("{project}", &id);
            (operation, path, body)
        })
    })
}

fn check(operation: &Operation, body: Option<&Value>, answer: &Answer) -> Result<(), TestCaseError> {
    let status = answer.status.to_string();
    let described = &operation.responses[&status];
    prop_assert!(described.is_object(), "{} is not described: {}", status, answer.text());
    prop_assert!(answer.status < 500, "{}", answer.text());
    if let Some((media, content)) = described["content"].as_object().and_then(|content| content.iter().next())
    {
        prop_assert_eq!(
            answer.header("content-type").map(|kind| kind.split(';').next().unwrap()),
            Some(media.as_str())
        );
        if media.ends_with("json") {
            let json = answer.json();
            let errors: Vec<_> = validator(&content["schema"])
                .iter_errors(&json)
                .map(|e| format!("{}: {e}", e.instance_path()))
                .collect();
            prop_assert!(errors.is_empty(), "{:?} in {}", errors, json);
        }
    }
    // What the schema of a body refuses, the gateway refuses.
    if let (Some(name), Some(body)) = (&operation.body, body) {
        let schema = json!({"$ref": format!("#/components/schemas/{name}")});
        let is_valid = validator(&schema).is_valid(body);
        prop_assert!(is_valid || answer.status >= 400, "{} was accepted: {}", body, answer.text());
    }
    Ok(())
}

#[test]
fn a_client_made_from_the_document_gets_what_it_says() {
    let folder = tempdir().unwrap();
    let gateway = Gateway::sqlite(&folder, &[]);
    let known = [gateway.project("p", "one"), gateway.project("q", "one")];
    let config = Config { cases: 400, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]));
    runner
        .run(&call(&known), |(operation, path, body)| {
            let text = body.as_ref().map(Value::to_string).unwrap_or_default();
            let answer = send(gateway.address, &operation.method, &path, &[], text.as_bytes());
            check(&operation, body.as_ref(), &answer)
        })
        .unwrap();
}
