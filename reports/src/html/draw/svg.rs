//! Just enough SVG.

use super::frame::Frame;
use crate::html::page::plain;
use std::fmt::Write;

/// Text from anywhere, as it may stand in an element or a quoted attribute.
pub(in crate::html) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars().map(plain) {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// An SVG document under construction.
#[derive(Debug)]
pub(crate) struct Svg {
    out: String,
}

/// Where text stands relative to its point.
#[derive(Debug, Clone, Copy)]
pub(in crate::html) enum Anchor {
    Start,
    Middle,
    End,
}

impl Svg {
    /// Begins an image of that many user units, with the title and description that screen readers speak.
    pub(crate) fn new(id: &str, class: &str, width: f64, height: f64, title: &str, description: &str) -> Self {
        let (id, class) = (escaped(id), escaped(class));
        let (title, description) = (escaped(title), escaped(description));
        let out = format!(
            "<svg class=\"{class}\" viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" \
             aria-labelledby=\"{id}-t {id}-d\"><title id=\"{id}-t\">{title}</title><desc id=\"{id}-d\">{description}</desc>"
        );
        Self { out }
    }

    pub(in crate::html) fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let ((x1, y1), (x2, y2)) = (from, to);
        self.push(&format!("<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>"));
    }

    pub(crate) fn rect(&mut self, class: &str, x: f64, y: f64, width: f64, height: f64) {
        let width = width.max(0.0);
        self.push(&format!(
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"/>"
        ));
    }

    pub(in crate::html) fn dot(&mut self, class: &str, (x, y): (f64, f64), radius: f64) {
        self.push(&format!("<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\"/>"));
    }

    pub(in crate::html) fn text(&mut self, class: &str, (x, y): (f64, f64), anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let text = escaped(text);
        self.push(&format!("<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>"));
    }

    /// A line through the points, broken where one is missing. A point without neighbours becomes a dot; points on a
    /// level stretch are left out, for they are on the line.
    pub(in crate::html) fn path(&mut self, class: &str, points: impl Iterator<Item = Option<(f64, f64)>>) {
        let mut pieces: Vec<Vec<(f64, f64)>> = vec![Vec::new()];
        for point in points {
            match (point, pieces.last_mut()) {
                (Some((x, y)), Some(piece)) => {
                    let level = |index: usize| piece.get(index).is_some_and(|point| (point.1 - y).abs() < 0.05);
                    if piece.len() >= 2 && level(piece.len() - 1) && level(piece.len() - 2) {
                        piece.pop();
                    }
                    piece.push((x, y));
                }
                (None, Some(piece)) if !piece.is_empty() => pieces.push(Vec::new()),
                _ => {}
            }
        }
        let mut d = String::new();
        for piece in &pieces {
            if let [point] = piece[..] {
                self.dot(&format!("{class} lone"), point, 1.6);
                continue;
            }
            for (index, (x, y)) in piece.iter().enumerate() {
                write!(d, "{}{x:.1} {y:.1}", if index == 0 { 'M' } else { 'L' }).expect("memory does not fail");
            }
        }
        self.shape(class, &d);
    }

    /// Dots of one look: strokes without length, with round ends.
    pub(in crate::html) fn dots(&mut self, class: &str, points: impl Iterator<Item = (f64, f64)>) {
        let mut d = String::new();
        for (x, y) in points {
            write!(d, "M{x:.1} {y:.1}h0").expect("memory does not fail");
        }
        self.shape(class, &d);
    }

    /// Rectangles of one look, each left, top, right, bottom.
    pub(in crate::html) fn boxes(&mut self, class: &str, boxes: &[(f64, f64, f64, f64)]) {
        let mut d = String::new();
        for (left, top, right, bottom) in boxes {
            let (width, height) = (right - left, bottom - top);
            write!(d, "M{left:.1} {top:.1}h{width:.1}v{height:.1}h-{width:.1}z").expect("memory does not fail");
        }
        self.shape(class, &d);
    }

    fn shape(&mut self, class: &str, d: &str) {
        if !d.is_empty() {
            self.push(&format!("<path class=\"{class}\" d=\"{d}\"/>"));
        }
    }

    /// Begins the columns that answer to the pointer; what they tell stands at the upper right.
    pub(in crate::html) fn begin_slots(&mut self, frame: Frame) {
        let (x, _) = frame.place(1.0, 0.0);
        self.push(&format!("<g class=\"slots\" transform=\"translate({x:.0} 11)\">"));
    }

    /// A column from `x` to `end` that shows a line of text while the pointer is over it.
    pub(in crate::html) fn slot(&mut self, x: f64, end: f64, frame: Frame, text: &str) {
        let (right, _) = frame.place(1.0, 0.0);
        let (left, width, height) = (x - right, (end - x).max(0.0), frame.floor() - frame.top);
        self.push(&format!(
            "<g><rect x=\"{left:.1}\" y=\"{:.0}\" width=\"{width:.1}\" height=\"{height:.0}\"/><text>{}</text></g>",
            frame.top - 11.0,
            escaped(text)
        ));
    }

    pub(in crate::html) fn end_slots(&mut self) {
        self.push("</g>");
    }

    pub(crate) fn finish(mut self) -> String {
        self.push("</svg>");
        self.out
    }

    fn push(&mut self, text: &str) {
        self.out.push_str(text);
    }
}
