//! The native half of the Python package `idse_core`: one call, converted in, made and converted out.
//! What Python programs see of it - functions, classes, exceptions - is in `python/idse_core`.

use pyo3::prelude::*;

mod agency;
mod call;
mod convert;

// Without the lock it was never tested.
#[pymodule(gil_used = true)]
mod _native {
    #[pymodule_export]
    use super::agency::Agency;
    #[pymodule_export]
    use super::call::call;

    #[pymodule_export]
    const VERSION: &str = env!("CARGO_PKG_VERSION");

    /// It has the verb `panic`.
    #[pymodule_export]
    const TESTING: bool = cfg!(feature = "testing");
}
