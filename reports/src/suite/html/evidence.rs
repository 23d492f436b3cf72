//! The evidence behind the cells: for each row a panel that opens where a link leads.

use super::matrix::{Look, look};
use super::topic::{Topic, is_unnumbered};
use crate::figures::latency;
use crate::observation::{CaseJudged, CaseVerdict, FindingLevel};
use crate::suite::{Standing, Suite, words};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};

#[derive(Debug, Serialize)]
pub(super) struct Panel {
    key: String,
    mark: String,
    /// Version, level, section.
    about: String,
    text: String,
    deciders: Vec<Decider>,
    targets: Vec<OfTarget>,
    /// Names of the targets that pass, with nothing more to say.
    passing: String,
}

#[derive(Debug, Serialize)]
struct Decider {
    id: String,
    title: String,
}

#[derive(Debug, Serialize)]
struct OfTarget {
    place: usize,
    name: String,
    look: Look,
    judged: Vec<Evidence>,
    /// Cases that pass, with nothing more to say.
    passing: String,
}

#[derive(Debug, Serialize)]
struct Evidence {
    name: String,
    verdict: &'static str,
    letter: &'static str,
    took: String,
    known: String,
    reason: String,
    findings: Vec<Found>,
    notes: Vec<String>,
    packets: usize,
    transcript: String,
    /// The panel that has the packets, where this one does not.
    elsewhere: Option<Elsewhere>,
}

#[derive(Debug, Serialize)]
struct Found {
    cited: String,
    advice: bool,
    expected: String,
    seen: String,
}

#[derive(Debug, Serialize)]
struct Elsewhere {
    place: String,
    mark: String,
}

/// Every panel. The packets of a judgement are in one of them only, and the others say in which.
pub(super) fn panels(suite: &Suite, topics: &[Topic<'_>]) -> Vec<Panel> {
    let by_name: HashMap<(&str, &str), usize> =
        topics.iter().enumerate().map(|(place, topic)| ((topic.version, topic.label), place)).collect();
    let home = |judged: &CaseJudged| {
        let cited = judged.findings.iter().filter_map(|finding| finding.statement.as_deref());
        let unnumbered = is_unnumbered(judged).then_some(judged.case.as_str());
        let first_is_unnumbered = judged.findings.first().is_some_and(|finding| finding.statement.is_none());
        let first = unnumbered.filter(|_| first_is_unnumbered);
        let all = first.into_iter().chain(cited).chain(judged.statements.iter().map(String::as_str)).chain(unnumbered);
        all.filter_map(|label| by_name.get(&(judged.version.as_str(), label)).copied()).next()
    };
    let panels = topics.iter().enumerate().filter(|(_, topic)| topic.has_panel());
    panels.map(|(place, topic)| panel(suite, topics, topic, &|judged| home(judged).filter(|at| *at != place))).collect()
}

fn panel(
    suite: &Suite,
    topics: &[Topic<'_>],
    topic: &Topic<'_>,
    elsewhere: &dyn Fn(&CaseJudged) -> Option<usize>,
) -> Panel {
    let mut deciders: BTreeMap<&str, &str> = BTreeMap::new();
    for judged in topic.verdicts.iter().flat_map(|verdict| &verdict.judged) {
        deciders.insert(&judged.case, suite.case(&judged.case).map_or("", |case| &case.title));
    }
    let (mut targets, mut passing) = (Vec::new(), Vec::new());
    for (place, (target, verdict)) in suite.targets().iter().zip(&topic.verdicts).enumerate() {
        if verdict.judged.is_empty() {
            continue;
        }
        if !topic.stands_out(place) {
            passing.push(target.name.as_str());
            continue;
        }
        let plain = |judged: &&&CaseJudged| judged.verdict == CaseVerdict::Pass && judged.notes.is_empty();
        let quiet: Vec<&str> = verdict.judged.iter().filter(plain).map(|judged| judged.case.as_str()).collect();
        let told = verdict.judged.iter().filter(|judged| !plain(judged)).map(|judged| {
            let other = elsewhere(judged).map(|at| &topics[at]);
            let other = other.filter(|_| !judged.transcript.is_empty());
            let elsewhere = other
                .map(|other| Elsewhere { place: other.place(place).unwrap_or_default(), mark: other.mark.clone() });
            evidence(judged, elsewhere)
        });
        targets.push(OfTarget {
            place,
            name: target.name.clone(),
            look: look(verdict.standing),
            judged: told.collect(),
            passing: quiet.join(", "),
        });
    }
    let about = [format!("MQTT {}", topic.version), topic.level.replace('+', ", "), topic.section.clone()];
    let about: Vec<String> = about.into_iter().filter(|text| !text.is_empty()).collect();
    Panel {
        key: topic.key.clone(),
        mark: topic.mark.clone(),
        about: about.join(" · "),
        text: topic.text.to_owned(),
        deciders: deciders
            .into_iter()
            .map(|(id, title)| Decider { id: id.to_owned(), title: title.to_owned() })
            .collect(),
        targets,
        passing: passing.join(", "),
    }
}

fn evidence(judged: &CaseJudged, elsewhere: Option<Elsewhere>) -> Evidence {
    let found = judged.findings.iter().map(|finding| Found {
        cited: words::cited(&judged.version, finding),
        advice: finding.level == FindingLevel::Should,
        expected: finding.expected.clone(),
        seen: finding.seen.clone(),
    });
    let transcript = match elsewhere {
        Some(_) => String::new(),
        None => words::transcript(&judged.transcript, ""),
    };
    let standing = match judged.verdict {
        _ if judged.deviation.is_some() => Standing::Known,
        CaseVerdict::Pass => Standing::Pass,
        CaseVerdict::Warn => Standing::Warn,
        CaseVerdict::Fail => Standing::Fail,
        CaseVerdict::NotApplicable => Standing::NotApplicable,
        CaseVerdict::Inconclusive => Standing::Inconclusive,
        CaseVerdict::Error => Standing::Error,
    };
    let place = [
        judged.configuration.clone(),
        if judged.repetition > 1 { format!("run {}", judged.repetition) } else { String::new() },
    ];
    let place: Vec<String> = place.into_iter().filter(|word| !word.is_empty()).collect();
    let on = if place.is_empty() { String::new() } else { format!(" ({})", place.join(", ")) };
    Evidence {
        name: format!("{}{on}", judged.case),
        verdict: if judged.deviation.is_some() { "known" } else { judged.verdict.text() },
        letter: look(standing).letter,
        took: if judged.took.is_zero() { String::new() } else { latency(judged.took) },
        known: judged.deviation.clone().unwrap_or_default(),
        reason: judged.reason.clone(),
        findings: found.collect(),
        notes: judged.notes.clone(),
        packets: judged.transcript.len(),
        transcript,
        elsewhere,
    }
}
