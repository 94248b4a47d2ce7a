//! The HTTP gateway of idse: the sync protocol before any agency, guarded.
//!
//! It owns HTTP, authentication and limits; what a push or a pull means belongs to `idse-core`.

#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::allow_attributes, reason = "a test may fail"))]

mod agency;
mod app;
pub mod auth;
mod disk;
pub mod displaced;
mod form;
mod gate;
mod json;
mod limits;
pub mod metrics;
mod openapi;
mod problem;
mod routes;
mod server;
pub mod store;

pub use app::{App, Options};
pub use openapi::DOCUMENT;
pub use routes::{list as routes, router};
pub use server::serve;
