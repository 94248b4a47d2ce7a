//! Setting the status of a stage: refused while nobody knows what the agency holds of it.

use crate::context::Context;
use crate::error::{Error, Result};
use crate::name::SessionKey;
use crate::stage::{Stage, StageStatus};
use crate::sync::settle::refuse_unsettled;
use crate::sync::store::Store;
use crate::sync::transaction;
use crate::workspace::{StageChange, Workspace};

impl Workspace {
    /// Sets the status of a stage, and who worked on it where `agent` says so.
    ///
    /// # Errors
    /// `NotFound`; `Unsettled` where a push of the stage has to be settled first; `InvalidWorkspace` where a state file cannot be read, which is then left as it is.
    pub fn set_stage(
        &self,
        key: &SessionKey,
        stage: Stage,
        status: StageStatus,
        agent: Option<&str>,
        context: &Context,
    ) -> Result<StageChange> {
        if agent.is_some_and(|agent| agent.trim().is_empty() || agent.chars().any(char::is_control)) {
            return Err(Error::argument("the name of an agent is empty or holds control characters")
                .with_reason("agent"));
        }
        self.expect_session(key)?;
        let _lock = self.lock(context)?;
        transaction::recover(self, Some(key), context)?;
        refuse_unsettled(&Store::new(self.dir()), key, &[stage])?;
        let mut state = self.load_state(key, context)?;
        let before = state.status(stage);
        state.set_status(stage, status);
        if let Some(agent) = agent {
            state.set("last_agent", agent.trim());
        }
        self.save_state(key, &state)?;
        let last_agent = state.last_agent().map(str::to_owned);
        let SessionKey { project, session } = key.clone();
        Ok(StageChange { project, session, stage, before, after: status, last_agent })
    }
}
