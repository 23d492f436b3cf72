//! A line chart over time: direct labels instead of a legend, stages and events marked, figures under the pointer.

use super::marks::Marks;
use super::scale::{Scale, moment, moments};
use super::svg::{Anchor, Svg};
use serde::Serialize;

/// Most columns that answer to the pointer.
const SLOTS: usize = 180;

/// One quantity, or a few of the same unit, over time.
pub(super) struct Chart {
    /// Unique within the page, letters only.
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    /// What to see in it, in words.
    pub(super) reading: String,
    /// Height of the drawing.
    pub(super) height: f64,
    pub(super) scale: Scale,
    /// How a value is written.
    pub(super) format: fn(f64) -> String,
    pub(super) lines: Vec<Line>,
}

/// One line of a chart.
pub(super) struct Line {
    pub(super) name: &'static str,
    /// Class in the style sheet.
    pub(super) class: &'static str,
    /// Seconds and value; `None` where nothing was measured.
    pub(super) points: Vec<(f64, Option<f64>)>,
}

/// A chart as the template shows it.
#[derive(Debug, Serialize)]
pub(super) struct Drawn {
    id: &'static str,
    title: &'static str,
    reading: String,
    wide: String,
    narrow: String,
}

/// The drawing's size and margins in user units, which are pixels where the page is as wide as the drawing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    pub(super) class: &'static str,
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
}

impl Frame {
    pub(super) const WIDE: Self =
        Self { class: "wide", width: 920.0, height: 190.0, left: 58.0, right: 84.0, top: 24.0, bottom: 24.0 };
    pub(super) const NARROW: Self =
        Self { class: "narrow", width: 360.0, height: 190.0, left: 48.0, right: 66.0, top: 22.0, bottom: 24.0 };

    /// The same, of another height.
    pub(super) const fn tall(self, height: f64) -> Self {
        Self { height, ..self }
    }

    /// From shares of the plotting area (0 to 1, upwards) to a place.
    pub(super) fn place(&self, x: f64, y: f64) -> (f64, f64) {
        let (width, height) = (self.width - self.left - self.right, self.height - self.top - self.bottom);
        (self.left + x * width, self.top + (1.0 - y) * height)
    }

    fn floor(&self) -> f64 {
        self.height - self.bottom
    }
}

impl Chart {
    pub(super) fn draw(&self, marks: &Marks) -> Drawn {
        Drawn {
            id: self.id,
            title: self.title,
            reading: self.reading.clone(),
            wide: self.svg(marks, Frame::WIDE.tall(self.height)),
            narrow: self.svg(marks, Frame::NARROW.tall(self.height)),
        }
    }

    fn svg(&self, marks: &Marks, frame: Frame) -> String {
        let id = format!("{}-{}", self.id, frame.class);
        let mut svg = Svg::new(&id, frame.class, frame.width, frame.height, self.title, &self.description());
        draw_stages(&mut svg, marks, frame);
        draw_values(&mut svg, self.scale, self.format, frame);
        draw_time(&mut svg, marks, frame);
        draw_events(&mut svg, marks, frame);
        for line in &self.lines {
            self.draw_line(&mut svg, line, marks, frame);
        }
        draw_labels(&mut svg, &self.labels(), frame);
        self.draw_slots(&mut svg, marks, frame);
        svg.finish()
    }

    fn place(&self, marks: &Marks, frame: Frame, at: f64, value: f64) -> (f64, f64) {
        frame.place((at / marks.seconds).clamp(0.0, 1.0), self.scale.place(value))
    }

    fn draw_line(&self, svg: &mut Svg, line: &Line, marks: &Marks, frame: Frame) {
        let place = |(at, value): &(f64, Option<f64>)| value.map(|value| self.place(marks, frame, *at, value));
        if line.class.contains("dots") {
            for point in line.points.iter().filter_map(place) {
                svg.dot(line.class, point, 1.3);
            }
        } else {
            svg.path(line.class, line.points.iter().map(place));
        }
    }

    fn labels(&self) -> Vec<(f64, &'static str, &'static str)> {
        let last = |line: &Line| line.points.iter().rev().find_map(|(_, value)| *value);
        self.lines.iter().filter_map(|line| Some((self.scale.place(last(line)?), line.name, line.class))).collect()
    }

