//! The keys of the configuration: what is known, of which type, and which layer wins.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::file::{Layer, Layers};
use super::{Gate, Setting, Settings, address};
use crate::diagnostic::Severity;
use crate::error::{Error, ErrorKind, Result};
use crate::name::did_you_mean;
use crate::stage::Stage;

/// The keys that mean something, at the top level.
pub(super) const KEYS: [&str; 12] = [
    "mode",
    "mcp_endpoint",
    "agency_url",
    "supabase_url",
    "supabase_project",
    "project_id",
    "client_id",
    "agent",
    "validate",
    "sync",
    "limits",
    "last_sync",
];
/// The keys that other tools of the family keep in the same files, and the one that editors need.
const FOREIGN: [&str; 9] = [
    "$schema",
    "storage_backend",
    "sync_backend",
    "artifact_backend",
    "backend",
    "supabase_key",
    "name",
    "version",
    "description",
];
pub(super) const VALIDATE: [&str; 5] = ["select", "ignore", "severity", "sections", "gate"];
pub(super) const SYNC: [&str; 1] = ["marker"];
pub(super) const LIMITS: [&str; 5] =
    ["artifact_bytes", "request_bytes", "response_bytes", "connect_seconds", "request_seconds"];
const DAY: u64 = 24 * 60 * 60;

/// Decides every setting.
pub(super) fn apply(layers: &Layers, settings: &mut Settings) -> Result<()> {
    settings.warnings.extend(layers.warnings.iter().cloned());
    for layer in &layers.files {
        warn_of_unknown(layer, &mut settings.warnings);
        check_text(layer, "client_id")?;
        check_mode(layer)?;
    }
    settings.secrets = layers.secrets.clone();
    settings.supabase = supabase(layers)?;
    settings.remote = remote(layers)?.or_else(|| settings.supabase.clone());
    settings.project_id = project_id(layers)?;
    settings.agent = match layers.variables.get("IDSE_AGENT") {
        Some((value, origin)) => Some(Setting { value: value.clone(), origin: origin.clone() }),
        None => first_text(layers, "agent")?,
    };
    // The weakest first, so that the stronger ones overwrite.
    for layer in layers.files.iter().rev() {
        apply_validate(layer, settings)?;
        apply_sync(layer, settings)?;
        apply_limits(layer, settings)?;
    }
    let shown = [
        ("remote", settings.remote.as_ref().map(|s| s.with(address::without_secrets(&s.value)))),
        ("project_id", settings.project_id.as_ref().map(|s| s.with(s.value.to_string()))),
        ("agent", settings.agent.clone()),
    ];
    let shown = shown.into_iter().filter_map(|(key, setting)| Some((key.to_owned(), setting?)));
    settings.entries.splice(0..0, shown);
    Ok(())
}

impl<T> Setting<T> {
    fn with<U>(&self, value: U) -> Setting<U> {
        Setting { value, origin: self.origin.clone() }
    }
}

fn remote(layers: &Layers) -> Result<Option<Setting<String>>> {
    let variable = |name| {
        layers
            .variables
            .get(name)
            .map(|(value, origin)| Setting { value: value.clone(), origin: origin.clone() })
    };
    if let Some(setting) = variable("IDSE_REMOTE").or_else(|| variable("IDSE_AGENCY_URL")) {
        return Ok(Some(setting));
    }
    // Within one file the newer key wins; a stronger file wins over both.
    for layer in &layers.files {
        for key in ["mcp_endpoint", "agency_url"] {
            if let Some(setting) = text(layer, key)? {
                return Ok(Some(setting));
            }
        }
    }
    Ok(None)
}

fn supabase(layers: &Layers) -> Result<Option<Setting<String>>> {
    if let Some((value, origin)) = layers.variables.get("SUPABASE_URL") {
        return Ok(Some(Setting { value: value.clone(), origin: origin.clone() }));
    }
    for layer in &layers.files {
        if let Some(setting) = text(layer, "supabase_url")? {
            return Ok(Some(setting));
        }
        if let Some(setting) = text(layer, "supabase_project")? {
            if !setting.value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
                return Err(wrong(
                    layer,
                    "supabase_project",
                    "the reference of a project: letters and digits",
                ));
            }
            return Ok(Some(setting.with(format!("https://{}.supabase.co", setting.value))));
        }
    }
    Ok(None)
}

