//! Conformance runs that never happened: two brokers, one careful and one not; a run that passes, one that was cut off, a
//! proof.

use reports::observation::{
    CaseFinding, CaseJudged, CaseVerdict, Ending, FindingLevel, LineKind, MutantJudged, Observation, SCHEMA, SuiteCase,
    SuiteEnded, SuiteStarted, SuiteStatement, SuiteTarget, Tool, TranscriptLine,
};
use reports::{Sink, Suite};
use std::time::Duration;

/// A run of two brokers in which everything happens that can.
pub(crate) fn mixed() -> Vec<Observation> {
    let judged = [
        plain("careful", PUBLISH, CaseVerdict::Pass),
        in_3(plain("careful", PUBLISH, CaseVerdict::Pass)),
        noted(plain("careful", SUBSCRIBE, CaseVerdict::Pass)),
        plain("careful", RETAIN, CaseVerdict::Pass),
        reasoned(plain("careful", WILL, CaseVerdict::Error), "the case panicked"),
        broken("sloppy", PUBLISH, "3.3.1-4", "the connection is closed, if with DISCONNECT then 0x81", "PINGRESP"),
        in_3(plain("sloppy", PUBLISH, CaseVerdict::Pass)),
        advised(),
        // Decides 3.3.1-5 and 3.3.1-6, and breaks off over the former.
        broken("sloppy", RETAIN, "3.3.1-5", "the retained message", "nothing before PINGRESP"),
        reasoned(plain("sloppy", SHARED, CaseVerdict::NotApplicable), "the target does not offer shared subscriptions"),
        reasoned(plain("sloppy", SLOW, CaseVerdict::Inconclusive), "CONNACK did not come within 5s"),
        known(broken("sloppy", WILL, "3.1.2-8", "the will", "no will"), "wills are lost until 3.0 (#17)"),
        unnumbered(),
    ];
    frame(&["careful", "sloppy"], judged.map(|one| Observation::CaseJudged(Box::new(one))), 13, Some(3))
}

/// One broker that does everything right.
pub(crate) fn passing() -> Vec<Observation> {
    let judged = [PUBLISH, SUBSCRIBE, RETAIN].map(|case| plain("careful", case, CaseVerdict::Pass));
    frame(&["careful"], judged.map(|one| Observation::CaseJudged(Box::new(one))), 3, Some(0))
}

/// A run of brokers of which the last departs only where it is known to.
pub(crate) fn forgiven(targets: &[&str]) -> Vec<Observation> {
    let last = targets.last().unwrap();
    let judged = [
        plain(last, PUBLISH, CaseVerdict::Pass),
        known(broken(last, WILL, "3.1.2-8", "the will", "no will"), "wills are lost until 3.0 (#17)"),
    ];
    frame(targets, judged.map(|one| Observation::CaseJudged(Box::new(one))), 2, Some(0))
}

/// A run whose process was killed.
pub(crate) fn cut_off() -> Vec<Observation> {
    let judged = Observation::CaseJudged(Box::new(plain("careful", PUBLISH, CaseVerdict::Pass)));
    frame(&["careful"], [judged], 3, None)
}

/// A proof with a survivor, in which cases met the mutants of others.
pub(crate) fn proof() -> Vec<Observation> {
    let mutant = |case: Case, owner: Case, mutant: &str, killed, seen: &str| {
        Observation::MutantJudged(Box::new(MutantJudged {
            at: Duration::from_millis(20),
            case: case.0.into(),
            version: "5.0".into(),
            owner: owner.0.into(),
            mutant: mutant.into(),
            verdict: if killed { CaseVerdict::Fail } else { CaseVerdict::Pass },
            killed,
            seen: seen.into(),
        }))
    };
    let (blind, keeps) = ("loses retained messages", "keeps the connection open");
    let tried = [
        mutant(PUBLISH, PUBLISH, keeps, true, "expected the connection is closed, seen PINGRESP"),
        mutant(RETAIN, RETAIN, blind, false, "pass"),
        mutant(SUBSCRIBE, PUBLISH, keeps, true, "expected SUBACK, seen nothing"),
        mutant(SUBSCRIBE, RETAIN, blind, false, "pass"),
    ];
    frame(&["careful"], tried, 4, Some(3))
}

