//! The page of a conformance run: the matrix of targets by statement, each cell with a link to its evidence.
//!
//! One self-contained file. It reads without its script: sections fold by themselves, and evidence opens where a link leads.
//! The script adds the filter and the Escape key; a content security policy lets nothing else run or load, and everything
//! that came from elsewhere is escaped.

mod evidence;
mod matrix;
mod mutants;
mod topic;

use super::{Suite, outcome::Headline, standing::Standings};
use crate::html::{STYLE, quoted_command};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use minijinja::{Environment, context};
use sha2::{Digest, Sha256};

const TEMPLATE: &str = include_str!("html/page.html.j2");
const SCRIPT: &str = include_str!("html/page.js");
const OWN_STYLE: &str = include_str!("html/page.css");
/// Rules for pages that are too narrow for a column for each target.
const STACKED: &str = include_str!("html/stacked.css");

/// The page of a run or a proof.
///
/// # Errors
/// When the embedded template is broken, which the tests rule out.
pub fn suite_html(suite: &Suite) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    // The name decides on escaping: everything in it is escaped unless marked safe.
    environment.add_template("page.html", TEMPLATE)?;
    let headline = Headline::of(suite);
    let (started, ended) = (suite.started(), suite.ended());
    let standings = Standings::of(suite);
    let topics = topic::topics(suite, &standings);
    let style = style(suite);
    environment.get_template("page.html")?.render(context! {
        style => style,
        style_hash => hash(&style),
        script => SCRIPT,
        script_hash => hash(SCRIPT),
        word => headline.word,
        sentence => headline.sentence,
        tone => tone_of(headline.word),
        glyph => glyph_of(headline.word),
        reasons => ended.map_or(&[][..], |ended| &ended.reasons),
        title => title(suite),
        started => started.map(|started| started.started_at.strftime("%-d %B %Y, %H:%M UTC").to_string()),
        started_exact => started.map(|started| started.started_at.to_string()),
        tool => started.map(|started| format!("{} {}", started.tool.name, started.tool.version)),
        judging => !topics.is_empty(),
        names => suite.targets().iter().map(|target| &target.name).collect::<Vec<_>>(),
        targets => matrix::targets(suite, &standings),
        heads => matrix::heads(),
        legend => matrix::legend(&topics),
        versions => matrix::versions(suite, &topics),
        chapters => matrix::chapters(&topics),
        panels => evidence::panels(suite, &topics),
        signs => super::words::SIGNS,
        mutants => mutants::table(suite),
        command => quoted_command(started.map_or(&[][..], |started| &started.command)),
        facts => facts(suite),
    })
}

fn hash(text: &str) -> String {
    STANDARD.encode(Sha256::digest(text.as_bytes()))
}

/// What may name a place on a page.
fn anchor(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect()
}

fn title(suite: &Suite) -> String {
    let names: Vec<&str> = suite.targets().iter().map(|target| target.name.as_str()).collect();
    match names[..] {
        [] => "MQTT conformance".to_owned(),
        _ if !suite.mutants.is_empty() => format!("Proof of the conformance suite, on {}", names.join(", ")),
        _ if names.len() > 4 => format!("MQTT conformance of {} brokers", names.len()),
        _ => format!("MQTT conformance of {}", names.join(", ")),
    }
}

fn tone_of(word: &str) -> &'static str {
    match word {
        "PASS" => "good",
        "FAIL" | "ERROR" => "bad",
        _ => "unsure",
    }
}

fn glyph_of(word: &str) -> &'static str {
    match word {
        "PASS" => "✓",
        "FAIL" | "ERROR" => "✕",
        "INTERRUPTED" | "CUT OFF" => "‖",
        _ => "?",
    }
}

/// The sheet, with as many columns as there are targets.
fn style(suite: &Suite) -> String {
    let number = suite.targets().len();
    let column = if number > 4 { 5.2 } else { 6.2 };
    let mut style = format!("{STYLE}{OWN_STYLE}:root {{ --n: {number}; --w: {column}rem; }}\n");
    let narrow = 20.0 + column * number as f64;
    style += &format!("@media (max-width: {narrow:.1}rem) {{\n{STACKED}");
    for (place, target) in suite.targets().iter().enumerate() {
        // A style sheet is no place for names of any shape.
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_. ".contains(c);
        let fit = target.name.chars().all(plain);
        let name = if fit { target.name.clone() } else { format!("target {}", place + 1) };
        style += &format!(
            ".version tr > td:nth-child({}):not([colspan])::before, .version summary > .tally:nth-of-type({})::before {{ content: \"{name} \"; }}\n",
            place + 2,
            place + 2
        );
    }
    style + "}\n"
}

fn facts(suite: &Suite) -> Vec<(&'static str, String)> {
    let (started, ended) = (suite.started(), suite.ended());
    let facts = [
        ("Seed", started.map_or(String::new(), |started| started.seed.to_string())),
        ("Made by", started.map_or(String::new(), |started| format!("{} {}", started.tool.name, started.tool.version))),
        ("Started", started.map_or(String::new(), |started| started.started_at.to_string())),
        ("Ended", ended.map_or("cut off".to_owned(), |ended| ended.ended_at.to_string())),
        ("Took", ended.map_or(String::new(), |ended| crate::figures::span(ended.at))),
        ("Exit code", ended.map_or(String::new(), |ended| ended.exit_code.to_string())),
        ("Cases", suite.cases().len().to_string()),
        ("Judgements", crate::figures::count((suite.judged.len() + suite.mutants.len()) as u64)),
        ("Missing", if suite.missing() > 0 { suite.missing().to_string() } else { String::new() }),
        ("Advice counts", started.map_or("", |started| if started.strict { "yes" } else { "no" }).to_owned()),
    ];
    facts.into_iter().filter(|(_, value)| !value.is_empty()).collect()
}
