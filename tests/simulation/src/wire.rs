//! A client's way to the agency, on which one request of a verb can meet a fault.

use std::panic::resume_unwind;
use std::sync::Mutex;

use idse_core::remote::{
    Fault, Fetched, Health, MemoryRemote, ProjectFilter, ProjectSummary, PushOutcome, PushRequest, Remote,
    RemoteInfo, Revision, Target,
};
use idse_core::{Context, Result};

/// The process was killed: unwinding stands for it, nothing but locks is given back.
pub(crate) struct Killed;

/// What a request meets.
pub(crate) enum Trouble {
    Remote(Fault),
    /// The process dies before the request leaves.
    KillBefore,
    /// The process dies after the request was carried out.
    KillAfter,
}

pub(crate) struct Wire {
    agency: MemoryRemote,
    trouble: Mutex<Option<(u32, Trouble)>>,
}

impl Wire {
    pub(crate) fn new(agency: &MemoryRemote, trouble: Option<(u32, Trouble)>) -> Self {
        Self { agency: agency.clone(), trouble: Mutex::new(trouble) }
    }

    fn request<T>(&self, act: impl FnOnce() -> T) -> T {
        let due = {
            let mut trouble = self.trouble.lock().unwrap();
            match &mut *trouble {
                Some((0, _)) => trouble.take().map(|(_, trouble)| trouble),
                Some((left, _)) => {
                    *left -= 1;
                    None
                }
                None => None,
            }
        };
        match due {
            None => act(),
            Some(Trouble::Remote(fault)) => {
                self.agency.fail_next(fault);
                act()
            }
            Some(Trouble::KillBefore) => resume_unwind(Box::new(Killed)),
            Some(Trouble::KillAfter) => {
                act();
                resume_unwind(Box::new(Killed))
            }
        }
    }
}

impl Remote for Wire {
    fn info(&self) -> RemoteInfo {
        self.agency.info()
    }

    fn fetch(&self, target: &Target, since: Option<&Revision>, context: &Context) -> Result<Fetched> {
        self.request(|| self.agency.fetch(target, since, context))
    }

    fn push(&self, request: &PushRequest, context: &Context) -> Result<PushOutcome> {
        self.request(|| self.agency.push(request, context))
    }

    fn projects(&self, filter: &ProjectFilter, context: &Context) -> Result<Vec<ProjectSummary>> {
        self.request(|| self.agency.projects(filter, context))
    }

    fn health(&self, context: &Context) -> Result<Health> {
        self.request(|| self.agency.health(context))
    }
}
