//! Latency against the figure that was asked for: flat, a knee, a wall. And what it cost.

use super::super::draw::frame::Frame;
use super::super::draw::plot::{Plot, Point, Sign, Trace};
use super::super::draw::scale::Scale;
use super::super::draw::svg::Svg;
use super::super::draw::{Figure, Table};
use super::super::run::nanoseconds;
use crate::capacity::{Answer, Capacity, Dimension, Fit, Latency, Step, StepKind, StepVerdict, figure};
use crate::figures::latency;
use std::time::Duration;

/// Points of the fitted curve.
const FIT_POINTS: u32 = 60;

/// The curve, and processors against the same axis. Empty when no step was measured.
pub(super) fn figures(capacity: &Capacity) -> Vec<Figure> {
    let mut steps: Vec<&Step> = capacity.steps.iter().filter(|step| step.kind != StepKind::WarmUp).collect();
    steps.sort_by(|a, b| a.asked.total_cmp(&b.asked));
    [latencies(capacity, &steps), processors(capacity, &steps)].into_iter().flatten().collect()
}

/// The way of a message; of connections without load there is only connecting.
fn of(dimension: Dimension, step: &Step) -> Option<Latency> {
    if dimension == Dimension::Connections { step.latency.or(step.connect) } else { step.latency }
}

