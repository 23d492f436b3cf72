//! One case, tried once, and the judgement.

use std::{sync::Arc, time::Duration};

use futures_util::FutureExt;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use reports::observation::{CaseFinding, CaseVerdict, FindingLevel, TranscriptLine};
use tokio::time::Instant;
use wire::Draft;

use crate::{
    About, After, Bench, CaseResult, Chosen, Finding, Script, Site, Stop, Weight,
    desk::{Desk, Found},
    patience::Patience,
};

/// One try of a case.
#[derive(Clone, Debug)]
pub(crate) struct Trial {
    pub(crate) chosen: Chosen,
    pub(crate) site: Arc<Site>,
    /// The longest that it may take; whatever takes longer is an error of the case.
    pub(crate) deadline: Duration,
    /// Identifiers follow from it; no two tries against the same broker may share one.
    pub(crate) seed: u64,
}

/// How a try came out.
#[derive(Clone, Debug)]
pub(crate) struct Judgement {
    pub(crate) verdict: CaseVerdict,
    pub(crate) reason: String,
    pub(crate) findings: Vec<CaseFinding>,
    pub(crate) notes: Vec<String>,
    pub(crate) transcript: Vec<TranscriptLine>,
    pub(crate) took: Duration,
}

impl Trial {
    /// Tries it. Never panics and never hangs: both are errors of the case.
    pub(crate) async fn run(self) -> Judgement {
        let began = Instant::now();
        let version = self.chosen.version;
        if let Some(lacking) = self.site.lacks(self.chosen.case.needs) {
            return Judgement::without(CaseVerdict::NotApplicable, format!("the target does not offer {lacking}"));
        }
        if !self.site.versions.contains(&version) {
            return Judgement::without(CaseVerdict::NotApplicable, format!("the target does not speak MQTT {version}"));
        }
        let desk = Desk::new(version, Arc::clone(&self.site), tag(self.seed));
        let mut bench = Bench::new(desk.clone());
        let script = std::panic::AssertUnwindSafe(play(self.chosen.case.script, &mut bench)).catch_unwind();
        let result = match Patience::of(self.deadline).wait(script).await {
            Some(Ok(result)) => result,
            Some(Err(_)) => Err(Stop::Error("the case panicked".into())),
            None => Err(Stop::Error(format!("the case was not done within {:?}", self.deadline))),
        };
        let mut judgement = Judgement::of(result, desk.found(), &self.chosen);
        judgement.took = began.elapsed();
        if judgement.verdict != CaseVerdict::Pass {
            judgement.transcript = desk.transcript.lines();
        }
        judgement
    }
}

async fn play(script: Script, bench: &mut Bench) -> CaseResult {
    let (after, packet, outcomes) = match script {
        Script::Conversation(conversation) => return conversation(bench).await,
        Script::Row(after, packet, outcomes) => (after, packet, outcomes),
    };
    let draft: Draft = packet(bench);
    let mut peer = match after {
        After::Opening => bench.opened("client").await?,
        After::Connecting => bench.connected("client").await?,
    };
    peer.send(draft).await?;
    peer.expect_one_of(outcomes).await.map(|_| ())
}

/// Eight letters and digits that begin every name of a try.
fn tag(seed: u64) -> String {
    const LETTERS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    (0..8).map(|_| char::from(LETTERS[random.random_range(0..LETTERS.len())])).collect()
}

impl Judgement {
    /// Of a case that was not played.
    pub(crate) fn without(verdict: CaseVerdict, reason: String) -> Self {
        let (findings, notes, transcript) = (Vec::new(), Vec::new(), Vec::new());
        Self { verdict, reason, findings, notes, transcript, took: Duration::ZERO }
    }

