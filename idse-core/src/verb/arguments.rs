//! Named arguments: what a verb takes, and what is said about an argument that it does not.
//!
//! The values that the arguments stand for are parsed by the types that own them.

use std::str::FromStr;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::name::did_you_mean;

/// One named argument of a verb.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Argument {
    /// Its name, the same in every language up to its case.
    pub name: &'static str,
    /// What it takes: `text`, `true or false`, `stage`, `list of stage`, `object`.
    pub form: &'static str,
    /// The verb cannot do without it.
    pub required: bool,
    /// What it means, as a sentence.
    pub meaning: &'static str,
}

/// Defines the arguments of a verb once: the struct that is parsed and the list that is documented.
macro_rules! request {
    ($name:ident { $( $(#[$mark:ident])? $field:ident : $type:ty = $form:literal, $meaning:literal; )* }) => {
        #[derive(Debug, Default, serde::Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub(super) struct $name {
            $( $field: $type, )*
        }

        impl $name {
            pub(super) const ARGUMENTS: &'static [crate::verb::Argument] = &[
                $( crate::verb::Argument {
                    name: stringify!($field),
                    form: $form,
                    required: !<[&str]>::is_empty(&[$( stringify!($mark) )?]),
                    meaning: $meaning,
                }, )*
            ];
        }
    };
}
pub(super) use request;

/// Reads the arguments of a verb; they are known to be its own.
pub(super) fn read<T: DeserializeOwned>(
    verb: &str,
    arguments: &[Argument],
    map: &Map<String, Value>,
) -> Result<T> {
    if let Some(missing) = arguments.iter().find(|a| a.required && !map.contains_key(a.name)) {
        return Err(Error::argument(format!("`{verb}` needs `{}`", missing.name))
            .with_reason("schema")
            .with_hint(format!("`{}` is {}. {}", missing.name, missing.form, missing.meaning))
            .with("argument", missing.name));
    }
    let parse = |map: Map<String, Value>| serde_json::from_value::<T>(Value::Object(map));
    parse(map.clone()).map_err(|error| {
        // Each argument alone: the one that fails alone is at fault.
        let alone = |(name, value): &(&String, &Value)| {
            parse([((*name).clone(), (*value).clone())].into_iter().collect()).is_err()
        };
        match map.iter().find(alone) {
            Some((name, value)) => wrong_form(verb, arguments, name, value),
            None => Error::argument(format!("the arguments of `{verb}` make no sense: {error}"))
                .with_reason("schema"),
        }
    })
}

fn wrong_form(verb: &str, arguments: &[Argument], name: &str, value: &Value) -> Error {
    let form = arguments.iter().find(|a| a.name == name).map_or("something else", |a| a.form);
    let given = match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list of other things",
        Value::Object(_) => "an object",
    };
    Error::argument(format!("`{name}` of `{verb}` is {form}, not {given}"))
        .with_reason("schema")
        .with("argument", name)
}

/// Takes the arguments apart: an object or nothing. An argument that is null counts as not given.
pub(super) fn object(verb: &str, arguments: &Value) -> Result<Map<String, Value>> {
    match arguments {
        Value::Null => Ok(Map::new()),
        Value::Object(map) => {
            Ok(map.iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k.clone(), v.clone())).collect())
        }
        _ => Err(Error::argument(format!("the arguments of `{verb}` are one JSON object"))
            .with_reason("schema")
            .with_hint("For example {\"root\": \"/path/to/workspace\"}.")),
    }
}

/// Refuses an argument that the verb does not take.
pub(super) fn refuse_unknown<'a>(
    verb: &str,
    known: impl Iterator<Item = &'a Argument> + Clone,
    map: &Map<String, Value>,
) -> Result<()> {
    let Some(name) = map.keys().find(|name| known.clone().all(|a| a.name != name.as_str())) else {
        return Ok(());
    };
    let names: Vec<_> = known.map(|a| a.name).collect();
    let hint = match did_you_mean(name, names.iter().copied()) {
        Some(near) => format!("Did you mean `{near}`?"),
        None if names.is_empty() => "It takes no arguments.".to_owned(),
        None => format!("It takes {}.", names.join(", ")),
    };
    Err(Error::argument(format!("`{verb}` takes no argument `{name}`"))
        .with_reason("schema")
        .with_hint(hint)
        .with("argument", name.as_str()))
}

/// Parses a text where there is one.
pub(super) fn parsed<T: FromStr<Err = Error>>(text: Option<&str>) -> Result<Option<T>> {
    text.map(str::parse).transpose()
}

/// Parses every text of a list.
pub(super) fn each<T: FromStr<Err = Error>>(texts: &[String]) -> Result<Vec<T>> {
    texts.iter().map(|text| text.parse()).collect()
}

/// Creates the error of arguments that exclude each other, or of one without the other that it needs.
pub(super) fn usage(message: impl Into<String>) -> Error {
    Error::argument(message).with_reason("usage")
}
