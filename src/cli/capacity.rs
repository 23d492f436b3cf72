//! `paddock capacity`.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, ValueEnum, ValueHint};

use super::{Engine, Metrics, Target};

#[derive(Debug, Args)]
pub(crate) struct Capacity {
    /// A scenario file, or the name of one in the catalogue (see `paddock scenarios list`).
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) scenario: String,
    #[command(flatten)]
    pub(crate) target: Target,
    /// What the steps vary. [default: what the scenario says, or rate]
    #[arg(long, value_enum)]
    pub(crate) search: Option<Dimension>,
    /// What a step must hold, such as "p(99)<200ms" or "loss count==0"; may be given several times. [default: what the
    /// scenario's search section says, or its thresholds, or p(99)<200ms and no loss]
    #[arg(long, value_name = "DEMAND")]
    pub(crate) slo: Vec<String>,
    /// The first figure tried. [default: what the scenario says, or its own rate or connections]
    #[arg(long, value_name = "FIGURE")]
    pub(crate) start: Option<f64>,
    /// The highest figure tried. [default: what the scenario says, or what this machine allows]
    #[arg(long, value_name = "FIGURE")]
    pub(crate) max: Option<f64>,
    /// How far the answer may lie below what no longer holds, 1% to 50%. [default: what the scenario says, or 5%]
    #[arg(long, value_name = "PERCENT", value_parser = tolerance)]
    pub(crate) tolerance: Option<f64>,
    /// How many runs of three times the length the answer must hold, 1 to 20. [default: what the scenario says, or 3]
    #[arg(long, value_name = "TIMES", value_parser = clap::value_parser!(u32).range(1..=20))]
    pub(crate) confirm: Option<u32>,
    /// How long each step is measured. [default: what the scenario says, or 10s]
    #[arg(long, value_name = "DURATION", value_parser = length)]
    pub(crate) step_length: Option<Duration>,
    #[command(flatten)]
    pub(crate) metrics: Metrics,
    /// Show the steps in a web browser while they run, at this address, such as 127.0.0.1:8080; port 0 picks a free one. The same
    /// address answers a scrape of /metrics. Whoever reaches it may look on: it asks for no password.
    #[arg(long, value_name = "ADDR:PORT")]
    pub(crate) live: Option<SocketAddr>,
    /// How long that page stays reachable after the search, such as 10m; Ctrl-C ends it. Pages that are open then keep the report
    /// in any case. [default: 0s]
    #[arg(long, value_name = "DURATION", requires = "live")]
    pub(crate) live_linger: Option<String>,
    /// The seed of everything random; every step has the same.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// The MQTT client that devices use. [default: what the scenario says]
    #[arg(long, value_enum)]
    pub(crate) engine: Option<Engine>,
    /// Search the generator's own ceiling instead: the same scenario against a sink that does as little as can be done.
    #[arg(long, conflicts_with_all = ["target", "ceiling_of", "page"])]
    pub(crate) ceiling: bool,
    /// The capacity.json of an earlier --ceiling of this scenario on this machine. [default: measured when the answer needs it]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) ceiling_of: Option<PathBuf>,
    /// The folder for report.html, capacity.json and the run folders of the steps; it must not hold another search.
    /// [default: runs/TIME-SCENARIO-capacity]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) out: Option<PathBuf>,
}

/// What the steps of a search vary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Dimension {
    /// Messages per second over all devices; the rates of all stages in proportion.
    Rate,
    /// Open connections: idle ones besides the scenario's, whose load goes on.
    Connections,
    /// Subscribers that each message goes to, in place of the scenario's.
    FanOut,
}

/// A sink that does as little as can be done, for measuring the generator itself.
#[derive(Debug, Args)]
pub(crate) struct NullSink {
    /// Take only so many PUBLISH packets per second: a broker whose capacity is known.
    #[arg(long, value_name = "RATE")]
    pub(crate) messages_per_second: Option<f64>,
    /// End when stdin ends.
    #[arg(long)]
    pub(crate) exit_with_parent: bool,
}

fn tolerance(text: &str) -> Result<f64, String> {
    let percent: f64 = text.trim_end_matches('%').trim().parse().map_err(|_| "write such as 5%".to_owned())?;
    if (1.0..=50.0).contains(&percent) { Ok(percent / 100.0) } else { Err("it is from 1% to 50%".to_owned()) }
}

fn length(text: &str) -> Result<Duration, String> {
    let length = scenarios::model::parse_duration(text).map_err(|error| format!("{error}; write such as 10s"))?;
    if length.is_zero() { Err("a step needs some time; say 10s".to_owned()) } else { Ok(length) }
}
