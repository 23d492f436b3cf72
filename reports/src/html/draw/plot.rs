//! One quantity against another: lines, points that are signs, a limit across, a value that matters.

use super::axes;
use super::frame::Frame;
use super::scale::Scale;
use super::svg::{Anchor, Svg};

/// A plot before it is drawn.
pub(in crate::html) struct Plot {
    pub(in crate::html) x: Scale,
    pub(in crate::html) x_format: fn(f64) -> String,
    pub(in crate::html) y: Scale,
    pub(in crate::html) y_format: fn(f64) -> String,
    pub(in crate::html) traces: Vec<Trace>,
    pub(in crate::html) points: Vec<Point>,
    /// From here to there on the horizontal axis, tinted.
    pub(in crate::html) band: Option<(f64, f64)>,
    /// Values on the vertical axis with a line across and a name.
    pub(in crate::html) limits: Vec<(f64, String)>,
    /// Values on the horizontal axis with a line upwards and a name.
    pub(in crate::html) stops: Vec<(f64, String)>,
}

/// A line.
pub(in crate::html) struct Trace {
    /// Written at its end; empty for none.
    pub(in crate::html) name: &'static str,
    pub(in crate::html) class: &'static str,
    pub(in crate::html) points: Vec<(f64, f64)>,
}

/// A point with a sign.
pub(in crate::html) struct Point {
    pub(in crate::html) at: (f64, f64),
    pub(in crate::html) sign: Sign,
}

/// How a point is drawn: by shape first, by colour second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::html) enum Sign {
    /// A filled dot.
    Held,
    /// A ring.
    Confirmed,
    /// A cross.
    Broke,
    /// A square.
    Unknown,
}

impl Plot {
    pub(in crate::html) fn draw(&self, mut svg: Svg, frame: Frame) -> String {
        let place = |(x, y): (f64, f64)| frame.place(self.x.place(x), self.y.place(y));
        if let Some((from, to)) = self.band {
            let ((left, top), (right, floor)) =
                (frame.place(self.x.place(from), 1.0), frame.place(self.x.place(to), 0.0));
            svg.rect("stage measured", left, top, right - left, floor - top);
        }
        axes::values(&mut svg, self.y, self.y_format, frame);
        let ticks = self.x.ticks();
        let every = (ticks.len() as f64 / (frame.labels() + 1.0)).ceil().max(1.0) as usize;
        let named = ticks.into_iter().step_by(every).map(|value| (self.x.place(value), (self.x_format)(value)));
        axes::bottom(&mut svg, named, frame);
        for (value, name) in &self.limits {
            let (x, y) = frame.place(0.0, self.y.place(*value));
            svg.line("limit", (x, y), frame.place(1.0, self.y.place(*value)));
            svg.text("limit", (x + 4.0, y - 4.0), Anchor::Start, name);
        }
        for (value, name) in &self.stops {
            let share = self.x.place(*value);
            let (x, y) = frame.place(share, 1.0);
            svg.line("stop", (x, y), (x, frame.floor()));
            let anchor = if share > 0.75 { Anchor::End } else { Anchor::Middle };
            svg.text("stop", (x, y - 5.0), anchor, name);
        }
        for trace in &self.traces {
            svg.path(trace.class, trace.points.iter().map(|point| Some(place(*point))));
        }
        for point in &self.points {
            draw_sign(&mut svg, place(point.at), point.sign);
        }
        let ends = self.traces.iter().filter(|trace| !trace.name.is_empty());
        let ends = ends.filter_map(|trace| Some((self.y.place(trace.points.last()?.1), trace.name, trace.class)));
        axes::ends(&mut svg, &ends.collect::<Vec<_>>(), frame);
        svg.finish()
    }
}

fn draw_sign(svg: &mut Svg, (x, y): (f64, f64), sign: Sign) {
    match sign {
        Sign::Held => svg.dot("held", (x, y), 3.4),
        Sign::Confirmed => svg.dot("confirmed", (x, y), 6.0),
        Sign::Broke => {
            svg.line("broke", (x - 4.0, y - 4.0), (x + 4.0, y + 4.0));
            svg.line("broke", (x - 4.0, y + 4.0), (x + 4.0, y - 4.0));
        }
        Sign::Unknown => svg.rect("unknown", x - 3.5, y - 3.5, 7.0, 7.0),
    }
}
