//! What must hold for every input from outside, one function per parser: the fuzzer calls them, and so does a test.
//!
//! Compiled for tests and for `cargo fuzz` only. A broken promise is a panic, which is what a fuzzer looks for.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::allow_attributes,
    reason = "no part of the library; a panic is the finding"
)]

#[cfg(test)]
mod tests;

use std::fmt::Debug;
use std::str::FromStr;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::config::{Settings, ValidateSettings};
use crate::diagnostic::Fix;
use crate::markdown::Outline;
use crate::name::{OpId, ProjectId, ProjectName, SessionId, SessionKey};
use crate::remote::{RemoteSession, RemoteText, Revision};
use crate::rules;
use crate::session::SessionMetadata;
use crate::stage::{Stage, StageStatus};
use crate::state::SessionState;
use crate::sync::merge::{Merge, has_markers, merge_text};
use crate::sync::{Base, JournalEntry, LogRecord};
use crate::text::{Digest, canonical};
use crate::trust;

/// One entry: what `cargo fuzz` calls it, and what is done with an input.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 7] = [
    ("outline", outline),
    ("merge", merge),
    ("config", config),
    ("state", state),
    ("base", base),
    ("journal", journal),
    ("names", names),
];

/// The outline of any text lies inside of it, and so does whatever the rules say about it.
pub fn outline(data: &[u8]) {
    let (stage, data) = match data.split_first() {
        Some((first, rest)) => (Stage::ALL[usize::from(*first) % 7], rest),
        None => (Stage::Spec, data),
    };
    let text = String::from_utf8_lossy(data);
    let outline = Outline::of(&text);
    let mut last = 0;
    for (index, heading) in outline.headings.iter().enumerate() {
        assert!(text.get(heading.range.clone()).is_some(), "a heading outside of the text");
        assert!(heading.range.start >= last, "headings are in order");
        last = heading.range.start;
        assert_eq!(outline.heading_at(last), Some(index));
        let end = outline.section_end(index, &text);
        assert!(end >= heading.range.start && text.is_char_boundary(end), "a section ends in the text");
        let _ = outline.entries_in(last..end);
        let _ = heading.section_name();
    }
    for range in &outline.comments {
        assert!(text.get(range.clone()).is_some(), "a comment outside of the text");
        assert!(range.is_empty() || outline.is_hidden(range.start));
    }
    let key = SessionKey { project: "p".parse().unwrap(), session: "s".parse().unwrap() };
    for status in [StageStatus::Pending, StageStatus::Complete] {
        let settings = ValidateSettings::default();
        let found = rules::validate_text(Some(&key), stage, status, &text, &settings);
        assert_eq!(found, rules::validate_text(Some(&key), stage, status, &text, &settings));
        for diagnostic in &found {
            if let Some(span) = diagnostic.span {
                let (start, end) = (span.start.offset as usize, span.end.offset as usize);
                assert!(text.get(start..end).is_some(), "{} outside of the text", diagnostic.code);
                assert!(span.start.line >= 1 && span.start.column >= 1);
                assert!((span.start.line, span.start.column) <= (span.end.line, span.end.column));
            }
            if let Some(fix) = &diagnostic.fix {
                check_fix(fix, &text);
            }
        }
    }
}

fn check_fix(fix: &Fix, text: &str) {
    let mut last = 0;
    for edit in &fix.edits {
        let (start, end) = (edit.start as usize, edit.end as usize);
        assert!(text.get(start..end).is_some(), "an edit outside of the text");
        assert!(start >= last, "edits overlap");
        last = end;
    }
}

/// A merge keeps what one side did, and a conflict can be found again by its markers.
///
/// The three texts are separated by the byte 0xff.
pub fn merge(data: &[u8]) {
    let mut parts = data.splitn(3, |byte| *byte == 0xff).map(String::from_utf8_lossy);
    let mut next = || parts.next().unwrap_or_default().into_owned();
    let (base, local, remote) = (next(), next(), next());
    assert_eq!(merge_text(&base, &local, &base), Merge::Clean(local.clone()), "only the local side changed");
    match merge_text(&base, &base, &remote) {
        Merge::Clean(text) => assert_eq!(canonical(&text), canonical(&remote), "only the remote changed"),
        Merge::Conflict(_) => panic!("a conflict with an unchanged side"),
    }
    let there = merge_text(&base, &local, &remote);
    let back = merge_text(&base, &remote, &local);
    match (&there, &back) {
        (Merge::Clean(a), Merge::Clean(b)) => {
            assert_eq!(canonical(a), canonical(b), "the sides are equals");
            let lines = |text: &str| canonical(text).lines().map(str::to_owned).collect::<Vec<_>>();
            let (local, remote) = (lines(&local), lines(&remote));
            for line in lines(a) {
                assert!(local.contains(&line) || remote.contains(&line), "a line that nobody wrote");
            }
        }
        (Merge::Conflict(conflict), Merge::Conflict(other)) => {
            assert_eq!(conflict.places, other.places);
            assert!(conflict.places > 0);
            assert!(has_markers(&conflict.marked, conflict.marker_length));
            for text in [&base, &local, &remote] {
                assert!(!has_markers(text, conflict.marker_length), "a marker that a text has itself");
            }
        }
        _ => panic!("a conflict in one direction only"),
    }
}

