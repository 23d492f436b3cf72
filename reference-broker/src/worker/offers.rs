//! What a server may tell a client beside the outcome: another server to use (4.11), and what its response topics begin with
//! (3.2.2.3.15).

use protocol::{Properties, Property, ReasonCode, Time, Utf8String};

use super::{ConnectionId, Shared, Worker};
use crate::Redirect;

/// Stands for the Client Identifier in [`crate::Config::response_information`].
const CLIENT_ID: &str = "{client_id}";

impl Worker {
    /// Why no client is served here, if that is so.
    pub(super) fn redirection(&self) -> Option<(ReasonCode, Properties)> {
        self.shared.redirect.load().as_deref().map(told)
    }

    /// Sends the connected clients to another server, if there is one to send them to. Their sessions stay here, their Wills
    /// are published as after any other close.
    pub(crate) fn send_away(&mut self, now: Time) {
        let Some((reason, properties)) = self.redirection() else { return };
        for id in self.connections.ids() {
            self.close_telling(now, id, reason, properties.clone());
        }
    }

    /// As [`Worker::close`], with properties for a client of 5.0.
    pub(super) fn close_telling(&mut self, now: Time, id: ConnectionId, reason: ReasonCode, properties: Properties) {
        self.stop_waiting(id);
        let Some(connection) = self.connections.find_mut(id) else { return };
        let Some(server) = connection.server_mut() else { return };
        server.close(now, reason, properties);
        connection.parked = false;
        self.attend(now, id);
    }
}

impl Shared {
    /// What the CONNECT with the properties `asked` is told of response topics.
    pub(super) fn response_information(&self, asked: &Properties, client_id: &Utf8String) -> Option<Property> {
        // MQTT-3.1.2-28.
        let asks = asked.request_response_information() == Some(true);
        let text = self.response_information.as_deref().filter(|_| asks)?;
        if text.contains(CLIENT_ID) && client_id.contains(['/', '+', '#']) {
            // What begins with it would not be this client's alone.
            return None;
        }
        Utf8String::new(text.replace(CLIENT_ID, client_id)).ok().map(Property::ResponseInformation)
    }
}

fn told(redirect: &Redirect) -> (ReasonCode, Properties) {
    let reason = if redirect.permanent { ReasonCode::ServerMoved } else { ReasonCode::UseAnotherServer };
    let reference = redirect.server.clone().map(Property::ServerReference);
    (reason, reference.into_iter().collect())
}
