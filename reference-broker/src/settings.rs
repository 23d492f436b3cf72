//! The configuration file: one TOML document in, [`Config`] and [`Bind`]s out.
//!
//! ```text
//!   TOML text ─▶ spanned tree ─▶ document (keys, types, ranges) ─▶ checks across keys ─▶ Settings ─▶ Config, Binds
//!                     └────────────────────┴──────── Diagnostics ──────────┘                └──▶ example, show, schema
//! ```
//!
//! A setting is declared once, in `document` or `listener`; reading, default, schema, example, display and what a reload
//! says about it all come from there. To add one: a line in its section, a line in `Document::config`.

mod access;
mod carrier;
mod changes;
mod check;
mod document;
mod listener;
mod log;
mod node;
mod quantity;
mod reload;
mod section;
mod tree;
mod value;

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

pub use changes::Change;
pub use listener::ListenError;
use located::{At, Lookup, Reading, of_process};
pub use located::{Diagnostic, Diagnostics, Position};
pub use log::{LogFormat, LogLevel};
pub use reload::Reload;
use transport::Address;

use self::{
    document::Document,
    listener::ListenerSection,
    section::{Section, empty},
};
use crate::{Bind, Config, MonitorOptions};

/// A configuration that was found right. It may still be that a port is taken.
#[derive(Clone, Debug)]
pub struct Settings {
    document: Document,
    /// What the paths in it are relative to.
    folder: PathBuf,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// It says something wrong. Displays every error, each with its place.
    #[error("{0}")]
    Invalid(#[from] Diagnostics),
}

impl Default for Settings {
    /// The configuration that says nothing: one listener that only this machine reaches.
    fn default() -> Self {
        Self { document: empty(""), folder: PathBuf::new() }
    }
}

impl Settings {
    /// Reads the configuration in `path`, with the environment of this process.
    ///
    /// # Errors
    ///
    /// See [`SettingsError`].
    pub fn load(path: &Path) -> Result<Self, SettingsError> {
        let unreadable = |source| SettingsError::Unreadable { path: path.to_owned(), source };
        let text = fs::read_to_string(path).map_err(unreadable)?;
        Ok(Self::read(&path.display().to_string(), &text, &of_process, path.parent())?)
    }

    /// The defaults, listening on `address` alone. With `anonymous`, clients need not say who they are, even where others
    /// than this machine can reach it.
    pub fn listening_on(address: Address, anonymous: bool) -> Self {
        let mut settings = Self::default();
        let mut listener = ListenerSection::on(address);
        listener.anonymous = anonymous.then(|| At::default(true, "listeners[0].anonymous"));
        settings.document.listeners.value.0 = vec![At::default(listener, "listeners[0]")];
        settings
    }

    /// Reads the files that `text` names too, if there is a `folder` that they are relative to.
    fn read(origin: &str, text: &str, lookup: Lookup<'_>, folder: Option<&Path>) -> Result<Self, Diagnostics> {
        let reading = Reading::new(text, "the configuration").with_reference("`paddock broker example`");
        let mut reading = reading.with_environment(lookup);
        let root = reading.parse();
        let document = root.and_then(|root| Document::from_keys(root.keys(&mut reading)));
        if let Some(document) = &document {
            check::check(document, &mut reading.problems);
            if let Some(folder) = folder {
                check::check_files(document, folder, &mut reading.problems);
            }
        }
        let folder = folder.map(Path::to_owned).unwrap_or_default();
        reading.finish(origin, document.map(|document| Self { document, folder }))
    }

    /// What the broker is to be.
    pub fn config(&self) -> Config {
        self.document.config()
    }

    /// Opens the listeners and reads the files that they need.
    ///
    /// # Errors
    ///
    /// The first that cannot be opened.
    pub fn bind(&self) -> Result<Vec<Bind>, ListenError> {
        self.document.listeners.0.iter().map(|listener| listener.bind(&self.folder)).collect()
    }

    /// Replaces the number of workers.
    pub fn set_workers(&mut self, workers: u16) {
        let workers = quantity::Whole::new(workers.clamp(1, 1024));
        self.document.broker.value.workers = Some(At::default(workers, "broker.workers"));
    }

    /// Serves metrics and health at `address`.
    pub fn set_monitor(&mut self, address: SocketAddr) {
        self.document.monitor.value.http = Some(At::default(address, "monitor.http"));
    }

    /// Where metrics and health are served; `None` for nowhere.
    pub fn monitor(&self) -> Option<MonitorOptions> {
        self.document.monitor()
    }

    /// What is worth a line in the log, and how lines look.
    pub fn log(&self) -> (LogLevel, LogFormat) {
        (self.document.log.level.value, self.document.log.format.value)
    }

    /// What differs in `new`.
    pub fn changes(&self, new: &Self) -> Vec<Change> {
        changes::changes(&self.document.fields(), &new.document.fields())
    }

    /// What is in effect, as TOML; secrets are redacted.
    pub fn show(&self) -> String {
        tree::show(&self.document.fields())
    }

    /// Every setting with its default and what it means, as TOML.
    pub fn example() -> String {
        let about = "# The configuration of `paddock broker`. Every setting is shown with its default, or as a comment when it \
                     has none.\n# Texts may name environment variables: ${NAME}, or ${NAME:-default}.\n\n";
        format!("{about}{}", tree::explain(&Self::default().document.fields()))
    }

    /// The JSON schema of the file, for editors.
    pub fn schema() -> serde_json::Value {
        let mut schema =
            schemars::generate::SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Document>();
        schema.insert("title".to_owned(), "Paddock's reference broker".into());
        schema.to_value()
    }
}

#[cfg(test)]
mod tests;
