//! Links under virtual time: no sockets, no clock.

mod bench;
mod hardship;
mod language;
mod ready;
mod transparent;
