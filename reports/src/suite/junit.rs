//! A conformance run for CI servers: a suite for each target, a case for each judgement, and the run itself.
//!
//! A skip reads as a pass, so only what a target does not offer is skipped; what could not be decided is an error, and so
//! is a run that did not come to its end.

use super::{Suite, outcome, words};
use crate::figures::count;
use crate::junit::{unsuccessful, written};
use crate::observation::{CaseJudged, CaseVerdict, MutantJudged};
use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};

/// The document of a run or a proof.
///
/// # Errors
/// When the XML cannot be written.
pub fn suite_junit(suite: &Suite) -> Result<String, SerializeError> {
    let mut report = Report::new("paddock conformance");
    report.add_test_suite(run(suite));
    let judged = suite.judged();
    for target in suite.targets() {
        let of_target = judged.iter().filter(|judged| judged.target == target.name);
        let cases: Vec<TestCase> = of_target.map(|judged| case(suite, judged)).collect();
        if !cases.is_empty() {
            let mut of_target = TestSuite::new(target.name.clone());
            for (name, value) in [("description", &target.description), ("address", &target.address)] {
                of_target.add_property((name, value.as_str()));
            }
            of_target.add_property(("versions", target.versions.join(", ").as_str()));
            of_target.set_time(judged.iter().filter(|one| one.target == target.name).map(|one| one.took).sum());
            of_target.add_test_cases(cases);
            report.add_test_suite(of_target);
        }
    }
    let mutants: Vec<TestCase> = suite.mutants().into_iter().filter(|one| one.case == one.owner).map(mutant).collect();
    if !mutants.is_empty() {
        let mut proof = TestSuite::new("mutants");
        proof.add_test_cases(mutants);
        report.add_test_suite(proof);
    }
    written(&report)
}

/// The run itself: fails no case of a target, and passes only when it came to its end and decided something.
fn run(suite: &Suite) -> TestSuite {
    let mut run = TestSuite::new("run");
    if let Some(started) = suite.started() {
        run.add_property(("seed", started.seed.to_string().as_str()));
        run.add_property(("version", started.tool.version.as_str()));
        run.add_property(("command", started.command.join(" ").as_str()));
        run.add_property(("strict", if started.strict { "true" } else { "false" }));
    }
    let ended = suite.ended();
    let word = outcome::word(ended.map(|ended| ended.exit_code));
    let mut reasons: Vec<String> = ended.map_or(&[][..], |ended| &ended.reasons).to_vec();
    if suite.missing() > 0 {
        reasons.push(format!("{} judgements did not come", count(suite.missing())));
    }
    // What cases say, they say themselves.
    let sound = matches!(ended.map(|ended| ended.exit_code), Some(0 | 3 | 8)) && suite.missing() == 0;
    let status = match sound {
        true => TestCaseStatus::success(),
        false => unsuccessful(NonSuccessKind::Error, &word.to_lowercase(), word, &reasons.join("\n")),
    };
    let mut whole = TestCase::new("comes to its end", status);
    whole.set_classname("paddock.run");
    if let Some(ended) = ended {
        run.set_time(ended.at);
        whole.set_time(ended.at);
    }
    run.add_test_case(whole);
    run
}

fn case(suite: &Suite, judged: &CaseJudged) -> TestCase {
    let started = suite.started();
    let strict = started.is_some_and(|started| started.strict);
    let gist = words::gist(judged);
    let evidence = words::evidence(started, judged);
    let full = format!("{gist}\n{evidence}");
    let (status, output) = match judged.verdict {
        // The departure is there to be read, and does not count.
        _ if judged.deviation.is_some() => (TestCaseStatus::success(), format!("known deviation: {full}")),
        CaseVerdict::Pass => (TestCaseStatus::success(), evidence_of_pass(judged)),
        CaseVerdict::Warn if !strict => (TestCaseStatus::success(), format!("warn: {full}")),
        CaseVerdict::Warn => (unsuccessful(NonSuccessKind::Failure, "warn", &gist, &full), String::new()),
        CaseVerdict::Fail => (unsuccessful(NonSuccessKind::Failure, "fail", &gist, &full), String::new()),
        CaseVerdict::NotApplicable => {
            let mut status = TestCaseStatus::skipped();
            status.set_type("not applicable").set_message(gist);
            (status, String::new())
        }
        CaseVerdict::Inconclusive => (unsuccessful(NonSuccessKind::Error, "inconclusive", &gist, &full), String::new()),
        CaseVerdict::Error => (unsuccessful(NonSuccessKind::Error, "error", &gist, &full), String::new()),
    };
    let repeated = suite.judged.iter().any(|one| one.repetition > 1);
    let run = if repeated { format!(", run {}", judged.repetition) } else { String::new() };
    let mut case = TestCase::new(format!("{} ({}{run})", judged.case, judged.version), status);
    let family = judged.case.split('.').next().unwrap_or_default();
    case.set_classname(format!("{}.{family}", judged.target)).set_time(judged.took);
    if !output.is_empty() {
        case.set_system_out(output);
    }
    case
}

/// Which of several lawful outcomes was seen.
fn evidence_of_pass(judged: &CaseJudged) -> String {
    judged.notes.join("\n")
}

fn mutant(judged: &MutantJudged) -> TestCase {
    let status = match judged.killed {
        true => TestCaseStatus::success(),
        false => unsuccessful(NonSuccessKind::Failure, "survivor", "the case does not see it", &judged.seen),
    };
    let MutantJudged { owner, version, mutant, .. } = judged;
    let mut case = TestCase::new(format!("{owner} ({version}) sees a broker that {mutant}"), status);
    case.set_classname(format!("mutants.{}", owner.split('.').next().unwrap_or_default()));
    if judged.killed {
        case.set_system_out(judged.seen.clone());
    }
    case
}
