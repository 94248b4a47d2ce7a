//! The examination of an agency: who asks, what the table has, and how a write is guarded.

use uuid::Uuid;

use super::{KeyKind, SupabaseRemote, failure, query, row};
use crate::context::Context;
use crate::error::{ErrorKind, Result};
use crate::name::ProjectId;
use crate::remote::{Guard, HealthCheck, HealthState};
use crate::stage::Stage;

/// Asks three questions at most: is a row shown, which columns has it, may it be changed.
pub(super) fn examine(remote: &SupabaseRemote, context: &Context) -> Result<Vec<HealthCheck>> {
    let mut checks = vec![key(remote.credentials.kind())];
    let columns = match columns(remote, context) {
        Ok(columns) => columns,
        Err(error) if error.kind() == ErrorKind::Cancelled => return Err(error),
        Err(error) => {
            checks.push(HealthCheck::failed("agency_health", &error));
            return Ok(checks);
        }
    };
    checks.insert(0, HealthCheck::ok("agency_health", format!("{} answers", remote.address)));
    checks.push(columns);
    checks.push(guard(remote.shape().guard()));
    checks.push(update_right(remote, context)?);
    Ok(checks)
}

fn key(kind: KeyKind) -> HealthCheck {
    let said = format!("asks with {}", kind.name());
    match kind {
        KeyKind::None => HealthCheck::new("agency_key", HealthState::Warning, said)
            .hint("Set SUPABASE_ANON_KEY or SUPABASE_PUBLISHABLE_KEY."),
        KeyKind::Unknown => HealthCheck::new("agency_key", HealthState::Warning, said)
            .hint("Keys of Supabase begin with `sb_` or `eyJ`; check that it was copied whole."),
        kind if kind.sees_everything() => HealthCheck::new(
            "agency_key",
            HealthState::Warning,
            format!("{said}: row-level security does not hold it back"),
        )
        .hint("On a developer's machine prefer a publishable (or anon) key and the token of a user (IDSE_TOKEN)."),
        _ => HealthCheck::ok("agency_key", said),
    }
}

/// Reads one row whole, to see what it has.
fn columns(remote: &SupabaseRemote, context: &Context) -> Result<HealthCheck> {
    const NAME: &str = "agency_columns";
    for _ in 0..super::LESSONS {
        let asked = remote.shape().clone();
        let response = remote.client.read(&remote.call(query::sample(&asked.row_columns())), context)?;
        if !response.is_success() {
            if remote.shape().learn_from_read(&asked, &failure::Code::of(&response)) {
                continue;
            }
            return Err(remote.explain(&response));
        }
        let Some(object) = row::objects(&response)?.pop() else {
            let said = "no row is shown, so its columns are not known yet";
            return Ok(HealthCheck::new(NAME, HealthState::Info, said)
                .hint("A table without rows, or row-level security that hides them."));
        };
        let lacks = |column: &str| !object.contains_key(column);
        if let Some(column) = ["id", "name", "state_json"].into_iter().find(|column| lacks(column)) {
            return Err(failure::no_agency(&format!("it has no column {column}")));
        }
        let missing: Vec<_> =
            Stage::ALL.map(Stage::column).into_iter().filter(|column| lacks(column)).collect();
        return Ok(if missing.is_empty() {
            HealthCheck::ok(NAME, "the table has a column for every stage")
        } else {
            let said = format!("the table has no {}: these stages are not synced", missing.join(", "));
            HealthCheck::new(NAME, HealthState::Info, said)
        });
    }
    Err(failure::no_agency("the table changes while it is read"))
}

fn guard(guard: Guard) -> HealthCheck {
    const NAME: &str = "agency_guard";
    match guard {
        Guard::RowVersion => HealthCheck::ok(NAME, "a write is guarded by the version of the row"),
        Guard::UpdatedAt => HealthCheck::new(
            NAME,
            HealthState::Warning,
            "a write is guarded by `updated_at` alone: a change that leaves it alone can be missed in the moment of a push",
        )
        .hint("Point idse at the table itself, and let its role read all of it, for the stronger guard."),
        Guard::None => HealthCheck::new(
            NAME,
            HealthState::Warning,
            "a write is not guarded: the table has neither a version that can be read nor `updated_at`",
        )
        .hint("Add a column `updated_at timestamptz default now()`, or let the role read all of the table."),
    }
}

/// Asks for a change of a row that nobody has: who has no right to change anything is told so.
fn update_right(remote: &SupabaseRemote, context: &Context) -> Result<HealthCheck> {
    const NAME: &str = "agency_update";
    let nobody = ProjectId::new(Uuid::nil());
    let body = [("name".to_owned(), "idse".into())].into_iter().collect();
    let call = remote.call(query::change(nobody, &row::Version::None, "id", body));
    match remote.client.write(&call, context) {
        Ok(response) if response.is_success() => Ok(HealthCheck::ok(
            NAME,
            "the role may change the table; row-level security decides for each row",
        )),
        Ok(response) => Ok(HealthCheck::failed(NAME, &remote.explain(&response))),
        Err(error) if context.check().is_err() => Err(error),
        Err(error) => Ok(HealthCheck::failed(NAME, &error)),
    }
}
