//! The HTTP gateway of idse: the sync protocol before any agency, guarded.
//!
//! It owns HTTP, authentication and limits; what a push or a pull means belongs to `idse-core`. Without the feature
//! `server` it is only what the requests mean and how they are answered ([`Service`]), for whoever has a server already.

#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::allow_attributes, reason = "a test may fail"))]

mod agency;
#[cfg(feature = "server")]
mod app;
#[cfg(feature = "server")]
pub mod auth;
mod caller;
mod disk;
pub mod displaced;
mod form;
#[cfg(feature = "server")]
mod gate;
mod json;
#[cfg(feature = "server")]
mod limits;
#[cfg(feature = "server")]
pub mod metrics;
#[cfg(feature = "server")]
mod openapi;
mod problem;
#[cfg(feature = "server")]
mod routes;
#[cfg(feature = "server")]
mod server;
mod service;
pub mod store;

#[cfg(feature = "server")]
pub use app::{App, Options};
#[cfg(feature = "server")]
pub use openapi::DOCUMENT;
#[cfg(feature = "server")]
pub use routes::{list as routes, router};
#[cfg(feature = "server")]
pub use server::serve;
pub use service::{Answer, Service};
