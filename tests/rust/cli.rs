//! The command line: words, documents, exit codes, and what it does to a workspace that somebody broke.

mod cache;
mod exits;
mod help;
mod hostile;
mod json;
mod local;
mod process;
mod sync;
