//! The `idse` command line.
fn main() {}
