//! What the files say of each way in which a suite can end.

use super::*;
use crate::properties::Found;

const BOTH: [Version; 2] = [Version::V3_1_1, Version::V5];

#[derive(Default)]
struct Kept(Vec<Observation>);

impl Sink for Kept {
    fn record(&mut self, observation: &Observation) -> io::Result<()> {
        self.0.push(observation.clone());
        Ok(())
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        Ok(())
    }
}

fn observed() -> Observed {
    Observed::new(SuiteTarget { name: "t".into(), ..SuiteTarget::default() }, 7, &["--protocol 3.1.1"])
}

fn recorded(
    observed: Observed,
    exit_code: u8,
    unreachable: Option<&str>,
) -> (SuiteStarted, Vec<CaseJudged>, SuiteEnded) {
    let mut kept = Kept::default();
    let tool = Tool { name: "paddock".into(), version: "1".into() };
    let ended = Ended { exit_code, unreachable: unreachable.map(str::to_owned) };
    observed.record(tool, vec!["paddock".into()], ended, &mut kept).unwrap();
    let (mut started, mut judged, mut ended) = (None, Vec::new(), None);
    for observation in kept.0 {
        match observation {
            Observation::SuiteStarted(one) => started = Some(*one),
            Observation::CaseJudged(one) if started.is_some() => judged.push(*one),
            Observation::SuiteEnded(one) => ended = Some(one),
            other => panic!("{other:?}"),
        }
    }
    (started.unwrap(), judged, ended.unwrap())
}

fn broken(version: Version, statement: Option<&str>, rule: &str) -> Discrepancy {
    Discrepancy::new(version, statement, rule, "client a: message m0 came twice".to_owned())
}

fn packets() -> Vec<Line> {
    let line = |what, who: &str, text: &str, bytes: &[u8]| Line {
        at: Duration::from_millis(3),
        who: who.to_owned(),
        what,
        text: text.to_owned(),
        bytes: bytes.to_vec(),
    };
    vec![
        line(What::Remark, "", "everybody comes back", &[]),
        line(What::Sent, "a", "PINGREQ", &[0xc0, 0]),
        line(What::Received, "a", "PINGRESP", &[0xd0, 0]),
        line(What::Closed, "a", "closed", &[]),
    ]
}

fn found(discrepancy: Discrepancy) -> Found {
    let text = "clients = [\"3.1.1\"]\nsteps = [\n    { do = \"connect\", client = \"a\", clean = true },\n]\n";
    Found { case: 4, program: Program::parse(text).unwrap(), discrepancy, transcript: packets(), repeated: 2 }
}

#[test]
fn a_finding_is_told_with_its_statement_and_how_to_have_it_again() {
    let mut observed = observed();
    let (numbered, unnumbered) =
        (broken(Version::V3_1_1, Some("3.3.5-1"), "once"), broken(Version::V3_1_1, None, "never"));
    let summary = Summary { cases: 9, found: vec![found(numbered), found(unnumbered)], ..Summary::default() };
    observed.programs(&BOTH, &summary);
    let (started, judged, ended) = recorded(observed, 3, None);

    assert_eq!((started.seed, started.planned, started.cases.len()), (7, 2, 1));
    let known: Vec<_> = started.statements.iter().map(|one| (one.version.as_str(), one.number.as_str())).collect();
    assert_eq!(known, [("3.1.1", "3.3.5-1")], "only what a finding is about");
    assert!(started.statements[0].text.len() > 20);
    let case = &started.cases[0];
    assert_eq!((case.id.as_str(), case.statements.len(), case.rules.len()), ("properties.programs", 0, 2));
    assert!(case.rules[1].starts_with("5.0:section"), "{:?}", case.rules);

    let [old, new] = &judged[..] else { panic!("{judged:?}") };
    assert_eq!((old.version.as_str(), old.verdict), ("3.1.1", CaseVerdict::Fail));
    assert_eq!((old.target.as_str(), old.statements.len(), old.repetition), ("t", 0, 1));
    let told: Vec<_> = old.findings.iter().map(|one| (one.statement.as_deref(), one.expected.as_str())).collect();
    assert_eq!(told, [(Some("3.3.5-1"), "once"), (None, "never")]);
    assert_eq!(old.findings[0].seen, "client a: message m0 came twice");
    assert_eq!((new.version.as_str(), new.verdict), ("5.0", CaseVerdict::Pass));
    assert_eq!(new.notes, ["9 programs"]);
    assert!(new.transcript.is_empty());

    let lines: Vec<_> = old.transcript.iter().map(|line| line.text.as_str()).collect();
    let half = lines.len() / 2;
    let wanted = [
        "client a: message m0 came twice",
        "MQTT-3.3.5-1 in 3.1.1: once",
        "found with --only programs --seed 7 --case 4 --protocol 3.1.1",
        "clients = [\"3.1.1\"]",
        "steps = [",
    ];
    assert_eq!(lines[..5], wanted);
    assert_eq!(lines[half - 5..half], ["]", "everybody comes back", "PINGREQ", "PINGRESP", "closed"]);
    assert_eq!(lines[half + 1], "a rule without number: never");
    let packet = &old.transcript[half - 3];
    assert_eq!((packet.event, packet.hex.as_str(), packet.peer.as_str()), (LineKind::Sent, "c000", "a"));
    assert_eq!(packet.at, Duration::from_millis(3));
    let events: Vec<_> = old.transcript[half - 2..half].iter().map(|line| line.event).collect();
    assert_eq!(events, [LineKind::Received, LineKind::Closed]);

    assert_eq!((ended.exit_code, ended.reasons), (3, vec!["1 case failed".to_owned()]));
}

