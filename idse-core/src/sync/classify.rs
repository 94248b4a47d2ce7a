//! The classification: how the three sides of a stage stand to each other. Pure.

use crate::stage::{Stage, StageStatus};
use crate::sync::Class;
use crate::text::Digest;

/// The local side of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Local {
    Absent,
    Blocked,
    Text(Known),
}

/// The remote side of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Remote {
    Absent,
    /// The remote cannot express absence: this neither clears nor conflicts.
    Unknown,
    Unmapped,
    Text(Known),
}

/// What the classification knows of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) digest: Digest,
    pub(crate) is_empty: bool,
    /// It is the untouched template of the stage.
    pub(crate) untouched: bool,
}

/// Classifies one stage.
pub(crate) fn classify(local: Local, base: Option<Digest>, remote: Remote) -> Class {
    let base_has_text = base.is_some_and(|digest| digest != Digest::of(""));
    let local = match local {
        Local::Blocked => return Class::Blocked,
        Local::Absent => None,
        Local::Text(known) => Some(known),
    };
    let remote = match remote {
        Remote::Unmapped => return Class::Unmapped,
        Remote::Unknown => return classify_unknown(local, base, base_has_text),
        Remote::Absent => None,
        // A text that was emptied in the agency counts as cleared, unless the file is empty too.
        Remote::Text(known) if known.is_empty && base_has_text && local.is_none_or(|l| !l.is_empty) => None,
        Remote::Text(known) => Some(known),
    };
    match (local, base, remote) {
        (None, None, None) => Class::InSync,
        (None, None, Some(_)) => Class::NewThere,
        (Some(_), None, None) => Class::NewHere,
        (Some(l), None, Some(r)) if l.digest == r.digest => Class::Adopt,
        (Some(l), None, Some(_)) if l.untouched => Class::RemoteChange,
        (Some(_), None, Some(r)) if r.untouched => Class::LocalChange,
        (Some(_), None, Some(_)) => Class::BothAdded,
        (None, Some(_), None) => Class::BothGone,
        (None, Some(b), Some(r)) if r.digest == b => Class::DeletedHere,
        (None, Some(_), Some(_)) => Class::DeleteEdit,
        (Some(l), Some(b), None) if l.digest == b => Class::ClearedThere,
        (Some(_), Some(_), None) => Class::EditClear,
        (Some(l), Some(b), Some(r)) => match (l.digest == b, r.digest == b) {
            (true, true) => Class::InSync,
            (true, false) => Class::RemoteChange,
            (false, _) if l.digest == r.digest => Class::SameChange,
            (false, true) if l.is_empty && base_has_text => Class::Suspicious,
            (false, true) => Class::LocalChange,
            (false, false) => Class::BothChanged,
        },
    }
}

/// The remote said nothing: it is taken to hold what was agreed.
fn classify_unknown(local: Option<Known>, base: Option<Digest>, base_has_text: bool) -> Class {
    match (local, base) {
        (None, None) => Class::InSync,
        (None, Some(_)) => Class::DeletedHere,
        (Some(_), None) => Class::NewHere,
        (Some(l), Some(b)) if l.digest == b => Class::InSync,
        (Some(l), Some(_)) if l.is_empty && base_has_text => Class::Suspicious,
        (Some(_), Some(_)) => Class::LocalChange,
    }
}

/// How the three statuses of a stage stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StatusClass {
    /// Equal, or nothing to say.
    InSync,
    /// Set here.
    Local,
    /// Set there.
    Remote,
    /// Set on both sides, differently.
    Conflict,
}

/// Classifies the status of one stage; a remote that names none is taken to hold what was agreed.
pub(crate) fn classify_status(
    local: StageStatus,
    base: StageStatus,
    remote: Option<StageStatus>,
) -> StatusClass {
    match remote.unwrap_or(base) {
        remote if remote == local => StatusClass::InSync,
        remote if remote == base => StatusClass::Local,
        _ if local == base => StatusClass::Remote,
        _ => StatusClass::Conflict,
    }
}

impl Class {
    /// Says what the class means for a stage, in the words of the command line.
    pub fn describe(self) -> &'static str {
        match self {
            Self::InSync => "in sync",
            Self::LocalChange => "changed here",
            Self::RemoteChange => "changed in the agency",
            Self::SameChange => "changed to the same text on both sides",
            Self::BothChanged => "changed on both sides",
            Self::DeletedHere => "deleted here",
            Self::DeleteEdit => "deleted here, changed in the agency",
            Self::ClearedThere => "cleared in the agency",
            Self::EditClear => "changed here, cleared in the agency",
            Self::BothGone => "gone on both sides",
            Self::NewHere => "new here",
            Self::NewThere => "new in the agency",
            Self::Adopt => "equal, not yet recorded",
            Self::BothAdded => "added on both sides, differently",
            Self::Unmapped => "the agency has no place for it",
            Self::Blocked => "cannot be read as a text",
            Self::Suspicious => "has become empty here",
        }
    }
}