fn project_id(layers: &Layers) -> Result<Option<Setting<crate::name::ProjectId>>> {
    for layer in &layers.files {
        if let Some(setting) = text(layer, "project_id")? {
            let id = setting.value.parse().map_err(|_| wrong(layer, "project_id", "a UUID"))?;
            return Ok(Some(setting.with(id)));
        }
    }
    Ok(None)
}

fn first_text(layers: &Layers, key: &str) -> Result<Option<Setting<String>>> {
    for layer in &layers.files {
        if let Some(setting) = text(layer, key)? {
            return Ok(Some(setting));
        }
    }
    Ok(None)
}

/// Returns a key that is a text; null and the empty text are as good as no key.
fn text(layer: &Layer, key: &str) -> Result<Option<Setting<String>>> {
    match layer.values.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
        Some(Value::String(text)) if text.chars().any(char::is_control) => {
            Err(wrong(layer, key, "a text without control characters"))
        }
        Some(Value::String(text)) => {
            Ok(Some(Setting { value: text.trim().to_owned(), origin: layer.origin.clone() }))
        }
        Some(_) => Err(wrong(layer, key, "a text")),
    }
}

fn check_text(layer: &Layer, key: &str) -> Result<()> {
    text(layer, key).map(|_| ())
}

fn check_mode(layer: &Layer) -> Result<()> {
    match text(layer, "mode")? {
        Some(mode) if mode.value != "offline" => Err(wrong(layer, "mode", "\"offline\"").with_hint(
            "Every verb works offline; only an explicit `idse sync` connects. Take the key out or set it to \"offline\".",
        )),
        _ => Ok(()),
    }
}

fn apply_validate(layer: &Layer, settings: &mut Settings) -> Result<()> {
    let Some(values) = object(layer, &layer.values, "validate", "validate")? else { return Ok(()) };
    let validate = &mut settings.validate;
    validate.path = layer.origin.to_string();
    for (key, list) in [("select", &mut validate.select), ("ignore", &mut validate.ignore)] {
        if let Some(value) = present(values, key) {
            *list =
                texts(value).ok_or_else(|| wrong(layer, &format!("validate.{key}"), "a list of rules"))?;
            note(&mut settings.entries, entry(layer, &format!("validate.{key}"), &list.join(", ")));
        }
    }
    if let Some(severities) = object(layer, values, "severity", "validate.severity")? {
        for (rule, value) in severities {
            let key = format!("validate.severity.{rule}");
            let severity =
                severity(value).ok_or_else(|| wrong(layer, &key, "off, info, warning or error"))?;
            validate.severity.insert(rule.clone(), severity);
            note(&mut settings.entries, entry(layer, &key, severity.map_or("off", Severity::name)));
        }
    }
    if let Some(sections) = object(layer, values, "sections", "validate.sections")? {
        apply_sections(layer, sections, &mut validate.sections)?;
        note(
            &mut settings.entries,
            entry(layer, "validate.sections", &sections.keys().cloned().collect::<Vec<_>>().join(", ")),
        );
    }
    if let Some(value) = present(values, "gate") {
        validate.gate = serde_json::from_value::<Gate>(value.clone())
            .map_err(|_| wrong(layer, "validate.gate", "complete, strict or off"))?;
        note(&mut settings.entries, entry(layer, "validate.gate", value.as_str().unwrap_or_default()));
    }
    Ok(())
}

fn apply_sections(
    layer: &Layer,
    found: &Map<String, Value>,
    sections: &mut BTreeMap<Stage, Vec<Vec<String>>>,
) -> Result<()> {
    for (name, value) in found {
        let key = format!("validate.sections.{name}");
        let stage: Stage = name.parse().map_err(|error: Error| {
            wrong(layer, &key, "a stage as its name").with_hint(error.hint().unwrap_or_default())
        })?;
        let expected =
            || wrong(layer, &key, "a list of headings, each a text or a list of texts of equal meaning");
        let list = value.as_array().ok_or_else(expected)?;
        let headings = list.iter().map(|heading| match heading {
            Value::String(text) => Some(vec![text.clone()]),
            other => texts(other).filter(|names| !names.is_empty()),
        });
        sections.insert(stage, headings.collect::<Option<_>>().ok_or_else(expected)?);
    }
    Ok(())
}

