//! The command line: help, man page and completions all come from these definitions.

mod broker;
mod capacity;
mod certs;
mod compare;
mod conformance;
mod metrics;
mod properties;
mod report;

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;
use jiff::Timestamp;
use loadgen::{RunId, schedule::Segment};
use transport::Sources;

use crate::log::Format;

pub(crate) use self::{
    broker::{Broker, BrokerVerb, Start},
    capacity::{Capacity, Dimension as SearchDimension, NullSink},
    certs::{Certs, KeyKind},
    compare::Compare,
    conformance::{Chosen, Conformance, ConformanceVerb, Files, Pace, Prove, Verdict, Version as MqttVersion},
    metrics::{Metrics, MetricsOfSides},
    properties::{Differential, Properties, PropertySuite, Protocol, Random, Replay, Site},
    report::{Again, Merge, Rendered, Report, ReportVerb, Serve},
};

/// The proving ground for farm MQTT: a reference broker, device simulators, scenario-driven load, reports.
#[derive(Debug, Parser)]
#[command(
    name = "paddock",
    version,
    propagate_version = true,
    arg_required_else_help = true,
    after_long_help = EXIT_CODES
)]
pub(crate) struct Cli {
    /// Say more on stderr: -v info, -vv debug, -vvv trace. PADDOCK_LOG sets it per module.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// How lines on stderr look: text, or json with one object per line. [default: text]
    #[arg(long, global = true, value_name = "FORMAT", value_enum)]
    pub(crate) log_format: Option<Format>,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  pass
  1  internal error
  2  usage or configuration
  3  violations found
  4  nothing ran
  5  target unreachable
  6  thresholds missed
  7  run invalid: the generator was the bottleneck
  8  inconclusive
  130  interrupted, after the report of what happened so far";

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Run a scenario: load a broker, account for every message, judge, report.
    ///
    /// Without --target the reference broker is started as a child process on a free loopback port. The run ends with a
    /// verdict, an exit code and a folder with report.html, summary.json, junit.xml, windows.csv, metrics.om, latency.hlog and
    /// observations.jsonl.
    Run(Run),
    /// Make the reports of a recorded run again, judge it by another contract, join the segments of one, or browse all.
    ///
    /// Everything comes from observations.jsonl in the run folder, which is never changed; a run that was interrupted or killed is
    /// reported as far as it went. The exit code is the verdict's.
    Report(Report),
    /// Search how much a broker can do: the highest rate, connections or fan-out at which a scenario holds.
    ///
    /// Steps of constant load, each a run of its own with fresh sessions: doubling until the SLO breaks, halving the gap, then
    /// longer runs at the answer. It leaves a folder with report.html, capacity.json and the run folder of each step. Exit code 0: a figure
    /// that was confirmed, the broker's own or limited by the generator; 5: the broker is not there or went away; 7: the generator
    /// could not do what the search was to begin with, which says nothing about the broker; 8: none could be confirmed.
    Capacity(Box<Capacity>),
    /// A sink that does as little as can be done, for measuring the generator itself.
    #[command(hide = true)]
    NullSink(NullSink),
    /// Compare two sides, run by run: is the new one worse?
    ///
    /// A side is a recorded run, several of them, or a broker that is measured now with --scenario; brokers take turns, each
    /// run with a fresh broker and fresh sessions. Each metric gets a confidence interval of its change and a verdict: pass,
    /// regressed (exit code 6) or inconclusive (8), when the runs differ too much among themselves or are too few.
    Compare(Compare),
    /// Run a scenario's devices alone against a broker, without measuring.
    ///
    /// The devices publish to their real topics and leave their last status there, retained; --prefix keeps them apart.
    Simulate(Simulate),
    /// Start the reference broker, or look at its configuration.
    ///
    /// Without a configuration it listens on 127.0.0.1:1883, where only this machine reaches it, and lets everybody do
    /// everything. For each listener a line on stdout says where it listens.
    Broker(Broker),
    /// Judge a broker by the numbered statements of MQTT 3.1.1 and 5.0, with the packets as evidence.
    ///
    /// Without --target the reference broker is judged, in several configurations, so that no case ends as not applicable.
    /// `coverage` says which cases decide each statement, or why none can.
    Conformance(Box<Conformance>),
    /// Make a CA, and certificates for brokers and devices.
    ///
    /// The first time it makes a CA; afterwards it issues more from the same one. Nothing that is there is replaced, unless
    /// --force is given, and the CA not even then. Private keys can be read by their owner only.
    Certs(Certs),
    /// List, check or describe scenarios.
    #[command(subcommand)]
    Scenarios(Scenarios),
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Write the man pages.
    Man {
        /// The folder to write them to; it must exist.
        #[arg(value_hint = ValueHint::DirPath)]
        directory: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) job: Job,
    #[command(flatten)]
    pub(crate) metrics: Metrics,
    /// The run folder; it must not hold another run. [default: runs/TIME-SCENARIO]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) out: Option<PathBuf>,
    /// Drive only a share of the devices and subscribers, such as 2/4: the second of four processes, on this or on other
    /// machines, that drive the whole run together. Give all of them the same scenario, seed and broker, then join their
    /// folders with `paddock report merge`. [default: everything]
    #[arg(long, value_name = "N/COUNT", default_value = "1/1", hide_default_value = true)]
    pub(crate) segment: Segment,
    /// Start at this moment, such as 2026-01-31T12:00:00Z, so that all segments start together. Without it each starts when
    /// it is ready, and latency is measured within each segment only. [default: at once]
    #[arg(long, value_name = "TIME")]
    pub(crate) start_at: Option<Timestamp>,
    /// The id of the run in stamps, topics and Client Identifiers, eight hexadecimal digits: the same one for all segments.
    /// [default: of the seed for a broker of our own; of seed and time for another; of seed and --start-at for segments]
    #[arg(long, value_name = "ID")]
    pub(crate) run_id: Option<RunId>,
    /// Show the run in a web browser while it lasts, at this address, such as 127.0.0.1:8080; port 0 picks a free one. The same
    /// address answers a scrape of /metrics. Whoever reaches it may look on: it asks for no password.
    #[arg(long, value_name = "ADDR:PORT")]
    pub(crate) live: Option<SocketAddr>,
    /// How long that page stays reachable after the run, such as 10m; Ctrl-C ends it. Pages that are open then keep the report
    /// in any case. [default: 0s]
    #[arg(long, value_name = "DURATION", requires = "live")]
    pub(crate) live_linger: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Simulate {
    #[command(flatten)]
    pub(crate) job: Job,
    /// Put this before every topic, such as test/barn-7. Client Identifiers then get a prefix of this run's own too, so that
    /// no session of a real device is taken over.
    #[arg(long, value_name = "TOPIC")]
    pub(crate) prefix: Option<String>,
}

/// What to do to whom.
#[derive(Debug, Args)]
pub(crate) struct Job {
    /// A scenario file, or the name of one in the catalogue (see `paddock scenarios list`).
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) scenario: String,
    #[command(flatten)]
    pub(crate) target: Target,
    #[command(flatten)]
    pub(crate) overrides: Overrides,
}

