//! Every metric's change on one axis, better to the left, worse to the right, with what is tolerated.

use super::super::draw::svg::{Anchor, Svg};
use super::super::draw::{Figure, Table};
use crate::comparison::{Better, Compared, Comparison, Interval, Outcome};

const PITCH: f64 = 26.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 26.0;
/// Letters of a metric's title that fit beside the drawing, on a wide page and on a phone.
const LETTERS: [usize; 2] = [36, 16];

/// `None` when no metric has a change.
pub(super) fn figure(comparison: &Comparison) -> Option<Figure> {
    let rows: Vec<(&Compared, Interval)> =
        comparison.metrics.iter().filter_map(|metric| Some((metric, worse(metric)?))).collect();
    rows.first()?;
    let tolerances = rows.iter().map(|(metric, _)| metric.tolerance.abs());
    let reach = rows.iter().flat_map(|(_, change)| [change.low.abs(), change.high.abs()]).chain(tolerances);
    // One metric that went wild must not press all others into a line.
    let reach = reach.filter(|value| value.is_finite()).fold(0.01, f64::max).min(1.0) * 1.12;
    let title = "Change of every metric".to_owned();
    let reading = format!(
        "Right is worse, left is better, whatever the metric counts. The dot is the estimate, the bar its {:.0} % interval; \
         the tinted part is tolerated. A bar wholly beyond it is a regression.",
        comparison.settings.confidence * 100.0
    );
    let draw = |class: &str, width: f64, left: f64, letters: usize| {
        let height = TOP + BOTTOM + PITCH * rows.len() as f64;
        let mut svg = Svg::new(&format!("changes-{class}"), class, width, height, &title, &reading);
        let x = |share: f64| left + (width - left - 30.0) * ((share / reach).clamp(-1.0, 1.0) + 1.0) / 2.0;
        frame(&mut svg, x(-reach), x(0.0), x(reach), height, reach);
        for (index, (metric, change)) in rows.iter().enumerate() {
            let y = TOP + PITCH * (index as f64 + 0.5);
            svg.rect("stage measured", x(-reach), y - 10.0, x(metric.tolerance) - x(-reach), 20.0);
            svg.text("label", (left - 9.0, y + 3.5), Anchor::End, &shortened(&metric.title, letters));
            let class = match metric.verdict {
                Outcome::Pass => "pass",
                Outcome::Regressed => "regressed",
                Outcome::Inconclusive => "undecided",
            };
            svg.line(&format!("interval {class}"), (x(change.low), y), (x(change.high), y));
            svg.dot(&format!("estimate {class}"), (x(change.estimate), y), 4.0);
        }
        svg.line("zero", (x(0.0), TOP - 6.0), (x(0.0), height - BOTTOM));
        svg.finish()
    };
    Some(Figure {
        id: "changes",
        size: "full",
        drawings: vec![draw("wide", 1008.0, 260.0, LETTERS[0]), draw("narrow", 360.0, 120.0, LETTERS[1])],
        key: None,
        table: Some(table(&rows)),
        title,
        reading,
    })
}

fn frame(svg: &mut Svg, left: f64, middle: f64, right: f64, height: f64, reach: f64) {
    let floor = height - BOTTOM;
    for (x, share) in [
        (left, -reach),
        (f64::midpoint(left, middle), -reach / 2.0),
        (middle, 0.0),
        (f64::midpoint(middle, right), reach / 2.0),
        (right, reach),
    ] {
        svg.line("grid", (x, TOP), (x, floor));
        svg.text("tick", (x, floor + 16.0), Anchor::Middle, &percent(share));
    }
    svg.text("tick", (left, 14.0), Anchor::Start, "← better");
    svg.text("tick", (right, 14.0), Anchor::End, "worse →");
}

/// The change, turned so that more is worse.
fn worse(metric: &Compared) -> Option<Interval> {
    let change = metric.change?;
    Some(match metric.better {
        Better::Lower => change,
        Better::Higher => Interval { estimate: -change.estimate, low: -change.high, high: -change.low },
    })
}

fn table(rows: &[(&Compared, Interval)]) -> Table {
    let row = |(metric, change): &(&Compared, Interval)| {
        let parts = [change.estimate, change.low, change.high, metric.tolerance].map(percent);
        std::iter::once(metric.title.clone()).chain(parts).collect()
    };
    Table {
        note: "Positive is worse.".to_owned(),
        head: ["Metric", "Estimate", "From", "To", "Tolerated"].map(str::to_owned).to_vec(),
        rows: rows.iter().map(row).collect(),
    }
}

/// `+12.5 %`.
pub(super) fn percent(share: f64) -> String {
    // Adding zero makes a negative zero a plain one.
    let percent = (share * 1000.0).round() / 10.0 + 0.0;
    if percent == 0.0 { "0 %".to_owned() } else { format!("{percent:+.1} %") }
}

fn shortened(name: &str, letters: usize) -> String {
    if name.chars().count() <= letters {
        return name.to_owned();
    }
    name.chars().take(letters - 1).chain(['…']).collect()
}
