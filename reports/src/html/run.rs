//! The page of a run: the verdict, what was demanded, charts over time, how slow the slowest are, every message, who and
//! where.

mod connecting;
pub(super) mod environment;
mod figures;
mod heat_map;
mod ledger;
pub(super) mod marks;
mod percentiles;
mod tables;
mod timeline;

pub(crate) use environment::quoted_command;
pub(super) use timeline::nanoseconds;

use super::draw::Figure;
use super::page::{Banner, glyph, render, tone};
use crate::headline::{Headline, broker_says, further_reasons};
use crate::summary::Summary;
use marks::Marks;
use minijinja::{Error, Value, context};

const TEMPLATE: &str = include_str!("run/report.html.j2");

/// The report of a run.
///
/// # Errors
/// When the embedded template is broken, which the tests rule out.
pub fn html(summary: &Summary) -> Result<String, Error> {
    let marks = Marks::of(summary);
    let run = summary.run();
    let title =
        run.map_or("Run", |run| if run.scenario.title.is_empty() { &run.scenario.name } else { &run.scenario.title });
    render(
        "report.html",
        TEMPLATE,
        context! {
            banner => Value::from_serialize(banner(summary)),
            title,
            paragraphs => paragraphs(run.map_or("", |run| &run.scenario.description)),
            started => run.map(|run| run.started_at.strftime("%-d %B %Y, %H:%M UTC").to_string()),
            started_exact => run.map(|run| run.started_at.to_string()),
            tool => run.map(|run| format!("{} {}", run.tool.name, run.tool.version)),
            figures => figures::key_figures(summary),
            charts => charts(summary, &marks),
            marks => marks.listed(),
            marks_left_out => marks.left_out(),
            curves => percentiles::curves(summary),
            latencies => tables::latencies(summary),
            thresholds => tables::thresholds(summary),
            ledger => ledger::ledger(summary),
            broker_says => broker_says(summary),
            requests => ledger::requests(summary),
            witnesses => ledger::witnesses(summary),
            groups => tables::groups(summary),
            stages => tables::stages(summary),
            troubles => tables::troubles(summary),
            facts => environment::facts(summary),
            preflight => environment::checks(run.map_or(&[][..], |run| &run.preflight)),
            command => quoted_command(run.map_or(&[][..], |run| &run.command)),
        },
    )
}

/// Those over time, in the order in which they stand on the page.
fn charts(summary: &Summary, marks: &Marks) -> Vec<Figure> {
    let mut charts = timeline::large(summary, marks);
    charts.extend(heat_map::figure(summary, marks));
    charts.extend(timeline::small(summary, marks));
    charts.extend(connecting::figure(summary));
    charts
}

fn banner(summary: &Summary) -> Banner {
    let headline = Headline::of(summary);
    let word = headline.word.text();
    Banner {
        word: word.to_owned(),
        tone: tone(word),
        glyph: glyph(word),
        sentence: headline.sentence,
        reasons: further_reasons(summary),
    }
}

fn paragraphs(text: &str) -> Vec<String> {
    let parts = text.split("\n\n").map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "));
    parts.filter(|part| !part.is_empty()).collect()
}
