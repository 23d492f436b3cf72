//! `[[listeners]]`: where the broker listens, and what holds there.

use std::io;

use transport::{Address, Listener, Options};

use super::{
    document::MANY,
    node::At,
    quantity::Whole,
    section::{Labelled, Tables, section},
    value::Name,
};
use crate::Bind;

/// Where the broker listens if nothing else is said: only this machine reaches it.
const DEFAULT_ADDRESS: &str = "127.0.0.1:1883";

section! {
    /// A place where the broker listens.
    ListenerSection {
        /// What logs and counters call it. Default: its address.
        restart optional name: Name, like "\"mqtt\"";
        /// An IP address and a port (`127.0.0.1:1883`, `0.0.0.0:1883` for every address of IPv4, `[::]:1883` for every one of
        /// IPv6; port 0 picks a free one).
        restart required address: Address, like "\"127.0.0.1:1883\"";
        /// Open connections of this listener; one more is closed at once. Default: only limits.connections bounds them.
        live optional connections: Whole<1, MANY>, like "5000";
        /// How many workers accept on it, and so serve its connections. Default: all.
        restart optional acceptors: Whole<1, 1024>, like "1";
        /// Whether clients may connect without saying who they are. Default: only where nobody but this machine can reach it,
        /// so on loopback addresses and socket files.
        new optional anonymous: bool, like "true";
    }
}

impl Labelled for ListenerSection {
    fn label(&self, _: usize) -> String {
        self.name()
    }
}

/// The listeners of a configuration that names none.
pub(super) fn listeners() -> Tables<ListenerSection> {
    Tables(vec![At::default(ListenerSection::on(DEFAULT_ADDRESS.parse().expect("it is an address")), "listeners[0]")])
}

impl ListenerSection {
    /// A listener with the defaults.
    pub(super) fn on(address: Address) -> Self {
        let address = At::default(address, "listeners[0].address");
        Self { name: None, address, connections: None, acceptors: None, anonymous: None }
    }

    pub(super) fn name(&self) -> String {
        self.name.as_ref().map_or_else(|| self.address.to_string(), |name| name.0.clone())
    }

    /// Opens it.
    pub(super) fn bind(&self) -> Result<Bind, ListenError> {
        let failed = |error| ListenError { address: self.address.value.clone(), error };
        let listener = Listener::bind(self.address.value.clone(), Options::default()).map_err(failed)?;
        let mut bind = Bind::new(listener);
        if let Some(name) = &self.name {
            bind.name = name.0.clone();
        }
        bind.connections = self.connections.as_ref().map(|connections| connections.to());
        bind.acceptors = self.acceptors.as_ref().map(|acceptors| acceptors.to());
        if let Some(anonymous) = &self.anonymous {
            bind.anonymous = anonymous.value;
        }
        Ok(bind)
    }
}

/// A listener that could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {error}{}", hint(.error))]
pub struct ListenError {
    /// Where.
    pub address: Address,
    /// What the operating system says.
    #[source]
    pub error: io::Error,
}

fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => "; another program has the port: choose another, or port 0 for a free one",
        io::ErrorKind::AddrNotAvailable => "; this machine does not have that address",
        io::ErrorKind::PermissionDenied => "; ports below 1024 need privileges",
        _ => "",
    }
}