fn apply_sync(layer: &Layer, settings: &mut Settings) -> Result<()> {
    let Some(values) = object(layer, &layer.values, "sync", "sync")? else { return Ok(()) };
    if let Some(value) = present(values, "marker") {
        settings.marker = value.as_bool().ok_or_else(|| wrong(layer, "sync.marker", "true or false"))?;
        note(&mut settings.entries, entry(layer, "sync.marker", &settings.marker.to_string()));
    }
    Ok(())
}

fn apply_limits(layer: &Layer, settings: &mut Settings) -> Result<()> {
    let Some(values) = object(layer, &layer.values, "limits", "limits")? else { return Ok(()) };
    let limits = &mut settings.limits;
    let known = [
        ("artifact_bytes", &mut limits.artifact_bytes, crate::fs::LARGEST),
        ("request_bytes", &mut limits.request_bytes, 1 << 30),
        ("response_bytes", &mut limits.response_bytes, 1 << 30),
        ("connect_seconds", &mut limits.connect_seconds, DAY),
        ("request_seconds", &mut limits.request_seconds, DAY),
    ];
    for (name, limit, most) in known {
        let Some(value) = present(values, name) else { continue };
        let key = format!("limits.{name}");
        *limit = value
            .as_u64()
            .filter(|number| (1..=most).contains(number))
            .ok_or_else(|| wrong(layer, &key, &format!("a whole number from 1 to {most}")))?;
        note(&mut settings.entries, entry(layer, &key, &limit.to_string()));
    }
    Ok(())
}

fn present<'a>(values: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    values.get(key).filter(|value| !value.is_null())
}

fn object<'a>(
    layer: &Layer,
    values: &'a Map<String, Value>,
    key: &str,
    shown: &str,
) -> Result<Option<&'a Map<String, Value>>> {
    match present(values, key) {
        None => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(_) => Err(wrong(layer, shown, "an object")),
    }
}

fn texts(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect()
}

fn severity(value: &Value) -> Option<Option<Severity>> {
    match value.as_str()? {
        "off" => Some(None),
        "info" => Some(Some(Severity::Info)),
        "warning" => Some(Some(Severity::Warning)),
        "error" => Some(Some(Severity::Error)),
        _ => None,
    }
}

fn entry(layer: &Layer, key: &str, shown: &str) -> (String, Setting<String>) {
    (key.to_owned(), Setting { value: shown.to_owned(), origin: layer.origin.clone() })
}

/// A stronger layer takes the place of a weaker one.
fn note(entries: &mut Vec<(String, Setting<String>)>, entry: (String, Setting<String>)) {
    match entries.iter_mut().find(|(key, _)| *key == entry.0) {
        Some(known) => *known = entry,
        None => entries.push(entry),
    }
}

fn wrong(layer: &Layer, key: &str, expected: &str) -> Error {
    let file = layer.origin.to_string();
    Error::new(ErrorKind::InvalidConfig, format!("{file}: `{key}` must be {expected}"))
        .with("path", file)
        .with("key", key)
}

fn warn_of_unknown(layer: &Layer, warnings: &mut Vec<String>) {
    let mut warn = |values: &Map<String, Value>, within: &str, known: &[&'static str], foreign: &[&str]| {
        for key in
            values.keys().filter(|key| !known.contains(&key.as_str()) && !foreign.contains(&key.as_str()))
        {
            let near = did_you_mean(key, known.iter().copied());
            let hint = near.map(|near| format!("; did you mean `{within}{near}`?")).unwrap_or_default();
            warnings.push(format!("{}: `{within}{key}` is no key that idse knows{hint}", layer.origin));
        }
    };
    warn(&layer.values, "", &KEYS, &FOREIGN);
    let parts: [(&str, &str, &[&'static str]); 3] =
        [("validate", "validate.", &VALIDATE), ("sync", "sync.", &SYNC), ("limits", "limits.", &LIMITS)];
    for (key, within, known) in parts {
        if let Some(Value::Object(values)) = layer.values.get(key) {
            warn(values, within, known, &[]);
        }
    }
}
