//! Where a target stands with a statement: the worst of what the cases say that decide it.
//!
//! Nobody is accused for a neighbour's fault. A case that decides several statements and breaks off over one of them says
//! nothing about the others, and a breach that some other case happened upon counts against the statement that it names.

use super::Suite;
use crate::observation::{CaseJudged, CaseVerdict, FindingLevel, SuiteStatement, SuiteTarget};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Where a target stands with a statement, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Standing {
    /// No case can decide it, for a reason.
    Excused,
    /// No case that ran decides it.
    NotRun,
    /// The target does not offer what it is about.
    NotApplicable,
    /// Every case that came to its point found it kept.
    Pass,
    /// A SHOULD was departed from.
    Warn,
    /// It is broken, and the target's descriptor says that it is known.
    Known,
    /// A case did not come to its point.
    Inconclusive,
    /// The suite failed.
    Error,
    /// It is broken.
    Fail,
}

impl Standing {
    /// All of them, the worst first.
    pub(super) const ALL: [Self; 9] = [
        Self::Fail,
        Self::Error,
        Self::Inconclusive,
        Self::Known,
        Self::Warn,
        Self::Pass,
        Self::NotApplicable,
        Self::NotRun,
        Self::Excused,
    ];

    /// Whether a case said whether the statement is kept.
    pub(super) fn is_decided(self) -> bool {
        matches!(self, Self::Pass | Self::Warn | Self::Known | Self::Fail)
    }
}

/// A target's standing with one statement, and why.
#[derive(Debug, Clone)]
pub(super) struct Verdict<'a> {
    /// The standing.
    pub(super) standing: Standing,
    /// The judgements that it follows from, in the order of the cases.
    pub(super) judged: Vec<&'a CaseJudged>,
    /// Why nothing was decided; empty otherwise.
    pub(super) reason: String,
}

/// How many statements stand how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(super) struct StatementCounts {
    /// Kept.
    pub(super) pass: u64,
    /// A SHOULD was departed from.
    pub(super) warn: u64,
    /// Broken.
    pub(super) fail: u64,
    /// Broken, and known to be.
    pub(super) known: u64,
    /// What they are about is not offered.
    pub(super) not_applicable: u64,
    /// No case came to its point.
    pub(super) inconclusive: u64,
    /// The suite failed.
    pub(super) error: u64,
    /// No case that ran decides them.
    pub(super) not_run: u64,
    /// No case can decide them.
    pub(super) excused: u64,
}

impl StatementCounts {
    pub(super) fn add(&mut self, standing: Standing) {
        *match standing {
            Standing::Excused => &mut self.excused,
            Standing::NotRun => &mut self.not_run,
            Standing::NotApplicable => &mut self.not_applicable,
            Standing::Pass => &mut self.pass,
            Standing::Warn => &mut self.warn,
            Standing::Known => &mut self.known,
            Standing::Inconclusive => &mut self.inconclusive,
            Standing::Error => &mut self.error,
            Standing::Fail => &mut self.fail,
        } += 1;
    }

    /// How many stand so.
    pub(super) fn of(&self, standing: Standing) -> u64 {
        match standing {
            Standing::Excused => self.excused,
            Standing::NotRun => self.not_run,
            Standing::NotApplicable => self.not_applicable,
            Standing::Pass => self.pass,
            Standing::Warn => self.warn,
            Standing::Known => self.known,
            Standing::Inconclusive => self.inconclusive,
            Standing::Error => self.error,
            Standing::Fail => self.fail,
        }
    }

    /// How many were decided.
    pub(super) fn decided(&self) -> u64 {
        Standing::ALL.into_iter().filter(|standing| standing.is_decided()).map(|standing| self.of(standing)).sum()
    }
}

/// Judgements by target, version and statement.
pub(super) struct Standings<'a> {
    suite: &'a Suite,
    said: HashMap<(&'a str, &'a str, &'a str), Vec<&'a CaseJudged>>,
}

impl<'a> Standings<'a> {
    pub(super) fn of(suite: &'a Suite) -> Self {
        let mut said: HashMap<_, Vec<&CaseJudged>> = HashMap::new();
        for judged in suite.judged() {
            let decided = judged.statements.iter().map(String::as_str);
            let cited = judged.findings.iter().filter_map(|finding| finding.statement.as_deref());
            let mut numbers: Vec<&str> = decided.chain(cited).collect();
            numbers.sort_unstable();
            numbers.dedup();
            for number in numbers {
                said.entry((judged.target.as_str(), judged.version.as_str(), number)).or_default().push(judged);
            }
        }
        Self { suite, said }
    }

