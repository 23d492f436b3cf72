//! What a conformance run saw: one judgement for each case, version, target and repetition, with its evidence.
//!
//! Order in a file: one [`SuiteStarted`]; then [`CaseJudged`] and [`MutantJudged`] as they come; then one [`SuiteEnded`].

use super::{Ending, Tool, nanoseconds};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// First line of a conformance run: everything that is known before the first case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SuiteStarted {
    /// [`SCHEMA`](super::SCHEMA) of the writer.
    pub schema: u32,
    /// The program that ran.
    pub tool: Tool,
    /// Seed of everything random: identifiers, order, payloads.
    pub seed: u64,
    /// Wall clock at offset zero.
    #[schemars(with = "String")]
    pub started_at: Timestamp,
    /// The command line that reproduces the run, program name first, secrets already replaced by the caller.
    #[serde(default)]
    pub command: Vec<String>,
    /// Whether a departure from a SHOULD counts against the target.
    #[serde(default)]
    pub strict: bool,
    /// The brokers under test.
    pub targets: Vec<SuiteTarget>,
    /// Every statement of both standards, whether decided in this run or not.
    #[serde(default)]
    pub statements: Vec<SuiteStatement>,
    /// Every case that was selected.
    #[serde(default)]
    pub cases: Vec<SuiteCase>,
    /// Judgements to come, for progress; 0 when not known.
    #[serde(default)]
    pub planned: u64,
}

/// A broker under test.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SuiteTarget {
    /// Unique within the run: `mosquitto`.
    pub name: String,
    /// What stands there, as far as known: `Mosquitto 2.0.11`.
    #[serde(default)]
    pub description: String,
    /// URL without credentials.
    #[serde(default)]
    pub address: String,
    /// Protocol versions spoken: `3.1.1`, `5.0`.
    #[serde(default)]
    pub versions: Vec<String>,
    /// Names of what it offers or is known to lack.
    #[serde(default)]
    pub capabilities: Vec<String>,
}

/// A numbered statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SuiteStatement {
    /// `3.1.1` or `5.0`.
    pub version: String,
    /// `3.3.1-4`.
    pub number: String,
    /// Section number and title: `3.3.1 PUBLISH fixed header`.
    pub section: String,
    /// `MUST`, `MUST NOT`, `SHOULD`, joined by `+`.
    pub level: String,
    /// What it says, in our words.
    pub text: String,
    /// Why no case decides it; absent when one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excused: Option<String>,
}

/// A case of the suite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SuiteCase {
    /// `publish.qos_3_is_malformed`.
    pub id: String,
    /// What must be true, in one sentence.
    pub title: String,
    /// What it decides: `3.1.1:3.3.1-4`, `5.0:3.3.1-4`.
    pub statements: Vec<String>,
    /// Rules without a number that it decides, by where they stand: `5.0:section 4.9`.
    #[serde(default)]
    pub rules: Vec<String>,
    /// Names of the capabilities that it needs.
    #[serde(default)]
    pub needs: Vec<String>,
    /// Words to select it by.
    #[serde(default)]
    pub tags: Vec<String>,
}

/// One case, judged against one target in one version of the protocol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CaseJudged {
    /// When it ended.
    #[serde(rename = "at_ns", with = "nanoseconds")]
    #[schemars(with = "u64")]
    pub at: Duration,
    /// How long it took.
    #[serde(rename = "took_ns", with = "nanoseconds")]
    #[schemars(with = "u64")]
    pub took: Duration,
    /// [`SuiteTarget::name`].
    pub target: String,
    /// Which configuration of the target, where it has several: `limited`. Empty otherwise.
    #[serde(default)]
    pub configuration: String,
    /// [`SuiteCase::id`].
    pub case: String,
    /// `3.1.1` or `5.0`.
    pub version: String,
    /// The statements of that version that it decides: `3.3.1-4`.
    pub statements: Vec<String>,
    /// From 1, when every case runs several times.
    pub repetition: u32,
    /// The judgement.
    pub verdict: CaseVerdict,
    /// Why it is not applicable, inconclusive, or an error; empty otherwise.
    #[serde(default)]
    pub reason: String,
    /// Departures from the standard, the gravest first.
    #[serde(default)]
    pub findings: Vec<CaseFinding>,
    /// Which of several lawful outcomes was seen.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Why this target is known to depart here; its findings are still there, and do not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deviation: Option<String>,
    /// The packets, when the verdict is not a plain pass.
    #[serde(default)]
    pub transcript: Vec<TranscriptLine>,
}

