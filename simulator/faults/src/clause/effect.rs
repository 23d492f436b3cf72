//! What happens to packets.

use std::{sync::Arc, time::Duration};

use wire::{Direction, Draft, Draftable};

use super::{Clause, Part, Sight};
use crate::{Actions, Manner};

/// Effects on what is seen.
impl Clause {
    /// It is not passed on. (For a close, see [`Actions::swallow`].)
    pub fn drop(self) -> Self {
        self.then(|_, actions| actions.swallow())
    }

    /// Another packet goes in its place, made from it as a draft. One that no draft can be made of, because it is malformed, passes
    /// as it is; [`bytes`](Self::bytes) changes any.
    pub fn replace<D: Draftable>(self, change: impl Fn(Draft) -> D + Send + Sync + 'static) -> Self {
        self.then(move |sight, actions| match sight.packet() {
            Ok(packet) => {
                let draft = change(packet.into_draft(sight.version())).into_draft(sight.version());
                match draft.misuse() {
                    Some(misuse) => actions.note(format!("cannot replace: {misuse}")),
                    None => actions.replace(draft.encode()),
                }
            }
            Err(breach) => actions.note(format!("cannot replace what is malformed: {breach}")),
        })
    }

    /// The packet is changed: a [`Packet`](wire::Packet), or of what type it is. A malformed one passes as it is;
    /// [`bytes`](Self::bytes) changes any.
    ///
    /// ```
    /// use faults::server;
    /// use wire::{Connack, Kind};
    ///
    /// let mutant = server(Kind::Connack).edit(|connack: &mut Connack| connack.session_present = true);
    /// ```
    pub fn edit<P: Part>(self, change: impl Fn(&mut P) + Send + Sync + 'static) -> Self {
        self.then(move |sight, actions| match sight.packet() {
            Ok(mut packet) => match P::of(&mut packet) {
                Some(part) => {
                    change(part);
                    actions.replace(packet.into_draft(sight.version()).encode());
                }
                None => actions.note(format!("cannot edit: it is {}", packet.kind())),
            },
            Err(breach) => actions.note(format!("cannot edit what is malformed: {breach}")),
        })
    }

    /// The packet's bytes are changed, fixed header and all. Never more than there are: the packet may be malformed.
    pub fn bytes(self, change: impl Fn(&mut Vec<u8>) + Send + Sync + 'static) -> Self {
        self.then(move |sight, actions| {
            let mut bytes = sight.bytes().to_vec();
            change(&mut bytes);
            actions.replace(bytes);
        })
    }

    /// It is sent twice.
    pub fn duplicate(self) -> Self {
        self.then(|_, actions| actions.duplicate(1))
    }

    /// It comes so much later, and what comes after it waits behind it.
    pub fn delay(self, by: Duration) -> Self {
        self.then(move |_, actions| actions.delay(by))
    }

    /// It comes so much later; what comes after it overtakes it.
    pub fn late(self, by: Duration) -> Self {
        self.then(move |_, actions| actions.late(by))
    }

    /// It changes places with what comes next in its direction (within a second).
    pub fn swap_with_next(self) -> Self {
        self.overtaken_by(1)
    }

    /// It is sent after the next so many packets of its direction, or after a second.
    pub fn overtaken_by(self, packets: u32) -> Self {
        self.then(move |_, actions| actions.overtaken_by(packets))
    }

    /// Only its first bytes are sent. Add [`then_sever`](Self::then_sever), or what follows completes it.
    pub fn truncate(self, bytes: usize) -> Self {
        self.then(move |_, actions| actions.truncate(bytes))
    }

    /// It comes byte by byte, each a write of its own, with this pause after each; it may be zero.
    pub fn trickle(self, pause: Duration) -> Self {
        self.then(move |_, actions| actions.trickle(pause))
    }

    /// It waits so long, and leaves in one write with what came meanwhile.
    pub fn coalesce(self, window: Duration) -> Self {
        self.then(move |_, actions| actions.coalesce(window))
    }
}

