//! What a rule looks at: one text with its outline, and a session of seven such texts.

use std::cell::OnceCell;
use std::ops::Range;

use crate::artifact::{Blocked, Content};
use crate::config::ValidateSettings;
use crate::markdown::Outline;
use crate::name::SessionKey;
use crate::session::Session;
use crate::stage::{Stage, StageStatus};

use super::index;
use super::section_names::HeadingName;

/// The text of one artifact; it is parsed once, when the first rule asks.
pub(super) struct TextSubject<'a> {
    pub(super) key: Option<&'a SessionKey>,
    pub(super) stage: Stage,
    pub(super) status: StageStatus,
    pub(super) path: String,
    pub(super) text: &'a str,
    pub(super) settings: &'a ValidateSettings,
    outline: OnceCell<Outline>,
    names: OnceCell<Vec<HeadingName>>,
}

impl<'a> TextSubject<'a> {
    pub(super) fn new(
        key: Option<&'a SessionKey>,
        stage: Stage,
        status: StageStatus,
        text: &'a str,
        settings: &'a ValidateSettings,
    ) -> Self {
        let path = key.map_or_else(
            || stage.path().to_owned(),
            |key| format!("{}/{}", crate::workspace::session_path(key), stage.path()),
        );
        Self { key, stage, status, path, text, settings, outline: OnceCell::new(), names: OnceCell::new() }
    }

    pub(super) fn outline(&self) -> &Outline {
        self.outline.get_or_init(|| Outline::of(self.text))
    }

    /// Returns what the headings of the outline may be the names of, in their order.
    pub(super) fn names(&self) -> &[HeadingName] {
        self.names.get_or_init(|| {
            self.outline().headings.iter().map(|heading| HeadingName::new(heading.section_name())).collect()
        })
    }

    /// Tells whether there is nothing but white space.
    pub(super) fn is_blank(&self) -> bool {
        is_blank(self.text)
    }

    /// Returns the visible occurrences of a literal, in order and not overlapping.
    pub(super) fn visible<'s>(&'s self, literal: &'s str) -> impl Iterator<Item = Range<usize>> + 's {
        self.text
            .match_indices(literal)
            .map(|(at, found)| at..at + found.len())
            .filter(|range| !self.outline().is_hidden(range.start))
    }
}

/// An artifact that cannot be taken as a text.
pub(super) struct BlockedSubject<'a> {
    pub(super) stage: Stage,
    pub(super) path: String,
    pub(super) blocked: &'a Blocked,
}

/// A session and the texts of its artifacts.
pub(super) struct SessionSubject<'a> {
    pub(super) session: &'a Session,
    /// By stage; `None` where there is no text.
    pub(super) texts: [Option<TextSubject<'a>>; 7],
}

impl<'a> SessionSubject<'a> {
    pub(super) fn new(session: &'a Session, settings: &'a ValidateSettings) -> Self {
        let texts = Stage::ALL.map(|stage| {
            let text = session.artifact(stage).text()?;
            let mut subject =
                TextSubject::new(Some(&session.key), stage, session.state.status(stage), text, settings);
            subject.path = session.artifact_path(stage);
            Some(subject)
        });
        Self { session, texts }
    }

    /// Returns the artifacts that cannot be taken as texts.
    pub(super) fn blocked(&self) -> impl Iterator<Item = BlockedSubject<'a>> {
        Stage::ALL.into_iter().filter_map(|stage| match &self.session.artifact(stage).content {
            Content::Blocked(blocked) => {
                Some(BlockedSubject { stage, path: self.session.artifact_path(stage), blocked })
            }
            Content::Absent | Content::Text(_) => None,
        })
    }

    pub(super) fn text(&self, stage: Stage) -> Option<&TextSubject<'a>> {
        self.texts[index(stage)].as_ref()
    }

    /// Returns the path of the session's state file.
    pub(super) fn state_path(&self) -> String {
        format!("{}/metadata/session_state.json", self.session.path)
    }

    /// Returns the path of the session's metadata.
    pub(super) fn metadata_path(&self) -> String {
        format!("{}/metadata/session.json", self.session.path)
    }
}

/// Tells whether a text has nothing but white space and a byte order mark.
pub(super) fn is_blank(text: &str) -> bool {
    text.trim_start_matches('\u{feff}').trim().is_empty()
}
