//! What people read; progress on stderr.

use std::{
    io::{self, IsTerminal, Write},
    time::{Duration, Instant},
};

use conformance::properties::{Caught, Compared, Line, Outcome, Report, Suite, Summary, Swept};

/// A line for people. Whoever reads us may have seen enough.
pub(super) fn say(out: &mut dyn Write, line: &str) {
    let _unread = writeln!(out, "{line}");
}

/// Tells once a second how many are done, when somebody is watching.
pub(super) fn progress(what: &'static str, of: u64) -> impl FnMut(u64) {
    let mut last = Instant::now();
    let watched = io::stderr().is_terminal();
    move |done| {
        if watched && last.elapsed() > Duration::from_secs(1) {
            last = Instant::now();
            let _unread = writeln!(io::stderr(), "{done} of {of} {what}");
        }
    }
}

pub(super) fn programs(out: &mut dyn Write, summary: &Summary, seed: u64) {
    for found in &summary.found {
        say(out, &format!("\n{}", found.to_text(seed)));
    }
    for Caught { case, discrepancy, transcript } in &summary.unrepeated {
        say(out, &format!("\ncase {case} failed once and not again:\n{discrepancy}\n  {}", lines(transcript)));
    }
    let void = match &summary.void_because {
        Some(why) => format!(", {} decided nothing ({why})", summary.void),
        None => String::new(),
    };
    say(out, &format!("{} programs, {} different findings{void}", summary.cases, summary.found.len()));
}

pub(super) fn swept(out: &mut dyn Write, suite: Suite, swept: &Swept, seed: u64) {
    for (caught, once) in swept
        .found
        .iter()
        .map(|caught| (caught, ""))
        .chain(swept.unrepeated.iter().map(|caught| (caught, ", once and not again")))
    {
        say(
            out,
            &format!(
                "\n{}\nfound with --only {} --seed {seed} --case {}{once}\n  {}",
                caught.discrepancy,
                suite.name(),
                caught.case,
                lines(&caught.transcript)
            ),
        );
    }
    let void = if swept.void() > 0 { format!(", {} decided nothing", swept.void()) } else { String::new() };
    let (cases, found) = (swept.cases(), swept.found.len());
    say(out, &format!("{cases} {}, {found} different findings{void}", suite.cases()));
}

pub(super) fn run(out: &mut dyn Write, run: u32, report: &Report) {
    for line in &report.transcript {
        say(out, &line.to_string());
    }
    match &report.outcome {
        Outcome::Allowed => say(out, &format!("run {run}: a conforming server may do all that")),
        Outcome::Void(why) => say(out, &format!("run {run}: decides nothing: {why}")),
        Outcome::Unreachable(why) => say(out, &format!("run {run}: {why}")),
        Outcome::Broken(discrepancy) => say(out, &format!("run {run}: {discrepancy}")),
    }
}

pub(super) fn compared(out: &mut dyn Write, compared: &[Compared], cases: u64, targets: &[String]) {
    let void: Vec<&str> = compared.iter().filter_map(Compared::is_void).collect();
    let compared: Vec<&Compared> = compared.iter().filter(|compared| compared.is_void().is_none()).collect();
    for compared in &compared {
        let mut lines = Vec::new();
        for (target, report) in targets.iter().zip(&compared.reports) {
            match &report.outcome {
                Outcome::Broken(discrepancy) => lines.push(format!("  {target}: {discrepancy}")),
                Outcome::Unreachable(why) => lines.push(format!("  {target}: {why}")),
                Outcome::Allowed | Outcome::Void(_) => {}
            }
        }
        for difference in &compared.differences {
            let copies = |side: usize| match difference.copies[side].as_slice() {
                [] => "nothing".to_owned(),
                copies => copies.join(" + "),
            };
            let why = match difference.liberties.as_slice() {
                [] => "allowed by the model, which took no liberty down for it".to_owned(),
                liberties => format!("allowed: {}", liberties.join("; ")),
            };
            let (left, right) = (copies(0), copies(1));
            lines.push(format!("  client {}, {}: {left} | {right} ({why})", difference.client, difference.message));
        }
        say(out, &format!("case {}:\n{}", compared.case, lines.join("\n")));
        if !compared.is_allowed() {
            say(out, &compared.program.to_text(""));
        }
    }
    let broken = compared.iter().filter(|compared| !compared.is_allowed()).count();
    let unexplained: usize = compared.iter().map(|compared| compared.unexplained()).sum();
    let undecided = match void.last() {
        Some(why) => format!(", {} decided nothing ({why})", void.len()),
        None => String::new(),
    };
    say(
        out,
        &format!(
            "{cases} programs on both: {} differ, {broken} break a rule, {unexplained} differences are not explained{undecided}",
            compared.len()
        ),
    );
}

fn lines(transcript: &[Line]) -> String {
    transcript.iter().map(Line::to_string).collect::<Vec<_>>().join("\n  ")
}
