//! Where a verb works: which folder, workspace, project, session and agency are meant.
//!
//! It chooses and opens; what is done there belongs to the verbs.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::config::{RemoteAddress, Settings};
use crate::context::Context;
use crate::error::{ErrorKind, Result};
use crate::name::{ProjectName, SessionKey};
use crate::remote::{Remote, RemoteInfo, RemoteKey};
use crate::workspace::Workspace;

/// What the caller said about where to work.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The folder to start from; empty is the current one.
    pub start: PathBuf,
    /// The workspace, where it is not the nearest one upwards; relative to `start`.
    pub root: Option<PathBuf>,
    /// The project, where it is not the one that `start` is inside or the current one.
    pub project: Option<String>,
    /// The session, where it is not the current one.
    pub session: Option<String>,
    /// The agency, where it is not the configured one.
    pub remote: Option<String>,
}

impl Place {
    /// Returns the folder to start from.
    pub fn start(&self) -> &Path {
        if self.start.as_os_str().is_empty() { Path::new(".") } else { &self.start }
    }

    /// Opens the workspace: `root`, else the nearest one upwards.
    ///
    /// # Errors
    /// As for [`Workspace::open`] and [`Workspace::discover`].
    pub fn workspace(&self) -> Result<Workspace> {
        match &self.root {
            Some(root) => Workspace::open(&self.start().join(root)),
            None => Workspace::discover(self.start()),
        }
    }

    /// Returns the folder of a workspace that may still have to be made.
    ///
    /// # Errors
    /// As for [`Workspace::discover`], but for `NotFound`.
    pub fn root(&self) -> Result<PathBuf> {
        match &self.root {
            Some(root) => Ok(self.start().join(root)),
            None => match Workspace::discover(self.start()) {
                Ok(workspace) => Ok(workspace.root().to_path_buf()),
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(self.start().to_path_buf()),
                Err(error) => Err(error),
            },
        }
    }

    /// Returns the project that is meant.
    ///
    /// # Errors
    /// As for [`Workspace::project`].
    pub fn project(&self, workspace: &Workspace) -> Result<ProjectName> {
        workspace.project(self.project.as_deref(), self.start())
    }

    /// Returns the session that is meant.
    ///
    /// # Errors
    /// As for [`Workspace::project`] and [`Workspace::session`].
    pub fn key(&self, workspace: &Workspace) -> Result<SessionKey> {
        workspace.session(&self.project(workspace)?, self.session.as_deref())
    }
}

/// How an agency is chosen and opened. [`Context`] does it without asking anybody.
pub trait Connect {
    /// Decides which agency is meant, without talking to it; `named` is the one that the caller named.
    ///
    /// # Errors
    /// `InvalidConfig`, `InvalidArgument`.
    fn address(
        &self,
        root: &Path,
        project: Option<&ProjectName>,
        named: Option<&str>,
    ) -> Result<RemoteAddress>;

    /// Opens the agency.
    ///
    /// # Errors
    /// As for [`RemoteAddress::open`].
    fn open(&self, address: &RemoteAddress) -> Result<Box<dyn Remote>>;
}

impl Connect for Context {
    fn address(
        &self,
        root: &Path,
        project: Option<&ProjectName>,
        named: Option<&str>,
    ) -> Result<RemoteAddress> {
        let settings = Settings::load(root, project, self)?;
        settings.remote_address(named, self).map(|setting| setting.value)
    }

    fn open(&self, address: &RemoteAddress) -> Result<Box<dyn Remote>> {
        address.open(self)
    }
}

/// The agencies of one call: decided once a project, opened once each.
pub struct Agencies<'a> {
    connect: &'a dyn Connect,
    root: PathBuf,
    named: Option<&'a str>,
    addresses: RefCell<BTreeMap<Option<ProjectName>, RemoteAddress>>,
    open: RefCell<BTreeMap<RemoteKey, Rc<dyn Remote>>>,
}

impl std::fmt::Debug for Agencies<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Agencies")
            .field("root", &self.root)
            .field("named", &self.named)
            .finish_non_exhaustive()
    }
}

impl<'a> Agencies<'a> {
    /// Prepares the agencies of the workspace at `root`; `named` is the one that the caller named.
    pub fn new(connect: &'a dyn Connect, root: &Path, named: Option<&'a str>) -> Self {
        Self {
            connect,
            root: root.to_path_buf(),
            named,
            addresses: RefCell::default(),
            open: RefCell::default(),
        }
    }

    /// Returns the agency that the caller named, for commands that are suggested.
    pub fn named(&self) -> Option<&'a str> {
        self.named
    }

    /// Says which agency a project has, without opening it; without a project, the workspace's.
    ///
    /// # Errors
    /// As for [`Connect::address`].
    pub fn info(&self, project: Option<&ProjectName>) -> Result<RemoteInfo> {
        self.address(project).map(|address| address.info())
    }

    /// Opens the agency of a project; without one, the workspace's.
    ///
    /// # Errors
    /// As for [`Connect::address`] and [`Connect::open`].
    pub fn connect(&self, project: Option<&ProjectName>) -> Result<Rc<dyn Remote>> {
        let address = self.address(project)?;
        let key = address.info().key;
        if let Some(remote) = self.open.borrow().get(&key) {
            return Ok(Rc::clone(remote));
        }
        let remote: Rc<dyn Remote> = Rc::from(self.connect.open(&address)?);
        self.open.borrow_mut().insert(key, Rc::clone(&remote));
        Ok(remote)
    }

    fn address(&self, project: Option<&ProjectName>) -> Result<RemoteAddress> {
        let project = project.cloned();
        if let Some(address) = self.addresses.borrow().get(&project) {
            return Ok(address.clone());
        }
        let address = self.connect.address(&self.root, project.as_ref(), self.named)?;
        self.addresses.borrow_mut().insert(project, address.clone());
        Ok(address)
    }
}
