//! Workers under virtual time, without sockets.

mod access;
mod bench;
mod connects;
mod drain;
mod limits;
mod log;
mod races;
mod retained;
mod revise;
mod sessions;
mod sharing;
mod status;
mod subscriptions;
mod threads;
mod wills;