/// A configuration is understood or refused with a hint of where.
pub fn config(data: &[u8]) {
    // The same bytes as a file of the repository and as lines of `.env`.
    for origin in [".idseconfig.json", "/home/x/.idseconfig.json"] {
        match Settings::parse(data, origin) {
            Ok(settings) => {
                for (key, setting) in &settings.entries {
                    assert!(!key.is_empty());
                    let is_shared = !origin.starts_with('/');
                    assert!(!is_shared || !setting.value.contains("sb_secret_"), "a secret is shown");
                }
            }
            Err(error) => assert!(error.to_string().contains(origin), "{error}"),
        }
    }
}

/// A state and a metadata file keep what they do not know, and what is set is read back.
pub fn state(data: &[u8]) {
    let Ok(raw) = serde_json::from_slice::<Map<String, Value>>(data) else { return };
    let mut state = SessionState::new(raw.clone());
    assert_eq!(state.raw(), &raw);
    drop((state.session_id(), state.last_agent(), state.last_sync(), state.unknown_entries()));
    for stage in Stage::ALL {
        let before = state.clone();
        state.set_status(stage, StageStatus::Complete);
        assert_eq!(state.status(stage), StageStatus::Complete);
        for other in Stage::ALL.into_iter().filter(|other| *other != stage) {
            assert_eq!(state.status(other), before.status(other), "another stage has changed");
        }
    }
    let again: Map<String, Value> = serde_json::from_str(&state.to_file_text()).unwrap();
    assert_eq!(&again, state.raw(), "what is written is read back");
    for key in raw.keys() {
        assert!(again.contains_key(key), "a field is gone");
    }
    let metadata = SessionMetadata::new(raw.clone());
    assert_eq!(metadata.raw(), &raw);
    drop((metadata.session_type(), metadata.parent()));
}

/// A base that can be read is written the same, and trusts a revision only where every stage was seen at it.
pub fn base(data: &[u8]) {
    let Some(mut base) = same_again::<Base>(data) else { return };
    let known = Stage::ALL.into_iter().all(|stage| base.stage(stage).seen.is_some());
    assert!(base.trusted_revision().is_none() || known, "a revision without what was seen at it");
    drop((base.seen_state(), base.objects().count()));
    let row = RemoteSession {
        project_id: base.project_id,
        name: String::new(),
        stack: None,
        framework: None,
        session: None,
        revision: Revision::new("7"),
        updated_at: None,
        texts: Stage::ALL.into_iter().map(|stage| (stage, RemoteText::Absent)).collect(),
        meta: RemoteText::Unmapped,
        state: None,
    };
    base.see(&row);
    assert_eq!(base.trusted_revision(), Some(&row.revision));
}

/// An entry of the journal or the log that can be read is written the same.
pub fn journal(data: &[u8]) {
    if let Some(entry) = same_again::<JournalEntry>(data) {
        let _ = (entry.objects().len(), entry.log().objects().count());
    }
    if let Some(record) = same_again::<LogRecord>(data) {
        assert_eq!(record.without_files(&[]), record);
    }
}

/// Whatever is taken as a name is safe in a path and in a request.
pub fn names(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let safe = |name: &str| {
        assert!(!name.is_empty() && name.len() <= 64);
        assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)), "{name:?}");
        assert!(!name.starts_with(['.', '-']) && !name.ends_with('.'), "{name:?}");
    };
    if let Some(name) = round_trip::<ProjectName>(&text) {
        safe(name.as_str());
    }
    if let Some(name) = round_trip::<SessionId>(&text) {
        safe(name.as_str());
    }
    let _ = round_trip::<ProjectId>(&text);
    let _ = round_trip::<OpId>(&text);
    let _ = round_trip::<Digest>(&text);
    let _ = (text.parse::<Stage>().is_ok(), text.parse::<StageStatus>().is_ok());
    if let Ok(origin) = trust::origin(&text) {
        assert!(!origin.contains('@') && origin.is_ascii(), "{origin:?}");
        assert!(origin.starts_with("https://") || trust::is_loopback(&origin), "{origin:?}");
        assert_eq!(trust::origin(&origin).unwrap(), origin, "an origin is its own origin");
    }
}

fn same_again<T: Serialize + DeserializeOwned + PartialEq + Debug>(data: &[u8]) -> Option<T> {
    let value: T = serde_json::from_slice(data).ok()?;
    let written = serde_json::to_vec(&value).unwrap();
    assert_eq!(serde_json::from_slice::<T>(&written).unwrap(), value, "what is written is read back");
    Some(value)
}

fn round_trip<T: FromStr + ToString + PartialEq + Debug>(text: &str) -> Option<T> {
    let value: T = text.parse().ok()?;
    match value.to_string().parse::<T>() {
        Ok(again) => assert_eq!(again, value),
        Err(_) => panic!("{value:?} does not survive its own writing"),
    }
    Some(value)
}
