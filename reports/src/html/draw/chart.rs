//! A line chart over time: names beside the lines instead of a legend, stages and events marked, figures under the pointer.

use super::super::run::marks::Marks;
use super::axes;
use super::frame::Frame;
use super::scale::{Scale, moment};
use super::svg::Svg;
use super::{Figure, Table};

/// Most columns that answer to the pointer.
const SLOTS: usize = 180;
/// Most rows of the table behind a chart.
const ROWS: usize = 120;

/// One quantity, or a few of the same unit, over time.
pub(in crate::html) struct Chart {
    /// Unique within the page, letters only.
    pub(in crate::html) id: &'static str,
    pub(in crate::html) title: &'static str,
    /// What to see in it, in words.
    pub(in crate::html) reading: String,
    pub(in crate::html) size: Size,
    pub(in crate::html) scale: Scale,
    /// How a value is written.
    pub(in crate::html) format: fn(f64) -> String,
    pub(in crate::html) fold: Fold,
    pub(in crate::html) lines: Vec<Line>,
}

/// How much of the page a chart takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::html) enum Size {
    Full,
    Half,
}

/// What stands for several points of a line where there is room for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::html) enum Fold {
    Mean,
    Highest,
}

/// One line of a chart.
pub(in crate::html) struct Line {
    pub(in crate::html) name: &'static str,
    /// Class in the style sheet.
    pub(in crate::html) class: &'static str,
    /// Seconds and value; `None` where nothing was measured.
    pub(in crate::html) points: Vec<(f64, Option<f64>)>,
}

impl Chart {
    pub(in crate::html) fn draw(&self, marks: &Marks) -> Figure {
        let frames: &[Frame] = match self.size {
            Size::Full => &[Frame::WIDE, Frame::NARROW],
            Size::Half => &[Frame::HALF],
        };
        Figure {
            id: self.id,
            title: self.title.to_owned(),
            reading: self.reading.clone(),
            size: if self.size == Size::Full { "full" } else { "half" },
            drawings: frames.iter().map(|frame| self.svg(marks, *frame)).collect(),
            key: None,
            table: Some(self.table(marks)),
        }
    }

    fn svg(&self, marks: &Marks, frame: Frame) -> String {
        let id = format!("{}-{}", self.id, frame.class);
        let mut svg = Svg::new(&id, frame.class, frame.width, frame.height, self.title, &self.description());
        axes::stages(&mut svg, marks, frame);
        axes::values(&mut svg, self.scale, self.format, frame);
        axes::time(&mut svg, marks, frame);
        axes::events(&mut svg, marks, frame);
        for line in &self.lines {
            let place = |(at, value): &(f64, Option<f64>)| {
                value.map(|value| frame.place(at / marks.seconds, self.scale.place(value)))
            };
            if line.class.contains("dots") {
                svg.dots(line.class, line.points.iter().filter_map(place));
            } else {
                svg.path(line.class, line.points.iter().map(place));
            }
        }
        axes::ends(&mut svg, &self.ends(), frame);
        if frame.class != Frame::NARROW.class {
            self.slots(&mut svg, marks, frame);
        }
        svg.finish()
    }

    /// Where the names of lines stand: at the middle value of a line's last tenth. Its very end is often the moment in which a
    /// run stops and everything falls.
    fn ends(&self) -> Vec<(f64, &'static str, &'static str)> {
        let middle = |line: &Line| {
            let mut values: Vec<f64> = line.points.iter().filter_map(|(_, value)| *value).collect();
            values.drain(..values.len() - values.len().div_ceil(10));
            values.sort_by(f64::total_cmp);
            values.get(values.len() / 2).copied()
        };
        self.lines.iter().filter_map(|line| Some((self.scale.place(middle(line)?), line.name, line.class))).collect()
    }

    /// Columns of one or a few points that tell their values.
    fn slots(&self, svg: &mut Svg, marks: &Marks, frame: Frame) {
        let limit = if self.size == Size::Full { SLOTS } else { SLOTS / 2 };
        let folded = self.folded(limit);
        svg.begin_slots(frame);
        let mut from = 0.0;
        for (index, (at, values)) in folded.iter().enumerate() {
            let until = folded.get(index + 1).map_or(marks.seconds, |next| f64::midpoint(*at, next.0));
            let ((x, _), (end, _)) = (frame.place(from / marks.seconds, 0.0), frame.place(until / marks.seconds, 0.0));
            let values = self.lines.iter().zip(values);
            let values = values.filter_map(|(line, value)| Some(format!("{} {}", line.name, (self.format)((*value)?))));
            let text: Vec<String> = std::iter::once(moment(at.floor(), marks.seconds)).chain(values).collect();
            svg.slot(x, end, frame, &text.join(" · "));
            from = until;
        }
        svg.end_slots();
    }

    fn table(&self, marks: &Marks) -> Table {
        let per_row = self.per_row(ROWS);
        let row = |(at, values): &(f64, Vec<Option<f64>>)| {
            let written = |value: &Option<f64>| value.map_or("–".to_owned(), self.format);
            std::iter::once(moment(at.floor(), marks.seconds)).chain(values.iter().map(written)).collect()
        };
        let kept = if self.fold == Fold::Mean { "mean" } else { "highest" };
        Table {
            note: if per_row > 1 {
                format!("A row stands for {per_row} points, with their {kept} value.")
            } else {
                String::new()
            },
            head: std::iter::once("At").chain(self.lines.iter().map(|line| line.name)).map(str::to_owned).collect(),
            rows: self.folded(ROWS).iter().map(row).collect(),
        }
    }

    fn per_row(&self, limit: usize) -> usize {
        let points = self.lines.iter().map(|line| line.points.len()).max().unwrap_or(0);
        points.div_ceil(limit).max(1)
    }

    /// The points of all lines, at most so many, with the time of the first of each.
    fn folded(&self, limit: usize) -> Vec<(f64, Vec<Option<f64>>)> {
        let per_row = self.per_row(limit);
        let Some(first) = self.lines.first() else { return Vec::new() };
        let fold = |points: &[(f64, Option<f64>)]| {
            let values: Vec<f64> = points.iter().filter_map(|(_, value)| *value).collect();
            match self.fold {
                Fold::Mean => (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64),
                Fold::Highest => values.into_iter().reduce(f64::max),
            }
        };
        let row = |index: usize| {
            let of = |line: &Line| line.points.chunks(per_row).nth(index).and_then(fold);
            self.lines.iter().map(of).collect()
        };
        first.points.chunks(per_row).enumerate().map(|(index, points)| (points[0].0, row(index))).collect()
    }

    /// What a screen reader says: the reading, and the range of each line.
    fn description(&self) -> String {
        let range = |line: &Line| {
            let values = line.points.iter().filter_map(|(_, value)| *value);
            let (low, high) = values.fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(v), high.max(v)));
            (low <= high).then(|| format!("{}: {} to {}.", line.name, (self.format)(low), (self.format)(high)))
        };
        let ranges: Vec<String> = self.lines.iter().filter_map(range).collect();
        format!("{} {}", self.reading, ranges.join(" "))
    }
}
