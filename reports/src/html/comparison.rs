//! The page of a comparison: whether the new side is worse, by how much, and the value of every run behind it.

mod changes;
mod metrics;

use super::page::{Banner, KeyFigure, glyph, render, tone};
use super::run::{self, environment};
use crate::comparison::{Comparison, Outcome, Side, is_ours};
use crate::figures::{count, plural};
use jiff::Timestamp;
use minijinja::{Error, Value, context};
use serde::Serialize;

const TEMPLATE: &str = include_str!("comparison/page.html.j2");

/// The page of a comparison.
///
/// # Errors
/// When the embedded template is broken, which the tests rule out.
pub fn comparison_html(comparison: &Comparison) -> Result<String, Error> {
    let scenario = &comparison.scenario;
    let name = if scenario.title.is_empty() { &scenario.name } else { &scenario.title };
    render(
        "comparison.html",
        TEMPLATE,
        context! {
            banner => Value::from_serialize(banner(comparison)),
            title => format!("Comparison: {name}"),
            started => clock(&comparison.compared_at),
            started_exact => &comparison.compared_at,
            tool => format!("{} {}", comparison.tool.name, comparison.tool.version),
            figures => key_figures(comparison),
            changes => changes::figure(comparison),
            metrics => metrics::rows(comparison),
            warnings => &comparison.warnings,
            sides => [side("base", &comparison.base), side("new", &comparison.new)],
            confidence => format!("{:.0}", comparison.settings.confidence * 100.0),
            facts => facts(comparison),
            command => run::quoted_command(&comparison.command),
        },
    )
}

fn banner(comparison: &Comparison) -> Banner {
    let word = comparison.verdict.word();
    Banner {
        word: word.to_owned(),
        tone: tone(word),
        glyph: glyph(word),
        sentence: sentence(&comparison.headline),
        reasons: comparison.reasons.clone(),
    }
}

/// A moment for people; as it is where it is none.
fn clock(text: &str) -> String {
    let moment = text.parse::<Timestamp>();
    moment.map_or_else(|_| text.to_owned(), |moment| moment.strftime("%-d %B %Y, %H:%M UTC").to_string())
}

fn sentence(headline: &str) -> String {
    let mut letters = headline.trim_end_matches('.').chars();
    let first = letters.next().map_or_else(String::new, |first| first.to_uppercase().to_string());
    format!("{first}{}.", letters.as_str())
}

fn key_figures(comparison: &Comparison) -> Vec<KeyFigure> {
    let of = |outcome| comparison.metrics.iter().filter(|metric| metric.verdict == outcome).count();
    let all = comparison.metrics.len();
    let figure = |label: &str, value: String, note: String, tone| KeyFigure {
        label: label.to_owned(),
        value,
        unit: String::new(),
        note,
        tone,
    };
    let runs = |side: &Side| {
        let counted = side.runs.iter().filter(|run| run.counted).count();
        (counted.to_string(), format!("of {} count: {}", plural(side.runs.len() as u64, "run", "runs"), side.name))
    };
    let (regressed, undecided) = (of(Outcome::Regressed), of(Outcome::Inconclusive));
    let ((base, base_note), (new, new_note)) = (runs(&comparison.base), runs(&comparison.new));
    let sides = [figure("Base", base, base_note, ""), figure("New", new, new_note, "")];
    if all == 0 {
        return sides.into();
    }
    let verdicts = [
        figure(
            "No worse",
            of(Outcome::Pass).to_string(),
            format!("of {}", plural(all as u64, "metric", "metrics")),
            "",
        ),
        figure("Worse", regressed.to_string(), tolerated(comparison), if regressed > 0 { "bad" } else { "" }),
        figure(
            "Undecided",
            undecided.to_string(),
            "the interval reaches over the tolerance".to_owned(),
            if undecided > 0 { "unsure" } else { "" },
        ),
    ];
    verdicts.into_iter().chain(sides).collect()
}

fn tolerated(comparison: &Comparison) -> String {
    format!("by more than the {:.1} % tolerated", comparison.settings.max_regression * 100.0)
}

#[derive(Debug, Serialize)]
struct SideBlock {
    role: &'static str,
    name: String,
    about: String,
    runs: Vec<RunRow>,
}

#[derive(Debug, Serialize)]
struct RunRow {
    folder: String,
    /// Where its report is, relative to this page.
    report: Option<String>,
    started: String,
    exit: String,
    result: String,
    tone: &'static str,
}

fn side(role: &'static str, side: &Side) -> SideBlock {
    let row = |run: &crate::comparison::ComparedRun| RunRow {
        folder: run.folder.clone(),
        report: run.report.clone().filter(|link| is_ours(link)),
        started: run.started_at.clone(),
        exit: run.exit_code.map_or("cut off".to_owned(), |code| code.to_string()),
        result: if run.counted { "counts".to_owned() } else { format!("does not count: {}", run.reason) },
        tone: if run.counted { "good" } else { "unsure" },
    };
    let about = [side.target.description.as_str(), side.target.address.as_str()];
    SideBlock {
        role,
        name: side.name.clone(),
        about: about.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(", "),
        runs: side.runs.iter().map(row).collect(),
    }
}

fn facts(comparison: &Comparison) -> Vec<environment::Fact> {
    let settings = &comparison.settings;
    let order = if settings.interleaved { "the sides took turns" } else { "one side after the other, or recorded" };
    let confidence = settings.confidence * 100.0;
    let own = [
        ("Confidence", format!("{confidence:.0} %, {} resamples", count(u64::from(settings.resamples)))),
        ("Order of runs", order.to_owned()),
        ("Asked for", settings.repeats.map_or(String::new(), |n| format!("{n} of each side"))),
        ("Seed", comparison.seed.to_string()),
        ("Seed of order and resampling", settings.seed.to_string()),
        ("Compared", comparison.compared_at.clone()),
        ("Exit code", comparison.exit_code.to_string()),
    ];
    let mut facts = environment::machine(&crate::observation::TargetInfo::default(), &comparison.environment);
    facts.extend(environment::filled(own));
    facts
}
