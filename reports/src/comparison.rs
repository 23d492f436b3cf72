//! `comparison.json`: two sides, measured run by run, and whether the new one is worse. The schema is
//! `comparison.schema.json` beside this crate's manifest.
//!
//! The unit of a comparison is the run: each metric has one value per run, because samples within a run depend on each
//! other. What is said about a metric comes from these values alone.
//!
//! Start reading at [`Comparison`]. [`Comparison::text`] shows it on a terminal, [`Comparison::junit`] to CI servers. This
//! crate works nothing out: intervals and verdicts arrive with the document.

mod junit;
mod link;
mod terminal;

pub(crate) use self::link::is_ours;

use crate::observation::{Environment, ScenarioInfo, TargetInfo, Tool, Unit};
use schemars::{JsonSchema, Schema, schema_for};
use serde::{Deserialize, Serialize};

/// Number of the document's schema. Added fields leave it alone.
pub const COMPARISON_SCHEMA: u32 = 1;

/// Two sides compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "Comparison of Paddock runs")]
pub struct Comparison {
    /// Schema number; readers accept what they know and ignore the rest.
    pub schema: u32,
    /// The program that compared.
    pub tool: Tool,
    /// Wall clock of the comparison, RFC 3339.
    pub compared_at: String,
    /// The command line that reproduces it.
    pub command: Vec<String>,
    /// What both sides ran.
    pub scenario: ScenarioInfo,
    /// Seed of both sides' runs.
    pub seed: u64,
    /// The machine of the base's runs.
    pub environment: Environment,
    /// How it was judged.
    pub settings: Settings,
    /// What is compared with.
    pub base: Side,
    /// What is judged.
    pub new: Side,
    /// Every metric, in the order asked for.
    pub metrics: Vec<Compared>,
    /// The verdict in all.
    pub verdict: Outcome,
    /// Exit code of the process: 0 pass, 6 regressed, 8 inconclusive; another one where nothing came to be compared, such as 5 for
    /// a broker that could not be reached.
    pub exit_code: u8,
    /// The verdict in words, one sentence.
    pub headline: String,
    /// Why, most important first; empty for a pass.
    pub reasons: Vec<String>,
    /// What a reader should know; figures stand.
    pub warnings: Vec<String>,
}

/// How a comparison was judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Settings {
    /// Probability that an interval holds the true change, 0 to 1.
    pub confidence: f64,
    /// The change for the worse that is tolerated, as a share of the base: 0.05 is 5 %.
    pub max_regression: f64,
    /// Runs of each side that were asked for; absent when recorded runs were compared.
    pub repeats: Option<u32>,
    /// Resamples behind each interval.
    pub resamples: u32,
    /// Seed of the resampling and of the order of runs.
    pub seed: u64,
    /// Whether runs of both sides took turns, so that a drift of the machine meets both.
    pub interleaved: bool,
}

/// One side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Side {
    /// As the user named it.
    pub name: String,
    /// The broker of its first run.
    pub target: TargetInfo,
    /// Its runs, in the order of time.
    pub runs: Vec<ComparedRun>,
}

/// One run of a side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ComparedRun {
    /// Its folder.
    pub folder: String,
    /// Its identity.
    pub run_id: String,
    /// Wall clock at its start, RFC 3339.
    pub started_at: String,
    /// Its own exit code; absent for a run that was cut off.
    pub exit_code: Option<u8>,
    /// Whether its figures count.
    pub counted: bool,
    /// Why they do not count; else empty.
    pub reason: String,
    /// Where its report is: a URL relative to the comparison's folder, such as `01-base/report.html`; absent when it has none there.
    #[serde(default)]
    pub report: Option<String>,
}

/// One metric on both sides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Compared {
    /// As `[compare]` writes it: `e2e{qos:1} p(99)`.
    pub metric: String,
    /// For people: `end to end p99 at QoS 1`.
    pub title: String,
    /// Unit of all values.
    pub unit: Unit,
    /// Which direction is good.
    pub better: Better,
    /// One value for each counted run of the base.
    pub base: Values,
    /// One value for each counted run of the new side.
    pub new: Values,
    /// New less base, in the unit.
    pub difference: Option<Interval>,
    /// New less base as a share of the base: 0.05 is 5 % more. Absent when the base is zero.
    pub change: Option<Interval>,
    /// What of `change` is tolerated for the worse.
    pub tolerance: f64,
    /// Its verdict.
    pub verdict: Outcome,
    /// Why, in words; empty for a pass.
    pub reason: String,
}

/// The values of one metric on one side.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Values {
    /// In the order of the counted runs; a run that did not measure it is left out.
    pub per_run: Vec<f64>,
    /// Their mean; absent when there are none.
    pub mean: Option<f64>,
}

/// An estimate and the interval around it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Interval {
    /// The estimate.
    pub estimate: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Which direction of a metric is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// Latency, losses, cost.
    Lower,
    /// Rates.
    Higher,
}

/// What a comparison found, of one metric or in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// No worse than the base, within the tolerance.
    Pass,
    /// Worse than the base by more than the tolerance.
    Regressed,
    /// Cannot be told: too few runs, or too wide an interval.
    Inconclusive,
}

impl Outcome {
    /// The word for it: `PASS`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Regressed => "REGRESSED",
            Self::Inconclusive => "INCONCLUSIVE",
        }
    }
}

impl Comparison {
    /// The document, pretty-printed, with a final line break.
    ///
    /// # Errors
    /// When a figure cannot be written as JSON.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        Ok(text)
    }
}

/// The JSON schema of [`Comparison::json`].
#[must_use]
pub fn comparison_schema() -> Schema {
    schema_for!(Comparison)
}
