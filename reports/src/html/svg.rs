//! Just enough SVG.

use std::fmt::Write;

/// Text as it may stand in an element or a quoted attribute.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() => out.push('\u{fffd}'),
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
pub(super) enum Anchor {
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

    pub(super) fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let ((x1, y1), (x2, y2)) = (from, to);
        self.push(&format!("<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>"));
    }

    pub(crate) fn rect(&mut self, class: &str, x: f64, y: f64, width: f64, height: f64) {
        let width = width.max(0.0);
        self.push(&format!(
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"/>"
        ));
    }

    pub(super) fn dot(&mut self, class: &str, (x, y): (f64, f64), radius: f64) {
        self.push(&format!("<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\"/>"));
    }

    pub(super) fn text(&mut self, class: &str, (x, y): (f64, f64), anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let text = escaped(text);
        self.push(&format!("<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>"));
    }

    /// A line through the points, broken where one is missing. A point without neighbours becomes a dot.
    pub(super) fn path(&mut self, class: &str, points: impl Iterator<Item = Option<(f64, f64)>>) {
        let mut pieces: Vec<Vec<(f64, f64)>> = vec![Vec::new()];
        for point in points {
            match (point, pieces.last_mut()) {
                (Some(point), Some(piece)) => piece.push(point),
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
        if !d.is_empty() {
            self.push(&format!("<path class=\"{class}\" d=\"{d}\"/>"));
        }
    }

    /// An invisible column that shows some lines of text while the pointer is over it.
    pub(super) fn hover(&mut self, x: f64, y: f64, width: f64, height: f64, lines: &[String]) {
        let text = lines.iter().map(|line| escaped(line)).collect::<Vec<_>>().join("&#10;");
        self.push("<g class=\"slot\">");
        self.push(&format!("<title>{text}</title>"));
        self.rect("slot", x, y, width, height);
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
