//! What the refusals of PostgREST, PostgreSQL and Supabase's own gate mean, and what to do about them.

use super::key::KeyKind;
use crate::error::{Error, ErrorKind};
use crate::remote::http::Response;

/// The refusal in an answer: its code, where PostgREST or PostgreSQL made it, and its words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Code {
    pub(super) status: u16,
    pub(super) code: String,
    pub(super) message: String,
    pub(super) details: String,
}

impl Code {
    pub(super) fn of(response: &Response) -> Self {
        let object = response.error_json().unwrap_or_default();
        let text =
            |key: &str| object.get(key).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
        Self {
            status: response.status(),
            code: text("code"),
            message: text("message"),
            details: text("details"),
        }
    }

    /// Tells whether the words name a column; names are compared whole.
    pub(super) fn names_column(&self, column: &str) -> bool {
        let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        self.message.split(|c| !is_of_name(c)).any(|word| word == column)
    }

    /// Tells whether a write that got this answer surely changed nothing.
    fn is_rolled_back(&self) -> bool {
        let code = self.code.as_str();
        let is_of_class = |class: &str| code.len() == 5 && code.starts_with(class);
        match self.status {
            // A time limit of a proxy says nothing about what stands behind it.
            408 => false,
            300..=499 => true,
            _ => {
                matches!(code, "57014" | "40001" | "40P01" | "55P03" | "25006" | "PGRST002" | "PGRST003")
                    || ["22", "23", "42", "53"].into_iter().any(is_of_class)
                    // The gate of a paused project lets nothing through.
                    || self.status == 540
            }
        }
    }
}

/// Makes the error of an answer that is no success.
pub(super) fn explain(response: &Response, key: KeyKind) -> Error {
    let code = Code::of(response);
    let error = response.failure();
    let (kind, reason, hint) = match (code.code.as_str(), code.status) {
        ("PGRST301" | "PGRST302" | "PGRST303", _) => (ErrorKind::Unauthorized, "", jwt_hint(&code)),
        ("42501", _) => (ErrorKind::Unauthorized, "forbidden", forbidden_hint(key)),
        ("42P01" | "PGRST205" | "PGRST106" | "3F000", _) => {
            (ErrorKind::Protocol, "not_an_agency", "The address answers, but has no table `projects`: check that it is the right project.".to_owned())
        }
        ("42703" | "PGRST204" | "PGRST100", _) => {
            (ErrorKind::Protocol, "not_an_agency", "The table `projects` there is another one than idse knows: see the documented columns.".to_owned())
        }
        ("22P05", _) => (ErrorKind::InvalidArgument, "nul", "A text holds a NUL character: take it out.".to_owned()),
        ("57014", _) => {
            (ErrorKind::Unavailable, "timeout", "The database stopped the statement for its time limit; push fewer stages at once, or try again later.".to_owned())
        }
        (code, _) if code.len() == 5 && code.starts_with("23") => {
            (ErrorKind::Protocol, "constraint", "A rule of the table refuses the row; its owner knows why.".to_owned())
        }
        (_, 540) => (
            ErrorKind::Unavailable,
            "paused",
            "The project is paused: restore it in the Supabase dashboard, then try again.".to_owned(),
        ),
        (_, 401) => (ErrorKind::Unauthorized, "", key_hint(key)),
        (_, 403) => (ErrorKind::Unauthorized, "forbidden", forbidden_hint(key)),
        (_, 404) => (
            ErrorKind::NotFound,
            "",
            "No PostgREST answers there: the address of a project is https://<ref>.supabase.co.".to_owned(),
        ),
        (_, 409) => (
            ErrorKind::Protocol,
            "constraint",
            "A rule of the table refuses the row; its owner knows why.".to_owned(),
        ),
        _ => return error,
    };
    let mut explained = Error::new(kind, error.message()).with_reason(reason).with_hint(hint);
    for (key, value) in error.context() {
        explained = explained.with(key, value.as_str());
    }
    if code.code.is_empty() { explained } else { explained.with("code", response.clean(&code.code)) }
}

/// Makes the error of a write that was answered without success: `Unsettled` unless it surely changed nothing.
pub(super) fn explain_write(response: &Response, key: KeyKind) -> Error {
    let error = explain(response, key);
    if Code::of(response).is_rolled_back() { error } else { response.lost_write(error.message()) }
}

/// Makes the error of a row that is seen and cannot be changed.
pub(super) fn no_update_right(address: &str, key: KeyKind) -> Error {
    Error::new(
        ErrorKind::Unauthorized,
        format!("{address} shows this project, and does not let {} change it", key.name()),
    )
    .with_reason("forbidden")
    .with_hint(forbidden_hint(key))
}

/// Makes the error of a table that cannot be worked with.
pub(super) fn no_agency(why: &str) -> Error {
    Error::new(ErrorKind::Protocol, format!("the table `projects` cannot be used: {why}"))
        .with_reason("not_an_agency")
        .with_hint("Run `idse doctor --remote`: it says what the table has.")
}

fn jwt_hint(code: &Code) -> String {
    if code.message.contains("expired") {
        "The token has expired: sign in again and set IDSE_TOKEN anew.".to_owned()
    } else {
        "The key or the token is not one of this project: copy it again from the project's API settings."
            .to_owned()
    }
}

fn key_hint(key: KeyKind) -> String {
    match key {
        KeyKind::None => {
            "Set SUPABASE_ANON_KEY or SUPABASE_PUBLISHABLE_KEY, and IDSE_TOKEN where users sign in."
                .to_owned()
        }
        _ => format!(
            "{} was refused: check that it belongs to this project (the reference in the address) and was not revoked.",
            capital(key.name())
        ),
    }
}

fn forbidden_hint(key: KeyKind) -> String {
    if key.sees_everything() {
        "The role of this key has no right to the table: grant it in the database.".to_owned()
    } else {
        format!(
            "Row-level security or missing rights hold {} back: sign in (IDSE_TOKEN), or ask the owner for a policy.",
            key.name()
        )
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_named_whole() {
        let code = Code { message: "column projects.spec_md_old does not exist".into(), ..Code::default() };
        assert!(!code.names_column("spec_md") && code.names_column("spec_md_old"));
        let code = Code { message: "Could not find the 'spec_md' column".into(), ..Code::default() };
        assert!(code.names_column("spec_md") && !code.names_column("md"));
    }

    #[test]
    fn only_what_surely_changed_nothing_is_no_lost_write() {
        for (status, code, is_rolled_back) in [
            (400, "PGRST204", true),
            (401, "", true),
            (409, "23505", true),
            (429, "", true),
            (408, "", false),
            (500, "57014", true),
            (500, "40001", true),
            (503, "53300", true),
            (503, "PGRST002", true),
            (504, "PGRST003", true),
            (540, "", true),
            (500, "", false),
            (503, "PGRST001", false),
            (503, "08006", false),
            (500, "57P01", false),
            (502, "", false),
            (520, "", false),
            (200, "", false),
        ] {
            let code = Code { status, code: code.into(), ..Code::default() };
            assert_eq!(code.is_rolled_back(), is_rolled_back, "{code:?}");
        }
    }
}
