//! `paddock conformance properties`, `replay` and `differential`.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

use super::Files;

/// Random programs, topics and mutated packets against a broker.
#[derive(Debug, Args)]
pub(crate) struct Properties {
    #[command(flatten)]
    pub(crate) site: Site,
    #[command(flatten)]
    pub(crate) random: Random,
    /// Only these suites; may be given several times. [default: all]
    #[arg(long, value_enum, value_name = "SUITE")]
    pub(crate) only: Vec<PropertySuite>,
    /// How many programs, batches or scripts run at a time.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) jobs: u16,
    /// After so many different findings of a suite it ends.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) findings: u16,
    /// Write each program that fails to this folder too, which must exist. `paddock conformance replay` runs it again.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) files: Files,
    /// Also write the observations to this file (- is standard output), one JSON object per line, when the suites are done;
    /// `report` makes every other output of it.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) observations: Option<PathBuf>,
}

/// One program, again.
#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// The program, as a finding prints it.
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) site: Site,
    /// How often it runs; it passes when every run does.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) repeat: u32,
    /// Look for a shorter program that fails too, and print it.
    #[arg(long)]
    pub(crate) shrink: bool,
}

/// The same programs on two brokers.
#[derive(Debug, Args)]
pub(crate) struct Differential {
    /// The two brokers, by address or descriptor (mqtt://127.0.0.1:1883, mosquitto); the word embedded stands for the reference
    /// broker.
    #[arg(long, value_name = "URL|NAME|FILE", num_args = 1, required = true, value_hint = ValueHint::Url)]
    pub(crate) target: Vec<String>,
    /// A program from a file instead of random ones.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with_all = ["cases", "case", "seed", "waits"])]
    pub(crate) program: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) random: Random,
    /// Milliseconds that an answer, or a message that is owed, may take.
    #[arg(long, value_name = "MS", default_value_t = 2000, value_parser = clap::value_parser!(u32).range(10..))]
    pub(crate) patience: u32,
}

/// What random cases are made of.
#[derive(Debug, Args)]
pub(crate) struct Random {
    /// How many programs; of the other suites a share of it. [default: 500]
    #[arg(long)]
    pub(crate) cases: Option<u64>,
    /// The seed: the same one gives the same cases. [default: another one each time, printed]
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Only the case of this number, as a finding names it; with --only, of one suite.
    #[arg(long, value_name = "NUMBER", requires = "seed", conflicts_with = "cases")]
    pub(crate) case: Option<u64>,
    /// Only clients of this version. [default: both, in one program]
    #[arg(long, value_enum)]
    pub(crate) protocol: Option<Protocol>,
    /// Programs wait for expiry intervals and delays too, which takes seconds each.
    #[arg(long)]
    pub(crate) waits: bool,
}

/// Where cases run.
#[derive(Debug, Args)]
pub(crate) struct Site {
    /// The broker under test: its address, such as mqtt://user:password@192.0.2.7:1883, or a descriptor that says how to start
    /// it (targets/mine.toml, or the name of a shipped one: mosquitto). [default: the reference broker, started for it]
    #[arg(long, value_name = "URL|NAME|FILE", value_hint = ValueHint::Url)]
    pub(crate) target: Option<String>,
    /// Milliseconds that an answer, or a message that is owed, may take.
    #[arg(long, value_name = "MS", default_value_t = 2000, value_parser = clap::value_parser!(u32).range(10..))]
    pub(crate) patience: u32,
}

/// A property-based suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PropertySuite {
    /// Random programs of several clients, judged by an abstract model.
    Programs,
    /// Topic matching against a naive matcher.
    Topics,
    /// Two cooperating senders, one of which mutates its packets.
    Senders,
}

/// A version of MQTT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Protocol {
    /// MQTT 3.1.1.
    #[value(name = "3.1.1")]
    V311,
    /// MQTT 5.0.
    #[value(name = "5", alias = "5.0")]
    V5,
}