/// Whom to talk to.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Target {
    /// The broker under test, such as mqtt://192.0.2.7:1883, mqtts://broker.example,
    /// ws://broker.example/mqtt, wss://broker.example/mqtt or unix:/run/broker.sock; for `run` and `capacity` also one that is
    /// started for it: a name such as mosquitto, the file of a descriptor, or embedded, the reference broker. [default: what
    /// the scenario says, or embedded]
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) target: Option<String>,
    #[command(flatten)]
    pub(crate) access: Access,
}

/// As whom a broker is talked to, and how it is trusted.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Access {
    /// The User Name for the target; it replaces the URL's.
    #[arg(long)]
    pub(crate) user: Option<String>,
    /// The Password for the target. Other users of the machine can read a command line: prefer --password-file or
    /// the environment variable PADDOCK_PASSWORD.
    #[arg(long, conflicts_with = "password_file")]
    pub(crate) password: Option<String>,
    /// A file whose first line is the Password.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) password_file: Option<PathBuf>,
    /// A file with the CA that vouches for the target (mqtts, wss), PEM; may be given several times. [default: what the
    /// scenario says, or else the CAs that this machine trusts]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) ca: Vec<PathBuf>,
    /// The addresses of this machine to connect from, in turns, such as 127.0.0.1-127.0.0.4 or 192.0.2.7,192.0.2.8: each has
    /// local ports of its own. [default: the system's choice; for a broker on this machine as many loopback addresses as the
    /// connections need]
    #[arg(long, value_name = "ADDRESSES", value_parser = own_addresses)]
    pub(crate) source: Option<Sources>,
    /// A file with the certificate that every client shows the target, PEM, with its chain if it has one. With {client_id} in
    /// it, such as certs/{client_id}.crt, each client of the scenario shows its own.
    #[arg(long, value_name = "FILE", requires = "key", value_hint = ValueHint::FilePath)]
    pub(crate) cert: Option<PathBuf>,
    /// A file with the private key of that certificate, PEM; with {client_id} where --cert has it.
    #[arg(long, value_name = "FILE", requires = "cert", value_hint = ValueHint::FilePath)]
    pub(crate) key: Option<PathBuf>,
    /// A CA and its private key, PEM, that make a certificate for each client while the run begins: its common name is the
    /// client's name in the scenario. They are kept in memory only.
    #[arg(long, num_args = 2, value_names = ["CA", "KEY"], conflicts_with = "cert", value_hint = ValueHint::FilePath)]
    pub(crate) client_ca: Vec<PathBuf>,
    /// Do not verify the target's certificate: whoever answers is believed. For tests; the report says so.
    #[arg(long, conflicts_with = "ca")]
    pub(crate) insecure: bool,
}

