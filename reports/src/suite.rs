//! A conformance run or a proof as a whole: a fold over its observations, from which its documents are made.

mod document;
mod html;
mod junit;
pub(crate) mod outcome;
mod outputs;
mod standing;
pub(crate) mod words;

pub use document::{SUITE_SCHEMA, suite_json, suite_schema};
pub use html::suite_html;
pub use junit::suite_junit;
pub use outputs::{SuiteFiles, SuiteOutput};

use crate::observation::{
    CaseJudged, CaseVerdict, MutantJudged, Observation, SuiteCase, SuiteEnded, SuiteStarted, SuiteStatement,
    SuiteTarget,
};
use crate::reader::{ReadError, Reader};
use crate::sink::Sink;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use standing::{Standing, StatementCounts};
use std::path::Path;

/// Everything that a conformance run or a proof said.
#[derive(Debug, Clone, Default)]
pub struct Suite {
    started: Option<Box<SuiteStarted>>,
    judged: Vec<CaseJudged>,
    mutants: Vec<MutantJudged>,
    ended: Option<SuiteEnded>,
}

/// Why a recorded conformance run cannot be shown again.
#[derive(Debug, thiserror::Error)]
pub enum SuiteError {
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It is a run of a scenario.
    #[error("{0} holds no conformance run: its first line is not suite_started")]
    NotASuite(String),
    /// A sink cannot be written.
    #[error(transparent)]
    Write(#[from] std::io::Error),
}

impl Suite {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A recorded run, which `sink` sees as if it happened now. One that was cut off is read as far as it went.
    ///
    /// # Errors
    /// When the file cannot be read, holds something else, or the sink fails.
    pub fn replay(path: &Path, sink: &mut dyn Sink) -> Result<Self, SuiteError> {
        let mut suite = Self::new();
        for observation in Reader::open(path)? {
            let observation = observation?;
            if suite.started.is_none() && !matches!(observation, Observation::SuiteStarted(_)) {
                return Err(SuiteError::NotASuite(path.display().to_string()));
            }
            suite.apply(&observation);
            sink.record(&observation)?;
        }
        Ok(suite)
    }

    /// Takes the next observation.
    pub fn apply(&mut self, observation: &Observation) {
        match observation {
            Observation::SuiteStarted(started) => self.started = Some(started.clone()),
            Observation::CaseJudged(judged) => self.judged.push(CaseJudged::clone(judged)),
            Observation::MutantJudged(judged) => self.mutants.push(MutantJudged::clone(judged)),
            Observation::SuiteEnded(ended) => self.ended = Some(ended.clone()),
            _ => {}
        }
    }

    /// The frame, once there is one.
    pub fn started(&self) -> Option<&SuiteStarted> {
        self.started.as_deref()
    }

    /// How it ended; absent for a run that was cut off.
    pub fn ended(&self) -> Option<&SuiteEnded> {
        self.ended.as_ref()
    }

    /// The brokers under test.
    pub fn targets(&self) -> &[SuiteTarget] {
        self.started().map_or(&[], |started| &started.targets)
    }

    /// Every statement of both standards, the older first.
    pub fn statements(&self) -> &[SuiteStatement] {
        self.started().map_or(&[], |started| &started.statements)
    }

    /// The cases that were selected.
    pub fn cases(&self) -> &[SuiteCase] {
        self.started().map_or(&[], |started| &started.cases)
    }

    /// The case of that name, if it was selected.
    pub fn case(&self, id: &str) -> Option<&SuiteCase> {
        self.cases().iter().find(|case| case.id == id)
    }

    /// Every judgement, by target, then in the order of the cases, whatever the order in which they came.
    pub fn judged(&self) -> Vec<&CaseJudged> {
        let target = |name: &str| self.targets().iter().position(|target| target.name == name);
        let places = self.places();
        let mut judged: Vec<&CaseJudged> = self.judged.iter().collect();
        judged.sort_by_cached_key(|one| {
            let case = places.get(one.case.as_str()).copied();
            (target(&one.target), case, one.case.clone(), one.version.clone(), one.repetition)
        });
        judged
    }

    /// What the mutants showed, by owner, mutant and case; empty for a run that judged.
    pub fn mutants(&self) -> Vec<&MutantJudged> {
        let places = self.places();
        let mut mutants: Vec<&MutantJudged> = self.mutants.iter().collect();
        mutants.sort_by_cached_key(|one| {
            let owner = places.get(one.owner.as_str()).copied();
            (owner.is_none(), owner, one.owner.clone(), one.mutant.clone(), one.version.clone(), one.case.clone())
        });
        mutants
    }

    fn places(&self) -> std::collections::HashMap<&str, usize> {
        self.cases().iter().enumerate().map(|(place, case)| (case.id.as_str(), place)).collect()
    }

    /// Judgements that were planned and never came.
    pub fn missing(&self) -> u64 {
        let came = (self.judged.len() + self.mutants.len()) as u64;
        self.started().map_or(0, |started| started.planned.saturating_sub(came))
    }

    /// How the cases of a target came out; of all targets without a name.
    pub fn counts(&self, target: Option<&str>) -> CaseCounts {
        let of_target = |judged: &&CaseJudged| target.is_none_or(|name| judged.target == name);
        let mut counts = CaseCounts::default();
        self.judged.iter().filter(of_target).for_each(|judged| counts.add(judged));
        counts
    }
}

/// How cases came out. A departure that is known and accepted counts as known and nowhere else.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CaseCounts {
    /// Did what the standard says.
    pub pass: u64,
    /// Departed from a SHOULD.
    pub warn: u64,
    /// Broke a MUST.
    pub fail: u64,
    /// What the case is about is not offered.
    pub not_applicable: u64,
    /// The case did not come to its point.
    pub inconclusive: u64,
    /// The suite failed.
    pub error: u64,
    /// Departed where the target's descriptor says that it does.
    pub known: u64,
}

impl CaseCounts {
    pub(crate) fn add(&mut self, judged: &CaseJudged) {
        *match judged.verdict {
            _ if judged.deviation.is_some() => &mut self.known,
            CaseVerdict::Pass => &mut self.pass,
            CaseVerdict::Warn => &mut self.warn,
            CaseVerdict::Fail => &mut self.fail,
            CaseVerdict::NotApplicable => &mut self.not_applicable,
            CaseVerdict::Inconclusive => &mut self.inconclusive,
            CaseVerdict::Error => &mut self.error,
        } += 1;
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.pass += other.pass;
        self.warn += other.warn;
        self.fail += other.fail;
        self.known += other.known;
        self.not_applicable += other.not_applicable;
        self.inconclusive += other.inconclusive;
        self.error += other.error;
    }

    /// With their names, the best first.
    pub(crate) fn named(&self) -> [(&'static str, u64); 7] {
        [
            ("pass", self.pass),
            ("warn", self.warn),
            ("fail", self.fail),
            ("known", self.known),
            ("not applicable", self.not_applicable),
            ("inconclusive", self.inconclusive),
            ("error", self.error),
        ]
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        self.named().iter().map(|(_, number)| number).sum()
    }
}
