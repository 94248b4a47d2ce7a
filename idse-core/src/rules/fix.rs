//! Applies fixes to a text.

use crate::diagnostic::{Diagnostic, Edit};

/// Applies the fixes of a text's findings and returns the new text and how many findings were mended.
///
/// The findings must come from exactly this text. A fix that touches what another one changes, or that does not
/// fit the text, is left out whole; validating again and applying again gets it.
///
/// ```
/// use idse_core::{Stage, StageStatus, config::ValidateSettings, rules};
/// let text = "## Phase 1\n\n<!-- idse-disable-next-line IDSE101 -->\n- Done\n";
/// let found = rules::validate_text(None, Stage::Tasks, StageStatus::Pending, text, &ValidateSettings::default());
/// assert_eq!(rules::apply_fixes(text, &found), ("## Phase 1\n\n- Done\n".to_owned(), 1));
/// ```
pub fn apply_fixes(text: &str, diagnostics: &[Diagnostic]) -> (String, usize) {
    let mut fixes: Vec<&[Edit]> =
        diagnostics.iter().filter_map(|found| found.fix.as_ref()).map(|fix| fix.edits.as_slice()).collect();
    fixes.sort_by_key(|edits| edits.first().map(|edit| (edit.start, edit.end)));
    let mut accepted: Vec<&Edit> = Vec::new();
    let mut mended = 0;
    for edits in fixes {
        let mut end = accepted.last().map_or(0, |edit| edit.end);
        let fits = !edits.is_empty()
            && edits.iter().all(|edit| {
                let follows = edit.start >= end && is_range(text, edit);
                end = edit.end;
                follows
            });
        if fits {
            accepted.extend(edits);
            mended += 1;
        }
    }
    let mut fixed = String::with_capacity(text.len());
    let mut at = 0;
    for edit in accepted {
        fixed.push_str(&text[at..edit.start as usize]);
        fixed.push_str(&edit.replacement);
        at = edit.end as usize;
    }
    fixed.push_str(&text[at..]);
    (fixed, mended)
}

fn is_range(text: &str, edit: &Edit) -> bool {
    text.get(edit.start as usize..edit.end as usize).is_some()
}
