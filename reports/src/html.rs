//! Pages for people: self-contained files. No script, no external resource, a content security policy that forbids both,
//! and everything that came from elsewhere escaped.
//!
//! * [`page`]: the shell of all pages, with the style sheet.
//! * [`draw`]: SVG. Large charts are drawn twice, for wide pages and for phones; the style sheet shows one of them.
//! * [`run`]: the report of a run; [`comparison`] and [`capacity`]: what is found out by several.

mod capacity;
mod comparison;
mod draw;
mod page;
mod run;

pub use capacity::capacity_html;
pub use comparison::comparison_html;
pub(crate) use draw::svg::Svg;
pub(crate) use page::STYLE;
pub use run::html;
pub(crate) use run::quoted_command;

/// The style sheet of all pages, for pages around them.
pub fn report_style() -> &'static str {
    STYLE
}
