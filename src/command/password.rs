//! `paddock broker hash-password`: from a password to what the configuration holds of it.

use std::{
    io::{self, BufRead, IsTerminal, Write},
    process::ExitCode,
};

use reference_broker::access::{PasswordHash, ScramCredential};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use super::say;
use crate::exit::Failure;

/// Prints the hash, or with `scram` the credential, of the password that is read.
pub(crate) fn hash(scram: bool) -> Result<ExitCode, Failure> {
    let password = read().map_err(Failure::internal)?;
    let password = password.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(Failure::usage("the password is empty: type one, or give it in the first line of stdin"));
    }
    if scram {
        return say(ScramCredential::new(password.as_bytes()).to_string());
    }
    say(PasswordHash::new(password.as_bytes()).map_err(Failure::usage)?.to_string())
}

/// One line; what is typed is not shown.
fn read() -> io::Result<String> {
    let stdin = io::stdin();
    let mut line = String::new();
    if !stdin.is_terminal() {
        stdin.lock().read_line(&mut line)?;
        return Ok(line);
    }
    io::stderr().write_all(b"Password: ")?;
    let shown = tcgetattr(&stdin)?;
    let mut hidden = shown.clone();
    hidden.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&stdin, OptionalActions::Flush, &hidden)?;
    let read = stdin.lock().read_line(&mut line);
    tcsetattr(&stdin, OptionalActions::Flush, &shown)?;
    io::stderr().write_all(b"\n")?;
    read.map(|_| line)
}
