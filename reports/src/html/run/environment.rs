//! Where and how the run was made, and how to make it again.

use crate::figures::{bytes, count};
use crate::observation::{Environment, Preflight, TargetInfo};
use crate::summary::Summary;
use serde::Serialize;

#[derive(Debug, Serialize)]
pub(in crate::html) struct Fact {
    name: &'static str,
    value: String,
}

#[derive(Debug, Serialize)]
pub(in crate::html) struct Check {
    name: String,
    wanted: String,
    observed: String,
    result: &'static str,
    tone: &'static str,
    why: String,
    how: String,
}

pub(super) fn facts(summary: &Summary) -> Vec<Fact> {
    let Some(run) = summary.run() else { return Vec::new() };
    let own = [
        ("Seed", run.seed.to_string()),
        ("Run", run.run_id.clone()),
        ("Made by", format!("{} {}", run.tool.name, run.tool.version)),
        ("Started", run.started_at.to_string()),
        ("Ended", ended(summary)),
        ("Exit code", summary.ended().map_or(String::new(), |ended| ended.exit_code.to_string())),
    ];
    let mut facts = machine(&run.target, &run.environment);
    facts.extend(filled(own));
    facts
}

/// The target and the generator's machine.
pub(in crate::html) fn machine(target: &TargetInfo, environment: &Environment) -> Vec<Fact> {
    let shared = if environment.shared_with_target { "this machine" } else { "another machine" };
    filled([
        ("Target", target.address.clone()),
        ("Broker", target.description.clone()),
        ("Runs on", if target.address.is_empty() { String::new() } else { shared.to_owned() }),
        ("Protocol", target.versions.iter().map(|version| format!("MQTT {version}")).collect::<Vec<_>>().join(", ")),
        ("Host", environment.host.clone()),
        ("Processor", environment.processor.clone()),
        ("Cores", environment.cores.map_or(String::new(), |cores| cores.to_string())),
        ("Memory", environment.memory_bytes.map_or(String::new(), |memory| bytes(memory as f64))),
        ("Kernel", environment.kernel.clone()),
        ("Open files allowed", environment.file_limit.map_or(String::new(), count)),
    ])
}

/// Those of which something is known.
pub(in crate::html) fn filled<const N: usize>(facts: [(&'static str, String); N]) -> Vec<Fact> {
    facts.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| Fact { name, value }).collect()
}

/// When it ended; nothing for a run that goes on.
fn ended(summary: &Summary) -> String {
    match summary.ended() {
        Some(ended) => ended.ended_at.to_string(),
        None if summary.goes_on() => String::new(),
        None => "cut off".to_owned(),
    }
}

/// What was found wanting first, with how to mend it; then what could not be read.
pub(in crate::html) fn checks(preflight: &[Preflight]) -> Vec<Check> {
    let mut checks: Vec<&Preflight> = preflight.iter().collect();
    checks.sort_by_key(|check| match check.ok {
        Some(false) => 0,
        None => 1,
        Some(true) => 2,
    });
    checks.into_iter().map(check).collect()
}

fn check(check: &Preflight) -> Check {
    let (result, tone) = match check.ok {
        Some(true) => ("as wanted", "good"),
        Some(false) => ("warning", "unsure"),
        None => ("not known", "quiet"),
    };
    Check {
        name: check.name.clone(),
        wanted: check.wanted.clone(),
        observed: check.observed.clone(),
        result,
        tone,
        why: check.why.clone(),
        how: if check.ok == Some(true) { String::new() } else { check.how.clone() },
    }
}

/// The command line, quoted for a POSIX shell.
pub(crate) fn quoted_command(words: &[String]) -> Option<String> {
    (!words.is_empty()).then(|| words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "))
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn words_are_quoted_for_a_shell() {
        assert_eq!(quoted("scenarios/phase-1.toml"), "scenarios/phase-1.toml");
        assert_eq!(quoted("$share/a b"), "'$share/a b'");
        assert_eq!(quoted("it's"), "'it'\\''s'");
        assert_eq!(quoted(""), "''");
    }
}
