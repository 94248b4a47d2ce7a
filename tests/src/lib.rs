//! Helpers of the tests that cross the parts: a workspace in a temporary folder, and the `idse` program run so that
//! nothing of the machine leaks into it.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may fail, and writes what it likes"
)]

mod generate;
pub mod hand;
mod old_gateway;
#[cfg(unix)]
pub mod proxy;
mod run;
mod sandbox;
#[cfg(unix)]
pub mod stack;
pub mod story;
mod volume;

pub use generate::{Seeded, Tree};
pub use old_gateway::{Generation, OldFault, OldGateway, OldRow, Table};
pub use run::{Run, redact};
pub use sandbox::{Sandbox, built, idse_program};
pub use volume::volume;
