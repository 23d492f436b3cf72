//! What the matrix has rows for.

use super::anchor;
use crate::observation::{CaseJudged, CaseVerdict, FindingLevel};
use crate::suite::{
    Standing, Suite,
    standing::{Standings, Verdict},
    words,
};
use std::collections::BTreeMap;

/// What a row is about: a statement, or a case that found something which has no number.
pub(super) struct Topic<'a> {
    /// Unique on the page, fit for the address of a place on it.
    pub(super) key: String,
    pub(super) version: &'a str,
    /// Number of the statement, or name of the case.
    pub(super) label: &'a str,
    /// As it is cited.
    pub(super) mark: String,
    pub(super) level: &'a str,
    /// Number and title, or where the rule stands.
    pub(super) section: String,
    pub(super) text: &'a str,
    /// One for each target.
    pub(super) verdicts: Vec<Verdict<'a>>,
}

impl Topic<'_> {
    /// Whether there is more to say than the row does.
    pub(super) fn has_panel(&self) -> bool {
        self.verdicts.iter().any(|verdict| !verdict.judged.is_empty())
    }

    /// Whether a target has a place of its own in the evidence: where there is more to say than that it passes.
    pub(super) fn stands_out(&self, target: usize) -> bool {
        let verdict = &self.verdicts[target];
        let plain = |judged: &&CaseJudged| judged.verdict == CaseVerdict::Pass && judged.notes.is_empty();
        verdict.standing != Standing::Pass && !verdict.judged.is_empty() || !verdict.judged.iter().all(plain)
    }

    /// Where the evidence of a target is, without the sign for a place on the page.
    pub(super) fn place(&self, target: usize) -> Option<String> {
        match (self.has_panel(), self.stands_out(target)) {
            (false, _) => None,
            (true, false) => Some(format!("s{}", self.key)),
            (true, true) => Some(format!("s{}~{target}", self.key)),
        }
    }
}

/// Every row; none for a proof.
pub(super) fn topics<'a>(suite: &'a Suite, standings: &Standings<'a>) -> Vec<Topic<'a>> {
    if !suite.mutants.is_empty() {
        return Vec::new();
    }
    let numbered = suite.statements().iter().map(|statement| Topic {
        key: anchor(&format!("{}-{}", statement.version, statement.number)),
        version: &statement.version,
        label: &statement.number,
        mark: words::mark(&statement.version, &statement.number),
        level: &statement.level,
        section: statement.section.clone(),
        text: &statement.text,
        verdicts: suite.targets().iter().map(|target| standings.verdict(target, statement)).collect(),
    });
    numbered.chain(unnumbered(suite)).collect()
}

/// Whether a judgement says something that belongs to no numbered statement.
pub(super) fn is_unnumbered(judged: &CaseJudged) -> bool {
    let departure = words::departs(judged.verdict) && judged.findings.iter().any(|one| one.statement.is_none());
    departure || judged.statements.is_empty()
}

fn unnumbered(suite: &Suite) -> Vec<Topic<'_>> {
    let mut found: BTreeMap<(&str, &str), Vec<&CaseJudged>> = BTreeMap::new();
    for judged in suite.judged().into_iter().filter(|judged| is_unnumbered(judged)) {
        found.entry((&judged.version, &judged.case)).or_default().push(judged);
    }
    let mut topics = Vec::new();
    for ((version, case), judged) in found {
        let verdicts = suite.targets().iter().map(|target| {
            let judged: Vec<&CaseJudged> = judged.iter().copied().filter(|one| one.target == target.name).collect();
            let standing = judged.iter().map(|judged| beyond(judged)).max().unwrap_or(Standing::NotRun);
            let reason = judged.first().map_or("found nothing here", |judged| judged.reason.as_str()).to_owned();
            Verdict { standing, judged, reason }
        });
        topics.push(Topic {
            key: anchor(&format!("{version}-{case}")),
            version,
            label: case,
            mark: case.to_owned(),
            level: "",
            section: rules(suite, version, case),
            text: suite.case(case).map_or("", |case| &case.title),
            verdicts: verdicts.collect(),
        });
    }
    topics
}

/// Where the rules stand that a case decides in a version.
fn rules(suite: &Suite, version: &str, case: &str) -> String {
    let all = suite.case(case).map_or(&[][..], |case| &case.rules);
    let here = all.iter().filter_map(|rule| rule.strip_prefix(version)?.strip_prefix(':'));
    here.collect::<Vec<_>>().join("; ")
}

fn beyond(judged: &CaseJudged) -> Standing {
    let of = judged.findings.iter().filter(|finding| finding.statement.is_none()).map(|finding| finding.level).min();
    match (of, judged.verdict) {
        (Some(_), _) if judged.deviation.is_some() => Standing::Known,
        (Some(FindingLevel::Must), _) => Standing::Fail,
        (Some(FindingLevel::Should), _) => Standing::Warn,
        (None, CaseVerdict::NotApplicable) => Standing::NotApplicable,
        (None, CaseVerdict::Inconclusive | CaseVerdict::Fail) => Standing::Inconclusive,
        (None, CaseVerdict::Error) => Standing::Error,
        (None, CaseVerdict::Pass | CaseVerdict::Warn) => Standing::Pass,
    }
}
