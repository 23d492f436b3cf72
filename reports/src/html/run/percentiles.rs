//! Percentile curves: how slow the slowest few are. Each decade of rarity has the same width, as HdrHistogram plots it.

use super::super::draw::frame::Frame;
use super::super::draw::scale::Scale;
use super::super::draw::svg::{Anchor, Svg};
use super::super::draw::{Figure, axes};
use super::timeline::nanoseconds;
use crate::figures::{count, latency};
use crate::observation::{Qos, metric};
use crate::summary::Summary;
use crate::{Labels, label};
use hdrhistogram::Histogram;
use std::time::Duration;

/// Points per decade.
const RESOLUTION: f64 = 24.0;
const CURVES: [(&str, &str, &str); 4] = [
    ("end to end", "accent", metric::E2E),
    ("broker", "ink", metric::SERVICE),
    ("generator", "second", metric::GENERATOR_LAG),
    ("round trip", "third", metric::ROUND_TRIP),
];
const OF_QOS: [(&str, &str, Qos); 3] =
    [("QoS 0", "ink", Qos::AtMostOnce), ("QoS 1", "accent", Qos::AtLeastOnce), ("QoS 2", "second", Qos::ExactlyOnce)];

struct Trace {
    name: &'static str,
    class: &'static str,
    /// Rarity (decades: 1 is 90 %, 2 is 99 %) and nanoseconds.
    points: Vec<(f64, f64)>,
    samples: u64,
    /// 999 of 1000 are at most this.
    p999: Duration,
}

/// Where the time went, and end to end by QoS when several were used. Empty when nothing was measured.
pub(super) fn curves(summary: &Summary) -> Vec<Figure> {
    let measured = |name, class, metric: &str, labels: &Labels| {
        Some(trace(name, class, &summary.measured_histogram(metric, labels)?))
    };
    let parts: Vec<Trace> =
        CURVES.iter().filter_map(|(name, class, metric)| measured(name, class, metric, &Labels::none())).collect();
    let of_qos: Vec<Trace> = OF_QOS
        .iter()
        .filter_map(|(name, class, qos)| measured(name, class, metric::E2E, &Labels::none().with(label::QOS, qos)))
        .collect();
    let mut figures = Vec::new();
    if let Some(all) = parts.first().filter(|trace| trace.name == CURVES[0].0) {
        let reading =
            format!("Of {} deliveries, one in a thousand took longer than {}.", count(all.samples), latency(all.p999));
        figures.push(figure("percentiles", "Latency by percentile", reading, &parts));
    }
    if of_qos.len() > 1 {
        let each: Vec<String> = of_qos.iter().map(|trace| format!("{} {}", trace.name, latency(trace.p999))).collect();
        let reading = format!("One in a thousand took longer than: {}.", each.join(", "));
        figures.push(figure("qos", "End to end, by QoS", reading, &of_qos));
    }
    figures
}

fn figure(id: &'static str, title: &str, reading: String, traces: &[Trace]) -> Figure {
    Figure {
        id,
        title: title.to_owned(),
        size: "half",
        drawings: vec![svg(id, title, traces, Frame { bottom: 34.0, top: 14.0, ..Frame::HALF }.tall(270.0), &reading)],
        reading,
        key: None,
        table: None,
    }
}

/// As far as there are samples: a curve over n samples ends at rarity 1 in n.
fn trace(name: &'static str, class: &'static str, histogram: &Histogram<u64>) -> Trace {
    let decades = (histogram.len().max(1) as f64).log10();
    let steps = (decades * RESOLUTION).floor().max(0.0) as u32;
    let at = |decade: f64| (decade, histogram.value_at_quantile(1.0 - 10_f64.powf(-decade)).max(1) as f64);
    Trace {
        name,
        class,
        points: (0..=steps).map(|step| at(f64::from(step) / RESOLUTION)).chain([at(decades)]).collect(),
        samples: histogram.len(),
        p999: Duration::from_nanos(histogram.value_at_quantile(0.999)),
    }
}

fn svg(id: &str, title: &str, traces: &[Trace], frame: Frame, reading: &str) -> String {
    let scale = Scale::log(traces.iter().flat_map(|trace| trace.points.iter().map(|(_, value)| *value)));
    let decades = traces.iter().flat_map(|trace| trace.points.last()).map(|(decade, _)| *decade).fold(1.0, f64::max);
    let mut svg = Svg::new(&format!("{id}-curve"), frame.class, frame.width, frame.height, title, reading);
    axes::values(&mut svg, scale, nanoseconds, frame);
    svg.line("axis", frame.place(0.0, 0.0), frame.place(1.0, 0.0));
    let names = ["0 %", "90 %", "99 %", "99.9 %", "99.99 %", "99.999 %", "99.9999 %", "99.99999 %"];
    for (decade, name) in names.iter().enumerate().take_while(|(decade, _)| *decade as f64 <= decades) {
        let (x, y) = frame.place(decade as f64 / decades, 0.0);
        svg.line("grid", (x, y), frame.place(decade as f64 / decades, 1.0));
        // Where decades are many, their names take turns in two rows.
        let row = if decades > 4.5 && decade % 2 == 1 { 27.0 } else { 16.0 };
        svg.text("tick", (x, y + row), Anchor::Middle, name);
    }
    for trace in traces {
        let place = |(decade, value): &(f64, f64)| Some(frame.place(decade / decades, scale.place(*value)));
        svg.path(trace.class, trace.points.iter().map(place));
    }
    let ends = traces.iter().filter_map(|trace| Some((scale.place(trace.points.last()?.1), trace.name, trace.class)));
    axes::ends(&mut svg, &ends.collect::<Vec<_>>(), frame);
    svg.finish()
}
