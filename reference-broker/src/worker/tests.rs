//! Workers under virtual time, without sockets.

mod bench;
mod connects;
mod limits;
mod races;
mod retained;
mod sessions;
mod subscriptions;
mod wills;
