//! `idse-gateway displaced`.

use std::io::{self, Write as _};

use idse_core::{Context, Error, ErrorKind, Result};
use idse_gateway::displaced::Entry;
use serde_json::json;

use super::args::Displaced;

pub(crate) fn run(args: &Displaced, context: &Context) -> Result<()> {
    let store = args.store.open(context)?;
    let printed = match &args.id {
        Some(id) => {
            let entry = store.displaced().find(id)?.ok_or_else(|| {
                Error::new(ErrorKind::NotFound, format!("there is no displaced text {id:?}"))
                    .with_hint("`idse-gateway displaced` lists them.")
            })?;
            io::stdout().lock().write_all(entry.text.as_bytes())
        }
        None => {
            let entries = store.displaced().list(args.project.as_deref())?;
            if args.json { print_json(&entries) } else { print_lines(&entries) }
        }
    };
    match printed {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::new(ErrorKind::Io, format!("cannot print: {error}")).with_source(error))
        }
        _ => Ok(()),
    }
}

fn print_json(entries: &[Entry]) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{}", json!({"schema": 1, "kind": "displaced", "entries": entries}))
}

fn print_lines(entries: &[Entry]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if entries.is_empty() {
        return writeln!(out, "Nothing was displaced.");
    }
    for e in entries {
        // The name comes from the store: what a terminal would obey is shown, not sent.
        let project = e.project.escape_debug();
        let length = e.text.len();
        writeln!(
            out,
            "{}  {}  {project}/{}  {}  {length} bytes  by {}",
            e.id,
            e.at,
            e.session,
            e.column,
            e.subject.escape_debug()
        )?;
    }
    writeln!(io::stderr(), "`idse-gateway displaced ID` prints a text.")
}
