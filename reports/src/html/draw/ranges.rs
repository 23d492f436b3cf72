//! Distributions under each other on one axis: from the median to the slowest, with marks between.

use super::axes;
use super::frame::Frame;
use super::scale::Scale;
use super::svg::{Anchor, Svg};
use super::{Figure, Table};

/// One distribution.
#[derive(Debug, Clone)]
pub(in crate::html) struct Row {
    pub(in crate::html) name: String,
    /// p50, p95, p99 and the largest.
    pub(in crate::html) marks: [f64; 4],
    /// Samples, as text.
    pub(in crate::html) count: String,
}

const PITCH: f64 = 21.0;
/// Letters of a name that fit beside the drawing.
const LETTERS: usize = 18;

/// Rows in the given order.
pub(in crate::html) fn figure(
    id: &'static str,
    title: &str,
    reading: String,
    format: fn(f64) -> String,
    rows: &[Row],
) -> Figure {
    let scale = Scale::log(rows.iter().flat_map(|row| row.marks));
    let frame = Frame { left: 124.0, right: 28.0, top: 12.0, ..Frame::HALF };
    let frame = frame.tall(frame.top + frame.bottom + PITCH * rows.len() as f64);
    let mut svg = Svg::new(id, frame.class, frame.width, frame.height, title, &reading);
    for value in scale.ticks() {
        svg.line("grid", frame.place(scale.place(value), 0.0), frame.place(scale.place(value), 1.0));
    }
    // Where decades are many, every second one is named.
    let every = if scale.ticks().len() > 6 { 2 } else { 1 };
    let named = scale.ticks().into_iter().step_by(every).map(|value| (scale.place(value), format(value)));
    axes::bottom(&mut svg, named, frame);
    for (index, row) in rows.iter().enumerate() {
        let y = frame.top + PITCH * (index as f64 + 0.5);
        let [p50, p95, p99, most] = row.marks.map(|value| frame.place(scale.place(value), 0.0).0);
        svg.text("label", (frame.left - 9.0, y + 3.5), Anchor::End, &shortened(&row.name));
        svg.line("reach", (p50, y), (most, y));
        svg.rect("span", p50, y - 3.5, p95 - p50, 7.0);
        svg.line("tail", (p95, y), (p99, y));
        svg.line("ink", (p50, y - 5.5), (p50, y + 5.5));
        svg.dot("accent", (p99, y), 3.2);
        svg.dot("dots", (most, y), 2.0);
    }
    let cells = |row: &Row| {
        std::iter::once(row.name.clone()).chain([row.count.clone()]).chain(row.marks.map(format)).collect::<Vec<_>>()
    };
    Figure {
        id,
        title: title.to_owned(),
        reading,
        size: "half",
        drawings: vec![svg.finish()],
        key: None,
        table: Some(Table {
            note: "Drawn: the bar from p50 to p95, the dot p99, the small dot the slowest.".to_owned(),
            head: ["", "Samples", "p50", "p95", "p99", "Slowest"].map(str::to_owned).to_vec(),
            rows: rows.iter().map(cells).collect(),
        }),
    }
}

fn shortened(name: &str) -> String {
    if name.chars().count() <= LETTERS {
        return name.to_owned();
    }
    name.chars().take(LETTERS - 1).chain(['…']).collect()
}