#[test]
fn a_malformed_packet_is_expected_to_be_well_formed() {
    let breach = wire::Packet::parse(Version::V5, wire::Direction::FromServer, &[0x36, 0]).unwrap_err();
    let told = finding(&Discrepancy::malformed(Version::V5, breach, "client a: PUBLISH BREACH byte 0".to_owned()));
    assert_eq!(told.statement.as_deref(), Some("3.3.1-4"));
    assert_eq!(told.expected, "a packet as the standard lays it out");
}

#[test]
fn what_failed_once_is_no_finding_and_no_pass() {
    let mut observed = observed();
    let once = broken(Version::V5, Some("3.1.2-8"), "once");
    let mut swept =
        Swept { unrepeated: vec![Caught { case: 3, discrepancy: once, transcript: packets() }], ..Swept::default() };
    let ran = Ran { cases: 5, void: 0, void_because: None };
    swept.ran.extend([(Version::V5, ran.clone()), (Version::V3_1_1, ran)]);
    observed.swept(Kind::Senders, &BOTH, &swept);
    let (started, judged, ended) = recorded(observed, 8, None);
    assert!(started.statements.is_empty() && judged[1].findings.is_empty(), "nobody is accused");
    assert_eq!([judged[0].verdict, judged[1].verdict], [CaseVerdict::Pass, CaseVerdict::Inconclusive]);
    assert_eq!(
        judged[1].reason,
        "case 3 failed once and not again: client a: message m0 came twice, against MQTT-3.1.2-8: once"
    );
    assert_eq!(judged[1].transcript[2].text, "found with --only senders --seed 7 --case 3 --protocol 3.1.1");
    assert_eq!(ended.reasons, ["1 case is inconclusive"]);
}

/// A search tries a rule again in one version only.
#[test]
fn a_version_that_breaks_the_rule_of_a_finding_in_the_other_does_not_pass() {
    let mut observed = observed();
    let [old, new] = BOTH.map(|version| broken(version, None, "never"));
    let summary = Summary {
        cases: 9,
        found: vec![found(old)],
        alike: vec![Caught { case: 6, discrepancy: new, transcript: packets() }],
        ..Summary::default()
    };
    observed.programs(&BOTH, &summary);
    let (_, judged, _) = recorded(observed, 3, None);
    assert_eq!([judged[0].verdict, judged[1].verdict], [CaseVerdict::Fail, CaseVerdict::Inconclusive]);
    assert!(judged[1].reason.starts_with("case 6 breaks a rule that a finding in the other version is about"));
}

#[test]
fn what_decided_nothing_is_no_pass() {
    let of = |cases, void, why: Option<&str>| {
        let mut observed = observed();
        let summary = Summary { cases, void, void_because: why.map(str::to_owned), ..Summary::default() };
        observed.programs(&[Version::V5], &summary);
        recorded(observed, 8, None).1.remove(0)
    };
    let none = of(2, 2, Some("client a was refused with 0x87"));
    assert_eq!(none.verdict, CaseVerdict::Inconclusive);
    assert_eq!(none.reason, "2 programs, and nothing was decided: client a was refused with 0x87");
    assert_eq!(of(0, 0, None).verdict, CaseVerdict::Inconclusive);
    let some = of(3, 2, Some("client a was refused with 0x87"));
    assert_eq!((some.verdict, some.reason.as_str()), (CaseVerdict::Pass, ""));
    assert_eq!(some.notes, ["3 programs, 2 decided nothing (client a was refused with 0x87)"]);
}

#[test]
fn what_a_target_lacks_is_not_applicable() {
    let mut observed = observed();
    observed.lacks(Suite::Topics, &BOTH, Capability::Wildcards);
    let (started, judged, ended) = recorded(observed, 0, None);
    assert_eq!(started.cases[0].needs, ["wildcards", "qos-1"]);
    assert_eq!(judged.len(), 2);
    assert!(judged.iter().all(|one| one.verdict == CaseVerdict::NotApplicable));
    assert_eq!(judged[0].reason, "the target lacks wildcards");
    assert!(ended.reasons.is_empty());
}

#[test]
fn a_target_that_goes_away_passes_nothing_more() {
    let mut observed = observed();
    let why = "connection refused";
    let once = Caught { case: 3, discrepancy: broken(Version::V5, None, "never"), transcript: packets() };
    let summary = Summary { cases: 9, unrepeated: vec![once], unreachable: Some(why.to_owned()), ..Summary::default() };
    observed.programs(&BOTH, &summary);
    observed.missed(Suite::Topics, &BOTH);
    let (started, judged, ended) = recorded(observed, 5, Some(why));
    assert_eq!((started.planned, judged.len()), (4, 2));
    assert!(judged.iter().all(|one| one.verdict == CaseVerdict::Inconclusive && one.reason.ends_with(why)));
    assert_eq!(judged[0].notes, ["9 programs"]);
    assert!(judged[1].notes[1].starts_with("case 3 failed once and not again: "), "{:?}", judged[1].notes);
    assert_eq!(ended.exit_code, 5);
    assert_eq!(ended.reasons[0], "the target could not be reached any more: connection refused");
}

#[test]
fn one_case_of_a_sweep_judges_one_version() {
    let mut observed = observed();
    let mut swept = Swept::default();
    swept.ran.insert(Version::V5, Ran { cases: 1, void: 0, void_because: None });
    observed.swept(Kind::Topics, &BOTH, &swept);
    let (started, judged, _) = recorded(observed, 0, None);
    assert_eq!((started.planned, judged.len(), judged[0].version.as_str()), (1, 1, "5.0"));
    assert_eq!(judged[0].notes, ["1 batch of topics"]);
    assert_eq!(started.cases[0].rules, ["5.0:section 4.7 Topic Names and Topic Filters"]);
}
