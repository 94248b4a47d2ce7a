//! An agency before which a Python program stands as its gateway: requests go in as bytes, answers come out as bytes.
//!
//! What they mean is decided in `idse-gateway`, which the program is otherwise; here the interpreter is let go of
//! meanwhile.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use idse_core::Context;
use idse_gateway::{Answer, Service, store};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::convert;

/// Status, media type, further headers, body, and what a log should say.
type Parts<'py> = (u16, &'static str, Vec<(String, String)>, Bound<'py, PyBytes>, Option<String>);

/// An agency, answering the requests of the sync protocol.
#[pyclass(frozen)]
pub(crate) struct Agency(Service);

#[pymethods]
impl Agency {
    #[new]
    #[pyo3(signature = (address, displaced, require_base))]
    fn new(
        py: Python<'_>,
        address: Option<String>,
        displaced: Option<PathBuf>,
        require_base: bool,
    ) -> PyResult<Self> {
        let context = Context::of_process();
        let opened = py.detach(|| store::open(address.as_deref(), displaced.as_deref(), &context));
        let store = opened.map_err(|error| convert::exception(py, &error))?;
        Ok(Self(Service::new(store, require_base)))
    }

    #[pyo3(signature = (body, subject))]
    fn push<'py>(&self, py: Python<'py>, body: &[u8], subject: &str) -> Parts<'py> {
        self.answer(py, |service| service.push(body, subject))
    }

    #[pyo3(signature = (body))]
    fn pull<'py>(&self, py: Python<'py>, body: &[u8]) -> Parts<'py> {
        self.answer(py, |service| service.pull(body))
    }

    #[pyo3(signature = (project_id, session_id))]
    fn status<'py>(&self, py: Python<'py>, project_id: &str, session_id: Option<&str>) -> Parts<'py> {
        self.answer(py, |service| match session_id {
            Some(session_id) => service.session_status(project_id, session_id),
            None => service.status(project_id),
        })
    }

    #[pyo3(signature = (project_id, session_id, body, subject))]
    fn change_status<'py>(
        &self,
        py: Python<'py>,
        project_id: &str,
        session_id: &str,
        body: &[u8],
        subject: &str,
    ) -> Parts<'py> {
        self.answer(py, |service| service.change_status(project_id, session_id, body, subject))
    }

    #[pyo3(signature = (id, name))]
    fn projects<'py>(&self, py: Python<'py>, id: Option<&str>, name: Option<&str>) -> Parts<'py> {
        self.answer(py, |service| service.projects(id, name))
    }

    fn blueprints<'py>(&self, py: Python<'py>) -> Parts<'py> {
        self.answer(py, Service::blueprints)
    }

    fn health<'py>(&self, py: Python<'py>) -> Parts<'py> {
        self.answer(py, Service::health)
    }

    #[staticmethod]
    fn refuse<'py>(py: Python<'py>, status: u16, detail: &str) -> Parts<'py> {
        parts(py, Service::refuse(status, detail))
    }
}

impl Agency {
    /// Lets go of the interpreter while the agency is asked. A defect must not end the server.
    fn answer<'py>(&self, py: Python<'py>, ask: impl Fn(&Service) -> Answer + Sync) -> Parts<'py> {
        let answer = py.detach(|| catch_unwind(AssertUnwindSafe(|| ask(&self.0))));
        let defect = |_| Service::refuse(500, "a defect of the gateway");
        parts(py, answer.unwrap_or_else(defect))
    }
}

fn parts(py: Python<'_>, answer: Answer) -> Parts<'_> {
    let Answer { status, media_type, headers, body, log } = answer;
    (status, media_type, headers, PyBytes::new(py, body.as_bytes()), log)
}
