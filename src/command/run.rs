//! `paddock run`: a scenario from end to end.

pub(super) mod stillborn;

use std::{env, path::Path, process::ExitCode};

use jiff::Timestamp;
use loadgen::{MetricsPage, Outcome, Plan, RunId, schedule::Segment};
use reports::{
    Output, RunFolder, Sink, Tee, Terminal,
    observation::{TargetInfo, Tool},
};
use scenarios::Scenario;
use simulator::{Target, TopicPrefix};
use transport::Endpoint;

use super::{
    interrupt::Interrupt,
    segment, target,
    under_test::{self, Broker},
    watched::Watched,
};
use crate::{
    cli,
    exit::{Failure, INTERRUPTED},
};

/// Runs the scenario; the outcome is in the exit code, the terminal and the run folder.
pub(crate) fn run(options: cli::Run) -> Result<ExitCode, Failure> {
    let scenario = target::scenario(&options.job)?;
    let named = target::named(&options.job.target, &scenario)?;
    segment::check(&options, &named, &scenario)?;
    under_test::refuse_events(&options.job.scenario, &scenario, &named)?;
    let metrics = options.metrics.page().map_err(Failure::usage)?;
    let folder = folder(options.out.as_deref(), &scenario)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::internal)?;
    runtime.block_on(async {
        // Before the broker starts: Ctrl-C must find somebody who ends both in order.
        let mut interrupt = Interrupt::listen().map_err(Failure::internal)?;
        let watched =
            options.live.map(|address| Watched::start(address, options.live_linger.as_deref())).transpose()?;
        let broker = match Broker::reach(named).await {
            Ok(broker) => broker,
            Err(failure) => {
                let run_id = options.run_id.unwrap_or_else(|| RunId::from_seed(scenario.seed));
                let named = options.job.target.target.as_deref().unwrap_or(target::EMBEDDED);
                stillborn::record(&failure, run_id, named, &folder, &scenario)?;
                return Err(failure);
            }
        };
        if metrics.is_none() {
            broker.tell_unseen(under_test::HINT);
        }
        let run_id = run_id(&options, &broker, scenario.seed);
        let whole = plan(scenario, &broker, &options.job.target, run_id)?;
        let plan = Plan { metrics, segment: options.segment, start_at: options.start_at, ..whole };
        let mut sinks = sinks(&folder, &plan.scenario)?;
        if let Some(watched) = &watched {
            sinks.push(watched.sink(&folder, &plan.scenario));
        }
        let outcome = loadgen::run(plan, sinks, interrupt.received()).await;
        broker.stop().await?;
        if let Some(watched) = watched {
            watched.close(interrupt.received()).await;
        }
        if let Some(unwritten) = &outcome.unwritten {
            return Err(Failure::usage(format!("{unwritten}; the run folder is {}", folder.path().display())));
        }
        Ok(exit(&outcome))
    })
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
    let files = files(folder, scenario)?;
    let report = scenario.output.html.then(|| folder.path().join(Output::Html.file_name()));
    // The files come first: what the terminal then points at is complete.
    Ok(vec![Box::new(files), Box::new(Terminal::stdio(report))])
}

/// The files that the scenario wants in its run folder.
pub(super) fn files(folder: &RunFolder, scenario: &Scenario) -> Result<Tee, Failure> {
    let wanted = [
        (Output::Json, scenario.output.json),
        (Output::JUnit, scenario.output.junit),
        (Output::Html, scenario.output.html),
        (Output::HdrLog, scenario.output.hdr_log),
        (Output::Csv, scenario.output.csv),
        (Output::OpenMetrics, scenario.output.open_metrics),
    ];
    let wanted: Vec<Output> = wanted.into_iter().filter_map(|(output, asked)| asked.then_some(output)).collect();
    reports::outputs::open(folder, &wanted)
        .map_err(|error| Failure::usage(format!("cannot write to the run folder {}: {error}", folder.path().display())))
}

fn run_id(options: &cli::Run, broker: &Broker, seed: u64) -> RunId {
    options.run_id.unwrap_or_else(|| match options.start_at {
        _ if broker.is_ours() => RunId::from_seed(seed),
        _ if options.segment.is_whole() => target::unique_id(seed),
        // Segments must come to the same id without talking to each other.
        Some(start) => RunId::unique(seed, start.as_nanosecond() as u64),
        None => RunId::from_seed(seed),
    })
}

/// One run of `scenario` on `broker`, all of it by this process.
pub(super) fn plan(scenario: Scenario, broker: &Broker, options: &cli::Target, run_id: RunId) -> Result<Plan, Failure> {
    let mut reached = target::reached(broker.endpoint.clone(), options, &scenario)?;
    reached.credentials = reached.credentials.or_else(|| broker.credentials.clone());
    let mut description = broker.description.clone();
    if options.access.insecure {
        description.push_str(", its certificate not verified (--insecure)");
    }
    if !broker.is_ours() {
        // A broker that others use: our topics, our retained messages and our sessions must not meet theirs.
        keep_apart(&mut reached, run_id)?;
    }
    Ok(Plan {
        described: TargetInfo {
            address: broker.endpoint.to_string(),
            description,
            versions: target::versions(&scenario),
        },
        process: broker.pid(),
        metrics: None,
        tells: broker.page(),
        broker: broker.control(),
        seed: scenario.seed,
        run_id,
        segment: Segment::WHOLE,
        start_at: None,
        clear_retained: !broker.is_ours(),
        tool: Tool { name: "paddock".into(), version: env!("CARGO_PKG_VERSION").into() },
        command: command_line(),
        scenario,
        target: reached,
    })
}

/// Gives a run topics and Client Identifiers of its own.
pub(super) fn keep_apart(reached: &mut Target, run_id: RunId) -> Result<(), Failure> {
    reached.prefix = TopicPrefix::new(&format!("paddock/{run_id}")).map_err(Failure::internal)?;
    reached.client_prefix = target::client_prefix(run_id)?;
    Ok(())
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
            let (flag, url) = word.split_once('=').filter(|(flag, _)| flag.starts_with("--")).unwrap_or(("", &word));
            said.push(if flag.is_empty() { shown(url) } else { format!("{flag}={}", shown(url)) });
        } else {
            said.push(word);
        }
    }
    said
}

/// A URL without what may be secret in it.
fn shown(url: &str) -> String {
    let endpoint = url.parse::<Endpoint>().map(|endpoint| endpoint.to_string()).ok();
    let page = || url.parse::<MetricsPage>().map(|page| page.to_string()).ok();
    endpoint.or_else(page).unwrap_or_else(|| "***".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_its_secrets() {
        assert_eq!(shown("mqtt://u:hidden@h"), "mqtt://u@h:1883");
        assert_eq!(shown("https://h/metrics?key=hidden"), "https://h/metrics");
        for odd in ["https://u:hidden@h/metrics", "gopher://u:hidden@h", "mqtt://u:hidden@h:0"] {
            assert_eq!(shown(odd), "***", "{odd}");
        }
    }
}
