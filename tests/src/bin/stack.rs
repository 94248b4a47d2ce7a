//! Starts PostgreSQL and PostgREST for a test that is not written in Rust.
//!
//! `stack [documented|deployed]` prints the address and the secret key of a Supabase project whose table has that
//! shape, in one line, and ends, as the servers do, when its standard input does.

#[cfg(unix)]
fn main() {
    use std::io::{Read as _, Write as _};

    use idse_tests::stack::{Layout, Stack};

    let asked = std::env::args().nth(1).unwrap_or_else(|| Layout::Documented.schema().to_owned());
    let Some(layout) = Layout::ALL.into_iter().find(|layout| layout.schema() == asked) else {
        panic!("{asked} is no shape of the table");
    };
    let stack = Stack::shared();
    let project = stack.supabase(layout);
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{} {}", project.url(), stack.keys().secret()).and_then(|()| out.flush()).is_ok() {
        // Whatever comes, it is the end that is waited for.
        drop(std::io::stdin().lock().read_to_end(&mut Vec::new()));
    }
}

#[cfg(not(unix))]
fn main() {}
