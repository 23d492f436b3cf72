//! The same program against two targets: what differs, and whether the standard leaves it open.

use std::{collections::BTreeMap, ops::Range};

use super::{Mix, Outcome, Report, Site, execute, generate};
use crate::model::Program;

/// One program on two targets.
#[derive(Clone, Debug)]
pub struct Compared {
    /// Which case it was; 0 for a program from a file.
    pub case: u64,
    /// The program.
    pub program: Program,
    /// What became of it on each.
    pub reports: [Report; 2],
    /// What clients got on one and not on the other.
    pub differences: Vec<Difference>,
}

/// What one client got on one target and not on the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The client's letter.
    pub client: char,
    /// The message, as `m3 to x/y`.
    pub message: String,
    /// The copies on each target, such as `QoS 1, RETAIN 0`.
    pub copies: [Vec<String>; 2],
    /// What the standard leaves open about this message.
    pub liberties: Vec<&'static str>,
}

impl Compared {
    /// Why one of the two decided nothing, so that they cannot be compared.
    pub fn is_void(&self) -> Option<&str> {
        self.reports.iter().find_map(|report| match &report.outcome {
            Outcome::Void(why) => Some(why.as_str()),
            _ => None,
        })
    }

    /// How many differences nothing explains.
    pub fn unexplained(&self) -> usize {
        self.differences.iter().filter(|difference| difference.liberties.is_empty()).count()
    }

    /// Whether the two did the same, or differ only in what the standard leaves open: neither broke a rule.
    pub fn is_allowed(&self) -> bool {
        self.reports.iter().all(|report| !matches!(report.outcome, Outcome::Broken(_)))
    }
}

/// Runs `program` against both.
pub async fn compare(case: u64, program: &Program, sites: [&Site; 2]) -> Compared {
    let (one, other) = tokio::join!(execute(program, sites[0]), execute(program, sites[1]));
    let whole = |report: &Report| matches!(report.outcome, Outcome::Allowed | Outcome::Broken(_));
    let differences = if whole(&one) && whole(&other) { differences(&one, &other) } else { Vec::new() };
    Compared { case, program: program.clone(), reports: [one, other], differences }
}

/// Runs the programs of `seed` against both, and keeps those that differ, break a rule, or decide nothing.
pub async fn differential(
    mix: &Mix,
    seed: u64,
    cases: Range<u64>,
    sites: [&Site; 2],
    mut progress: impl FnMut(u64),
) -> Vec<Compared> {
    let mut kept = Vec::new();
    for (done, case) in cases.enumerate() {
        let compared = compare(case, &generate(mix, seed, case), sites).await;
        let unreachable = compared.reports.iter().any(|report| matches!(report.outcome, Outcome::Unreachable(_)));
        let same = compared.differences.is_empty() && compared.is_allowed() && compared.is_void().is_none();
        if !same || unreachable {
            kept.push(compared);
        }
        progress(done as u64 + 1);
        if unreachable {
            break;
        }
    }
    kept
}

/// Copies by client and message.
type Copies<'a> = BTreeMap<(usize, &'a str), [Vec<&'a str>; 2]>;

fn differences(one: &Report, other: &Report) -> Vec<Difference> {
    let mut copies = Copies::new();
    for (side, report) in [one, other].into_iter().enumerate() {
        for (client, got) in report.got.iter().enumerate() {
            for line in got {
                let (message, how) = line.split_once(" at ").unwrap_or((line, ""));
                copies.entry((client, message)).or_default()[side].push(how);
            }
        }
    }
    let mut differences = Vec::new();
    for ((client, message), [mut left, mut right]) in copies {
        left.sort_unstable();
        right.sort_unstable();
        if left != right {
            let number = message.split(' ').next().unwrap_or_default();
            let mut liberties: Vec<&'static str> = Vec::new();
            for report in [one, other] {
                liberties.extend(report.liberties.get(number).into_iter().flatten());
            }
            liberties.sort_unstable();
            liberties.dedup();
            let owned = |lines: Vec<&str>| lines.into_iter().map(str::to_owned).collect();
            differences.push(Difference {
                client: char::from(b'a' + client as u8),
                message: message.to_owned(),
                copies: [owned(left), owned(right)],
                liberties,
            });
        }
    }
    differences
}
