//! The agencies of one run: decided once a project, opened once each.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use idse_core::config::RemoteAddress;
use idse_core::remote::{Remote, RemoteInfo, RemoteKey};
use idse_core::{ProjectName, Result, Workspace};

use crate::app::App;

/// The agencies of a workspace's projects.
pub(crate) struct Agencies<'a> {
    app: &'a App,
    workspace: &'a Workspace,
    flag: Option<&'a str>,
    addresses: RefCell<BTreeMap<ProjectName, RemoteAddress>>,
    open: RefCell<BTreeMap<RemoteKey, Rc<dyn Remote>>>,
}

impl<'a> Agencies<'a> {
    /// `flag` is what `--remote` says.
    pub(crate) fn new(app: &'a App, workspace: &'a Workspace, flag: Option<&'a str>) -> Self {
        Self { app, workspace, flag, addresses: RefCell::default(), open: RefCell::default() }
    }

    /// Returns what the option said, for commands that are suggested.
    pub(crate) fn flag(&self) -> Option<&'a str> {
        self.flag
    }

    /// Says which agency a project has, without opening it.
    pub(crate) fn info(&self, project: &ProjectName) -> Result<RemoteInfo> {
        self.address(project).map(|address| address.info())
    }

    /// Opens the agency of a project.
    pub(crate) fn connect(&self, project: &ProjectName) -> Result<Rc<dyn Remote>> {
        let address = self.address(project)?;
        let key = address.info().key;
        if let Some(remote) = self.open.borrow().get(&key) {
            return Ok(Rc::clone(remote));
        }
        let remote: Rc<dyn Remote> = Rc::from(self.app.connect(&address)?);
        self.open.borrow_mut().insert(key, Rc::clone(&remote));
        Ok(remote)
    }

    fn address(&self, project: &ProjectName) -> Result<RemoteAddress> {
        if let Some(address) = self.addresses.borrow().get(project) {
            return Ok(address.clone());
        }
        let settings = self.app.settings(self.workspace.root(), Some(project))?;
        let address = self.app.address(&settings, self.flag)?;
        self.addresses.borrow_mut().insert(project.clone(), address.clone());
        Ok(address)
    }
}