/// Effects that add packets. What is added is made from what is seen, in the version of the connection that it goes to.
impl Clause {
    /// This comes right before it.
    pub fn precede<D: Draftable>(self, with: impl Fn(&Sight<'_>) -> D + Send + Sync + 'static) -> Self {
        self.then(move |sight, actions| actions.precede(bytes(&with, sight)))
    }

    /// This comes right after it.
    pub fn follow<D: Draftable>(self, with: impl Fn(&Sight<'_>) -> D + Send + Sync + 'static) -> Self {
        self.then(move |sight, actions| actions.follow(bytes(&with, sight)))
    }

    /// Its sender gets this; it is passed on as well.
    pub fn answer<D: Draftable>(self, with: impl Fn(&Sight<'_>) -> D + Send + Sync + 'static) -> Self {
        self.then(move |sight, actions| actions.inject(sight.direction().reverse(), bytes(&with, sight)))
    }

    /// Its sender gets this, and it is not passed on.
    pub fn answer_instead<D: Draftable>(self, with: impl Fn(&Sight<'_>) -> D + Send + Sync + 'static) -> Self {
        self.drop().answer(with)
    }

    /// The client gets this: after what is seen, before a close.
    pub fn inject_to_client<D: Draftable>(self, what: impl Fn(&Sight<'_>) -> D + Send + Sync + 'static) -> Self {
        self.then(move |sight, actions| actions.inject(Direction::FromServer, bytes(&what, sight)))
    }

    /// The server gets this: after what is seen, before a close.
    pub fn inject_to_server<D: Draftable>(self, what: impl Fn(&Sight<'_>) -> D + Send + Sync + 'static) -> Self {
        self.then(move |sight, actions| actions.inject(Direction::FromClient, bytes(&what, sight)))
    }

    /// The client gets this so much later.
    pub fn inject_to_client_later<D: Draftable>(
        self,
        by: Duration,
        what: impl Fn(&Sight<'_>) -> D + Send + Sync + 'static,
    ) -> Self {
        self.then(move |sight, actions| actions.inject_later(by, Direction::FromServer, bytes(&what, sight)))
    }

    /// The clients of all other connections get this, each in its own version.
    pub fn inject_to_others<D: Draftable>(self, what: impl Fn(&Sight<'_>) -> D + Send + Sync + 'static) -> Self {
        self.inject_to_some(|_| true, what)
    }

    /// The clients of those other connections whose Client Identifier ends so get this, each in its own version.
    pub fn inject_to_client_of<D: Draftable>(
        self,
        end: &'static str,
        what: impl Fn(&Sight<'_>) -> D + Send + Sync + 'static,
    ) -> Self {
        self.inject_to_some(move |id| id.ends_with(end), what)
    }

    fn inject_to_some<D: Draftable>(
        self,
        who: impl Fn(&str) -> bool + Send + Sync + 'static,
        what: impl Fn(&Sight<'_>) -> D + Send + Sync + 'static,
    ) -> Self {
        self.then(move |sight, actions| {
            let (own, shared) = (sight.connection().number(), actions.shared());
            for other in shared.connections() {
                if other.number() != own && other.is_introduced() && who(other.client_id()) {
                    let there = sight.on(&other);
                    shared.inject(other.number(), Direction::FromServer, bytes(&what, &there));
                }
            }
        })
    }
}

/// Effects on the connection.
impl Clause {
    /// The connection breaks (RST) on both sides, and what is seen is lost.
    pub fn sever(self) -> Self {
        self.drop().then_sever()
    }

    /// The connection breaks (RST) on both sides, after what is seen.
    pub fn then_sever(self) -> Self {
        self.then(|_, actions| actions.sever(Manner::Reset))
    }

    /// The connection is closed (FIN) on both sides, and what is seen is lost.
    pub fn close(self) -> Self {
        self.drop().then_close()
    }

    /// The connection is closed (FIN) on both sides, after what is seen.
    pub fn then_close(self) -> Self {
        self.then(|_, actions| actions.sever(Manner::Finish))
    }

    /// The client's side is closed (FIN); the server is told when the client closes in its turn.
    pub fn then_close_client(self) -> Self {
        self.then(|_, actions| actions.close(Direction::FromServer, Manner::Finish))
    }

    /// From what is seen on, nothing is passed either way and nobody is told: each side believes that it has a connection.
    pub fn half_open(self) -> Self {
        self.then(|_, actions| {
            actions.deafen(Direction::FromClient);
            actions.deafen(Direction::FromServer);
        })
    }

    /// From what is seen on, nothing that is sent in its direction is passed, its close neither, and the sender is not told.
    pub fn deafen(self) -> Self {
        self.then(|sight, actions| actions.deafen(sight.direction()))
    }

    /// Nothing passes in its direction for so long, what is seen included, and the sender is not read: it is soon held up.
    pub fn stall(self, length: Duration) -> Self {
        self.then(move |sight, actions| actions.stall(sight.direction(), length))
    }

    /// At most so many bytes per second pass in its direction from here on.
    pub fn limit(self, bytes_per_second: u64) -> Self {
        self.then(move |sight, actions| actions.limit(sight.direction(), Some(bytes_per_second)))
    }

    /// Whatever else: see [`Actions`].
    pub fn then(mut self, effect: impl Fn(&Sight<'_>, &mut Actions<'_>) + Send + Sync + 'static) -> Self {
        self.effects.push(Arc::new(effect));
        self
    }
}

fn bytes<D: Draftable>(make: &impl Fn(&Sight<'_>) -> D, sight: &Sight<'_>) -> Vec<u8> {
    make(sight).into_draft(sight.version()).encode()
}
