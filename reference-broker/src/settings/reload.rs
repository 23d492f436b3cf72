//! A running broker takes over a new configuration.

use super::{Change, Settings};
use crate::Handle;

/// What a broker was started with, and what it goes by now.
#[derive(Debug)]
pub struct Reload {
    started: Settings,
    current: Settings,
    broker: Handle,
}

impl Reload {
    /// For the broker that was started with `settings`.
    pub fn new(settings: Settings, broker: Handle) -> Self {
        Self { started: settings.clone(), current: settings, broker }
    }

    /// Takes over what can change while the broker runs. Says what did, and what still waits for a restart.
    ///
    /// `new` was found right as a whole, files and all, so that no half of it is ever in effect.
    pub fn apply(&mut self, new: Settings) -> Vec<Change> {
        let mut changes = self.current.changes(&new);
        changes.retain(|change| !change.needs_restart());
        let touches = |section: &str| changes.iter().any(|change| change.path().starts_with(section));
        let config = new.config();
        if touches("broker.") || touches("limits.") || touches("features.") {
            self.broker.set_config(&config);
        }
        if touches("broker.redirect") {
            self.broker.redirect(config.redirect.clone());
        }
        if touches("access.") {
            self.broker.set_access(config.access.clone());
        }
        if touches("monitor.") {
            self.broker.set_sys_interval(config.sys_interval);
        }
        if touches("log.") {
            self.broker.set_log(config.log);
        }
        self.apply_listeners(&new);
        // They are read again whatever else changed, for their names stay the same. What is wrong with one has been logged.
        let _logged = self.broker.reload_certificates();
        changes.extend(self.started.changes(&new).into_iter().filter(Change::needs_restart));
        self.current = new;
        changes
    }

    /// What the broker goes by now, apart from what waits for a restart.
    pub fn current(&self) -> &Settings {
        &self.current
    }

    /// Listeners are known by their names; those that came or went wait for a restart.
    fn apply_listeners(&self, new: &Settings) {
        for (index, started) in self.started.document.listeners.0.iter().enumerate() {
            let same = |listener: &&super::At<super::ListenerSection>| listener.name() == started.name();
            let Some(listener) = new.document.listeners.0.iter().find(same) else { continue };
            let maximum = listener.connections.as_ref().map(|connections| connections.to());
            self.broker.set_entrance_connections(index, maximum);
        }
    }
}
