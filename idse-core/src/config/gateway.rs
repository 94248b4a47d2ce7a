//! A gateway as the configuration names it: its address, who named it, and which token may go there.
//!
//! How to speak to it belongs to `remote`.

use std::path::PathBuf;

use super::{Limits, Origin, Setting, Settings, address, secret};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::remote::{GatewayRemote, RemoteInfo};
use crate::trust;

/// The variable that holds the token of a gateway.
pub(super) const TOKEN: &str = "IDSE_TOKEN";

/// A gateway that is not opened yet. It holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayAddress {
    url: String,
    named_by: Origin,
    root: PathBuf,
    limits: Limits,
}

impl GatewayAddress {
    pub(super) fn new(named: &Setting<String>, settings: &Settings) -> Self {
        Self {
            url: named.value.trim().to_owned(),
            named_by: named.origin.clone(),
            root: settings.root.clone(),
            limits: settings.limits.clone(),
        }
    }

    /// Says what the gateway is without asking it.
    pub fn info(&self) -> RemoteInfo {
        GatewayRemote::info_of(&address::without_secrets(&self.url))
    }

    /// Makes the remote, with the token that may go there. Nothing is sent yet.
    ///
    /// # Errors
    /// `Unauthorized` (`untrusted`) where only a file of the workspace names it; `InvalidArgument` (`origin`) where
    /// the address is none for a gateway; what reading `.env` and the list of trusted origins reports.
    pub fn open(&self, context: &Context) -> Result<GatewayRemote> {
        let shown = address::without_secrets(&self.url);
        if shown != self.url {
            let message =
                format!("the address {shown} of {} carries a user, a query or a fragment", self.named_by);
            return Err(Error::argument(message)
                .with_reason("origin")
                .with_hint("Give the bare address; a token belongs into IDSE_TOKEN."));
        }
        if self.named_by.is_workspace() {
            trust::require(&self.url, &self.named_by.to_string(), context)?;
        }
        let token = secret::of(TOKEN, &self.url, &self.named_by, &self.root, context)?;
        GatewayRemote::new(&self.url, token, &self.limits, &context.env)
    }
}
