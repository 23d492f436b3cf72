//! `junit.xml`: thresholds, ledger and the run itself as test cases.
//!
//! Nothing is skipped: what could not be decided is an error, because a skip reads as a pass.

use crate::figures::{count, quantity};
use crate::headline::{Headline, Word, elapsed};
use crate::observation::{LedgerRow, Qos, RequestRow, ThresholdOutcome, ThresholdResult, Witness, WitnessKind};
use crate::summary::Summary;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use std::fmt::Write;

/// The document of a run.
///
/// # Errors
/// When the XML cannot be written.
pub fn junit(summary: &Summary) -> Result<String, quick_junit::SerializeError> {
    let name = summary.run().map_or("run", |run| run.scenario.name.as_str());
    let mut suite = TestSuite::new(format!("paddock.{name}"));
    suite.set_time(elapsed(summary));
    if let Some(run) = summary.run() {
        suite.add_property(("seed", run.seed.to_string().as_str()));
        suite.add_property(("run_id", run.run_id.as_str()));
        suite.add_property(("target", run.target.address.as_str()));
        suite.add_property(("version", run.tool.version.as_str()));
    }
    suite.add_test_case(run_case(summary));
    suite.add_test_cases(summary.thresholds().iter().map(threshold_case));
    let tolerated = Word::of(summary) == Word::Pass;
    suite.add_test_cases(summary.ledger().unwrap_or_default().iter().map(|row| ledger_case(summary, row, tolerated)));
    suite.add_test_cases(summary.requests().iter().map(|row| requests_case(summary, row, tolerated)));
    let mut report = Report::new("paddock");
    report.add_test_suite(suite);
    written(&report)
}

/// The XML, in the form that the strictest of its readers take: the schema of Jenkins's xUnit plugin calls `skipped` what
/// the library calls `disabled`.
pub(crate) fn written(report: &Report) -> Result<String, quick_junit::SerializeError> {
    let mut text = String::new();
    for line in report.to_string()?.split_inclusive('\n') {
        // In text and attributes both characters are escaped: such a line is a tag.
        match line.trim_start().starts_with("<testsuite ") {
            true => text += &line.replacen(" disabled=\"", " skipped=\"", 1),
            false => text += line,
        }
    }
    Ok(text)
}

fn case(class: &str, name: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(name.to_owned(), status);
    case.set_classname(format!("paddock.{class}"));
    case
}

pub(crate) fn unsuccessful(kind: NonSuccessKind, class: &str, message: &str, text: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(class.to_owned()).set_message(message.to_owned());
    if !text.is_empty() {
        status.set_description(text.to_owned());
    }
    status
}

fn run_case(summary: &Summary) -> TestCase {
    let headline = Headline::of(summary);
    let reasons = summary.ended().map_or_else(String::new, |ended| ended.reasons.join("\n"));
    let (kind, class) = match headline.word {
        Word::Pass => return case("run", "passes", TestCaseStatus::success()),
        Word::Fail => (NonSuccessKind::Failure, "fail"),
        Word::Invalid => (NonSuccessKind::Error, "invalid"),
        Word::Inconclusive => (NonSuccessKind::Error, "inconclusive"),
        Word::Error => (NonSuccessKind::Error, "error"),
        Word::Interrupted | Word::Running => (NonSuccessKind::Error, "interrupted"),
    };
    case("run", "passes", unsuccessful(kind, class, &headline.sentence, &reasons))
}

fn threshold_case(outcome: &ThresholdOutcome) -> TestCase {
    let observed = match outcome.observed {
        Some(value) => format!("observed {}", quantity(value, outcome.unit)),
        None => "nothing was measured".to_owned(),
    };
    let (message, detail) = match outcome.reason.as_str() {
        "" => (observed.as_str(), ""),
        reason => (reason, observed.as_str()),
    };
    let status = match outcome.result {
        ThresholdResult::Pass => TestCaseStatus::success(),
        ThresholdResult::Fail => unsuccessful(NonSuccessKind::Failure, "threshold", &observed, &outcome.reason),
        ThresholdResult::Inconclusive => unsuccessful(NonSuccessKind::Error, "inconclusive", message, detail),
    };
    let mut case = case("threshold", &outcome.expression, status);
    case.set_system_out(observed);
    case
}

