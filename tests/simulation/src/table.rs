//! People at the table, and clients that know nothing of any of this.

use idse_core::Stage;
use idse_core::remote::MemoryRow;
use serde_json::json;

use super::ledger::{Ledger, edited, first_text};
use super::random::Random;

/// What the row held before, and what an old client has read of it.
#[derive(Default)]
pub(crate) struct Table {
    pub(crate) past: Vec<MemoryRow>,
    copy: Option<MemoryRow>,
}

impl Table {
    pub(crate) fn remember(&mut self, row: &MemoryRow) {
        if self.past.last() != Some(row) {
            self.past.push(row.clone());
        }
    }

    /// An old client reads.
    pub(crate) fn read(&mut self, row: Option<MemoryRow>) -> String {
        self.copy = row;
        "an old client reads".to_owned()
    }

    pub(crate) fn has_read(&self) -> bool {
        self.copy.is_some()
    }

    /// An old client writes everything that it has read, `state_json` as it was.
    pub(crate) fn overwrite(
        &mut self,
        row: &mut MemoryRow,
        random: &mut Random,
        ledger: &mut Ledger,
    ) -> String {
        let mut copy = self.copy.take().unwrap_or_default();
        ledger.writes += 1;
        for (stage, text) in &mut copy.texts {
            if random.percent(40) {
                // Of its own copy it takes out nothing: what it overwrites is another matter.
                *text = format!("{text}{}\n", ledger.line());
            }
            ledger.replaced(row.texts.get(stage).map_or("", String::as_str), text);
            row.texts.insert(*stage, text.clone());
        }
        row.state.clone_from(&copy.state);
        format!("an old client writes {:?}", copy.texts)
    }
}

/// Somebody edits the row in the table editor.
pub(crate) fn hand_edit(
    row: &mut MemoryRow,
    past: &[MemoryRow],
    random: &mut Random,
    ledger: &mut Ledger,
) -> String {
    ledger.writes += 1;
    let stage = *random.pick(&[Stage::Spec, Stage::Tasks, Stage::Plan]);
    let before = row.texts.get(&stage).cloned();
    let was = before.clone().unwrap_or_default();
    match random.below(10) {
        0 => row.state = None,
        1 => row.state = Some(json!({"note": "mine"}).as_object().cloned().unwrap_or_default()),
        2 => {
            if let Some(state) = &mut row.state {
                state.remove("_idse");
            }
        }
        3 => {
            row.texts.remove(&stage);
        }
        4 | 5 if !past.is_empty() => {
            if let Some(text) = random.pick(past).texts.get(&stage) {
                row.texts.insert(stage, text.clone());
            }
        }
        _ => {
            let text = match &before {
                Some(text) => edited(text, random, ledger),
                None => first_text(random, ledger),
            };
            row.texts.insert(stage, text);
        }
    }
    let now = row.texts.get(&stage).cloned().unwrap_or_default();
    ledger.replaced(&was, &now);
    format!("somebody edits {stage} at the table: {now:?}, state {:?}", row.state)
}
