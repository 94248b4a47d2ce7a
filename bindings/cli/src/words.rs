//! The engine's values in words.

use std::fmt;

use idse_core::remote::Guard;
use idse_core::sync::ConflictKind;
use idse_core::{Error, Stage};

/// Returns `1 stage`, `3 stages`.
pub(crate) fn count(n: usize, one: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") }
}

/// Returns things with commas between them.
pub(crate) fn list<T: fmt::Display>(things: impl IntoIterator<Item = T>) -> String {
    things.into_iter().map(|thing| thing.to_string()).collect::<Vec<_>>().join(", ")
}

/// Returns what a conflict is about.
pub(crate) fn conflict(kind: ConflictKind) -> &'static str {
    match kind {
        ConflictKind::BothChanged => "both sides changed the same place",
        ConflictKind::BothAdded => "both sides added a text, different ones",
        ConflictKind::DeleteEdit => "deleted here, changed in the agency",
        ConflictKind::EditClear => "changed here, cleared in the agency",
        ConflictKind::Status => "both sides set the status, differently",
        ConflictKind::Unsettled => "a push whose reply was lost met another text",
    }
}

/// Returns the command that settles a conflict.
pub(crate) fn resolve_command(stage: Stage, kind: ConflictKind, agency: Option<&str>) -> String {
    // A status has two sides and nothing to merge.
    let choices = if kind == ConflictKind::Status { "--local|--remote" } else { "--local|--remote|--merged" };
    format!("idse sync resolve {stage} {choices}{}", agency_option(agency))
}

/// Returns the option that names the agency in a suggested command, where one was named.
pub(crate) fn agency_option(agency: Option<&str>) -> String {
    agency.map(|url| format!(" --agency {url}")).unwrap_or_default()
}

/// Returns how a write was guarded.
pub(crate) fn guard(guard: Guard) -> &'static str {
    match guard {
        Guard::RowVersion => "the row's version",
        Guard::UpdatedAt => "the row's time stamp",
        Guard::None => "none: somebody could come in between",
    }
}

/// Returns an error in one line, for lists.
pub(crate) fn error(error: &Error) -> String {
    match error.hint() {
        Some(hint) => format!("{} ({hint})", error.message()),
        None => error.message().to_owned(),
    }
}
