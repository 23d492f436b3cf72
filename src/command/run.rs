//! `paddock run`: a scenario from end to end.

use std::{env, path::Path, process::ExitCode};

use jiff::Timestamp;
use loadgen::{Outcome, Plan, RunId};
use reports::{
    Output, RunFolder, Sink, Terminal,
    observation::{TargetInfo, Tool},
};
use scenarios::Scenario;
use simulator::TopicPrefix;
use transport::Endpoint;

use super::{
    interrupt::Interrupt,
    target::{self, Named},
    under_test::{self, Broker},
};
use crate::{
    cli,
    exit::{Failure, INTERRUPTED},
};

/// Runs the scenario; the outcome is in the exit code, the terminal and the run folder.
pub(crate) fn run(options: cli::Run) -> Result<ExitCode, Failure> {
    let scenario = target::scenario(&options.job)?;
    let named = target::named(&options.job.target, &scenario)?;
    check_segment(&options, &named)?;
    under_test::refuse_events(&options.job.scenario, &scenario, &named)?;
    let folder = folder(options.out.as_deref(), &scenario)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::internal)?;
    runtime.block_on(async {
        // Before the broker starts: Ctrl-C must find somebody who ends both in order.
        let mut interrupt = Interrupt::listen().map_err(Failure::internal)?;
        let broker = Broker::reach(named).await?;
        let plan = plan(scenario, &broker, &options)?;
        let sinks = sinks(&folder, &plan.scenario)?;
        let outcome = loadgen::run(plan, sinks, interrupt.received()).await;
        broker.stop().await?;
        if let Some(unwritten) = &outcome.unwritten {
            return Err(Failure::usage(format!("{unwritten}; the run folder is {}", folder.path().display())));
        }
        Ok(exit(&outcome))
    })
}

/// Says at once what several processes cannot do together.
fn check_segment(options: &cli::Run, named: &Named) -> Result<(), Failure> {
    if !options.segment.is_whole() && !matches!(named, Named::At(_)) {
        return Err(Failure::usage(format!(
            "--segment {}: segments meet on one broker, and without --target each would start its own: name one",
            options.segment
        )));
    }
    match options.start_at {
        Some(start) if start <= Timestamp::now() => Err(Failure::usage(format!(
            "--start-at {start}: that moment has passed; it is {:.0} now",
            Timestamp::now()
        ))),
        _ => Ok(()),
    }
}

fn exit(outcome: &Outcome) -> ExitCode {
    if outcome.interrupted { INTERRUPTED.into() } else { outcome.exit.code().into() }
}

fn folder(out: Option<&Path>, scenario: &Scenario) -> Result<RunFolder, Failure> {
    match out {
        Some(path) => RunFolder::at(path),
        None => RunFolder::create(&scenario.output.folder, scenario.name.as_str(), Timestamp::now()),
    }
    .map_err(Failure::usage)
}

/// Everything that the run's observations go to.
fn sinks(folder: &RunFolder, scenario: &Scenario) -> Result<Vec<Box<dyn Sink>>, Failure> {
    let wanted = [
        (Output::Json, scenario.output.json),
        (Output::JUnit, scenario.output.junit),
        (Output::Html, scenario.output.html),
        (Output::HdrLog, scenario.output.hdr_log),
        (Output::Csv, scenario.output.csv),
        (Output::OpenMetrics, scenario.output.open_metrics),
    ];
    let wanted: Vec<Output> = wanted.into_iter().filter_map(|(output, asked)| asked.then_some(output)).collect();
    let files = reports::outputs::open(folder, &wanted).map_err(|error| {
        Failure::usage(format!("cannot write to the run folder {}: {error}", folder.path().display()))
    })?;
    let report = scenario.output.html.then(|| folder.path().join(Output::Html.file_name()));
    // The files come first: what the terminal then points at is complete.
    Ok(vec![Box::new(files), Box::new(Terminal::stdio(report))])
}

fn plan(scenario: Scenario, broker: &Broker, options: &cli::Run) -> Result<Plan, Failure> {
    let mut reached = target::reached(broker.endpoint.clone(), &options.job.target, &scenario)?;
    reached.credentials = reached.credentials.or_else(|| broker.credentials.clone());
    let mut description = broker.description.clone();
    if options.job.target.insecure {
        description.push_str(", its certificate not verified (--insecure)");
    }
    let run_id = options.run_id.unwrap_or_else(|| match options.start_at {
        _ if broker.is_ours() => RunId::from_seed(scenario.seed),
        _ if options.segment.is_whole() => target::unique_id(scenario.seed),
        // Segments must come to the same id without talking to each other.
        Some(start) => RunId::unique(scenario.seed, start.as_nanosecond() as u64),
        None => RunId::from_seed(scenario.seed),
    });
    if !broker.is_ours() {
        // A broker that others use: our topics, our retained messages and our sessions must not meet theirs.
        reached.prefix = TopicPrefix::new(&format!("paddock/{run_id}")).map_err(Failure::internal)?;
        reached.client_prefix = target::client_prefix(run_id)?;
    }
    Ok(Plan {
        described: TargetInfo {
            address: broker.endpoint.to_string(),
            description,
            versions: target::versions(&scenario),
        },
        process: broker.pid(),
        broker: broker.control(),
        seed: scenario.seed,
        run_id,
        segment: options.segment,
        start_at: options.start_at,
        clear_retained: !broker.is_ours(),
        tool: Tool { name: "paddock".into(), version: env!("CARGO_PKG_VERSION").into() },
        command: command_line(),
        scenario,
        target: reached,
    })
}

/// What the user typed, without secrets.
pub(crate) fn command_line() -> Vec<String> {
    let mut words = env::args().skip(1);
    let mut said = vec!["paddock".to_owned()];
    while let Some(word) = words.next() {
        if word == "--password" {
            words.next();
            said.extend([word, "***".into()]);
        } else if word.starts_with("--password=") {
            said.push("--password=***".into());
        } else if word.contains("://") {
            said.push(word.parse::<Endpoint>().map_or_else(|_| "***".into(), |endpoint| endpoint.to_string()));
        } else {
            said.push(word);
        }
    }
    said
}
