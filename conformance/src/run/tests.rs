//! What known deviations do to a run.

use std::sync::Arc;

use targets::Deviation;

use super::*;
use crate::{Case, Mark, Site, cases};

const CASE: &str = "connect.second_connect_closes";

/// A run of this one case in both versions against one target that is known to depart so.
fn plan(known: &[&str]) -> Plan {
    let case = cases::all().find(|case| case.id == CASE).unwrap();
    let deviations =
        known.iter().map(|cases| Deviation { cases: cases.parse().unwrap(), reason: "it is old".into() }).collect();
    Plan {
        targets: vec![Subject {
            name: "dairy".into(),
            description: String::new(),
            sites: Vec::new(),
            deviations,
            alone: Vec::new(),
            jobs: None,
        }],
        chosen: case.versions().map(|version| Chosen { case, version }).collect(),
        repeat: 1,
        shuffle: false,
        jobs: 1,
        fail_fast: false,
        strict: false,
        seed: 1,
        salt: 0,
        deadline: Duration::from_secs(1),
        tool: Tool { name: "test".into(), version: "0".into() },
        command: Vec::new(),
    }
}

/// What the run comes to when 3.1.1 and 5.0 come out so.
fn comes_to(known: &[&str], of_311: CaseVerdict, of_5: CaseVerdict) -> (u8, u64, String) {
    let plan = plan(known);
    let mut tally = Tally::default();
    for (chosen, verdict) in plan.chosen.iter().zip([of_311, of_5]) {
        let site = Site::at("mqtt://127.0.0.1:1".parse().unwrap());
        let trial = Trial { chosen: *chosen, site: Arc::new(site), deadline: plan.deadline, seed: 1 };
        let ticket = Ticket { trial, target: 0, repetition: 1 };
        tally.count(&ticket.judged(Judgement::without(verdict, String::new()), &plan, Duration::ZERO));
    }
    let outcome = tally.outcome(&plan);
    (outcome.exit_code, outcome.known, outcome.reasons.join("; "))
}

use CaseVerdict::{Fail, Inconclusive, Pass, Warn};

#[test]
fn a_known_deviation_does_not_fail_the_run_and_is_counted() {
    assert_eq!(comes_to(&[], Fail, Pass), (3, 0, "1 case failed".into()));
    assert_eq!(comes_to(&["connect.second_* in 3.1.1"], Fail, Pass), (0, 1, String::new()));
    assert_eq!(comes_to(&["connect.*"], Fail, Warn), (0, 2, String::new()));
}

#[test]
fn a_deviation_accepts_nothing_of_another_version_and_may_be_needed_where_nothing_was_decided() {
    assert_eq!(comes_to(&["connect.second_* in 3.1.1"], Fail, Fail), (3, 1, "1 case failed".into()));
    let said = comes_to(&["connect.second_* in 3.1.1"], Inconclusive, Pass);
    assert_eq!(said.0, 8, "{said:?}");
}

#[test]
fn a_deviation_that_nothing_needs_is_an_error_that_names_it() {
    let (code, _, said) = comes_to(&["connect.second_connect_closes"], Pass, Pass);
    let stale = "1 stale known deviation in a descriptor: `connect.second_connect_closes` of dairy";
    assert_eq!((code, said), (2, format!("{stale} (no such case fails any more)")));
    let (code, _, said) = comes_to(&["connect.second_connect"], Pass, Pass);
    let stale = "1 stale known deviation in a descriptor: `connect.second_connect` of dairy (there is no such case)";
    assert_eq!((code, said.as_str()), (2, stale));
}

#[test]
fn a_deviation_whose_cases_did_not_all_run_may_still_be_needed() {
    assert_eq!(comes_to(&["connect.*"], Pass, Pass), (0, 0, String::new()));
}

#[test]
fn what_takes_something_away_comes_last() {
    const TAKES: Case = Case { id: "a.takes", decides: &[Mark::Both("3.3.1-4")], tags: &[LAST], ..Case::PLAIN };
    const LEAVES: Case = Case { id: "b.leaves", decides: &[Mark::Both("3.3.1-4")], ..Case::PLAIN };
    let site = Site { versions: vec![Version::V5], ..Site::at("mqtt://localhost".parse().unwrap()) };
    for (shuffle, seed) in [(false, 0), (true, 1), (true, 2)] {
        let mut plan = Plan { repeat: 2, shuffle, seed, ..plan(&[]) };
        plan.targets[0].sites.push(Arc::new(site.clone()));
        plan.chosen = [&TAKES, &LEAVES].map(|case| Chosen { case, version: Version::V5 }).into();
        let order: Vec<bool> = plan.trials().iter().map(Ticket::is_last).collect();
        assert_eq!(order, [false, false, true, true]);
    }
}

#[tokio::test]
async fn a_target_that_serves_nobody_at_the_end_makes_the_run_exit_5() {
    // Nobody listens there once the listener is gone.
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut plan = plan(&[]);
    plan.targets[0].sites = vec![Arc::new(Site::at(format!("mqtt://{unused}").parse().unwrap()))];
    let gone = plan.gone().await;
    assert_eq!(gone, ["dairy"]);
    let mut tally = Tally { gone, ..Tally::default() };
    tally.counts.insert(Fail, 400);
    let outcome = tally.outcome(&plan);
    assert_eq!(outcome.exit_code, 5);
    let said = "1 target answers no CONNECT any more, so that many verdicts are none: dairy";
    assert_eq!(outcome.reasons, [said, "400 cases failed"]);
}

#[test]
fn a_case_that_ends_its_broker_has_one_of_its_own() {
    let mut plan = plan(&[]);
    let site = |name: &str| {
        let site = Site::at("mqtt://127.0.0.1:1".parse().unwrap());
        Arc::new(Site { configuration: name.into(), ..site })
    };
    plan.targets[0].sites = vec![site("shared")];
    plan.targets[0].alone = vec![(plan.chosen[0], site("own"))];
    let mut sites: Vec<String> = plan.trials().iter().map(|ticket| ticket.trial.site.configuration.clone()).collect();
    sites.sort();
    assert_eq!(sites, ["own", "shared"]);
}

#[test]
fn a_target_that_stands_few_cases_holds_up_no_other() {
    let mut plan = plan(&[]);
    let site = Arc::new(Site::at("mqtt://127.0.0.1:1".parse().unwrap()));
    plan.targets[0].sites = vec![site];
    plan.targets[0].jobs = Some(1);
    plan.targets.push(Subject { name: "quick".into(), jobs: None, ..plan.targets[0].clone() });
    let mut waiting = plan.trials();
    let count = waiting.len();
    let mut target = |busy: [usize; 2]| plan.next(&mut waiting, &busy).map(|ticket| ticket.target);
    assert_eq!(target([0, 0]), Some(0));
    for _ in 0..count / 2 {
        assert_eq!(target([1, 0]), Some(1));
    }
    assert_eq!(target([1, 0]), None);
    assert_eq!(target([0, 0]), Some(0));
}
