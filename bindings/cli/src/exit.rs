//! Exit codes: what a script may rely on. The kinds of errors bring their own (`ErrorKind::exit_code`).

use std::process::ExitCode;

use idse_core::Error;
use idse_core::sync::{Outcome, StatusReport};

/// The part of the top level help that documents the codes.
pub(crate) const HELP: &str = "\
Exit codes:
  0    done
  1    findings, a closed gate or a blocked file, differences with --exit-code
  2    usage, configuration or the local disk
  3    conflict: a person must decide
  4    the other side failed (`temporary` in the JSON says whether to try again)
  5    not allowed, or not trusted yet
  6    not found
  70   a defect of idse
  130  interrupted";

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exit(u8);

impl Exit {
    pub(crate) const DONE: Self = Self(0);
    pub(crate) const FINDINGS: Self = Self(1);
    pub(crate) const USAGE: Self = Self(2);
    pub(crate) const CONFLICT: Self = Self(3);
    pub(crate) const DEFECT: Self = Self(70);
    pub(crate) const INTERRUPTED: Self = Self(130);

    /// Returns the code for an error.
    pub(crate) fn of(error: &Error) -> Self {
        Self(error.kind().exit_code())
    }

    /// Returns the code for the end of a sync.
    pub(crate) fn of_outcome(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done | Outcome::UpToDate => Self::DONE,
            Outcome::Refused => Self::FINDINGS,
            Outcome::Conflict => Self::CONFLICT,
        }
    }

    /// Returns the code of `status --exit-code`.
    pub(crate) fn of_status(report: &StatusReport) -> Self {
        if report.stages.iter().any(|line| line.conflict.is_some()) {
            Self::CONFLICT
        } else if report.unsettled || report.stages.iter().any(|line| line.push || line.pull) {
            Self::FINDINGS
        } else {
            Self::DONE
        }
    }

    /// Returns the code that says more: of several sessions, one exit code has to speak for all.
    pub(crate) fn worst(self, other: Self) -> Self {
        if other.rank() > self.rank() { other } else { self }
    }

    fn rank(self) -> usize {
        const RISING: [u8; 9] = [0, 1, 6, 2, 4, 5, 3, 130, 70];
        RISING.iter().position(|code| *code == self.0).unwrap_or(RISING.len())
    }

    pub(crate) fn code(self) -> u8 {
        self.0
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.0)
    }
}

#[cfg(test)]
mod tests {
    use idse_core::ErrorKind;

    use super::*;

    #[test]
    fn the_worst_speaks_for_all() {
        let worst = |codes: &[u8]| codes.iter().fold(Exit::DONE, |a, b| a.worst(Exit(*b))).0;
        assert_eq!(worst(&[]), 0);
        assert_eq!(worst(&[1, 0, 4, 5, 3, 0]), 3);
        assert_eq!(worst(&[1, 4, 5]), 5);
        assert_eq!(worst(&[4, 1]), 4);
        assert_eq!(worst(&[0, 1]), 1);
        assert_eq!(worst(&[3, 130]), 130);
    }

    #[test]
    fn every_kind_has_a_rank() {
        for kind in ErrorKind::ALL {
            assert!(Exit(kind.exit_code()).rank() < 9, "{kind}");
        }
    }
}