/// The same run, with advice counted.
pub(crate) fn strict(mut run: Vec<Observation>) -> Vec<Observation> {
    if let Some(Observation::SuiteStarted(started)) = run.first_mut() {
        started.strict = true;
    }
    run
}

/// A run folded.
pub(crate) fn suite(run: &[Observation]) -> Suite {
    let mut suite = Suite::new();
    run.iter().for_each(|observation| suite.apply(observation));
    suite
}

/// Feeds a run to a sink.
pub(crate) fn play(run: &[Observation], mut sink: Box<dyn Sink>) {
    run.iter().for_each(|observation| sink.record(observation).unwrap());
    sink.finish().unwrap();
}

type Case = (&'static str, &'static str, &'static [&'static str]);
const PUBLISH: Case = ("publish.qos_3_is_malformed", "A PUBLISH with both QoS bits set is malformed", &["3.3.1-4"]);
const RETAIN: Case = ("retain.is_kept", "A retained message goes to who comes later", &["3.3.1-5", "3.3.1-6"]);
const SUBSCRIBE: Case = ("subscribe.order", "SUBACK comes before the first message", &["3.8.4-1"]);
const SHARED: Case = ("shared.one_of_the_group", "Each message goes to one of the group", &["4.8.2-4"]);
const SLOW: Case = ("connect.answered", "A CONNECT is answered", &["3.2.0-1"]);
const WILL: Case = ("will.is_published", "The Will is published", &["3.1.2-8"]);
const SIZE: Case = ("limits.packet_size", "A packet above the Maximum Packet Size is refused", &[]);
const CASES: [Case; 7] = [PUBLISH, RETAIN, SUBSCRIBE, SHARED, SLOW, WILL, SIZE];

const STATEMENTS: [(&str, &str, &str, &str, &str); 9] = [
    ("3.1.1", "3.3.1-4", "3.3.1 PUBLISH fixed header", "MUST NOT", "QoS bits are never both set."),
    ("5.0", "3.1.2-8", "3.1.2 CONNECT variable header", "MUST", "The Will is published when the connection is lost."),
    ("5.0", "3.2.0-1", "3.2.0 CONNACK", "MUST", "CONNACK answers CONNECT."),
    ("5.0", "3.3.1-4", "3.3.1 PUBLISH fixed header", "MUST NOT", "QoS bits are never both set."),
    ("5.0", "3.3.1-5", "3.3.1 PUBLISH fixed header", "MUST", "A retained message is stored."),
    ("5.0", "3.3.1-6", "3.3.1 PUBLISH fixed header", "MUST", "It replaces the one before."),
    ("5.0", "3.8.4-1", "3.8.4 SUBSCRIBE actions", "MUST+SHOULD", "SUBSCRIBE is answered with SUBACK."),
    ("5.0", "4.2-1", "4.2 Network Connections", "MUST", "The transport keeps order and loses nothing."),
    ("5.0", "4.8.2-4", "4.8.2 Shared Subscriptions", "MUST", "One session of the group gets a message."),
];

