//! The page of a search for capacity: the figure that can be signed, the phases it carries, the curve that shows the knee,
//! and every step with its own report.

mod curve;
mod headroom;
mod steps;

use super::page::{Banner, KeyFigure, render};
use super::run::{self, environment};
use crate::capacity::{Answer, Capacity, LagLimit, Limit, StepKind, figure};
use crate::figures::{latency, plural, rate, span};
use crate::observation::Ending;
use minijinja::{Error, Value, context};

const TEMPLATE: &str = include_str!("capacity/page.html.j2");

/// The page of a search.
///
/// # Errors
/// When the embedded template is broken, which the tests rule out.
pub fn capacity_html(capacity: &Capacity) -> Result<String, Error> {
    let scenario = &capacity.scenario;
    let name = if scenario.title.is_empty() { &scenario.name } else { &scenario.title };
    render(
        "capacity.html",
        TEMPLATE,
        context! {
            banner => Value::from_serialize(banner(capacity)),
            title => format!("Capacity: {name}"),
            started => capacity.started_at.strftime("%-d %B %Y, %H:%M UTC").to_string(),
            started_exact => capacity.started_at.to_string(),
            tool => format!("{} {}", capacity.tool.name, capacity.tool.version),
            figures => key_figures(capacity),
            headroom => headroom::figure(capacity),
            curves => curve::figures(capacity),
            steps => steps::rows(capacity),
            unit => capacity.search.dimension.unit(),
            slo => &capacity.search.slo,
            remarks => &capacity.remarks,
            facts => facts(capacity),
            preflight => environment::checks(&capacity.preflight),
            command => run::quoted_command(&capacity.command),
        },
    )
}

fn banner(capacity: &Capacity) -> Banner {
    let (word, tone, glyph) = match (&capacity.answer, capacity.ending) {
        (Answer::Confirmed { .. }, _) => ("CONFIRMED", "good", "✓"),
        (Answer::AtLeast { .. }, _) => ("AT LEAST", "unsure", "≥"),
        (Answer::None { .. }, None) => ("UNFINISHED", "unsure", "…"),
        (Answer::None { .. }, Some(Ending::Interrupted)) => ("INTERRUPTED", "unsure", "‖"),
        (Answer::None { .. }, Some(_)) => ("NOT CONFIRMED", "bad", "✕"),
    };
    Banner { word: word.to_owned(), tone, glyph, sentence: capacity.sentence.clone(), reasons: Vec::new() }
}

fn key_figures(capacity: &Capacity) -> Vec<KeyFigure> {
    let dimension = capacity.search.dimension;
    let written = |value: f64| figure(dimension, value);
    let mut figures = vec![KeyFigure {
        label: "Sustained".to_owned(),
        value: match &capacity.answer {
            Answer::Confirmed { figure, .. } => written(*figure),
            Answer::AtLeast { figure, .. } => format!("≥ {}", written(*figure)),
            Answer::None { .. } => "–".to_owned(),
        },
        unit: dimension.unit().to_owned(),
        note: confirmations(capacity),
        tone: "",
    }];
    // Confirmations of more than the answer failed, so their latency is not the answer's.
    let confirmed = capacity.steps.iter().filter(|step| {
        step.kind == StepKind::Confirmation && capacity.answer.figure().is_some_and(|answer| step.asked == answer)
    });
    if let Some(worst) = confirmed.filter_map(|step| step.latency).max_by_key(|points| points.p99) {
        let text = latency(worst.p99);
        let (value, unit) = text.split_once(' ').unwrap_or((&text, ""));
        figures.push(KeyFigure {
            label: "99 of 100 within".to_owned(),
            value: value.to_owned(),
            unit: unit.to_owned(),
            note: format!("in the worst confirmation, half within {}", latency(worst.p50)),
            tone: "",
        });
    }
    if let Some(largest) = capacity.headroom.iter().max_by(|a, b| a.rate.total_cmp(&b.rate)) {
        figures.push(KeyFigure {
            label: format!("Against {}", largest.phase),
            value: format!("{:.1}", largest.factor),
            unit: "times".to_owned(),
            note: format!("{} msg/s needed", rate(largest.rate)),
            tone: match (largest.holds, capacity.answer.is_at_least()) {
                (true, _) => "",
                (false, true) => "unsure",
                (false, false) => "bad",
            },
        });
    }
    if let Some(limiter) = &capacity.limiter {
        figures.push(KeyFigure {
            label: "Ended by".to_owned(),
            value: limiter.resource.name().to_owned(),
            unit: String::new(),
            note: limiter.evidence.clone(),
            tone: "",
        });
    }
    if let Some(ceiling) = &capacity.ceiling {
        figures.push(KeyFigure {
            label: "Generator alone".to_owned(),
            value: format!("{}{}", if ceiling.at_least { "≥ " } else { "" }, written(ceiling.figure)),
            unit: dimension.unit().to_owned(),
            note: "against a sink that does as little as can be done".to_owned(),
            tone: "",
        });
    }
    figures
}

fn confirmations(capacity: &Capacity) -> String {
    let hold = span(capacity.search.confirmation_hold);
    match &capacity.answer {
        Answer::Confirmed { confirmations, broke_at, .. } => {
            let times = plural(u64::from(*confirmations), "time", "times");
            format!("held {times} for {hold}; broke at {}", figure(capacity.search.dimension, *broke_at))
        }
        Answer::AtLeast { confirmations, limited_by, .. } => {
            let by = match limited_by {
                Limit::Generator => "the generator could do no more",
                Limit::Maximum => "no more was asked for",
                Limit::Machine => "this machine allows no more",
                Limit::Undecided => "what is above is undecided",
            };
            format!("held {} for {hold}; {by}", plural(u64::from(*confirmations), "time", "times"))
        }
        Answer::None { .. } => match capacity.held {
            Some(held) => format!("{} held once, unconfirmed", figure(capacity.search.dimension, held)),
            None => "nothing held".to_owned(),
        },
    }
}

fn facts(capacity: &Capacity) -> Vec<environment::Fact> {
    let search = &capacity.search;
    let number = |value: f64| figure(search.dimension, value);
    let own = [
        ("Searched", search.dimension.name().to_owned()),
        ("From", number(search.start)),
        ("At most", format!("{} ({})", number(search.most), search.most_because)),
        ("Closer than", format!("{:.0} %", search.tolerance * 100.0)),
        ("A step", span(search.hold)),
        ("A confirmation", span(search.confirmation_hold)),
        ("Generator may lag", search.lag_limit.as_ref().map_or(String::new(), lag_words)),
        ("Ended", capacity.ended_at.map_or("not yet, or cut off".to_owned(), |at| at.to_string())),
        ("Exit code", capacity.exit_code.map_or(String::new(), |code| code.to_string())),
        ("Seed", capacity.seed.to_string()),
        ("Fit", capacity.fit.as_ref().map_or(String::new(), fit_words)),
    ];
    let mut facts = environment::machine(&capacity.target, &capacity.environment);
    facts.extend(environment::filled(own));
    facts
}

fn lag_words(lag: &LagLimit) -> String {
    format!("{}: {}", latency(lag.limit), lag.because)
}

fn fit_words(fit: &crate::capacity::Fit) -> String {
    let peak = fit.peak.map_or("no peak".to_owned(), |peak| format!("peak {} msg/s", rate(peak)));
    format!(
        "Universal Scalability Law: σ {:.3}, κ {:.5}, {peak}, R² {:.3} over {} steps; an annotation, not the answer",
        fit.sigma, fit.kappa, fit.r_squared, fit.points
    )
}
