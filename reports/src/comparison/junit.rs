//! A comparison for CI servers: one case for each metric, and one for the whole.

use super::{Comparison, Outcome, terminal};
use crate::junit::{unsuccessful, written};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

impl Comparison {
    /// `junit.xml`. What could not be decided is an error: a skip would read as a pass.
    ///
    /// # Errors
    /// When the XML cannot be written.
    pub fn junit(&self) -> Result<String, quick_junit::SerializeError> {
        let mut suite = TestSuite::new(format!("paddock.compare.{}", self.scenario.name));
        suite.add_property(("seed", self.seed.to_string().as_str()));
        suite.add_property(("base", self.base.name.as_str()));
        suite.add_property(("new", self.new.name.as_str()));
        suite.add_property(("version", self.tool.version.as_str()));
        suite.add_test_case(case(
            "compare",
            "no regression",
            self.verdict,
            &self.headline,
            &self.reasons.join("\n"),
            "",
        ));
        for metric in &self.metrics {
            let figures = terminal::figures(metric);
            let message = if metric.reason.is_empty() { &figures } else { &metric.reason };
            suite.add_test_case(case("compare.metric", &metric.metric, metric.verdict, message, &figures, &figures));
        }
        let mut report = Report::new("paddock");
        report.add_test_suite(suite);
        written(&report)
    }
}

fn case(class: &str, name: &str, outcome: Outcome, message: &str, detail: &str, figures: &str) -> TestCase {
    let status = match outcome {
        Outcome::Pass => TestCaseStatus::success(),
        Outcome::Regressed => unsuccessful(NonSuccessKind::Failure, "regressed", message, detail),
        Outcome::Inconclusive => unsuccessful(NonSuccessKind::Error, "inconclusive", message, detail),
    };
    let mut case = TestCase::new(name.to_owned(), status);
    case.set_classname(format!("paddock.{class}"));
    if !figures.is_empty() {
        case.set_system_out(figures.to_owned());
    }
    case
}
