//! Workers under virtual time, without sockets.

mod access;
mod accounting;
mod bench;
mod bounds;
mod bystander;
mod connects;
mod drain;
mod floods;
mod limits;
mod log;
mod policies;
mod races;
mod retained;
mod revise;
mod sessions;
mod sharing;
mod status;
mod subscriptions;
mod threads;
mod wills;
