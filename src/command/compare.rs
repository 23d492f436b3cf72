//! `paddock compare`: two sides, run by run.

mod access;
mod measure;
mod pages;
mod recorded;

use std::{
    fs,
    io::{self, IsTerminal},
    path::{Path, PathBuf},
    process::ExitCode,
};

use jiff::Timestamp;
use loadgen::{
    MetricsPage,
    compare::{self, RESAMPLES, Recorded, Task},
};
use reports::{
    Comparison,
    comparison::Settings,
    observation::Tool,
    run_folder::{self, file},
};
use scenarios::{Scenario, model::Compare};
use transport::Endpoint;

use self::measure::{Ended, Turn};
use super::{run::command_line, say, target};
use crate::{
    cli,
    exit::{Failure, INTERRUPTED},
};

/// One side as the user named it.
enum Side {
    /// Runs that were made before.
    Recorded(Vec<PathBuf>),
    /// A broker, to be measured.
    Broker,
}

/// Compares the two sides; the verdict is in the exit code, on the terminal and in the files.
pub(crate) fn run(options: &cli::Compare) -> Result<ExitCode, Failure> {
    let names = [shown(&options.base), shown(&options.new)];
    let sides = [side(&options.base)?, side(&options.new)?];
    let scenario = scenario(options, &sides)?;
    let asked = asked(options, scenario.as_ref());
    let measured = sides.iter().any(|side| matches!(side, Side::Broker));
    let seed = scenario.as_ref().map_or(42, |scenario| scenario.seed);
    let folder = folder(options, scenario.as_ref().filter(|_| measured))?;
    let _claim = folder.as_deref().map(Claim);
    let mut given_up = None;
    let mut folders = sides.map(|side| match side {
        Side::Recorded(folders) => (folders, false),
        Side::Broker => (Vec::new(), true),
    });
    if let (Some(scenario), true) = (&scenario, measured) {
        let out = folder.as_deref().ok_or_else(|| Failure::internal("no folder for the runs"))?;
        let measured = [folders[0].1, folders[1].1];
        let brokers = [&options.base, &options.new];
        let reached = access::of_sides(options, [0, 1].map(|side| measured[side].then_some(brokers[side].as_str())))?;
        let pages = pages::of_sides(options, measured)?;
        let turns = turns(measured, asked.repeats, &names, (&reached, &pages), out);
        let mut begun = turns.len();
        match measure::all(scenario, &turns)? {
            Ended::Completed => {}
            Ended::Interrupted { begun } => {
                let (of, out) = (turns.len(), out.display());
                say(format!(
                    "interrupted in run {begun} of {of}: nothing is compared; the runs that were made are in {out}"
                ))?;
                return Ok(INTERRUPTED.into());
            }
            Ended::GivenUp { begun: with_this, failure } => {
                begun = with_this;
                let Turn { role, name, .. } = &turns[begun - 1];
                let why = format!("run {begun} of {} ({role}, {name}) could not begin: {failure}", turns.len());
                given_up = Some((scenario, failure.exit(), why));
            }
        }
        for turn in turns.into_iter().take(begun) {
            folders[turn.side].0.push(turn.folder);
        }
    } else {
        pages::of_sides(options, [false; 2])?;
    }
    let interleaved = folders.iter().all(|(_, measured)| *measured);
    let metrics = if asked.metrics.is_empty() { compare::usual() } else { asked.metrics.clone() };
    let [base, new] = folders.map(|(folders, _)| {
        folders.iter().map(|folder| Recorded::read(folder, &metrics)).collect::<Result<Vec<_>, _>>()
    });
    let task = Task {
        metrics: asked.metrics,
        settings: Settings {
            confidence: asked.confidence.value(),
            max_regression: asked.max_regression.value(),
            repeats: measured.then_some(asked.repeats),
            resamples: RESAMPLES,
            seed,
            interleaved,
        },
        tool: Tool { name: "paddock".into(), version: env!("CARGO_PKG_VERSION").into() },
        command: command_line(),
        compared_at: Timestamp::now().to_string(),
    };
    let [base_name, new_name] = names;
    let base = (base_name, base.map_err(Failure::usage)?);
    let new = (new_name, new.map_err(Failure::usage)?);
    let mut comparison = match given_up {
        None => compare::compare(task, base, new).map_err(Failure::usage)?,
        Some((scenario, exit, why)) => compare::given_up(task, scenario, base, new, exit, &why),
    };
    if let Some(folder) = &folder {
        comparison.link(folder);
        write(&comparison, folder)?;
    }
    say(comparison.text(io::stdout().is_terminal()).trim_end())?;
    if let Some(folder) = &folder {
        say(format!("\nReport  {}", folder.join(file::REPORT).display()))?;
    }
    Ok(comparison.exit_code.into())
}

/// A side as it is shown and recorded: a URL without its password.
fn shown(named: &str) -> String {
    match named.contains("://") {
        true => named.parse::<Endpoint>().map_or_else(|_| "***".to_owned(), |endpoint| endpoint.to_string()),
        false => named.to_owned(),
    }
}

