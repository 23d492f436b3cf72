//! The percentile curve: how slow the slowest few are. Each decade of rarity has the same width, as HdrHistogram plots it.

use super::chart::{Frame, draw_labels, draw_values};
use super::scale::Scale;
use super::svg::{Anchor, Svg};
use crate::Labels;
use crate::figures::{count, latency};
use crate::observation::metric;
use crate::summary::Summary;
use hdrhistogram::Histogram;
use serde::Serialize;
use std::time::Duration;

/// Points per decade.
const RESOLUTION: f64 = 24.0;
const CURVES: [(&str, &str, &str); 3] = [
    ("end to end", "accent", metric::E2E),
    ("broker", "ink", metric::SERVICE),
    ("generator", "second", metric::GENERATOR_LAG),
];

#[derive(Debug, Serialize)]
pub(super) struct Curve {
    reading: String,
    wide: String,
    narrow: String,
}

struct Trace {
    name: &'static str,
    class: &'static str,
    /// Rarity (decades: 1 is 90 %, 2 is 99 %) and nanoseconds.
    points: Vec<(f64, f64)>,
}

/// `None` when nothing was measured.
pub(super) fn curve(summary: &Summary) -> Option<Curve> {
    let end_to_end = summary.measured_histogram(metric::E2E, &Labels::none())?;
    let traces: Vec<Trace> = CURVES
        .iter()
        .filter_map(|(name, class, metric)| {
            Some(Trace { name, class, points: trace(&summary.measured_histogram(metric, &Labels::none())?) })
        })
        .collect();
    let slow = end_to_end.value_at_quantile(0.999);
    let reading = format!(
        "Of {} deliveries, one in a thousand took longer than {}.",
        count(end_to_end.len()),
        latency(Duration::from_nanos(slow))
    );
    let draw = |frame: Frame| svg(&traces, frame.tall(260.0), &reading);
    Some(Curve { wide: draw(Frame::WIDE), narrow: draw(Frame::NARROW), reading })
}

/// As far as there are samples: a curve over n samples ends at rarity 1 in n.
fn trace(histogram: &Histogram<u64>) -> Vec<(f64, f64)> {
    let decades = (histogram.len().max(1) as f64).log10();
    let steps = (decades * RESOLUTION).floor().max(0.0) as u32;
    let at = |decade: f64| (decade, histogram.value_at_quantile(1.0 - 10_f64.powf(-decade)).max(1) as f64);
    (0..=steps).map(|step| at(f64::from(step) / RESOLUTION)).chain([at(decades)]).collect()
}

fn svg(traces: &[Trace], frame: Frame, reading: &str) -> String {
    let values = traces.iter().flat_map(|trace| trace.points.iter().map(|(_, value)| *value));
    let scale = Scale::log(values);
    let decades = traces.iter().flat_map(|trace| trace.points.last()).map(|(decade, _)| *decade).fold(1.0, f64::max);
    let id = format!("percentiles-{}", frame.class);
    let mut svg = Svg::new(&id, frame.class, frame.width, frame.height, "Latency by percentile", reading);
    draw_values(
        &mut svg,
        scale,
        |value| latency(Duration::from_nanos(value as u64)).replace(".00 ", " ").replace(".0 ", " "),
        frame,
    );
    svg.line("axis", frame.place(0.0, 0.0), frame.place(1.0, 0.0));
    for (decade, name) in ["0 %", "90 %", "99 %", "99.9 %", "99.99 %", "99.999 %", "99.9999 %"].iter().enumerate() {
        let (x, y) = frame.place(decade as f64 / decades, 0.0);
        if decade as f64 <= decades {
            svg.line("grid", (x, y), frame.place(decade as f64 / decades, 1.0));
            svg.text("tick", (x, y + 16.0), Anchor::Middle, name);
        }
    }
    for trace in traces {
        let place = |(decade, value): &(f64, f64)| Some(frame.place(decade / decades, scale.place(*value)));
        svg.path(trace.class, trace.points.iter().map(place));
    }
    let ends = traces.iter().filter_map(|trace| Some((scale.place(trace.points.last()?.1), trace.name, trace.class)));
    draw_labels(&mut svg, &ends.collect::<Vec<_>>(), frame);
    svg.finish()
}