/// What replaces the scenario's own values.
#[derive(Debug, Args)]
pub(crate) struct Overrides {
    /// How long the stages hold in all, such as 30s or 5m. [default: what the scenario says]
    #[arg(long)]
    pub(crate) duration: Option<String>,
    /// The seed of everything random. The same seed gives the same schedule and the same payload bytes.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// The MQTT client that devices use. [default: what the scenario says]
    #[arg(long, value_enum)]
    pub(crate) engine: Option<Engine>,
}

/// A client implementation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Engine {
    /// Paddock's own, both versions, thousands of connections per core.
    Native,
    /// The rumqttc library, as many devices in the field use it.
    Rumqttc,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Scenarios {
    /// List the catalogue: the scenarios that come with the command.
    List,
    /// Check scenario files and say everything that is wrong with them.
    Check {
        /// Scenario files, or names from the catalogue.
        #[arg(required = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
        files: Vec<String>,
    },
    /// Print the JSON schema of scenario files, for editors.
    Schema,
    /// Print a scenario of the catalogue, to start one's own from.
    Show {
        /// Its name.
        name: String,
    },
}

/// Addresses of this machine: a wrong one is said before anything begins.
fn own_addresses(text: &str) -> Result<Sources, String> {
    let sources: Sources = text.parse().map_err(|error| format!("{error}"))?;
    sources.check().map_err(|error| error.to_string())?;
    Ok(sources)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Cli;

    #[test]
    fn the_definitions_are_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_verb_and_argument_has_help() {
        fn check(command: &clap::Command, path: &str) {
            let path = format!("{path} {}", command.get_name());
            assert!(command.get_about().is_some(), "{path} has no help");
            for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
                assert!(argument.get_help().is_some(), "{path}: {} has no help", argument.get_id());
            }
            command.get_subcommands().for_each(|inner| check(inner, &path));
        }
        let mut command = Cli::command();
        command.build();
        check(&command, "");
    }
}
