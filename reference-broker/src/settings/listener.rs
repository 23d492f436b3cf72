//! `[[listeners]]`: where the broker listens, and what holds there.

use std::{io, path::Path};

use located::At;
use transport::{Address, Listener, Options};

use super::{
    carrier::{Mode, TlsSection, WebSocketSection},
    document::MANY,
    quantity::{Period, Whole},
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
        /// IPv6; port 0 picks a free one), or a socket file (`unix:/run/broker.sock`).
        restart required address: Address, like "\"127.0.0.1:1883\"";
        /// Open connections of this listener; one more is closed at once. Default: only limits.connections bounds them.
        live optional connections: Whole<1, MANY>, like "5000";
        /// How many workers accept on it, and so serve its connections. Default: all.
        restart optional acceptors: Whole<1, 1024>, like "1";
        /// Whether clients may connect without saying who they are. Default: only where nobody but this machine can reach it,
        /// so on loopback addresses and socket files.
        restart optional anonymous: bool, like "true";
        /// Whether the Common Name of a client certificate is the user name of whoever shows one; User Name and Password then
        /// say nothing.
        restart default certificate_user: bool = false;
        /// TLS. Default: none.
        restart optional tls: TlsSection;
        /// WebSocket. Default: none.
        restart optional websocket: WebSocketSection;
        /// Whether each connection begins with a header of the PROXY protocol (version 1 or 2), which says where it comes from.
        /// One without it is closed. Whoever reaches such a listener can claim any address, so let only the proxy reach it.
        restart default proxy_protocol: bool = Options::default().proxy_protocol;
        /// How long PROXY header, TLS handshake and WebSocket upgrade may take together.
        restart default handshake_timeout: Period<1, 3_600_000> = Period::new(Options::default().handshake_timeout);
        /// How many connections on each worker may be that far at a time. Beyond it the oldest makes room once it has had a
        /// quarter of its time.
        restart default pending_handshakes: Whole<1, MANY> = Whole::new(Options::default().pending_handshakes);
        /// The permissions of a socket file, in octal digits; of no effect on other addresses.
        restart default unix_mode: Mode = Mode(Options::default().unix_mode);
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
        let options = Options::default();
        Self {
            name: None,
            address,
            connections: None,
            acceptors: None,
            anonymous: None,
            certificate_user: At::default(false, "listeners[0].certificate_user"),
            tls: None,
            websocket: None,
            proxy_protocol: At::default(options.proxy_protocol, "listeners[0].proxy_protocol"),
            handshake_timeout: At::default(Period::new(options.handshake_timeout), "listeners[0].handshake_timeout"),
            pending_handshakes: At::default(Whole::new(options.pending_handshakes), "listeners[0].pending_handshakes"),
            unix_mode: At::default(Mode(options.unix_mode), "listeners[0].unix_mode"),
        }
    }

    pub(super) fn name(&self) -> String {
        self.name.as_ref().map_or_else(|| self.address.to_string(), |name| name.0.clone())
    }

    /// Whether clients may connect without saying who they are.
    pub(super) fn lets_anonymous_in(&self) -> bool {
        self.anonymous.as_ref().map_or_else(|| self.address.is_local(), |anonymous| anonymous.value)
    }

    /// Opens it; its files are relative to `folder`.
    pub(super) fn bind(&self, folder: &Path) -> Result<Bind, ListenError> {
        let failed = |error| ListenError { address: self.address.value.clone(), error };
        let options = self.options(folder).map_err(failed)?;
        let listener = Listener::bind(self.address.value.clone(), options).map_err(failed)?;
        let mut bind = Bind::new(listener);
        if let Some(name) = &self.name {
            bind.name = name.0.clone();
        }
        bind.connections = self.connections.as_ref().map(|connections| connections.to());
        bind.acceptors = self.acceptors.as_ref().map(|acceptors| acceptors.to());
        bind.anonymous = self.lets_anonymous_in();
        bind.certificate_user = self.certificate_user.value;
        Ok(bind)
    }
}

/// A listener that could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {error}{}", hint(.address, .error))]
pub struct ListenError {
    /// Where.
    pub address: Address,
    /// What the operating system says.
    #[source]
    pub error: io::Error,
}

fn hint(address: &Address, error: &io::Error) -> &'static str {
    match (address, error.kind()) {
        (Address::Tcp(_), io::ErrorKind::AddrInUse) => {
            "; another program has the port: choose another, or port 0 for a free one"
        }
        (Address::Tcp(_), io::ErrorKind::AddrNotAvailable) => "; this machine does not have that address",
        (Address::Tcp(_), io::ErrorKind::PermissionDenied) => "; ports below 1024 need privileges",
        (Address::Unix(_), io::ErrorKind::NotFound) => "; the folder of the socket file must be there already",
        (Address::Unix(_), io::ErrorKind::PermissionDenied) => "; the broker must be allowed to write to its folder",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_keeps_from_listening_is_explained_for_that_kind_of_address() {
        for (address, kind, word) in [
            ("127.0.0.1:883", io::ErrorKind::PermissionDenied, "1024"),
            ("unix:/run/b.sock", io::ErrorKind::PermissionDenied, "folder"),
            ("unix:/run/b.sock", io::ErrorKind::NotFound, "folder"),
        ] {
            let said = ListenError { address: address.parse().unwrap(), error: kind.into() }.to_string();
            assert!(said.contains(word), "{said}");
        }
    }
}
