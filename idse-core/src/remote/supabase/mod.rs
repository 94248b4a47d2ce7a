//! Supabase: the agency as a table behind PostgREST, as it is, with nothing installed in the database.
//!
//! Which requests are sent and what their answers mean is decided here; how they travel belongs to `http`, and what
//! a push or a pull is belongs to `sync`.

mod doctor;
mod failure;
mod key;
mod list;
mod push;
mod query;
mod row;
mod shape;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use key::{Credentials, KeyKind};

use crate::config::Limits;
use crate::context::{Context, Env};
use crate::error::{Error, Result};
use crate::name::ProjectId;
use crate::remote::http::{Call, Client, Response};
use crate::remote::{
    Fetched, Guard, Health, HealthCheck, ProjectFilter, ProjectSummary, PushMeta, PushOutcome, PushRequest,
    Remote, RemoteInfo, RemoteKey, Revision, Sessions, Target,
};
use crate::trust;
use row::Row;
use shape::Shape;

/// Where PostgREST answers, below the address of a project.
const REST: &str = "/rest/v1";
/// How often one request is built anew because the table turned out to be another than was thought.
const LESSONS: usize = 24;

/// How a [`SupabaseRemote`] behaves.
#[derive(Debug, Clone, Default)]
pub struct SupabaseOptions {
    /// Sizes and times.
    pub limits: Limits,
    /// The variables that name a proxy: `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`.
    pub env: Env,
}

/// An agency in Supabase, or behind any PostgREST that has its `projects` table.
///
/// It holds one session of a project: the row says which. A write is a compare-and-set on the version of the row
/// (`xmin`); where that cannot be read, as in a view, on its `updated_at`.
#[derive(Debug)]
pub struct SupabaseRemote {
    client: Arc<Client>,
    address: String,
    credentials: Credentials,
    shape: Arc<Mutex<Shape>>,
}

impl SupabaseRemote {
    /// Connects to nothing yet. `url` is the address of the project, `https://<ref>.supabase.co`, or what ends in
    /// `/rest/v1`.
    ///
    /// # Errors
    /// `InvalidArgument` (`origin`) where the address is neither https nor on this machine; `InvalidConfig` where
    /// the environment names a proxy that is none.
    pub fn new(url: &str, credentials: Credentials, options: &SupabaseOptions) -> Result<Self> {
        let address = address(url)?;
        let client = Arc::new(Client::new(&format!("{address}{REST}"), &options.limits, &options.env)?);
        Ok(Self { client, address, credentials, shape: Arc::default() })
    }

    /// Returns the same agency for somebody else of the same role, over the same connections: what is learned about
    /// the table is shared.
    #[must_use]
    pub fn with_credentials(&self, credentials: Credentials) -> Self {
        Self {
            client: self.client.clone(),
            address: self.address.clone(),
            credentials,
            shape: self.shape.clone(),
        }
    }

    /// Returns what the remote at an address is, without making it.
    pub(crate) fn info_of(url: &str) -> RemoteInfo {
        let address = address(url).unwrap_or_else(|_| url.to_owned());
        info(&address, Guard::RowVersion)
    }

    fn shape(&self) -> MutexGuard<'_, Shape> {
        self.shape.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds what every request carries.
    fn call(&self, call: Call) -> Call {
        self.credentials.sign(call.header("accept", "application/json"))
    }

    fn explain(&self, response: &Response) -> Error {
        failure::explain(response, self.credentials.kind())
    }

    /// Reads a row whole; `None` where there is none, or none that is shown.
    fn read_row(&self, id: ProjectId, context: &Context) -> Result<Option<Row>> {
        for _ in 0..LESSONS {
            let asked = self.shape().clone();
            let call = self.call(query::read(id, &asked.row_columns()));
            let response = self.client.read(&call, context)?;
            if response.is_success() {
                return row::only(&response, Some(id));
            }
            if !self.shape().learn_from_read(&asked, &failure::Code::of(&response)) {
                return Err(self.explain(&response));
            }
        }
        Err(failure::no_agency("the table changes while it is read"))
    }
}

impl Remote for SupabaseRemote {
    fn info(&self) -> RemoteInfo {
        info(&self.address, self.shape().guard())
    }

    fn fetch(&self, target: &Target, since: Option<&Revision>, context: &Context) -> Result<Fetched> {
        let Some(row) = self.read_row(target.project_id, context)? else {
            return Ok(Fetched::Missing { project_exists: false });
        };
        // A time stamp that is the same proves nothing: a hand edit may leave it alone.
        let is_known = self.shape().guard() == Guard::RowVersion && since == Some(&row.session.revision);
        Ok(if is_known { Fetched::Unchanged } else { Fetched::Session(Box::new(row.session)) })
    }

    fn push(&self, request: &PushRequest, context: &Context) -> Result<PushOutcome> {
        push::push(self, request, None, context).map(|(outcome, _)| outcome)
    }

    fn push_with_meta(
        &self,
        request: &PushRequest,
        meta: &PushMeta,
        context: &Context,
    ) -> Result<(PushOutcome, bool)> {
        push::push(self, request, Some(meta), context)
    }

    fn projects(&self, filter: &ProjectFilter, context: &Context) -> Result<Vec<ProjectSummary>> {
        list::projects(self, filter, context)
    }

    fn created_at(&self, project_id: ProjectId, context: &Context) -> Result<Option<String>> {
        let response = self.client.read(&self.call(query::read(project_id, "created_at")), context)?;
        if !response.is_success() {
            // A table may do without the column.
            let is_missing = failure::Code::of(&response).code == "42703";
            return if is_missing { Ok(None) } else { Err(self.explain(&response)) };
        }
        Ok(row::objects(&response)?.first().and_then(|object| row::text(object, "created_at")))
    }

    fn health(&self, context: &Context) -> Result<Health> {
        let response = self.client.read(&self.call(query::probe()), context)?;
        if !response.is_success() {
            return Err(self.explain(&response));
        }
        row::objects(&response)?;
        Ok(Health { healthy: true, message: format!("{} answers", self.address) })
    }

    fn examine(&self, context: &Context) -> Result<Vec<HealthCheck>> {
        doctor::examine(self, context)
    }
}

fn info(address: &str, guard: Guard) -> RemoteInfo {
    RemoteInfo { key: RemoteKey::of(address), address: address.to_owned(), guard, sessions: Sessions::One }
}

/// Returns the canonical address of a project: its origin, and its path where it has one of its own.
fn address(url: &str) -> Result<String> {
    let origin = trust::origin(url)?;
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let path = rest.find('/').map_or("", |at| &rest[at..]).trim_end_matches('/');
    let path = path.strip_suffix(REST).unwrap_or(path).trim_end_matches('/');
    Ok(format!("{origin}{path}"))
}