/// Names stages for a sentence: `intent, spec`.
pub(crate) fn names(stages: &[Stage]) -> String {
    stages.iter().map(|stage| stage.name()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_conflict(class: Class) -> bool {
        matches!(class, Class::BothChanged | Class::BothAdded | Class::DeleteEdit | Class::EditClear)
    }

    fn text(text: &str) -> Known {
        Known { digest: Digest::of(text), is_empty: text.is_empty(), untouched: text == "template" }
    }

    /// The table, a line for each of its cells: local, base, remote; `-` is absent.
    #[test]
    fn each_cell_of_the_table_has_its_class() {
        use Class::*;
        for (local, base, remote, class) in [
            ("-", "-", "-", InSync),
            ("-", "-", "x", NewThere),
            ("x", "-", "-", NewHere),
            ("x", "-", "x", Adopt),
            ("template", "-", "x", RemoteChange),
            ("x", "-", "template", LocalChange),
            ("x", "-", "y", BothAdded),
            ("-", "x", "-", BothGone),
            ("-", "x", "x", DeletedHere),
            ("-", "x", "y", DeleteEdit),
            ("x", "x", "-", ClearedThere),
            ("y", "x", "-", EditClear),
            ("x", "x", "", ClearedThere),
            ("y", "x", "", EditClear),
            ("-", "x", "", BothGone),
            ("", "x", "", SameChange),
            ("-", "", "", DeletedHere),
            ("x", "x", "x", InSync),
            ("x", "x", "y", RemoteChange),
            ("y", "x", "y", SameChange),
            ("y", "x", "x", LocalChange),
            ("", "x", "x", Suspicious),
            ("y", "x", "z", BothChanged),
            ("", "", "x", RemoteChange),
            ("x", "", "", LocalChange),
        ] {
            let side = |t: &'static str| (t != "-").then_some(t);
            let found = classify(
                side(local).map_or(Local::Absent, |t| Local::Text(text(t))),
                side(base).map(Digest::of),
                side(remote).map_or(Remote::Absent, |t| Remote::Text(text(t))),
            );
            assert_eq!(found, class, "{local:?} {base:?} {remote:?}");
        }
    }

    /// Every combination of local, base and remote over a small alphabet, each against an independent statement.
    #[test]
    fn the_table_is_complete() {
        let sides = [None, Some(""), Some("x"), Some("y"), Some("z"), Some("template")];
        for l in sides {
            for b in sides {
                for r in sides {
                    let local = l.map_or(Local::Absent, |t| Local::Text(text(t)));
                    let remote = r.map_or(Remote::Absent, |t| Remote::Text(text(t)));
                    let class = classify(local, b.map(Digest::of), remote);
                    // Equal sides never conflict, and a change of one side alone is never called a change of both.
                    if l == r {
                        assert!(!is_conflict(class), "{l:?} {b:?} {r:?}: {class:?}");
                    }
                    if l == b && r.is_some_and(|r| !r.is_empty()) {
                        assert!(
                            matches!(class, Class::InSync | Class::RemoteChange | Class::NewThere),
                            "{l:?} {b:?} {r:?}: {class:?}"
                        );
                    }
                    if r == b && l.is_some() && l != b {
                        assert!(
                            matches!(class, Class::LocalChange | Class::Suspicious | Class::NewHere),
                            "{l:?} {b:?} {r:?}: {class:?}"
                        );
                    }
                    // Nothing that exists on one side only is ever removed on the strength of a missing base.
                    if b.is_none() {
                        assert!(!matches!(class, Class::DeletedHere | Class::ClearedThere | Class::BothGone));
                    }
                }
            }
        }
    }

    #[test]
    fn statuses_follow_the_side_that_changed() {
        use StageStatus::{Complete, InProgress, Pending};
        assert_eq!(classify_status(Pending, Pending, None), StatusClass::InSync);
        assert_eq!(classify_status(Complete, Pending, None), StatusClass::Local);
        assert_eq!(classify_status(Complete, Pending, Some(Pending)), StatusClass::Local);
        assert_eq!(classify_status(Pending, Pending, Some(Complete)), StatusClass::Remote);
        assert_eq!(classify_status(InProgress, Pending, Some(Complete)), StatusClass::Conflict);
        assert_eq!(classify_status(Complete, Pending, Some(Complete)), StatusClass::InSync);
    }
}
