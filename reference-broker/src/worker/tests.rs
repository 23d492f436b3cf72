//! Workers under virtual time, without sockets.

mod access;
mod accounting;
mod bench;
mod bounds;
mod bystander;
mod connects;
mod drain;
mod expiry;
mod floods;
mod limits;
mod log;
mod offers;
mod policies;
mod races;
mod reasons;
mod retained;
mod revise;
mod sessions;
mod sharing;
mod status;
mod subscriptions;
mod threads;
mod topics;
mod v311;
mod wills;
