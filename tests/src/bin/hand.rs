//! Does the steps `row` and `drop` of sync stories for doors in other languages: `hand AGENCY.db STEP.json`.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may fail, and reads what it likes"
)]

use std::path::Path;

use idse_core::Context;
use idse_core::remote::SqliteRemote;
use idse_tests::hand;
use serde_json::Value;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, agency, step] = arguments.as_slice() else { panic!("usage: hand AGENCY.db STEP.json") };
    let step: Value = serde_json::from_str(&std::fs::read_to_string(step).unwrap()).unwrap();
    let agency = Path::new(agency);
    if step["do"] == "drop" {
        return hand::drop_from(agency, hand::project(&step), hand::session(&step), step["whole"] == true);
    }
    let remote = SqliteRemote::open(agency, &Context::default()).unwrap();
    hand::row(&remote, &step).unwrap();
}