    pub(super) fn verdict(&self, target: &SuiteTarget, statement: &SuiteStatement) -> Verdict<'a> {
        let key = (target.name.as_str(), statement.version.as_str(), statement.number.as_str());
        let judged = self.said.get(&key).cloned().unwrap_or_default();
        let standing = judged.iter().map(|judged| standing(judged, &statement.number)).max();
        let (standing, reason) = match (standing, &statement.excused) {
            (Some(Standing::NotApplicable), _) => (Standing::NotApplicable, reasons(&judged)),
            (Some(standing), _) => (standing, String::new()),
            (None, Some(reason)) => (Standing::Excused, reason.clone()),
            (None, None) => (Standing::NotRun, "no case that ran decides it".to_owned()),
        };
        Verdict { standing, judged, reason }
    }

    /// How the statements of a version stand.
    pub(super) fn counts(&self, target: &SuiteTarget, version: &str) -> StatementCounts {
        let mut counts = StatementCounts::default();
        let statements = self.suite.statements().iter().filter(|statement| statement.version == version);
        statements.for_each(|statement| counts.add(self.verdict(target, statement).standing));
        counts
    }
}

/// What one judgement says of one statement.
pub(super) fn standing(judged: &CaseJudged, number: &str) -> Standing {
    let cited = judged.findings.iter().filter(|finding| finding.statement.as_deref() == Some(number));
    let found = cited.map(|finding| finding.level).min().map(|level| match level {
        _ if judged.deviation.is_some() => Standing::Known,
        FindingLevel::Must => Standing::Fail,
        FindingLevel::Should => Standing::Warn,
    });
    let decides = judged.statements.iter().any(|decided| decided == number);
    let ended = match judged.verdict {
        // A finding that the case came upon: how the case ended is about others.
        _ if !decides => None,
        CaseVerdict::Pass | CaseVerdict::Warn => Some(Standing::Pass),
        CaseVerdict::NotApplicable => Some(Standing::NotApplicable),
        CaseVerdict::Inconclusive => Some(Standing::Inconclusive),
        CaseVerdict::Error => Some(Standing::Error),
        CaseVerdict::Fail if found.is_some() => None,
        CaseVerdict::Fail if judged.deviation.is_some() => Some(Standing::Known),
        CaseVerdict::Fail => Some(Standing::Inconclusive),
    };
    found.max(ended).unwrap_or(Standing::Pass)
}

fn reasons(judged: &[&CaseJudged]) -> String {
    let mut reasons: Vec<&str> = judged.iter().map(|judged| judged.reason.as_str()).collect();
    reasons.sort_unstable();
    reasons.dedup();
    reasons.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::CaseFinding;
    use std::time::Duration;

    fn judged(verdict: CaseVerdict, findings: &[(FindingLevel, &str)]) -> CaseJudged {
        let finding = |(level, number): &(FindingLevel, &str)| CaseFinding {
            level: *level,
            statement: Some((*number).to_owned()),
            expected: String::new(),
            seen: String::new(),
        };
        CaseJudged {
            at: Duration::ZERO,
            took: Duration::ZERO,
            target: "t".into(),
            configuration: String::new(),
            case: "a.b".into(),
            version: "5.0".into(),
            statements: vec!["1.1.1-1".into(), "1.1.1-2".into()],
            repetition: 1,
            verdict,
            reason: String::new(),
            findings: findings.iter().map(finding).collect(),
            notes: Vec::new(),
            deviation: None,
            transcript: Vec::new(),
        }
    }

    #[test]
    fn a_breach_counts_against_its_own_statement_alone() {
        let failed = judged(CaseVerdict::Fail, &[(FindingLevel::Must, "1.1.1-1"), (FindingLevel::Must, "9.9.9-9")]);
        assert_eq!(standing(&failed, "1.1.1-1"), Standing::Fail);
        assert_eq!(standing(&failed, "1.1.1-2"), Standing::Inconclusive);
        assert_eq!(standing(&failed, "9.9.9-9"), Standing::Fail);
    }

    #[test]
    fn advice_leaves_the_neighbours_alone() {
        let warned = judged(CaseVerdict::Warn, &[(FindingLevel::Should, "1.1.1-1")]);
        assert_eq!(standing(&warned, "1.1.1-1"), Standing::Warn);
        assert_eq!(standing(&warned, "1.1.1-2"), Standing::Pass);
    }

    #[test]
    fn a_known_departure_is_known_and_what_it_hides_too() {
        let breach = judged(CaseVerdict::Fail, &[(FindingLevel::Must, "1.1.1-1")]);
        let known = CaseJudged { deviation: Some("since 2.0".into()), ..breach };
        assert_eq!(standing(&known, "1.1.1-1"), Standing::Known);
        assert_eq!(standing(&known, "1.1.1-2"), Standing::Known);
    }

    #[test]
    fn what_was_not_decided_is_no_pass() {
        let of = |verdict, findings: &[_]| standing(&judged(verdict, findings), "1.1.1-1");
        assert_eq!(of(CaseVerdict::Pass, &[]), Standing::Pass);
        assert_eq!(of(CaseVerdict::NotApplicable, &[]), Standing::NotApplicable);
        assert_eq!(of(CaseVerdict::Inconclusive, &[]), Standing::Inconclusive);
        assert_eq!(of(CaseVerdict::Error, &[]), Standing::Error);
        assert_eq!(of(CaseVerdict::Inconclusive, &[(FindingLevel::Should, "1.1.1-1")]), Standing::Inconclusive);
        assert!(Standing::Pass > Standing::NotApplicable, "one case that passes decides");
    }
}