    /// One invisible column per point, or per few points when there are many; it tells the values of its last point.
    fn draw_slots(&self, svg: &mut Svg, marks: &Marks, frame: Frame) {
        let Some(first) = self.lines.first() else { return };
        let per_slot = first.points.len().div_ceil(SLOTS).max(1);
        let (mut from, _) = frame.place(0.0, 0.0);
        for (index, (at, _)) in first.points.iter().enumerate() {
            let following = first.points.get(index + 1).map_or(marks.seconds, |next| (next.0 + at) / 2.0);
            if (index + 1) % per_slot != 0 && index + 1 != first.points.len() {
                continue;
            }
            let (to, _) = frame.place((following / marks.seconds).clamp(0.0, 1.0), 0.0);
            let values = self.lines.iter().filter_map(|line| {
                let value = line.points.get(index)?.1?;
                Some(format!("{} {}", line.name, (self.format)(value)))
            });
            let text: Vec<String> = std::iter::once(moment(*at, marks.seconds)).chain(values).collect();
            svg.hover(from, frame.top, to - from, frame.floor() - frame.top, &text);
            from = to;
        }
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

pub(super) fn draw_values(svg: &mut Svg, scale: Scale, format: fn(f64) -> String, frame: Frame) {
    for value in scale.ticks() {
        let left = frame.place(0.0, scale.place(value));
        svg.line("grid", left, frame.place(1.0, scale.place(value)));
        svg.text("tick", (left.0 - 7.0, left.1 + 3.5), Anchor::End, &format(value));
    }
}

/// Labels beside the ends of lines, moved apart so that they do not overlap.
pub(super) fn draw_labels(svg: &mut Svg, labels: &[(f64, &str, &str)], frame: Frame) {
    const APART: f64 = 13.0;
    let mut places: Vec<(f64, &str, &str)> =
        labels.iter().map(|(share, name, class)| (frame.place(1.0, *share).1, *name, *class)).collect();
    places.sort_by(|a, b| a.0.total_cmp(&b.0));
    for index in 1..places.len() {
        places[index].0 = places[index].0.max(places[index - 1].0 + APART);
    }
    let mut ceiling = frame.floor() + 4.0;
    for place in places.iter_mut().rev() {
        place.0 = place.0.min(ceiling);
        ceiling = place.0 - APART;
    }
    let x = frame.place(1.0, 0.0).0 + 7.0;
    for (y, name, class) in places {
        svg.text(&format!("label {class}"), (x, y + 3.5), Anchor::Start, name);
    }
}

fn draw_time(svg: &mut Svg, marks: &Marks, frame: Frame) {
    svg.line("axis", frame.place(0.0, 0.0), frame.place(1.0, 0.0));
    let wanted = if frame.width > 500.0 { 10.0 } else { 4.0 };
    for at in moments(marks.seconds, wanted) {
        let (x, y) = frame.place(at / marks.seconds, 0.0);
        svg.line("axis", (x, y), (x, y + 4.0));
        svg.text("tick", (x, y + 16.0), Anchor::Middle, &moment(at, marks.seconds));
    }
}

fn draw_stages(svg: &mut Svg, marks: &Marks, frame: Frame) {
    for stage in &marks.stages {
        let (x, y) = frame.place((stage.from / marks.seconds).clamp(0.0, 1.0), 1.0);
        let (to, floor) = frame.place((stage.to / marks.seconds).clamp(0.0, 1.0), 0.0);
        svg.rect(if stage.measured { "stage measured" } else { "stage" }, x, y, to - x, floor - y);
        svg.line("stage", (x, y - 12.0), (x, floor));
        // Roughly six units per letter; a name that does not fit is in the table of stages.
        let fits = stage.name.chars().count() as f64 * 6.2 + 6.0 <= to - x;
        if fits {
            svg.text("stage", (x + 4.0, y - 4.0), Anchor::Start, &stage.name);
        }
    }
}

fn draw_events(svg: &mut Svg, marks: &Marks, frame: Frame) {
    for event in &marks.events {
        let (x, y) = frame.place((event.at / marks.seconds).clamp(0.0, 1.0), 1.0);
        svg.line("event", (x, y), (x, frame.floor()));
        svg.text("event", (x, y - 4.0), Anchor::Middle, &event.letter.to_string());
    }
}