/// A side is recorded when what it names is there, and a broker otherwise.
fn side(named: &str) -> Result<Side, Failure> {
    let parts: Vec<&str> = named.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
    if parts.iter().any(|part| Path::new(part).is_dir()) {
        let mut folders = Vec::new();
        for part in parts {
            folders.extend(recorded::runs(Path::new(part))?);
        }
        return Ok(Side::Recorded(folders));
    }
    measure::named(named)?;
    Ok(Side::Broker)
}

fn scenario(options: &cli::Compare, sides: &[Side; 2]) -> Result<Option<Scenario>, Failure> {
    let named = [&options.base, &options.new];
    let broker = named.into_iter().zip(sides).find(|(_, side)| matches!(side, Side::Broker));
    match (&options.scenario, broker) {
        (None, None) => Ok(None),
        (None, Some((name, _))) => Err(Failure::usage(format!(
            "{} is a broker to measure: say with what, such as --scenario phase-1 (or name a run folder)",
            shown(name)
        ))),
        (Some(name), broker) => {
            let scenario = target::load(name, &options.overrides)?;
            match broker {
                Some((named, _)) => measure::check(name, &scenario, named)?,
                None if options.repeats.is_some() => {
                    return Err(Failure::usage("--repeats: both sides are recorded runs, so none is made"));
                }
                None => {}
            }
            Ok(Some(scenario))
        }
    }
}

/// The scenario's `[compare]`, with what the command line replaces.
fn asked(options: &cli::Compare, scenario: Option<&Scenario>) -> Compare {
    let mut asked = scenario.map_or_else(Compare::default, |scenario| scenario.compare.clone());
    asked.repeats = options.repeats.unwrap_or(asked.repeats);
    asked.max_regression = options.max_regression.unwrap_or(asked.max_regression);
    asked.confidence = options.confidence.unwrap_or(asked.confidence);
    asked
}

/// Where the files go. Runs that are made need a place; without any the files are written only when asked for.
fn folder(options: &cli::Compare, made_with: Option<&Scenario>) -> Result<Option<PathBuf>, Failure> {
    let folder = match (&options.out, made_with) {
        (Some(out), _) => run_folder::named_folder(out, file::COMPARISON),
        (None, Some(scenario)) => {
            let name = format!("compare-{}", scenario.name);
            run_folder::timed_folder(&scenario.output.folder, &name, Timestamp::now(), file::COMPARISON)
        }
        (None, None) => return Ok(None),
    };
    folder.map(Some).map_err(Failure::usage)
}

/// A folder that is taken for a comparison; without one in the end it is given back, so that it can be named again.
struct Claim<'a>(&'a Path);

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        let document = self.0.join(file::COMPARISON);
        if fs::metadata(&document).is_ok_and(|known| known.len() == 0) {
            let _stays_then = fs::remove_file(&document);
            // Only when no run is in it.
            let _holds_runs = fs::remove_dir(self.0);
        }
    }
}

/// Who runs when: base, new, new, base and so on, so that what drifts in one direction meets both sides alike.
fn turns(
    measured: [bool; 2],
    repeats: u32,
    names: &[String; 2],
    (reached, pages): (&[cli::Target; 2], &[Option<MetricsPage>; 2]),
    out: &Path,
) -> Vec<Turn> {
    let mut turns = Vec::new();
    for round in 0..repeats {
        let order = if round % 2 == 0 { [0, 1] } else { [1, 0] };
        for side in order.into_iter().filter(|side| measured[*side]) {
            let role = ["base", "new"][side];
            let folder = out.join(format!("{:02}-{role}", turns.len() + 1));
            let (name, target, metrics) = (names[side].clone(), reached[side].clone(), pages[side].clone());
            turns.push(Turn { side, role, name, target, metrics, folder });
        }
    }
    turns
}

fn write(comparison: &Comparison, folder: &Path) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::usage(format!("cannot write to {}: {error}", folder.display()));
    let json = comparison.json().map_err(Failure::internal)?;
    fs::write(folder.join(file::COMPARISON), json).map_err(failed)?;
    let html = reports::comparison_html(comparison).map_err(Failure::internal)?;
    fs::write(folder.join(file::REPORT), html).map_err(failed)?;
    let junit = comparison.junit().map_err(Failure::internal)?;
    fs::write(folder.join(file::JUNIT), junit).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_take_turns_and_lead_alike() {
        let names = ["a".to_owned(), "b".to_owned()];
        let pages = [None, Some("http://b/metrics".parse().unwrap())];
        let order = |measured, repeats| -> Vec<usize> {
            let reached = (&<[cli::Target; 2]>::default(), &pages);
            let turns = turns(measured, repeats, &names, reached, Path::new("out"));
            assert!(turns.iter().all(|turn| turn.metrics.is_some() == (turn.side == 1)), "a page of the other side");
            turns.iter().map(|turn| turn.side).collect()
        };
        assert_eq!(order([true, true], 4), [0, 1, 1, 0, 0, 1, 1, 0]);
        assert_eq!(order([false, true], 3), [1, 1, 1]);
    }
}