    /// What was found decides first, then how the case stopped: a breach that was seen is one, whatever came after it.
    fn of(result: CaseResult, found: Found, chosen: &Chosen) -> Self {
        let mut findings = found.findings;
        let (stopped, reason) = match result {
            Ok(()) => (CaseVerdict::Pass, String::new()),
            Err(Stop::Breach(finding)) => {
                findings.push(finding);
                (CaseVerdict::Fail, String::new())
            }
            Err(Stop::NotApplicable(reason)) => (CaseVerdict::NotApplicable, reason),
            Err(Stop::Inconclusive(reason)) => (CaseVerdict::Inconclusive, reason),
            Err(Stop::Error(reason)) => (CaseVerdict::Error, reason),
        };
        findings.sort_by_key(|finding| finding.weight);
        let verdict = match (findings.first().map(|finding| finding.weight), stopped) {
            (_, CaseVerdict::Error) => CaseVerdict::Error,
            (Some(Weight::Must), _) => CaseVerdict::Fail,
            (Some(Weight::Should), CaseVerdict::Pass) => CaseVerdict::Warn,
            (_, stopped) => stopped,
        };
        let findings = findings.into_iter().map(|finding| filed(finding, chosen)).collect();
        Self { verdict, findings, notes: found.notes, ..Self::without(verdict, reason) }
    }
}

/// A finding as reports have it, with the number of its statement.
fn filed(finding: Finding, chosen: &Chosen) -> CaseFinding {
    let first = || chosen.case.numbers(chosen.version).next();
    let number = match finding.about {
        About::Case => first(),
        About::Statement(mark) => mark.in_version(chosen.version).or_else(first),
        About::Watched(mark) => mark.in_version(chosen.version),
        About::Unnumbered => None,
    };
    // Whoever reads it shall know where the rule stands.
    let place = match (finding.about, &number) {
        (About::Case, None) => chosen.case.rules(chosen.version).next().map(|place| format!(" ({place})")),
        _ => None,
    };
    CaseFinding {
        level: match finding.weight {
            Weight::Must => FindingLevel::Must,
            Weight::Should => FindingLevel::Should,
        },
        statement: number.map(str::to_owned),
        expected: finding.expected + &place.unwrap_or_default(),
        seen: finding.seen,
    }
}

#[cfg(test)]
mod tests {
    use wire::Version;

    use super::*;
    use crate::{Case, Mark};

    const CASE: Case = Case { id: "a.b", decides: &[Mark::Both("3.3.1-4")], ..Case::PLAIN };
    const CHOSEN: Chosen = Chosen { case: &CASE, version: Version::V5 };

    fn judged(result: CaseResult, findings: Vec<Finding>) -> Judgement {
        Judgement::of(result, Found { findings, notes: Vec::new() }, &CHOSEN)
    }

    #[test]
    fn what_was_found_weighs_more_than_how_it_stopped() {
        let (breach, departure) = (|| Finding::breach("a", "b"), || Finding::departure("c", "d"));
        let inconclusive = || Err(Stop::Inconclusive("e".into()));
        assert_eq!(judged(Ok(()), vec![]).verdict, CaseVerdict::Pass);
        assert_eq!(judged(Ok(()), vec![departure()]).verdict, CaseVerdict::Warn);
        assert_eq!(judged(Ok(()), vec![departure(), breach()]).verdict, CaseVerdict::Fail);
        assert_eq!(judged(Err(Stop::Breach(breach())), vec![departure()]).verdict, CaseVerdict::Fail);
        assert_eq!(judged(inconclusive(), vec![]).verdict, CaseVerdict::Inconclusive);
        assert_eq!(judged(inconclusive(), vec![departure()]).verdict, CaseVerdict::Inconclusive);
        assert_eq!(judged(inconclusive(), vec![breach()]).verdict, CaseVerdict::Fail);
        assert_eq!(judged(Err(Stop::Error("f".into())), vec![breach()]).verdict, CaseVerdict::Error);
    }

    #[test]
    fn findings_name_their_statement() {
        let number = |about| filed(Finding { about, ..Finding::breach("a", "b") }, &CHOSEN).statement;
        assert_eq!(number(About::Case).as_deref(), Some("3.3.1-4"));
        assert_eq!(number(About::Statement(Mark::V5("4.3.2-4"))).as_deref(), Some("4.3.2-4"));
        assert_eq!(number(About::Statement(Mark::V311("4.3.2-2"))).as_deref(), Some("3.3.1-4"));
        assert_eq!(number(About::Unnumbered), None);
    }

    #[test]
    fn tries_have_names_of_their_own() {
        assert_eq!(tag(7), tag(7));
        assert_ne!(tag(7), tag(8));
        assert_eq!(tag(7).len(), 8);
    }
}
