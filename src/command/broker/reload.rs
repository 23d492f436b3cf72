//! SIGHUP: the configuration is read again.

use std::path::Path;

use reference_broker::{Reload, Settings, SettingsError};

use crate::{command::interrupt::Hangup, log};

/// Reads `file` again at each signal. What is wrong as a whole or in part changes nothing, and the log says why.
pub(super) async fn at_each(mut hangup: Hangup, file: Option<&Path>, mut broker: Reload) {
    loop {
        hangup.received().await;
        match file {
            Some(file) => reload(file, &mut broker),
            None => tracing::warn!("SIGHUP: there is no configuration to read again: the broker was started without"),
        }
    }
}

fn reload(file: &Path, broker: &mut Reload) {
    match Settings::load(file) {
        Ok(new) => {
            let changes = broker.apply(new);
            for change in &changes {
                if change.needs_restart() {
                    tracing::warn!("{change}");
                } else {
                    tracing::info!("{change}");
                }
            }
            tracing::info!(file = %file.display(), changes = changes.len(), "configuration read again");
            log::configure(broker.current().log());
        }
        Err(error) => {
            tell(&error);
            tracing::error!(file = %file.display(), "configuration not taken over: nothing changed");
        }
    }
}

/// One line for each thing that is wrong.
fn tell(error: &SettingsError) {
    let SettingsError::Invalid(diagnostics) = error else { return tracing::error!("{error}") };
    for error in diagnostics.errors() {
        let place = format_args!("{}:{}", error.position.line, error.position.column);
        let hint = error.hint.as_deref().unwrap_or_default();
        tracing::error!(at = %place, key = error.path, hint, "{}", error.message);
    }
}
