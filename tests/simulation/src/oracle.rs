//! What must be true in the end, when nothing goes wrong any more.

use std::collections::BTreeSet;

use idse_core::remote::Remote as _;
use idse_core::sync::{self, PullOptions, PushOptions};
use idse_core::{Stage, StageStatus, canonical};

use super::client::key;
use super::ledger::tokens;
use super::world::{Checked, World};

/// After so many rounds everybody has everything.
const ROUNDS: usize = 4;

/// Lets every client pull, resolve and push until all agree, and returns how many rounds that took.
pub(crate) fn converge(world: &mut World) -> Checked<usize> {
    world.calm();
    for round in 1..=ROUNDS {
        for who in 0..world.clients.len() {
            catch_up(world, who)?;
        }
        if is_apart(world)?.is_none() {
            return Ok(round);
        }
    }
    Err(format!("after {ROUNDS} rounds: {}", is_apart(world)?.unwrap_or_default()))
}

fn catch_up(world: &mut World, who: usize) -> Checked {
    let pull = PullOptions {
        restore: Stage::ALL.to_vec(),
        accept_clear: true,
        force_clear: true,
        adopt_session: true,
        ..PullOptions::default()
    };
    let push =
        PushOptions { allow_empty: true, force_clear: true, adopt_session: true, ..PushOptions::default() };
    world.pull(who, &pull, false)?;
    world.resolve(who, false)?;
    world.push(who, &push, false)?;
    world.pull(who, &pull, false)
}

/// Says where a client and the row differ.
fn is_apart(world: &World) -> Checked<Option<String>> {
    let row = world.row().unwrap_or_default();
    let info = world.agency.info();
    for client in &world.clients {
        for stage in Stage::ALL {
            let (here, there) =
                (client.read(stage).unwrap_or_default(), row.texts.get(&stage).cloned().unwrap_or_default());
            if canonical(&here) != canonical(&there) {
                return Ok(Some(format!(
                    "{stage} of client {} is {here:?}, the row's {there:?}",
                    client.name
                )));
            }
        }
        let status =
            sync::status(&client.workspace, &key(), &info, &client.context(0)).map_err(|e| e.to_string())?;
        if status.unsettled {
            return Ok(Some(format!("client {} has an unsettled push", client.name)));
        }
        for line in &status.stages {
            if line.conflict.is_some() {
                return Ok(Some(format!("{} of client {} is in conflict", line.stage, client.name)));
            }
            let named = row.state.as_ref().and_then(|s| s.get("stages")?.get(line.stage.name())?.as_str());
            if let Some(named) = named.and_then(StageStatus::read).filter(|named| *named != line.status) {
                return Ok(Some(format!(
                    "{} of client {} is {:?}, the row says {named:?}",
                    line.stage, client.name, line.status
                )));
            }
        }
    }
    Ok(None)
}

/// Every line that nobody took out is in the agency; every line that an engine ever had is somewhere.
pub(crate) fn nothing_is_lost(world: &World) -> Checked {
    let row = world.row().unwrap_or_default();
    let there: BTreeSet<u32> = row.texts.values().flat_map(|text| tokens(text)).collect();
    let missing: Vec<_> = world.ledger().living().difference(&there).copied().collect();
    if !missing.is_empty() {
        return Err(format!("lines {missing:?} are lost from the agency"));
    }
    let mut held = there;
    for client in &world.clients {
        for bytes in client.files().values() {
            held.extend(tokens(&String::from_utf8_lossy(bytes)));
        }
    }
    let missing: Vec<_> = world.ledger().kept().difference(&held).copied().collect();
    if missing.is_empty() { Ok(()) } else { Err(format!("nobody has lines {missing:?} any more")) }
}
