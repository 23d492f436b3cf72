//! How the command ends: one clear line for what went wrong, and the exit codes that the README lists.

use std::{fmt, process::ExitCode};

use loadgen::Exit;

/// What the process ends with after Ctrl-C.
pub(crate) const INTERRUPTED: u8 = Exit::INTERRUPTED;

/// Why a verb could not do its work.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    what: String,
}

impl Failure {
    /// The user can mend it: what is wrong, and what to do.
    pub(crate) fn usage(what: impl fmt::Display) -> Self {
        Self { exit: Exit::Usage, what: what.to_string() }
    }

    /// The target does not answer.
    pub(crate) fn unreachable(what: impl fmt::Display) -> Self {
        Self { exit: Exit::Unreachable, what: what.to_string() }
    }

    /// Only we can mend it.
    pub(crate) fn internal(what: impl fmt::Display) -> Self {
        Self { exit: Exit::Internal, what: what.to_string() }
    }

    /// What the command ends with.
    pub(crate) const fn exit(&self) -> Exit {
        self.exit
    }

    /// Says it on stderr.
    #[expect(clippy::print_stderr, reason = "this is where the command says what went wrong")]
    pub(crate) fn report(self) -> ExitCode {
        // What the scenario language says of a file is laid out as a compiler's errors already.
        let label = if self.what.starts_with("error: ") { "" } else { "error: " };
        eprintln!("{label}{}", self.what);
        self.exit.code().into()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}
