//! Doing what the rules said.

use wire::{Direction, line};

use super::{BOTH, Fate, Held, Later, Link, Manner, Occasion, Order, Piece, Time};
use crate::{Deed, Entry, shared::Post};

impl Link {
    /// Passes on what was seen, as far as its fate allows, and obeys. Whether it passed.
    pub(super) fn settle(
        &mut self,
        now: Time,
        direction: Direction,
        occasion: Occasion,
        mut fate: Fate,
        orders: Vec<Order>,
    ) -> bool {
        // What is seen waits behind a stall that begins with it, and is lost in a silence that does. Behind a close nothing goes.
        let closes = matches!(occasion, Occasion::Close(_));
        let (first, then): (Vec<_>, Vec<_>) = orders.into_iter().partition(|order| match order {
            Order::Stall(..) | Order::Deafen(_) | Order::Limit(..) => true,
            Order::Inject(..) => closes,
            Order::InjectAt(..) | Order::Close(..) | Order::Sever(_) => false,
        });
        self.obey(now, first);
        let passes = !fate.swallowed && !self.way(direction).deaf;
        for bytes in std::mem::take(&mut fate.before) {
            self.way(direction).line.push(now, bytes, None);
        }
        match occasion {
            Occasion::Piece(Piece::Frame(frame)) if passes => self.pass(now, direction, frame.into_bytes(), &fate),
            Occasion::Piece(Piece::Garbage(bytes)) if passes => self.pass(now, direction, bytes, &fate),
            Occasion::Close(manner) if passes => {
                self.flush_later(now, direction);
                self.way(direction).line.close(now.after(fate.delay), manner);
            }
            _ => {}
        }
        for bytes in fate.after {
            self.way(direction).line.push(now, bytes, None);
        }
        self.obey(now, then);
        passes
    }

    fn pass(&mut self, now: Time, direction: Direction, mut bytes: Vec<u8>, fate: &Fate) {
        if let Some(kept) = fate.kept {
            bytes.truncate(kept);
        }
        for _ in 0..fate.copies {
            self.send(now, direction, bytes.clone(), fate);
        }
        let waits = fate.overtaken.is_some();
        self.send(now, direction, bytes, fate);
        if !waits {
            let way = self.way(direction);
            for held in &mut way.held {
                held.left = held.left.saturating_sub(1);
            }
            self.release_held(now, direction, now);
        }
    }

    fn send(&mut self, now: Time, direction: Direction, bytes: Vec<u8>, fate: &Fate) {
        let at = now.after(fate.delay);
        let way = self.way(direction);
        match (fate.overtaken, fate.late, fate.window) {
            (Some((left, until)), ..) => {
                way.detained += bytes.len();
                way.held.push(Held { left, until, bytes });
            }
            (_, Some(late), _) => self.put_off(at.after(late), direction, bytes),
            (.., Some(window)) => way.line.gather(at, window, bytes),
            _ => way.line.push(at, bytes, fate.gap),
        }
    }

    fn put_off(&mut self, at: Time, direction: Direction, bytes: Vec<u8>) {
        if self.way(direction).line.is_open() {
            self.way(direction).detained += bytes.len();
            self.later.push(Later { at, direction, bytes });
        }
    }

    pub(super) fn obey(&mut self, now: Time, orders: Vec<Order>) {
        for order in orders {
            match order {
                Order::Inject(direction, bytes) => self.way(direction).line.push(now, bytes, None),
                Order::InjectAt(at, direction, bytes) => self.put_off(at, direction, bytes),
                Order::Stall(direction, until) => self.way(direction).line.stall(until),
                Order::Limit(direction, rate) => self.way(direction).line.limit(rate),
                Order::Deafen(direction) => self.way(direction).deaf = true,
                Order::Close(direction, manner) => self.way(direction).line.close(now, manner),
                Order::Sever(manner) => self.sever(now, manner),
            }
        }
    }

    fn sever(&mut self, now: Time, manner: Manner) {
        for direction in BOTH {
            let way = self.way(direction);
            way.line.cut(now, manner);
            way.ended = true;
            way.held.clear();
            way.detained = 0;
        }
        self.later.clear();
    }

    /// Lets go what has been overtaken often enough, or has waited until `now`.
    pub(super) fn release_held(&mut self, now: Time, direction: Direction, deadline: Time) {
        let way = self.way(direction);
        for held in way.held.extract_if(.., |held| held.left == 0 || held.until <= deadline) {
            way.detained -= held.bytes.len();
            way.line.push(now, held.bytes, None);
        }
    }

    /// What was late goes before the end.
    fn flush_later(&mut self, now: Time, direction: Direction) {
        let mut late: Vec<Later> = self.later.extract_if(.., |later| later.direction == direction).collect();
        late.sort_by_key(|later| later.at);
        let way = self.way(direction);
        for later in late {
            way.detained -= later.bytes.len();
            way.line.push(now, later.bytes, None);
        }
    }

    /// Once nobody can be heard, nobody needs to wait for an end.
    pub(super) fn end_when_both_have(&mut self, now: Time) {
        if self.ways.iter().all(|way| way.ended) {
            for way in &mut self.ways {
                way.line.close(now, Manner::Finish);
            }
        }
    }

    pub(super) fn read_post(&mut self, now: Time) {
        for post in self.shared.collect(self.connection.number()) {
            let (direction, deed) = match post {
                Post::Inject(direction, bytes) => {
                    let text = line(self.connection.version(), direction, &bytes);
                    self.way(direction).line.push(now, bytes, None);
                    (direction, Deed::Injected(text))
                }
                Post::Sever(manner) => {
                    self.sever(now, manner);
                    (Direction::FromServer, Deed::Severed(manner))
                }
            };
            self.shared.book().add(|| Entry {
                at: now,
                connection: self.connection.number(),
                client: self.connection.client_id().to_owned(),
                rule: String::new(),
                deed,
                direction,
                frame: String::new(),
            });
        }
    }
}
