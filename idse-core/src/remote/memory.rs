//! An agency in memory, with scripted faults: for tests and examples.

/// A scripted fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {}
/// An agency in memory.
#[derive(Debug)]
pub struct MemoryRemote {}
