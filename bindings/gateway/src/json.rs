//! Bodies: bytes become JSON only where two readers could not disagree about them.
//!
//! What the fields mean belongs to `form`.

use std::borrow::Cow;
use std::collections::HashSet;

use http::StatusCode;
use idse_core::ErrorKind;
use serde_json::{Map, Value};

use crate::problem::{FieldError, Problem};

/// How deeply arrays and objects may lie in one another.
const MAX_DEPTH: usize = 64;
/// What serde_json uses within itself for numbers of any length; as somebody's key it would change the value.
const RESERVED: &str = "$serde_json::private::";

/// Reads a body that must be one JSON object.
pub(crate) fn object(bytes: &[u8]) -> Result<Map<String, Value>, Problem> {
    let text = std::str::from_utf8(bytes).map_err(|_| unreadable("the body is not UTF-8 text"))?;
    scan(text)?;
    match serde_json::from_str(text) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(invalid("object_type", "the body must be a JSON object".to_owned())),
        Err(error) => Err(invalid("json_invalid", format!("the body is not JSON: {error}"))),
    }
}

fn unreadable(detail: &str) -> Problem {
    Problem::new(ErrorKind::InvalidArgument, "schema", detail).with_status(StatusCode::BAD_REQUEST)
}

fn invalid(kind: &'static str, msg: String) -> Problem {
    Problem::schema(vec![FieldError { loc: vec!["body".to_owned()], msg, kind }])
}

/// Refuses nesting beyond the limit, and objects that name a key twice: which of them counts would depend on the
/// reader. What is not JSON at all is left to the parser.
fn scan(text: &str) -> Result<(), Problem> {
    let bytes = text.as_bytes();
    let mut open: Vec<Option<HashSet<Cow<'_, str>>>> = Vec::new();
    // The text of the last string, which a colon turns into a key.
    let mut last = None;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'{' | b'[' => {
                if open.len() == MAX_DEPTH {
                    return Err(unreadable("the body is nested too deeply"));
                }
                open.push((*byte == b'{').then(HashSet::new));
            }
            b'}' | b']' => {
                open.pop();
            }
            b'"' => {
                let end = string_end(bytes, at);
                last = text.get(at..end);
                at = end;
                continue;
            }
            b':' => {
                if let (Some(Some(keys)), Some(key)) = (open.last_mut(), last.take()) {
                    let key = key_text(key);
                    if key.starts_with(RESERVED) || keys.contains(&key) {
                        return Err(invalid(
                            "duplicate_key",
                            format!("the key {key:?} is there twice, or reserved"),
                        ));
                    }
                    keys.insert(key);
                }
            }
            _ => {}
        }
        at += 1;
    }
    Ok(())
}

/// Returns where the string that begins at `start` ends, behind its closing quote.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// Returns what a quoted key means: `"\u0061"` is `a`.
fn key_text(quoted: &str) -> Cow<'_, str> {
    let inner = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(quoted);
    if inner.contains('\\') {
        serde_json::from_str::<String>(quoted).map_or(Cow::Borrowed(inner), Cow::Owned)
    } else {
        Cow::Borrowed(inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(text: &[u8]) -> u16 {
        object(text).map_or_else(|problem| problem.status().as_u16(), |_| 200)
    }

    #[test]
    fn only_one_reading_is_accepted() {
        for good in [r#"{}"#, r#"{"a":{"a":[{"a":1},{"a":"a:b\"{"}]}}"#, r#"{"a\\":1,"a":2}"#] {
            assert_eq!(status(good.as_bytes()), 200, "{good}");
        }
        for bad in [
            r#"{"a":1,"a":2}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"x":[{"b":1,"b":1}]}"#,
            r#"{"$serde_json::private::Number":"1"}"#,
            "[]",
            "1",
            "",
            "{",
            r#"{"a":NaN}"#,
            r#"{"a":"\ud800"}"#,
            r#"{"a":"\udc00\ud800"}"#,
            r#"{"a":1}}"#,
            r#"{"a":1} {}"#,
        ] {
            assert_eq!(status(bad.as_bytes()), 422, "{bad}");
        }
        assert_eq!(status(b"{\"a\":\"\xff\"}"), 400);
        assert_eq!(status("[".repeat(20_000).as_bytes()), 400);
        let deep = |depth: usize| format!("{{\"a\":{}1{}}}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!((status(deep(63).as_bytes()), status(deep(64).as_bytes())), (200, 400));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_fall(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..60), text in r#"[\[\]{}":,\\u0-9a-f]{0,40}"#) {
            drop(object(&bytes));
            drop(object(text.as_bytes()));
        }
    }
}
