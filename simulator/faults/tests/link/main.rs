//! Links under virtual time: no sockets, no clock.

mod bench;
mod language;
mod ready;
mod transparent;
