//! Real counterparts against the reference broker: the programs and libraries that farms use.
//!
//! Built with `--features interop`; `tests/run` installs the counterparts first.

mod counterparts;
mod support;
