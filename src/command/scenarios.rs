//! `paddock scenarios`: the catalogue, the checker, the schema.

use std::process::ExitCode;

use super::say;
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
        None => {
            let hint = scenarios::similar(name)
                .map_or_else(|| "see `paddock scenarios list`".to_owned(), |near| format!("did you mean `{near}`?"));
            Err(Failure::usage(format!("the catalogue has no `{name}`; {hint}")))
        }
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
