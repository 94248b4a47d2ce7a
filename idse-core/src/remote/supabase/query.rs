//! The requests: every address that is asked, built from checked parts.
//!
//! A change without a filter would change every row, so the one builder of changes takes the id of its row.

use serde_json::{Map, Value};

use super::row::Version;
use crate::name::ProjectId;
use crate::remote::http::{Call, Method};

const TABLE: &str = "/projects";
/// How many rows are asked for at once; a server may give fewer.
pub(super) const PAGE: usize = 1000;

/// Reads one row.
pub(super) fn read(id: ProjectId, columns: &str) -> Call {
    Call::new(Method::Get, format!("{TABLE}?id=eq.{id}&select={columns}"))
}

/// Reads rows by name.
pub(super) fn named(name: &str, columns: &str) -> Call {
    Call::new(Method::Get, format!("{TABLE}?name=eq.{}&select={columns}&order=id.asc", encode(name)))
}

/// Reads a page of rows after an id, and how many there are in all from there.
pub(super) fn page(after: Option<ProjectId>, columns: &str) -> Call {
    let after = after.map(|id| format!("&id=gt.{id}")).unwrap_or_default();
    let path = format!("{TABLE}?select={columns}&order=id.asc&limit={PAGE}{after}");
    Call::new(Method::Get, path).header("prefer", "count=exact")
}

/// Asks for next to nothing.
pub(super) fn probe() -> Call {
    Call::new(Method::Get, format!("{TABLE}?select=id&limit=1"))
}

/// Reads some row whole.
pub(super) fn sample(columns: &str) -> Call {
    Call::new(Method::Get, format!("{TABLE}?select={columns}&limit=1"))
}

/// Changes one row, if it still is what it was.
pub(super) fn change(id: ProjectId, version: &Version, columns: &str, body: Map<String, Value>) -> Call {
    let version = match version {
        Version::Row(xmin) => format!("xmin=eq.{xmin}"),
        Version::Time(Some(time)) => format!("updated_at=eq.{}", encode(time)),
        Version::Time(None) => "updated_at=is.null".to_owned(),
        Version::None => String::new(),
    };
    let and = if version.is_empty() { "" } else { "&" };
    let path = format!("{TABLE}?id=eq.{id}{and}{version}&select={columns}");
    Call::new(Method::Patch, path).header("prefer", "return=representation").json(&Value::Object(body))
}

/// Makes a row.
pub(super) fn create(columns: &str, body: Map<String, Value>) -> Call {
    let path = format!("{TABLE}?select={columns}");
    Call::new(Method::Post, path).header("prefer", "return=representation").json(&Value::Object(body))
}

/// Encodes everything but what a query can hold as it is; a `+` above all, which would be read as a space.
fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn what_has_a_meaning_in_a_query_is_encoded() {
        assert_eq!(encode("2026-01-10T15:30:00.12+00:00"), "2026-01-10T15%3A30%3A00.12%2B00%3A00");
        assert_eq!(encode("a&id=gt.0 ü"), "a%26id%3Dgt.0%20%C3%BC");
    }

    proptest! {
        #[test]
        fn a_change_always_names_its_row(id in any::<u128>(), time in ".{0,40}", xmin in "[0-9]{1,10}") {
            let id = ProjectId::new(Uuid::from_u128(id));
            let versions = [Version::Row(xmin), Version::Time(Some(time)), Version::Time(None), Version::None];
            for version in versions {
                let call = change(id, &version, "id", Map::new());
                let query = call.path().split_once('?').unwrap().1.to_owned();
                let filters: Vec<_> = query.split('&').filter(|part| part.starts_with("id=")).collect();
                prop_assert_eq!(filters, vec![format!("id=eq.{id}")]);
                prop_assert!(query.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#'));
            }
        }
    }
}
