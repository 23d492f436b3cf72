//! The packets of a program, as the target gets them.

use wire::{Options, Property, Subscribe, Will};

use super::execution::Execution;
use crate::model::{
    Number,
    program::{Connect, Filter},
};

impl Execution<'_> {
    pub(super) fn connect_packet(&self, connect: &Connect, will: Option<Number>) -> wire::Connect {
        let mut packet =
            wire::Connect::as_(format!("{}{}", self.name, connect.client)).clean(connect.clean).keep_alive(300);
        if let Some((user, password)) = &self.site.credentials {
            packet = packet.user(user);
            if let Some(password) = password {
                packet = packet.password(password.clone());
            }
        }
        if connect.session_expiry > 0 {
            packet = packet.with(Property::session_expiry_interval(connect.session_expiry));
        }
        if let Some(maximum) = connect.receive_maximum {
            packet = packet.with(Property::receive_maximum(maximum));
        }
        if let (Some(will), Some(number)) = (&connect.will, will) {
            let message = self.model.message(number);
            let mut made =
                Will::to(self.filter(&will.topic)).qos(will.qos).retain(will.retain).payload(message.payload());
            if will.delay > 0 {
                made = made.with(Property::will_delay_interval(will.delay));
            }
            for (name, value) in message.user_properties() {
                made = made.with(Property::user(&name, &value));
            }
            packet = packet.will(made);
        }
        packet
    }

    pub(super) fn subscribe_packet(&self, id: u16, filters: &[Filter], identifier: Option<u32>) -> Subscribe {
        let mut packet = Subscribe::new(id);
        for filter in filters {
            let mut options = Options::qos(filter.qos).retain_handling(filter.retain_handling);
            if filter.no_local {
                options = options.no_local();
            }
            if filter.retain_as_published {
                options = options.retain_as_published();
            }
            packet = packet.filter(self.filter(&filter.written()), options);
        }
        if let Some(identifier) = identifier {
            packet = packet.with(Property::subscription_identifier(identifier));
        }
        packet
    }

    pub(super) fn publish_packet(&self, number: Number, id: Option<u16>, dup: bool) -> wire::Publish {
        let message = self.model.message(number);
        let mut packet = wire::Publish::to(self.filter(&message.topic))
            .qos(message.qos)
            .retain(message.retain)
            .dup(dup)
            .payload(message.payload());
        if let Some(id) = id {
            packet = packet.id(id);
        }
        if let Some(expiry) = message.expiry {
            packet = packet.with(Property::message_expiry_interval(expiry));
        }
        for (name, value) in message.user_properties() {
            packet = packet.with(Property::user(&name, &value));
        }
        packet
    }

    /// A topic or filter of the program, as the target sees it.
    pub(super) fn filter(&self, filter: &str) -> String {
        match filter.strip_prefix("$share/").and_then(|shared| shared.split_once('/')) {
            Some((group, filter)) => format!("$share/{group}/{}/{filter}", self.name),
            None => format!("{}/{filter}", self.name),
        }
    }
}