fn frame(
    targets: &[&str],
    judged: impl IntoIterator<Item = Observation>,
    planned: u64,
    exit_code: Option<u8>,
) -> Vec<Observation> {
    let target = |name: &&str| SuiteTarget {
        name: (*name).into(),
        description: format!("Broker {name} 1.2"),
        address: "mqtt://127.0.0.1:1883".into(),
        versions: vec!["3.1.1".into(), "5.0".into()],
        capabilities: vec!["retained messages".into()],
    };
    let statement = |(version, number, section, level, text): (&str, &str, &str, &str, &str)| SuiteStatement {
        version: version.into(),
        number: number.into(),
        section: section.into(),
        level: level.into(),
        text: text.into(),
        excused: (number == "4.2-1").then(|| "a rule about the transport: nothing on the wire shows it".into()),
    };
    let case = |(id, title, statements): Case| SuiteCase {
        id: id.into(),
        title: title.into(),
        statements: statements.iter().map(|number| format!("5.0:{number}")).collect(),
        rules: if statements.is_empty() { vec!["5.0:section 3.1.2.11.4".into()] } else { Vec::new() },
        needs: Vec::new(),
        tags: Vec::new(),
    };
    let started = SuiteStarted {
        schema: SCHEMA,
        tool: Tool { name: "paddock".into(), version: "0.1.0".into() },
        seed: 7,
        started_at: "2026-11-21T12:00:00Z".parse().unwrap(),
        command: ["paddock", "conformance", "--seed", "7"].map(String::from).to_vec(),
        strict: false,
        targets: targets.iter().map(target).collect(),
        statements: STATEMENTS.map(statement).to_vec(),
        cases: CASES.map(case).to_vec(),
        planned,
    };
    let ended = exit_code.map(|exit_code| {
        Observation::SuiteEnded(SuiteEnded {
            at: Duration::from_millis(4210),
            ended_at: "2026-11-21T12:00:04.21Z".parse().unwrap(),
            ending: Ending::Completed,
            exit_code,
            reasons: if exit_code == 0 { Vec::new() } else { vec!["3 cases failed".into()] },
        })
    });
    [Observation::SuiteStarted(Box::new(started))].into_iter().chain(judged).chain(ended).collect()
}

fn plain(target: &str, (id, _, statements): Case, verdict: CaseVerdict) -> CaseJudged {
    CaseJudged {
        at: Duration::from_millis(900),
        took: Duration::from_millis(12),
        target: target.into(),
        configuration: String::new(),
        case: id.into(),
        version: "5.0".into(),
        statements: statements.iter().map(|number| (*number).into()).collect(),
        repetition: 1,
        verdict,
        reason: String::new(),
        findings: Vec::new(),
        notes: Vec::new(),
        deviation: None,
        transcript: if verdict == CaseVerdict::Pass { Vec::new() } else { transcript() },
    }
}

fn in_3(judged: CaseJudged) -> CaseJudged {
    CaseJudged { version: "3.1.1".into(), ..judged }
}

fn noted(judged: CaseJudged) -> CaseJudged {
    CaseJudged { notes: vec!["SUBACK came first".into()], ..judged }
}

fn reasoned(judged: CaseJudged, reason: &str) -> CaseJudged {
    CaseJudged { reason: reason.into(), ..judged }
}

fn known(judged: CaseJudged, reason: &str) -> CaseJudged {
    CaseJudged { deviation: Some(reason.into()), ..judged }
}

fn finding(level: FindingLevel, statement: Option<&str>, expected: &str, seen: &str) -> CaseFinding {
    CaseFinding { level, statement: statement.map(String::from), expected: expected.into(), seen: seen.into() }
}

fn broken(target: &str, case: Case, statement: &str, expected: &str, seen: &str) -> CaseJudged {
    let findings = vec![finding(FindingLevel::Must, Some(statement), expected, seen)];
    CaseJudged { findings, configuration: "limited".into(), ..plain(target, case, CaseVerdict::Fail) }
}

fn advised() -> CaseJudged {
    let findings = vec![finding(FindingLevel::Should, Some("3.8.4-1"), "SUBACK first", "PUBLISH first")];
    noted(CaseJudged { findings, ..plain("sloppy", SUBSCRIBE, CaseVerdict::Warn) })
}

fn unnumbered() -> CaseJudged {
    let findings = vec![finding(FindingLevel::Must, None, "DISCONNECT 0x95", "PUBACK")];
    CaseJudged { findings, ..plain("sloppy", SIZE, CaseVerdict::Fail) }
}

fn transcript() -> Vec<TranscriptLine> {
    let line = |at, event, text: &str, hex: &str| TranscriptLine {
        at: Duration::from_micros(at),
        peer: "client".into(),
        event,
        text: text.into(),
        hex: hex.into(),
    };
    vec![
        line(112, LineKind::Opened, "mqtt://127.0.0.1:1883", ""),
        line(120, LineKind::Sent, "PUBLISH \"a/\u{1b}[31mb\" qos=3 <script>", "360700036120620001"),
        line(900, LineKind::Received, "PINGRESP", "d000"),
        line(950, LineKind::Remark, "still open", ""),
        line(1000, LineKind::Closed, "the connection was closed", ""),
    ]
}
