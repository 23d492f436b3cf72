//! Drawings: SVG with axes, lines, heat and ranges. They know quantities and places, not runs.
//!
//! Every drawing becomes a [`Figure`]: a title, one line that says in words what is to be seen, the picture, and the same
//! figures as a table for those who read with their ears or want the digits.

pub(super) mod axes;
pub(super) mod chart;
pub(super) mod frame;
pub(super) mod heat;
pub(super) mod plot;
pub(super) mod ranges;
pub(super) mod scale;
pub(super) mod svg;

use serde::Serialize;

/// A drawing as the templates show it.
#[derive(Debug, Default, Serialize)]
pub(super) struct Figure {
    /// Unique within the page, letters only.
    pub(super) id: &'static str,
    pub(super) title: String,
    /// What to see in it, in words.
    pub(super) reading: String,
    /// `full` for one that takes the page's width, `half` for one of two.
    pub(super) size: &'static str,
    /// SVG; for a full one two of it, of which the style sheet shows one.
    pub(super) drawings: Vec<String>,
    /// Colours and their meaning, when they are not written beside the lines.
    pub(super) key: Option<Key>,
    pub(super) table: Option<Table>,
}

/// What shades mean: from few to many.
#[derive(Debug, Serialize)]
pub(super) struct Key {
    pub(super) few: String,
    pub(super) many: String,
    pub(super) shades: usize,
}

/// The figures behind a drawing.
#[derive(Debug, Serialize)]
pub(super) struct Table {
    /// What one row covers, when that is not plain.
    pub(super) note: String,
    pub(super) head: Vec<String>,
    /// The first cell of a row names it.
    pub(super) rows: Vec<Vec<String>>,
}
