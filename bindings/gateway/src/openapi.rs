//! The OpenAPI document, and the page that shows it without the internet.

use std::fmt::Write as _;
use std::sync::OnceLock;

use serde_json::{Map, Value};

/// The document as it is committed.
pub const DOCUMENT: &str = include_str!("../openapi.json");

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}\
code,h3{font-family:ui-monospace,monospace}table{border-collapse:collapse;width:100%;margin:.5rem 0 1rem}\
td,th{border:1px solid #8886;padding:.25rem .5rem;text-align:left;vertical-align:top}h3{margin-top:2.5rem}\
@media(prefers-color-scheme:dark){body{background:#111;color:#ddd}a{color:#8cf}}";

/// Returns the page.
pub(crate) fn page() -> &'static str {
    static PAGE: OnceLock<String> = OnceLock::new();
    PAGE.get_or_init(|| {
        let document: Value = serde_json::from_str(DOCUMENT).unwrap_or_default();
        let mut html = String::new();
        // Writing to a String cannot fail.
        write_page(&mut html, &document).ok();
        html
    })
}

fn write_page(html: &mut String, document: &Value) -> std::fmt::Result {
    let title = text(&document["info"]["title"]);
    write!(
        html,
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>{title}</title><style>{STYLE}</style><h1>{title} {}</h1><p>{}</p>\
         <p><a href=\"/openapi.json\">openapi.json</a></p><h2>Routes</h2>",
        text(&document["info"]["version"]),
        text(&document["info"]["description"]),
    )?;
    for (path, operations) in object(&document["paths"]) {
        for (method, operation) in object(operations) {
            write_operation(html, path, method, operation)?;
        }
    }
    write!(html, "<h2>Forms</h2>")?;
    for (name, schema) in object(&document["components"]["schemas"]) {
        write!(html, "<h3 id=\"{0}\">{0}</h3><p>{1}</p>", escape(name), text(&schema["description"]))?;
        write_fields(html, schema)?;
    }
    writeln!(html, "</html>")
}

fn write_operation(html: &mut String, path: &str, method: &str, operation: &Value) -> std::fmt::Result {
    let scope = operation["security"][0]["bearer"][0].as_str();
    let scope = scope.map_or_else(|| "No token is asked for.".to_owned(), |scope| format!("Scope: {scope}."));
    write!(
        html,
        "<h3>{} {}</h3><p><strong>{}.</strong> {} {scope}</p>",
        method.to_ascii_uppercase(),
        escape(path),
        text(&operation["summary"]),
        text(&operation["description"]),
    )?;
    if let Some(parameters) = operation["parameters"].as_array() {
        write!(html, "<table><tr><th>parameter<th>in<th>meaning")?;
        for parameter in parameters {
            let [name, place, meaning] = ["name", "in", "description"].map(|key| text(&parameter[key]));
            write!(html, "<tr><td><code>{name}</code><td>{place}<td>{meaning}")?;
        }
        write!(html, "</table>")?;
    }
    if let Some(body) = operation["requestBody"]["content"]["application/json"].get("schema") {
        write!(html, "<p>Body: {}</p>", type_of(body))?;
    }
    write!(html, "<table><tr><th>status<th>meaning<th>body")?;
    for (status, response) in object(&operation["responses"]) {
        let body = object(&response["content"]).next().map(|(_, media)| type_of(&media["schema"]));
        let (status, meaning) = (escape(status), text(&response["description"]));
        write!(html, "<tr><td>{status}<td>{meaning}<td>{}", body.unwrap_or_default())?;
    }
    write!(html, "</table>")
}

fn write_fields(html: &mut String, schema: &Value) -> std::fmt::Result {
    let mut fields = object(&schema["properties"]).peekable();
    if fields.peek().is_none() {
        return write!(html, "<p>{}</p>", type_of(schema));
    }
    let required = schema["required"].as_array();
    write!(html, "<table><tr><th>field<th>type<th>meaning")?;
    for (name, field) in fields {
        let must = required.is_some_and(|required| required.iter().any(|known| known == name));
        let mark = if must { " *" } else { "" };
        let meaning = text(&field["description"]);
        write!(html, "<tr><td><code>{}</code>{mark}<td>{}<td>{meaning}", escape(name), type_of(field))?;
    }
    write!(html, "</table><p>* is always there</p>")
}

/// Returns what kind of value a schema asks for, in a few words.
fn type_of(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        return format!("<a href=\"#{0}\">{0}</a>", escape(name));
    }
    if let Some(choices) = schema["anyOf"].as_array().or(schema["allOf"].as_array()) {
        return choices.iter().map(type_of).collect::<Vec<_>>().join(" or ");
    }
    if let Some(words) = schema["enum"].as_array() {
        return words
            .iter()
            .map(|word| format!("<code>{}</code>", text(word)))
            .collect::<Vec<_>>()
            .join(", ");
    }
    if let Some(value) = schema.get("const") {
        return format!("<code>{}</code>", escape(&value.to_string()));
    }
    match &schema["type"] {
        Value::String(kind) if kind == "array" => format!("list of {}", type_of(&schema["items"])),
        Value::String(kind) => escape(kind),
        Value::Array(kinds) => kinds.iter().map(text).collect::<Vec<_>>().join(" or "),
        _ => "anything".to_owned(),
    }
}

fn object(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

fn text(value: &Value) -> String {
    escape(value.as_str().unwrap_or_default())
}

/// Returns text as HTML shows it; what stands between backquotes stays as it is.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
