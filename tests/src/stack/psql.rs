//! Somebody with a database console: `psql`, kept open.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use super::process;

/// Ends the answer to a statement.
const END: &str = "-- end of the answer --";

/// A console of the database, as its owner.
#[derive(Debug)]
pub struct Psql {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Psql {
    /// Opens one on the server whose socket is in this folder.
    pub(super) fn open(folder: &Path) -> Self {
        let mut command = process::unprivileged(&process::postgres_program("psql"));
        command.args([
            "-X",
            "-q",
            "-A",
            "-t",
            "-v",
            "ON_ERROR_STOP=1",
            "-U",
            "postgres",
            "-d",
            "postgres",
            "-h",
        ]);
        command
            .arg(folder)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit());
        let mut child = command.spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, input, output: BufReader::new(output) }
    }

    /// Runs statements and returns what they print: rows of columns between `|`. Fails where one of them does.
    #[track_caller]
    pub fn run(&mut self, statements: &str) -> String {
        writeln!(self.input, "{statements}\n;\n\\echo {END}").unwrap();
        self.input.flush().unwrap();
        let mut answer = String::new();
        while !answer.ends_with(&format!("{END}\n")) {
            assert!(self.output.read_line(&mut answer).unwrap() > 0, "psql refused: {statements}");
        }
        answer.truncate(answer.len() - END.len() - 1);
        answer.trim_end_matches('\n').to_owned()
    }
}

impl Drop for Psql {
    fn drop(&mut self) {
        // Its input closes with the fields; nothing is left to tell it.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Writes a text as a literal of SQL.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
