//! The program around the gateway: its arguments and its commands.

pub(crate) mod args;
pub(crate) mod displaced;
pub(crate) mod serve;
