//! Judgements in words: what the terminal, JUnit and the page say alike.

use crate::observation::{
    CaseFinding, CaseJudged, CaseVerdict, FindingLevel, LineKind, SuiteStarted, SuiteStatement, TranscriptLine,
};
use crate::terminal::visible;

/// `MQTT-3.3.1-4` of 5.0, `MQTT-3.3.1-4 in 3.1.1` of the other.
pub(crate) fn mark(version: &str, number: &str) -> String {
    if version == "5.0" { format!("MQTT-{number}") } else { format!("MQTT-{number} in {version}") }
}

/// The statement that a finding is about.
pub(crate) fn cited(version: &str, finding: &CaseFinding) -> String {
    match &finding.statement {
        Some(number) => mark(version, number),
        None => "a rule without a number".to_owned(),
    }
}

/// `publish.qos_3_is_malformed (5.0) on mosquitto, limited, run 2`. The target is named where there are several.
pub(crate) fn name(started: Option<&SuiteStarted>, judged: &CaseJudged) -> String {
    let several = started.is_some_and(|started| started.targets.len() > 1);
    let repeated = judged.repetition > 1;
    let place = [
        if several { judged.target.clone() } else { String::new() },
        judged.configuration.clone(),
        if repeated { format!("run {}", judged.repetition) } else { String::new() },
    ];
    let place: Vec<String> = place.into_iter().filter(|word| !word.is_empty()).collect();
    let on = if place.is_empty() { "" } else { " on " };
    format!("{} ({}){on}{}", judged.case, judged.version, visible(&place.join(", ")))
}

/// What happened, in one line: statement, expected, seen; or why nothing was decided. Empty for a pass.
pub(crate) fn gist(judged: &CaseJudged) -> String {
    match judged.findings.first() {
        Some(finding) if departs(judged.verdict) => told(&judged.version, finding),
        _ => visible(&judged.reason),
    }
}

/// Statement, expected, seen.
fn told(version: &str, finding: &CaseFinding) -> String {
    let advice = if finding.level == FindingLevel::Should { "advice, " } else { "" };
    let cited = cited(version, finding);
    format!("{advice}{cited}: expected {}, seen {}", visible(&finding.expected), visible(&finding.seen))
}

pub(crate) fn departs(verdict: CaseVerdict) -> bool {
    matches!(verdict, CaseVerdict::Fail | CaseVerdict::Warn)
}

/// What stands below the one line: what the case wants, the words of the statements, what else was found, the packets.
pub(crate) fn evidence(started: Option<&SuiteStarted>, judged: &CaseJudged) -> String {
    let mut text = String::new();
    if let Some(case) = started.and_then(|started| started.cases.iter().find(|case| case.id == judged.case)) {
        text += &format!("  case      {}\n", visible(&case.title));
    }
    let told_above = usize::from(departs(judged.verdict));
    for (place, finding) in judged.findings.iter().enumerate() {
        if place >= told_above {
            text += &format!("  also      {}\n", told(&judged.version, finding));
        }
        let number = finding.statement.as_deref().unwrap_or_default();
        let again = judged.findings[..place].iter().any(|earlier| earlier.statement == finding.statement);
        if let Some(known) = statement(started, &judged.version, number).filter(|_| !again) {
            let mark = mark(&known.version, &known.number);
            text += &format!("  standard  {mark} ({}): {}\n", known.level, visible(&known.text));
        }
    }
    if departs(judged.verdict) && !judged.reason.is_empty() {
        text += &format!("  why       {}\n", visible(&judged.reason));
    }
    if let Some(reason) = &judged.deviation {
        text += &format!("  known     {}\n", visible(reason));
    }
    for note in &judged.notes {
        text += &format!("  noted     {}\n", visible(note));
    }
    text + &transcript(&judged.transcript, "  ")
}

pub(crate) fn statement<'a>(
    started: Option<&'a SuiteStarted>,
    version: &str,
    number: &str,
) -> Option<&'a SuiteStatement> {
    let mut all = started?.statements.iter();
    all.find(|statement| statement.number == number && statement.version == version)
}

/// The packets of a case, one line each with time in seconds, peer and text, and the bytes below.
pub(crate) fn transcript(lines: &[TranscriptLine], indent: &str) -> String {
    /// Bytes of one row of hex.
    const ROW: usize = 24;
    let width = lines.iter().map(|line| line.peer.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for line in lines {
        let way = match line.event {
            LineKind::Opened => "o",
            LineKind::Sent => ">",
            LineKind::Received => "<",
            LineKind::Closed => "x",
            LineKind::Remark => "#",
        };
        let at = line.at.as_secs_f64();
        text += &format!("{indent}{at:>9.6}  {:width$} {way} {}\n", visible(&line.peer), visible(&line.text));
        for row in line.hex.as_bytes().chunks(2 * ROW) {
            let pairs: Vec<&str> = row.chunks(2).map(|pair| std::str::from_utf8(pair).unwrap_or("??")).collect();
            text += &format!("{indent}           {:width$}   {}\n", "", pairs.join(" "));
        }
    }
    text
}

/// What the signs in a transcript mean.
pub(crate) const SIGNS: &str =
    "> sent to the broker, < received from it, o connection opened, x ended, # remark; seconds";

/// Place and name of the chapter that a number is of: `3.3 PUBLISH` of `3.3.1-4`. The numbers above section 2 are the same
/// in both standards, but for 4.8 and what follows. What has no number comes last.
pub(crate) fn chapter(number: &str) -> (Vec<u32>, String) {
    let key: Vec<u32> = number.split(['.', '-']).take(2).map_while(|part| part.parse().ok()).collect();
    let [first, second] = key[..] else { return (vec![u32::MAX], "rules without a number".to_owned()) };
    let title = match (first, second) {
        (1, 5) => "data types",
        (2, 1) => "packet format",
        (2, 2) => "variable header; fixed header in 3.1.1",
        (2, 3) => "variable header in 3.1.1",
        (3, 1) => "CONNECT",
        (3, 2) => "CONNACK",
        (3, 3) => "PUBLISH",
        (3, 4) => "PUBACK",
        (3, 5) => "PUBREC",
        (3, 6) => "PUBREL",
        (3, 7) => "PUBCOMP",
        (3, 8) => "SUBSCRIBE",
        (3, 9) => "SUBACK",
        (3, 10) => "UNSUBSCRIBE",
        (3, 11) => "UNSUBACK",
        (3, 12) => "PINGREQ",
        (3, 14) => "DISCONNECT",
        (3, 15) => "AUTH",
        (4, 1) => "session state",
        (4, 2) => "network connections",
        (4, 3) => "Quality of Service",
        (4, 4) => "delivery retry",
        (4, 5) => "message receipt",
        (4, 6) => "message ordering",
        (4, 7) => "topics",
        (4, 8) => "shared subscriptions; errors in 3.1.1",
        (4, 9) => "flow control",
        (4, 12) => "enhanced authentication",
        (4, 13) => "errors",
        (6, 0) => "WebSocket",
        (7, 1) => "conformance",
        _ => "",
    };
    let name = format!("{first}.{second} {title}").trim_end().to_owned();
    (key, name)
}
