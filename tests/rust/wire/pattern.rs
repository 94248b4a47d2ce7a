//! The little language of the cases: `{name}` stands for a value, `{name:type}` names one when it is first seen.

use std::collections::BTreeMap;

use idse_core::Digest;
use serde_json::{Map, Value, json};

/// What the placeholders of a story stand for.
pub(crate) type Variables = BTreeMap<String, Value>;

/// Puts values in the place of placeholders, in whatever is sent.
pub(crate) fn fill(value: &Value, known: &mut Variables) -> Value {
    match value {
        Value::String(text) => fill_text(text, known),
        Value::Array(list) => list.iter().map(|value| fill(value, known)).collect(),
        Value::Object(map) => {
            let mut filled = Map::new();
            for (key, value) in map {
                let key = fill_text(key, known).as_str().unwrap().to_owned();
                filled.insert(key, fill(value, known));
            }
            Value::Object(filled)
        }
        other => other.clone(),
    }
}

fn fill_text(text: &str, known: &mut Variables) -> Value {
    if let Some(name) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix(":new-uuid}")) {
        let id = json!(uuid::Uuid::new_v4().to_string());
        return known.entry(name.to_owned()).or_insert(id).clone();
    }
    if let Some(computed) = computed(text) {
        return json!(computed);
    }
    let filled = known.iter().fold(text.to_owned(), |text, (name, value)| {
        text.replace(&format!("{{{name}}}"), value.as_str().unwrap_or(&value.to_string()))
    });
    json!(filled)
}

/// Returns the digest that `{digest:TEXT}` or `{json-digest:JSON}` stands for.
fn computed(text: &str) -> Option<String> {
    let inner = text.strip_prefix('{')?.strip_suffix('}')?;
    if let Some(text) = inner.strip_prefix("digest:") {
        return Some(Digest::of(text).to_string());
    }
    let json = inner.strip_prefix("json-digest:")?;
    Some(Digest::of_json(&serde_json::from_str(json).unwrap()).to_string())
}

/// Compares what came with what is expected; objects may hold more unless `exact`.
pub(crate) fn differences(
    at: &str,
    expected: &Value,
    found: &Value,
    known: &mut Variables,
    exact: bool,
) -> Vec<String> {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            let mut wrong = Vec::new();
            for (key, value) in expected {
                let here = format!("{at}/{key}");
                match found.get(key) {
                    Some(found) => wrong.extend(differences(
                        &here,
                        value,
                        found,
                        known,
                        exact || key == "artifacts" || key == "state_json",
                    )),
                    None => wrong.push(format!("{here} is not there")),
                }
            }
            if exact {
                let more = found.keys().filter(|key| !expected.contains_key(*key));
                wrong.extend(more.map(|key| format!("{at}/{key} is there")));
            }
            wrong
        }
        (Value::Array(expected), Value::Array(list)) if expected.len() == list.len() => {
            let pairs = (0..).zip(expected.iter().zip(list));
            pairs
                .flat_map(|(n, (expected, found))| {
                    differences(&format!("{at}/{n}"), expected, found, known, exact)
                })
                .collect()
        }
        (Value::String(pattern), found) => match matches(pattern, found, known) {
            true => Vec::new(),
            false => vec![format!("{at}: {pattern:?} is expected, not {found}")],
        },
        (expected, found) if expected == found => Vec::new(),
        (expected, found) => vec![format!("{at}: {expected} is expected, not {found}")],
    }
}

fn matches(pattern: &str, found: &Value, known: &mut Variables) -> bool {
    let inner = pattern.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    let typed = inner.filter(|_| computed(pattern).is_none()).and_then(|inner| inner.split_once(':'));
    let Some((name, kind)) = typed else { return fill_text(pattern, known) == *found };
    if !is_of(kind, found, known) {
        return false;
    }
    if !name.is_empty() {
        known.insert(name.to_owned(), found.clone());
    }
    true
}

fn is_of(kind: &str, found: &Value, known: &mut Variables) -> bool {
    let text = found.as_str();
    if let Some(part) = kind.strip_prefix("contains:") {
        return text.is_some_and(|text| text.contains(part));
    }
    if let Some(item) = kind.strip_prefix("contains-item:") {
        let item = serde_json::from_str(item).unwrap_or(json!(item));
        let item = fill(&item, known);
        return found.as_array().is_some_and(|list| list.contains(&item));
    }
    match kind {
        "text" => text.is_some_and(|text| !text.is_empty()),
        "number" => found.is_number(),
        "bool" => found.is_boolean(),
        "uuid" => text.is_some_and(|text| uuid::Uuid::parse_str(text).is_ok()),
        "time" => text.is_some_and(|text| text.parse::<jiff::Timestamp>().is_ok()),
        other => panic!("{other} is no type of the cases"),
    }
}
