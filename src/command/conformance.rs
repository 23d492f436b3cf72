//! `paddock conformance`: a verdict for every statement, and the proof that it can be trusted.

mod listing;
mod reach;

use std::{fs, path::Path, process::ExitCode, time::Duration};

use conformance::{
    Chosen, Selection, cases,
    prove::prove,
    run::{Plan, run as run_plan},
};
use reports::{Sink, Suite, SuiteFiles, SuiteOutput, SuiteTerminal, Tee, observation::Tool, suite_schema};

use super::{interrupt::Interrupt, properties, say};
use crate::{
    cli::{self, Conformance, ConformanceVerb, Files, Pace, Prove, Verdict},
    exit::{Failure, INTERRUPTED},
};

/// The longest that a case may take: the standard's timers that cases wait for are a few seconds.
const DEADLINE: Duration = Duration::from_secs(60);

/// Does what is asked.
pub(crate) fn run(options: Conformance) -> Result<ExitCode, Failure> {
    match options.verb {
        None => judge(&options.verdict),
        Some(ConformanceVerb::List(chosen)) => say(listing::list(&choose(&chosen)?)),
        Some(ConformanceVerb::Explain(chosen)) => say(listing::explain(&choose(&chosen)?)),
        Some(ConformanceVerb::Coverage { open }) => listing::coverage(open),
        Some(ConformanceVerb::Prove(options)) => proof(&options),
        Some(ConformanceVerb::Report { observations, files }) => report(&observations, &files),
        Some(ConformanceVerb::Schema) => say(format!("{:#}", suite_schema().as_value())),
        Some(ConformanceVerb::Properties(options)) => properties::properties(options),
        Some(ConformanceVerb::Replay(options)) => properties::replay(options),
        Some(ConformanceVerb::Differential(options)) => properties::differential(options),
    }
}

/// The cases that the command line selects.
fn choose(chosen: &cli::Chosen) -> Result<Vec<Chosen>, Failure> {
    let selection = Selection {
        selectors: chosen.selectors.clone(),
        versions: chosen.mqtt.iter().map(|version| version.of_the_suite()).collect(),
        levels: chosen.level.clone(),
        tags: chosen.tag.clone(),
    };
    let cases: Vec<_> = cases::all().collect();
    selection.of(&cases).map_err(|errors| Failure::usage(errors.join("\n")))
}

fn judge(options: &Verdict) -> Result<ExitCode, Failure> {
    let chosen = choose(&options.chosen)?;
    let mut sink = sink(Some(&options.pace), &options.files)?;
    runtime()?.block_on(async {
        let mut interrupt = Interrupt::listen().map_err(Failure::internal)?;
        let seed = options.shuffle.or(options.pace.seed).unwrap_or_else(fresh_seed);
        // An image may take minutes to arrive.
        let reach = reach::reach(&options.targets, &options.target, &chosen, seed);
        let Some(reached) = interrupt.unless(reach).await.transpose()? else { return Ok(INTERRUPTED.into()) };
        let plan = Plan {
            repeat: options.repeat,
            shuffle: options.shuffle.is_some(),
            fail_fast: options.fail_fast,
            strict: options.strict,
            ..plan(&reached, chosen, seed, &options.pace)
        };
        let outcome = run_plan(plan, &mut *sink, interrupt.received()).await.map_err(Failure::internal)?;
        sink.finish().map_err(Failure::usage)?;
        reached.stop().await?;
        Ok(outcome.exit_code.into())
    })
}

fn proof(options: &Prove) -> Result<ExitCode, Failure> {
    let chosen = choose(&options.chosen)?;
    let mut sink = sink(Some(&options.pace), &options.files)?;
    runtime()?.block_on(async {
        let mut interrupt = Interrupt::listen().map_err(Failure::internal)?;
        let seed = options.pace.seed.unwrap_or_else(fresh_seed);
        let Some(reached) = interrupt.unless(reach::embedded(seed)).await.transpose()? else {
            return Ok(INTERRUPTED.into());
        };
        let plan = plan(&reached, chosen, seed, &options.pace);
        let proof = prove(&plan, options.matrix, &mut *sink, interrupt.received()).await.map_err(Failure::internal)?;
        sink.finish().map_err(Failure::usage)?;
        reached.stop().await?;
        Ok(proof.exit_code.into())
    })
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::internal)
}

fn plan(reached: &reach::Reached, chosen: Vec<Chosen>, seed: u64, pace: &Pace) -> Plan {
    Plan {
        targets: reached.subjects(),
        chosen,
        repeat: 1,
        shuffle: false,
        jobs: pace.jobs.into(),
        fail_fast: false,
        strict: false,
        seed,
        salt: reached.salt(),
        deadline: DEADLINE,
        tool: tool(),
        command: super::run::command_line(),
    }
}

/// This program, for reports.
pub(super) fn tool() -> Tool {
    Tool { name: "paddock".into(), version: env!("CARGO_PKG_VERSION").into() }
}

/// Everything that the observations go to. Files are opened here, before a broker starts; they come before the terminal,
/// so that they are complete when it says how the run ended.
fn sink(pace: Option<&Pace>, files: &Files) -> Result<Box<dyn Sink>, Failure> {
    let (files, takes_standard_output) = create(pace.and_then(|pace| pace.observations.as_deref()), files)?;
    let terminal = if takes_standard_output { SuiteTerminal::stderr() } else { SuiteTerminal::stdio() };
    Ok(Box::new(Tee::new(vec![Box::new(files), Box::new(terminal)])))
}

/// The files that somebody named, and whether one of them is standard output.
pub(super) fn create(observations: Option<&Path>, files: &Files) -> Result<(SuiteFiles, bool), Failure> {
    let named = [
        (SuiteOutput::Observations, observations),
        (SuiteOutput::JUnit, files.junit.as_deref()),
        (SuiteOutput::Json, files.json.as_deref()),
        (SuiteOutput::Html, files.html.as_deref()),
    ];
    let named: Vec<_> = named.into_iter().filter_map(|(output, path)| Some((output, path?))).collect();
    let takes_standard_output = named.iter().any(|(_, path)| *path == Path::new(SuiteFiles::STANDARD_OUTPUT));
    Ok((SuiteFiles::create(&named).map_err(Failure::usage)?, takes_standard_output))
}

/// A recorded run again.
fn report(observations: &Path, files: &Files) -> Result<ExitCode, Failure> {
    let recorded = fs::canonicalize(observations).ok();
    let outputs = [&files.junit, &files.json, &files.html].into_iter().flatten();
    for output in outputs {
        if recorded.is_some() && fs::canonicalize(output).ok() == recorded {
            return Err(Failure::usage(format!("{} is the recorded run; it is not overwritten", output.display())));
        }
    }
    let mut sink = sink(None, files)?;
    Suite::replay(observations, &mut *sink).map_err(Failure::usage)?;
    sink.finish().map_err(Failure::usage)?;
    Ok(ExitCode::SUCCESS)
}

/// A seed that nobody named; it is printed, and small enough to be typed.
fn fresh_seed() -> u64 {
    let moment = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    moment.map_or(0, |now| u64::from(now.subsec_nanos()) ^ now.as_secs()) & 0xffff_ffff
}

impl cli::MqttVersion {
    fn of_the_suite(self) -> wire::Version {
        match self {
            Self::V3_1_1 => wire::Version::V3_1_1,
            Self::V5 => wire::Version::V5,
        }
    }
}
