//! `paddock report`: what was run, looked at again.

mod merge;
mod serve;

use std::{path::Path, process::ExitCode};

use loadgen::{
    Exit,
    judge::{self, Jury},
};
use reports::{
    Observation, Output, Reader, Replay, Terminal,
    observation::{Role, RunEnded, RunStarted},
    run_folder::file,
};
use scenarios::model::{Name, Selector, Threshold};

use crate::{
    cli::{Again, Rendered, Report, ReportVerb},
    exit::Failure,
};

/// Does what is asked about recorded runs.
pub(crate) fn run(options: &Report) -> Result<ExitCode, Failure> {
    match &options.verb {
        None => again(&options.again),
        Some(ReportVerb::Merge(options)) => merge::run(options),
        Some(ReportVerb::Serve(options)) => serve::run(options),
    }
}

/// Renders and judges a run again.
fn again(options: &Again) -> Result<ExitCode, Failure> {
    let run = options.run.as_deref().ok_or_else(|| Failure::usage("name a run folder; `paddock report --help`"))?;
    let run = folder(run)?;
    let mut replay = Replay::read(run).map_err(Failure::usage)?;
    let ended = ended(replay.judgement());
    let exit = match (&options.thresholds, &ended) {
        (Some(contract), ended) => {
            if let Some(segment) = replay.figures().run().and_then(RunStarted::segment) {
                return Err(Failure::usage(format!(
                    "{} is segment {segment} alone, and thresholds are judged on the whole: join all segments with `paddock \
                     report merge` first",
                    run.display()
                )));
            }
            let thresholds = scenarios::contract(contract).map_err(Failure::usage)?;
            if thresholds.is_empty() {
                return Err(Failure::usage(format!("{contract} demands nothing: it has no [thresholds]")));
            }
            if let Some(run) = replay.figures().run() {
                check_names(contract, &thresholds, run)?;
            }
            // What thresholds ask of seconds is followed line by line; a summary no longer knows it.
            let mut jury = Jury::new(&thresholds);
            for observation in Reader::open(&run.join(file::OBSERVATIONS)).map_err(Failure::usage)? {
                jury.apply(&observation.map_err(Failure::usage)?);
            }
            let (exit, judgement) = judge::again(replay.figures(), &jury, ended.as_ref());
            replay.judge(judgement);
            exit
        }
        (None, Some(ended)) => Exit::recorded(ended.exit_code, ended.verdict),
        (None, None) => Exit::Inconclusive,
    };
    let into = match (&options.out, &options.thresholds) {
        (Some(out), _) => Some(out.as_path()),
        (None, None) => Some(run),
        (None, Some(_)) => None,
    };
    let wanted = wanted(&options.only);
    if let Some(into) = into {
        replay.write(into, &wanted).map_err(Failure::usage)?;
    }
    let report = into.map(|into| into.join(file::REPORT));
    Terminal::conclude(replay.summary(), report).map_err(Failure::internal)?;
    Ok(exit.code().into())
}

/// Refuses thresholds on what the run did not have: nothing would ever be said of them.
fn check_names(contract: &str, thresholds: &[Threshold], run: &RunStarted) -> Result<(), Failure> {
    let of_devices = |wanted| run.groups.iter().filter(move |group| (group.role == Role::Device) == wanted);
    for (threshold, selector) in thresholds.iter().flat_map(|one| one.series.selectors.iter().map(move |it| (one, it)))
    {
        let (name, what, known): (&Name, _, Vec<&str>) = match selector {
            Selector::Qos(_) | Selector::Model(_) => continue,
            Selector::Group(name) => {
                (name, "device group", of_devices(true).map(|group| group.name.as_str()).collect())
            }
            Selector::Subscriber(name) => {
                (name, "subscriber group", of_devices(false).map(|group| group.name.as_str()).collect())
            }
            Selector::Stage(name) => (name, "stage", run.stages.iter().map(|stage| stage.name.as_str()).collect()),
        };
        if !known.contains(&name.as_str()) {
            return Err(Failure::usage(format!(
                "{contract}: {threshold}: the run has no {what} called `{name}`; it has {}",
                if known.is_empty() { "none".to_owned() } else { known.join(", ") }
            )));
        }
    }
    Ok(())
}

/// The folder of a run, also for who names a file in it.
fn folder(named: &Path) -> Result<&Path, Failure> {
    let folder = match named.parent().filter(|_| named.is_file()) {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => named,
    };
    if folder.join(file::OBSERVATIONS).is_file() {
        return Ok(folder);
    }
    let what = if folder.is_dir() { "holds no run" } else { "is not there" };
    Err(Failure::usage(format!(
        "{} {what}: a run folder has a file {}; `paddock report serve` lists runs",
        folder.display(),
        file::OBSERVATIONS
    )))
}

fn ended(judgement: &[Observation]) -> Option<RunEnded> {
    judgement.iter().find_map(|one| match one {
        Observation::RunEnded(ended) => Some(ended.clone()),
        _ => None,
    })
}

fn wanted(only: &[Rendered]) -> Vec<Output> {
    if only.is_empty() {
        return Output::ALL.to_vec();
    }
    only.iter()
        .map(|one| match one {
            Rendered::Html => Output::Html,
            Rendered::Json => Output::Json,
            Rendered::Junit => Output::JUnit,
            Rendered::Csv => Output::Csv,
            Rendered::OpenMetrics => Output::OpenMetrics,
            Rendered::HdrLog => Output::HdrLog,
        })
        .collect()
}
