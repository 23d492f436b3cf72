//! What one idle client takes inside a worker: a broker holds this as many times as it has clients.

use protocol::{Session, server::Server};

use crate::worker::{connection::Connection, session::SessionState};

#[test]
fn an_idle_client_is_small() {
    let connection = size_of::<Connection>() + size_of::<Server>();
    let session = size_of::<SessionState>() + size_of::<Session>();
    assert!(connection <= 544 && session <= 440, "{connection} bytes of connection, {session} of session");
}