/// How a case came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CaseVerdict {
    /// The target did what the standard says.
    Pass,
    /// It departed from a SHOULD, or there is advice.
    Warn,
    /// It broke a MUST.
    Fail,
    /// It does not offer what the case is about.
    NotApplicable,
    /// The case did not come to its point: what it needs first did not work.
    Inconclusive,
    /// The suite failed, not the target.
    Error,
}

impl CaseVerdict {
    /// All of them, the best first.
    pub const ALL: [Self; 6] =
        [Self::Pass, Self::Warn, Self::Fail, Self::NotApplicable, Self::Inconclusive, Self::Error];

    /// In words, for people.
    pub fn text(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::NotApplicable => "not applicable",
            Self::Inconclusive => "inconclusive",
            Self::Error => "error",
        }
    }
}

/// One departure from the standard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CaseFinding {
    /// How much it weighs.
    pub level: FindingLevel,
    /// The statement, of the version that was spoken: `3.3.1-4`; absent when the standard's text has no number for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<String>,
    /// What the standard wants.
    pub expected: String,
    /// What came.
    pub seen: String,
}

/// How much a departure weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FindingLevel {
    /// A MUST was broken.
    Must,
    /// A SHOULD was departed from.
    Should,
}

/// One line of the evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TranscriptLine {
    /// Since the case began.
    #[serde(rename = "at_ns", with = "nanoseconds")]
    #[schemars(with = "u64")]
    pub at: Duration,
    /// The client of the case that it is about; empty for a remark of the case.
    pub peer: String,
    /// What it is.
    pub event: LineKind,
    /// Decoded, in one line.
    pub text: String,
    /// The bytes, in lower-case hex without spaces; cut when very long; empty where there are none.
    #[serde(default)]
    pub hex: String,
}

/// What a line of the evidence is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LineKind {
    /// The suite opened a connection.
    Opened,
    /// The suite sent it.
    Sent,
    /// The target sent it.
    Received,
    /// The connection ended.
    Closed,
    /// A remark of the case.
    Remark,
}

/// One mutant, tried with one case: whether the case can fail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MutantJudged {
    /// When it ended.
    #[serde(rename = "at_ns", with = "nanoseconds")]
    #[schemars(with = "u64")]
    pub at: Duration,
    /// [`SuiteCase::id`].
    pub case: String,
    /// `3.1.1` or `5.0`.
    pub version: String,
    /// The case that the mutant belongs to.
    pub owner: String,
    /// What the mutant does: `loses the acknowledgement`.
    pub mutant: String,
    /// What the case said of it.
    pub verdict: CaseVerdict,
    /// Whether the case saw it: a finding about a statement that the case decides.
    pub killed: bool,
    /// What it saw, or why it saw nothing.
    #[serde(default)]
    pub seen: String,
}

/// Last line of a conformance run that ended in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SuiteEnded {
    /// When.
    #[serde(rename = "at_ns", with = "nanoseconds")]
    #[schemars(with = "u64")]
    pub at: Duration,
    /// Wall clock.
    #[schemars(with = "String")]
    pub ended_at: Timestamp,
    /// How.
    pub ending: Ending,
    /// Exit code of the process (design: exit codes of every verb).
    pub exit_code: u8,
    /// One fragment per reason, most important first; empty for a clean pass.
    #[serde(default)]
    pub reasons: Vec<String>,
}
