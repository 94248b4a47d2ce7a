//! The claims of a token whose signature holds: whether it is meant for us, now, and what it allows.

use serde_json::{Map, Value};

use super::{JwtRules, Scopes};

/// How far two clocks may be apart, in seconds.
const LEEWAY: f64 = 30.0;
const MAX_SUBJECT: usize = 256;

/// Returns the subject and the scopes of a token, or why it is refused.
pub(super) fn check(
    claims: &Map<String, Value>,
    rules: &JwtRules,
    now: f64,
) -> Result<(String, Scopes), &'static str> {
    match claims.get("exp").and_then(number) {
        None => return Err("the token does not say when it expires"),
        Some(exp) if exp + LEEWAY <= now => return Err("the token has expired"),
        Some(_) => {}
    }
    match claims.get("nbf").map(number) {
        Some(None) => return Err("the token's `nbf` is no time"),
        Some(Some(nbf)) if nbf - LEEWAY > now => return Err("the token is not valid yet"),
        _ => {}
    }
    if let Some(issuer) = &rules.issuer
        && claims.get("iss").and_then(Value::as_str) != Some(issuer)
    {
        return Err("the token was issued by somebody else");
    }
    let is_for_us = match claims.get("aud") {
        Some(Value::String(audience)) => *audience == rules.audience,
        Some(Value::Array(list)) => {
            list.iter().all(Value::is_string) && list.iter().any(|audience| *audience == rules.audience)
        }
        _ => false,
    };
    if !is_for_us {
        return Err("the token is for another audience");
    }
    match claims.get("role") {
        None => {}
        Some(Value::String(role)) if rules.roles.contains(role) => {}
        Some(_) => return Err("the token's role is not let in"),
    }
    let subject = match claims.get("sub") {
        Some(Value::String(subject)) if !subject.is_empty() && subject.len() <= MAX_SUBJECT => {
            subject.clone()
        }
        _ => return Err("the token does not say whose it is"),
    };
    let scopes = match claims.get("scope") {
        None => Scopes::ALL,
        Some(Value::String(words)) => Scopes::of_words(words.split(' ')),
        Some(_) => return Err("the token's `scope` is no text"),
    };
    Ok((subject, scopes))
}

/// Returns a time in seconds; anything but a finite number from zero is none.
fn number(value: &Value) -> Option<f64> {
    value.as_f64().filter(|seconds| seconds.is_finite() && *seconds >= 0.0)
}
