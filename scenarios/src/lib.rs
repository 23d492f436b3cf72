//! The scenario language: what a run brings up, how hard it drives it, and what must hold.
//!
//! What this crate is: the TOML language, its errors, its JSON schema, and the catalogue of scenarios that comes with
//! Paddock. What it is not: it opens no connection, knows no packet and evaluates no threshold; it says what was asked for.
//!
//! Where to start reading:
//!
//! * [`Scenario`]: the resolved model. One that exists is valid: every reference points at something, every number is in
//!   range, every filter is legal.
//! * [`load`]: a file's path or a catalogue name becomes a [`Scenario`], or every error at once.
//! * [`model::Threshold`]: the language of thresholds, as a typed tree that prints as it was written.
//! * `catalogue/*.toml`: the language by example.
//!
//! ```text
//!   TOML text ─▶ spanned tree ─▶ document (keys, types) ─▶ resolve (references, ranges) ─▶ Scenario
//!                     └────────────────┴──────── Diagnostics ────────┘
//! ```

pub mod model;

mod catalogue;
mod document;
mod resolve;

pub use catalogue::{Entry, catalogue};
pub use located::{Diagnostic, Diagnostics, Position};
pub use model::Scenario;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use located::Reading;

/// Why there is no scenario.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The path as given.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Neither a file nor a catalogue entry has this name.
    #[error("no file and no catalogue entry is called `{name}`{hint}")]
    Unknown {
        /// The name as given.
        name: String,
        /// A similar name, as a clause to append; may be empty.
        hint: String,
    },
    /// The text is not a valid scenario. Displays every error, each with its line.
    #[error("{0}")]
    Invalid(Diagnostics),
}

/// Reads a scenario: `path_or_name` is a path to a TOML file, or else the name of a catalogue entry such as `phase-1`.
///
/// # Errors
///
/// See [`LoadError`].
pub fn load(path_or_name: &str) -> Result<Scenario, LoadError> {
    let path = Path::new(path_or_name);
    match fs::read_to_string(path) {
        Ok(text) => parse_beside(path_or_name, path.parent(), &text).map_err(LoadError::Invalid),
        Err(source) if source.kind() == io::ErrorKind::NotFound && looks_like_name(path) => {
            let entry =
                catalogue().iter().find(|entry| entry.name == path_or_name).ok_or_else(|| unknown(path_or_name))?;
            parse(entry.name, entry.text).map_err(LoadError::Invalid)
        }
        Err(source) => Err(LoadError::Unreadable { path: path.to_owned(), source }),
    }
}

/// Reads the thresholds alone: of a scenario, by its path or name as for [`load`], or of a file that has no other section than
/// `[thresholds]`. What such a file names is not checked, for there is nothing to check it against.
///
/// # Errors
///
/// See [`LoadError`].
pub fn contract(path_or_name: &str) -> Result<Vec<model::Threshold>, LoadError> {
    let alone = fs::read_to_string(path_or_name).ok().filter(|text| has_thresholds_alone(text));
    let Some(text) = alone else { return load(path_or_name).map(|scenario| scenario.thresholds) };
    let mut reading = Reading::new(&text, "a file of thresholds");
    let document = document::read_contract(&mut reading);
    let thresholds = document.and_then(|document| resolve::contract(document, &mut reading.problems));
    reading.finish(path_or_name, thresholds).map_err(LoadError::Invalid)
}

/// Whether it is a table with thresholds and without what every scenario must have.
fn has_thresholds_alone(text: &str) -> bool {
    let root = Reading::new(text, "a file of thresholds").parse();
    root.is_some_and(|root| {
        root.has("thresholds") && !["scenario", "devices", "stages"].iter().any(|key| root.has(key))
    })
}

fn looks_like_name(path: &Path) -> bool {
    path.extension().is_none() && path.components().count() == 1
}

fn unknown(name: &str) -> LoadError {
    let hint = similar(name)
        .map_or_else(|| "; see `paddock scenarios list`".to_owned(), |near| format!("; did you mean `{near}`?"));
    LoadError::Unknown { name: name.to_owned(), hint }
}

/// The catalogue's entry whose name is most like `name`, when one is.
#[must_use]
pub fn similar(name: &str) -> Option<&'static str> {
    located::did_you_mean(name, catalogue().iter().map(|entry| entry.name))
}

/// Resolves the text of a scenario that is no file, so that it cannot name files beside it. `origin` names the text in
/// errors, such as a catalogue name.
///
/// # Errors
///
/// Every error of the text at once.
pub fn parse(origin: &str, text: &str) -> Result<Scenario, Diagnostics> {
    parse_beside(origin, None, text)
}

/// Reads one demand of an SLO, as in `[search]`: an expression on `e2e`, or a metric and an expression on it, such as
/// `loss count==0`.
///
/// # Errors
///
/// What is wrong and what to write instead, in one line.
pub fn demand(text: &str) -> Result<model::Threshold, String> {
    document::demand(text).map_err(|wrong| match wrong.hint.as_str() {
        "" => wrong.message,
        hint => format!("{}; {hint}", wrong.message),
    })
}

fn parse_beside(origin: &str, folder: Option<&Path>, text: &str) -> Result<Scenario, Diagnostics> {
    let mut reading = Reading::new(text, "a scenario");
    let document = document::read(&mut reading);
    let scenario = document.and_then(|document| resolve::resolve(document, folder, &mut reading.problems));
    reading.finish(origin, scenario)
}

/// The JSON schema of the language, as shipped in `scenario.schema.json`.
#[must_use]
pub fn schema() -> serde_json::Value {
    document::schema()
}
