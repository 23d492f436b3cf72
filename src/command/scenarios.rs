//! `paddock scenarios`: the catalogue, the checker, the schema.

use std::{
    fmt,
    io::{self, Write},
    process::ExitCode,
};

use crate::{cli::Scenarios, exit::Failure};

/// Answers on stdout.
pub(crate) fn run(verb: Scenarios) -> Result<ExitCode, Failure> {
    match verb {
        Scenarios::List => list(),
        Scenarios::Check { files } => check(&files),
        Scenarios::Schema => say(format!("{:#}", scenarios::schema())),
        Scenarios::Show { name } => show(&name),
    }
}

fn list() -> Result<ExitCode, Failure> {
    let entries = scenarios::catalogue();
    let width = entries.iter().map(|entry| entry.name.len()).max().unwrap_or(0);
    let lines: Vec<_> =
        entries.iter().map(|entry| format!("{:width$}  {}", entry.name, entry.scenario().title)).collect();
    say(lines.join("\n"))
}

fn show(name: &str) -> Result<ExitCode, Failure> {
    match scenarios::catalogue().iter().find(|entry| entry.name == name) {
        Some(entry) => say(entry.text.trim_end()),
        None => Err(Failure::usage(format!("the catalogue has no `{name}`: see `paddock scenarios list`"))),
    }
}

/// Says of every file what it holds or everything that is wrong with it.
fn check(files: &[String]) -> Result<ExitCode, Failure> {
    let mut wrong = Vec::new();
    for file in files {
        match scenarios::load(file) {
            Ok(scenario) => {
                say(format!("{file}: sound"))?;
                for missing in scenario.unsupported() {
                    say(format!("{file}: {}: {}", missing.path, missing.message))?;
                }
            }
            Err(error) => wrong.push(error.to_string()),
        }
    }
    if wrong.is_empty() { Ok(ExitCode::SUCCESS) } else { Err(Failure::usage(wrong.join("\n"))) }
}

fn say(text: impl fmt::Display) -> Result<ExitCode, Failure> {
    match writeln!(io::stdout(), "{text}") {
        // Whoever reads us has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        Err(error) => Err(Failure::internal(error)),
        Ok(()) => Ok(ExitCode::SUCCESS),
    }
}