/// Fails on what the QoS promises and the run did not get: losses at QoS 1 and 2, duplicates at QoS 2, disorder at any.
/// Undecided where messages were not sent or not acknowledged: what was not asked of the broker it has not done.
/// A run that passed under its contract has no failing case; the counts are in the output of the case all the same.
fn ledger_case(summary: &Summary, row: &LedgerRow, tolerated: bool) -> TestCase {
    let LedgerRow { qos, group, stage, counts } = row;
    let mut breaches = Vec::new();
    if *qos != Qos::AtMostOnce && counts.lost > 0 {
        breaches.push((WitnessKind::Lost, counts.lost));
    }
    if *qos == Qos::ExactlyOnce && counts.duplicated > 0 {
        breaches.push((WitnessKind::Duplicated, counts.duplicated));
    }
    if counts.reordered > 0 {
        breaches.push((WitnessKind::Reordered, counts.reordered));
    }
    let unknown = counts.not_sent + counts.unacknowledged;
    let status = if tolerated || (breaches.is_empty() && unknown == 0) {
        TestCaseStatus::success()
    } else if breaches.is_empty() {
        let message = format!("{} not sent, {} not acknowledged", count(counts.not_sent), count(counts.unacknowledged));
        unsuccessful(NonSuccessKind::Error, "inconclusive", &message, "")
    } else {
        let message: Vec<String> = breaches.iter().map(|(kind, n)| format!("{} {}", count(*n), kind.name())).collect();
        let text: String = breaches.iter().map(|(kind, _)| evidence(summary, *kind, *qos, group)).collect();
        unsuccessful(NonSuccessKind::Failure, "ledger", &message.join(", "), &text)
    };
    let stage = if stage.is_empty() { String::new() } else { format!(" in {stage}") };
    let mut case = case("ledger", &format!("{group} at QoS {qos}{stage}"), status);
    case.set_system_out(format!(
        "published {}, expected {}, received {}, lost {}, duplicated {}, reordered {}, late {}, not sent {}, unacknowledged {}",
        counts.published,
        counts.expected,
        counts.received,
        counts.lost,
        counts.duplicated,
        counts.reordered,
        counts.late,
        counts.not_sent,
        counts.unacknowledged
    ));
    case
}

/// Fails on requests that were sent and never answered, at any QoS; undecided where some could not be sent.
fn requests_case(summary: &Summary, row: &RequestRow, tolerated: bool) -> TestCase {
    let RequestRow { qos, group, stage, counts } = row;
    let status = if tolerated || (counts.unanswered == 0 && counts.not_sent == 0) {
        TestCaseStatus::success()
    } else if counts.unanswered == 0 {
        unsuccessful(NonSuccessKind::Error, "inconclusive", &format!("{} not sent", count(counts.not_sent)), "")
    } else {
        let message = format!("{} unanswered", count(counts.unanswered));
        let text = evidence(summary, WitnessKind::Unanswered, *qos, group);
        unsuccessful(NonSuccessKind::Failure, "requests", &message, &text)
    };
    let mut case = case("requests", &format!("{group} at QoS {qos} in {stage}"), status);
    case.set_system_out(format!(
        "sent {}, answered {}, late {}, unanswered {}, answered again {}, not sent {}",
        counts.sent, counts.answered, counts.late, counts.unanswered, counts.repeated, counts.not_sent
    ));
    case
}

fn evidence(summary: &Summary, kind: WitnessKind, qos: Qos, group: &str) -> String {
    let witnesses = summary.witnesses().get(&kind).map_or(&[][..], |samples| samples.kept());
    let of_row = |witness: &&Witness| witness.qos == qos && witness.group == group;
    let mut text = String::new();
    for witness in witnesses.iter().filter(of_row).take(10) {
        let Witness { topic, client, subscriber, stream, sequence, intended, .. } = witness;
        let at = intended.map_or_else(String::new, |at| format!(", intended at {:.3} s", at.as_secs_f64()));
        let name = kind.name();
        writeln!(text, "{name}: {topic} from {client} to {subscriber}, stream {stream}, sequence {sequence}{at}")
            .expect("writing to memory cannot fail");
    }
    text
}
