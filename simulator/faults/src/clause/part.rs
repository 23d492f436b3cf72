//! Types of packet, for [`Clause::edit`](super::Clause::edit).

use wire::{Ack, Auth, Connack, Connect, Disconnect, Packet, Publish, Suback, Subscribe, Unsuback, Unsubscribe};

/// A type of packet that can be edited.
pub trait Part: Sized {
    /// It, when the packet is of this type.
    fn of(packet: &mut Packet) -> Option<&mut Self>;
}

impl Part for Packet {
    fn of(packet: &mut Packet) -> Option<&mut Self> {
        Some(packet)
    }
}

macro_rules! parts {
    ($($part:ident: $($variant:ident)|+;)+) => {
        $(impl Part for $part {
            fn of(packet: &mut Packet) -> Option<&mut Self> {
                match packet {
                    $(Packet::$variant(part))|+ => Some(part),
                    _ => None,
                }
            }
        })+
    };
}

parts! {
    Connect: Connect;
    Connack: Connack;
    Publish: Publish;
    Ack: Puback | Pubrec | Pubrel | Pubcomp;
    Subscribe: Subscribe;
    Suback: Suback;
    Unsubscribe: Unsubscribe;
    Unsuback: Unsuback;
    Disconnect: Disconnect;
    Auth: Auth;
}
