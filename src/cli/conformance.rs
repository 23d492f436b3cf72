//! `paddock conformance`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};

use super::{Differential, Properties, Replay, Target};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Conformance {
    #[command(subcommand)]
    pub(crate) verb: Option<ConformanceVerb>,
    #[command(flatten)]
    pub(crate) verdict: Verdict,
}

/// A run that judges.
#[derive(Debug, Args)]
pub(crate) struct Verdict {
    #[command(flatten)]
    pub(crate) chosen: Chosen,
    #[command(flatten)]
    pub(crate) target: Target,
    /// Brokers to start and judge side by side: descriptors (targets/mine.toml) or the names of shipped ones (mosquitto).
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with = "target", value_hint = ValueHint::FilePath)]
    pub(crate) targets: Vec<String>,
    #[command(flatten)]
    pub(crate) pace: Pace,
    #[command(flatten)]
    pub(crate) files: Files,
    /// Count departures from a SHOULD as failures.
    #[arg(long)]
    pub(crate) strict: bool,
    /// How often each case runs, at most 1000 times.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) repeat: u32,
    /// Run the cases in an order that this seed decides; it is the seed of everything else, too.
    #[arg(long, value_name = "SEED", conflicts_with = "seed")]
    pub(crate) shuffle: Option<u64>,
    /// End with the first case that fails.
    #[arg(long)]
    pub(crate) fail_fast: bool,
}

/// Which cases.
#[derive(Debug, Args)]
pub(crate) struct Chosen {
    /// Cases (publish.qos_3_is_malformed), globs (publish.*), statements (5:3.3.1-4, 3.1.1:3.3.1-4) or sections (5:3.3).
    /// [default: all]
    #[arg(value_name = "SELECTOR")]
    pub(crate) selectors: Vec<String>,
    /// Only in this version of MQTT; may be given several times. [default: both]
    #[arg(long, value_name = "VERSION", value_enum)]
    pub(crate) mqtt: Vec<Version>,
    /// Only cases about a statement with this word: must or should; may be given several times.
    #[arg(long, value_name = "WORD")]
    pub(crate) level: Vec<String>,
    /// Only cases with this tag; may be given several times.
    #[arg(long)]
    pub(crate) tag: Vec<String>,
}

/// How fast, and how random.
#[derive(Debug, Args)]
pub(crate) struct Pace {
    /// How many cases run side by side; most of them wait most of the time.
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) jobs: u16,
    /// The seed of everything random. [default: a new one, which is printed]
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Also write the observations to this file (- is standard output), one JSON object per line; `report` makes every other output of it.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) observations: Option<PathBuf>,
}

/// What a run leaves behind for others, any of them together. `-` is standard output; the terminal then has standard error.
#[derive(Debug, Args)]
pub(crate) struct Files {
    /// Write JUnit XML to this file (- is standard output), for CI servers: a suite for each broker, a case for each judgement.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) junit: Option<PathBuf>,
    /// Write one JSON document to this file (- is standard output), for programs; `schema` prints its schema.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) json: Option<PathBuf>,
    /// Write a page to this file (- is standard output), for people: brokers by statements, each cell with its evidence.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) html: Option<PathBuf>,
}

/// A version of MQTT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Version {
    /// MQTT 3.1.1.
    #[value(name = "3.1.1", alias = "3")]
    V3_1_1,
    /// MQTT 5.0.
    #[value(name = "5", alias = "5.0")]
    V5,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConformanceVerb {
    /// List the cases, one per line: id, versions, title.
    List(Chosen),
    /// Say everything about cases: what they decide, what they need, what must make them fail.
    Explain(Chosen),
    /// List every statement of both standards with the cases that decide it, or the reason why none can.
    Coverage {
        /// Only statements that nothing decides and nothing excuses; exit code 3 when there are any.
        #[arg(long)]
        open: bool,
    },
    /// Prove that the cases can fail: each against the mutants that it exists to catch. Exit code 3 when one survives.
    Prove(Prove),
    /// Show a recorded run or proof again, and write its files, from what --observations wrote. Exit code 0 when that worked,
    /// whatever the run came to.
    Report {
        /// What --observations wrote.
        #[arg(value_hint = ValueHint::FilePath)]
        observations: PathBuf,
        #[command(flatten)]
        files: Files,
    },
    /// Print the JSON schema of what --json writes.
    Schema,
    /// Run random programs of several clients against a broker, and compare what each saw with what a model allows.
    ///
    /// Also topic matching against a naive matcher, and two cooperating senders of which one mutates its packets. A finding
    /// is shrunk to the shortest program that shows it, and printed as a file that `replay` runs again.
    Properties(Properties),
    /// Run a program again that `properties` found, with every packet.
    Replay(Replay),
    /// Run the same programs on two brokers, and say what differs and why the standard allows it.
    Differential(Differential),
}

#[derive(Debug, Args)]
pub(crate) struct Prove {
    #[command(flatten)]
    pub(crate) chosen: Chosen,
    #[command(flatten)]
    pub(crate) pace: Pace,
    #[command(flatten)]
    pub(crate) files: Files,
    /// Try every chosen case with the mutants of all cases, and print who sees which.
    #[arg(long)]
    pub(crate) matrix: bool,
}
