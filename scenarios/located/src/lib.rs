//! TOML documents that people write, read with every error at its place.
//!
//! What this crate is: the way from a text to typed values that know where they stand, and the way from what is wrong with
//! them to an answer like a compiler's: line, column, the line itself, the key, and what to do. The scenario language, the
//! broker's configuration and the descriptors of targets are read with it. What it is not: it knows none of their keys, and
//! opens no file.
//!
//! ```text
//!   TOML text ─▶ Root ─▶ Keys of a table ─▶ Node of a value ─▶ At<T>
//!                  └───────────┴── Problems ──────┴──────────────┴──▶ Diagnostics
//! ```
//!
//! Where to start reading:
//!
//! * [`Reading`]: one text and what is collected about it; the beginning and the end.
//! * [`Keys`]: the keys of a table; unknown ones are refused with the nearest that is known.
//! * [`Node`]: a value. A reader is a function from it to what it means, and reports what is wrong.
//! * [`At`]: what was read, with its place, so that checks across keys can still point at it.
//! * [`section!`]: a table with fixed keys, declared once for reading and for its JSON schema; [`Read`] and [`Scalar`] are what
//!   its values can be, [`Table`] is one with keys that people choose.
//!
//! ```
//! use located::{Keys, Node, Reading};
//!
//! struct Pen { name: String, cows: u64 }
//!
//! fn pen(mut keys: Keys<'_, '_>) -> Option<Pen> {
//!     keys.refuse_unknown(&["name", "cows"]);
//!     // Both are read before either may be missing: every error is told at once.
//!     let name = keys.required("name", |node, reading| Some(node.text("a name as text", reading)?.into_owned()));
//!     let cows = keys.or("cows", |node, reading| node.whole(0..=500, reading), || 12);
//!     Some(Pen { name: name?.value, cows: cows.value })
//! }
//!
//! fn parse(text: &str) -> Result<Pen, located::Diagnostics> {
//!     let mut reading = Reading::new(text, "a pen");
//!     let found = reading.parse().and_then(|root| pen(root.keys(&mut reading)));
//!     reading.finish("pen.toml", found)
//! }
//!
//! assert_eq!(parse("name = \"calves\"").unwrap().cows, 12);
//! let said = parse("nmae = \"calves\"\ncows = 501").err().unwrap();
//! let places: Vec<_> = said.errors().iter().map(|error| (error.position.line, error.path.as_str())).collect();
//! assert_eq!(places, [(1, "name"), (1, "nmae"), (2, "cows")]);
//! assert!(said.to_string().contains("did you mean `name`?"));
//! ```

pub mod duration;

mod diagnostic;
mod environment;
mod keys;
mod node;
mod problem;
mod read;
mod reading;
mod secret;
mod section;
mod similar;
mod table;

pub use diagnostic::{Diagnostic, Diagnostics, Position};
pub use environment::{Lookup, of_process};
pub use keys::Keys;
pub use node::{At, Node};
pub use problem::{Problem, Problems, Wrong};
pub use read::{Read, Scalar};
pub use reading::{Reading, Root};
// What the sections are made of.
#[doc(hidden)]
pub use schemars;
pub use secret::REDACTED;
#[doc(hidden)]
pub use section::{bare, prose};
#[doc(hidden)]
pub use serde_json;
pub use similar::{did_you_mean, not_a_word};
pub use table::Table;
pub use toml::de::DeValue;