fn horizontal(steps: &[&Step]) -> Scale {
    let asked = || steps.iter().map(|step| step.asked);
    let (low, high) = asked().fold((f64::MAX, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
    // Where the search ran over decades a linear axis would crowd its beginning.
    if high > 50.0 * low.max(1e-9) { Scale::log(asked()) } else { Scale::stepped(asked(), 9.0) }
}

fn format(dimension: Dimension) -> fn(f64) -> String {
    match dimension {
        Dimension::Rate => |value| figure(Dimension::Rate, value),
        Dimension::Connections => |value| figure(Dimension::Connections, value),
        Dimension::FanOut => |value| figure(Dimension::FanOut, value),
    }
}

fn latencies(capacity: &Capacity, steps: &[&Step]) -> Option<Figure> {
    let dimension = capacity.search.dimension;
    let measured: Vec<(f64, Latency)> =
        steps.iter().filter_map(|step| Some((step.asked, of(dimension, step)?))).collect();
    let searched: Vec<(f64, Latency)> = steps
        .iter()
        .filter(|step| step.kind != StepKind::Confirmation)
        .filter_map(|step| Some((step.asked, of(dimension, step)?)))
        .collect();
    measured.first()?;
    let nanos = |duration: Duration| (duration.as_secs_f64() * 1e9).max(1.0);
    let line = |name, class, value: fn(&Latency) -> Duration| Trace {
        name,
        class,
        points: searched.iter().map(|(asked, points)| (*asked, nanos(value(points)))).collect(),
    };
    let mut traces = vec![
        line("p99", "accent", |points| points.p99),
        line("p95", "second", |points| points.p95),
        line("p50", "ink", |points| points.p50),
    ];
    let fitted = capacity.fit.as_ref().filter(|_| dimension == Dimension::Rate).map(fitted);
    let highest = steps.iter().map(|step| step.asked).fold(0.0, f64::max);
    if let Some(points) = fitted {
        let points = points.into_iter().filter(|(rate, _)| *rate <= highest).collect();
        traces.push(Trace { name: "", class: "fit", points });
    }
    let limits = limits(&capacity.search.slo);
    let all = measured.iter().flat_map(|(_, points)| [nanos(points.p50), nanos(points.p99)]);
    let y = Scale::log(all.chain(limits.iter().map(|(limit, _)| *limit)));
    let points = steps
        .iter()
        .filter_map(|step| Some(Point { at: (step.asked, nanos(of(dimension, step)?.p99)), sign: sign(step) }))
        .collect();
    let stops = capacity.answer.figure().map(|value| (value, format!("sustained {}", figure(dimension, value))));
    let plot = Plot {
        x: horizontal(steps),
        x_format: format(dimension),
        y,
        y_format: nanoseconds,
        traces,
        points,
        band: capacity.answer.figure().map(|value| (0.0, value)),
        limits,
        stops: stops.into_iter().collect(),
    };
    let title = format!("Latency against {}", dimension.unit());
    let reading = reading(capacity, &searched);
    let draw = |frame: Frame| {
        let svg = Svg::new(&format!("curve-{}", frame.class), frame.class, frame.width, frame.height, &title, &reading);
        plot.draw(svg, frame)
    };
    Some(Figure {
        id: "curve",
        size: "full",
        drawings: vec![draw(Frame::WIDE.tall(330.0)), draw(Frame::NARROW.tall(280.0))],
        key: None,
        table: Some(table(dimension, &measured)),
        title,
        reading,
    })
}

/// The knee in words, and what the signs mean.
fn reading(capacity: &Capacity, searched: &[(f64, Latency)]) -> String {
    let dimension = capacity.search.dimension;
    let written = |value: f64| format!("{} {}", figure(dimension, value), dimension.unit());
    let knee = match &capacity.answer {
        Answer::Confirmed { figure: held, broke_at, .. } => {
            let at = |wanted: f64| searched.iter().find(|(asked, _)| *asked == wanted).map(|(_, points)| points.p99);
            match (at(*held), at(*broke_at)) {
                (Some(before), Some(after)) => format!(
                    "The knee lies between {} and {}: p99 goes from {} to {}.",
                    figure(dimension, *held),
                    written(*broke_at),
                    latency(before),
                    latency(after)
                ),
                _ => format!("The knee lies between {} and {}.", figure(dimension, *held), written(*broke_at)),
            }
        }
        Answer::AtLeast { figure: held, .. } => format!("No knee up to {}: the target may do more.", written(*held)),
        Answer::None { .. } => "No figure is confirmed.".to_owned(),
    };
    let fit = if capacity.fit.is_some() { " Dashed: the fitted law, an annotation." } else { "" };
    format!("{knee} Dots on p99: held; crosses: broke; squares: nothing known; rings: confirmations.{fit}")
}

fn sign(step: &Step) -> Sign {
    match (step.verdict, step.kind) {
        (StepVerdict::Held, StepKind::Confirmation) => Sign::Confirmed,
        (StepVerdict::Held, _) => Sign::Held,
        (StepVerdict::Broke, _) => Sign::Broke,
        (StepVerdict::Saturated | StepVerdict::Inconclusive | StepVerdict::Interrupted | StepVerdict::Gone, _) => {
            Sign::Unknown
        }
    }
}

/// Those of the demands that are limits of end-to-end latency: `e2e: p(99)<200ms`.
fn limits(slo: &[String]) -> Vec<(f64, String)> {
    slo.iter()
        .filter(|demand| demand.starts_with("e2e"))
        .filter_map(|demand| Some((limit(demand)?, demand.clone())))
        .collect()
}

/// The time after `<` or `<=`, in nanoseconds.
fn limit(demand: &str) -> Option<f64> {
    let (left, value) = demand.rsplit_once('<')?;
    let value = value.trim_start_matches('=').trim();
    let letters = value.find(|c: char| c.is_alphabetic())?;
    let (number, unit) = value.split_at(letters);
    let scale = match unit {
        "ns" => 1.0,
        "us" | "µs" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        _ => return None,
    };
    let number: f64 = number.trim().parse().ok()?;
    (left.contains("p(") && number > 0.0 && number.is_finite()).then_some(number * scale)
}

/// The law as latency over rate: with N messages in flight at rate X, each takes N / X on average.
fn fitted(fit: &Fit) -> Vec<(f64, f64)> {
    let rate = |n: f64| fit.lambda * n / (1.0 + fit.sigma * (n - 1.0) + fit.kappa * n * (n - 1.0));
    // Past its peak the law turns back; without one, a thousand in flight are shown.
    let most = if fit.kappa > 0.0 { ((1.0 - fit.sigma) / fit.kappa).max(1.0).sqrt().max(2.0) } else { 1000.0 };
    let point = |index: u32| {
        let n = 0.01 * (most / 0.01).powf(f64::from(index) / f64::from(FIT_POINTS));
        (rate(n), n / rate(n) * 1e9)
    };
    let points = (0..=FIT_POINTS).map(point);
    points.filter(|(x, y)| x.is_finite() && y.is_finite() && *x > 0.0 && *y > 0.0).collect()
}

fn processors(capacity: &Capacity, steps: &[&Step]) -> Option<Figure> {
    let line = |name, class, value: fn(&Step) -> Option<f64>| Trace {
        name,
        class,
        // Confirmations stand at a figure that was searched already: a line through them would turn back.
        points: steps
            .iter()
            .filter(|step| step.kind != StepKind::Confirmation)
            .filter_map(|step| Some((step.asked, value(step)?)))
            .collect(),
    };
    let mut traces =
        vec![line("broker", "accent", |step| step.broker.cpu), line("generator", "second", |step| step.generator.cpu)];
    traces.retain(|trace| !trace.points.is_empty());
    let values = || traces.iter().flat_map(|trace| trace.points.iter().map(|(_, value)| *value));
    let most = values().reduce(f64::max)?;
    let dimension = capacity.search.dimension;
    let title = "Processor use, in cores".to_owned();
    let reading = format!("At most {most:.2}; 1 is one core kept busy all the time.");
    let plot = Plot {
        x: horizontal(steps),
        x_format: format(dimension),
        y: Scale::linear(values()),
        y_format: |value| {
            let text = format!("{value:.2}");
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        },
        traces,
        points: Vec::new(),
        band: capacity.answer.figure().map(|value| (0.0, value)),
        limits: Vec::new(),
        stops: Vec::new(),
    };
    let frame = Frame::HALF.tall(210.0);
    let svg = Svg::new("processors-half", frame.class, frame.width, frame.height, &title, &reading);
    Some(Figure {
        id: "processors",
        size: "half",
        drawings: vec![plot.draw(svg, frame)],
        key: None,
        table: None,
        title,
        reading,
    })
}

fn table(dimension: Dimension, measured: &[(f64, Latency)]) -> Table {
    let row = |(asked, points): &(f64, Latency)| {
        let times = [points.p50, points.p95, points.p99, points.max].map(latency);
        std::iter::once(figure(dimension, *asked)).chain(times).collect()
    };
    Table {
        note: String::new(),
        head: [dimension.unit(), "p50", "p95", "p99", "Slowest"].map(str::to_owned).to_vec(),
        rows: measured.iter().map(row).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::{fitted, limit};
    use crate::capacity::Fit;

    #[test]
    fn limits_of_latency_are_read_out_of_demands() {
        assert_eq!(limit("e2e: p(99)<200ms"), Some(2e8));
        assert_eq!(limit("e2e{qos:1}: p(99.9)<=1.5s"), Some(1.5e9));
        for none in ["loss: count==0", "e2e: p(99)<", "e2e: p(99)<many", "e2e: count<3s", "e2e: p(99)<-1s"] {
            assert_eq!(limit(none), None, "{none}");
        }
    }

    #[test]
    fn the_fitted_law_has_no_point_that_cannot_be_drawn() {
        for (sigma, kappa) in [(0.0, 0.0), (0.6, 0.002), (1.0, 1.0), (2.0, 0.1), (f64::NAN, 0.1)] {
            let fit = Fit { lambda: 2600.0, sigma, kappa, points: 6, r_squared: 0.9, peak: None };
            assert!(fitted(&fit).iter().all(|(x, y)| x.is_finite() && y.is_finite() && *x > 0.0 && *y > 0.0));
        }
    }
}
