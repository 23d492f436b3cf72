//! What only several settings together can get wrong.

use std::{net::SocketAddr, path::Path};

use located::{At, Problem, Problems};
use transport::Address;

use super::{
    document::{Document, LimitsSection},
    listener::ListenerSection,
};

/// Everything that is wrong with settings that are right one by one.
pub(super) fn check(document: &Document, problems: &mut Problems) {
    check_listeners(document, problems);
    check_limits(&document.limits, problems);
    document.access.check(problems);
}

/// What is wrong with the files that the document names.
pub(super) fn check_files(document: &Document, folder: &Path, problems: &mut Problems) {
    for tls in document.listeners.0.iter().filter_map(|listener| listener.tls.as_ref()) {
        tls.check_files(folder, problems);
    }
}

fn check_listeners(document: &Document, problems: &mut Problems) {
    let listeners = &document.listeners;
    if listeners.0.is_empty() {
        problems
            .push(listeners.problem("nobody could connect: the list is empty", "leave it out to listen on loopback"));
    }
    for (index, listener) in listeners.0.iter().enumerate() {
        for other in &listeners.0[..index] {
            check_pair(listener, other, problems);
        }
        let asked = listener.tls.as_ref().is_some_and(|tls| tls.client_certificates.is_some());
        if listener.certificate_user.value && !asked {
            let message = "no client shows a certificate here";
            problems.push(listener.certificate_user.problem(message, "add tls.client_certificates, or leave it out"));
        }
        let by_certificate = listener.certificate_user.value
            && listener.tls.as_ref().is_some_and(|tls| tls.client_certificates.is_some());
        // What is wrong with users has been said then, and is why there are none.
        let no_users = document.access.users.0.is_empty() && !problems.mention("access.users");
        if !listener.lets_anonymous_in() && no_users && !by_certificate {
            let message = "nobody could connect here: there are no users, and clients may not be anonymous";
            let hint = "add [[access.users]], or write `anonymous = true` to let everybody in who can reach it";
            problems.push(
                listener.anonymous.as_ref().map_or_else(
                    || listener.address.problem(message, hint),
                    |anonymous| anonymous.problem(message, hint),
                ),
            );
        }
        let workers = document.workers();
        if let Some(acceptors) = listener.acceptors.as_ref().filter(|acceptors| acceptors.to::<usize>() > workers) {
            let message = format!("there are only {workers} workers");
            problems.push(acceptors.problem(message, "leave `acceptors` out for all, or raise broker.workers"));
        }
        if let (Some(own), Some(all)) = (&listener.connections, &document.limits.connections)
            && own.to::<u64>() > all.to::<u64>()
        {
            let message = format!("more than limits.connections, {}, would never be reached", all.to::<u64>());
            problems.push(own.problem(message, "lower one or raise the other"));
        }
    }
}

fn check_pair(listener: &ListenerSection, earlier: &At<ListenerSection>, problems: &mut Problems) {
    let same = match (&listener.address.value, &earlier.address.value) {
        (Address::Tcp(one), Address::Tcp(other)) => collide(*one, *other),
        (one, other) => one == other,
    };
    if same {
        let message = format!("{} is taken by `{}` already", listener.address.value, earlier.path);
        problems.push(listener.address.problem(message, "give each listener an address or port of its own"));
    } else if listener.name() == earlier.name() {
        let place =
            listener.name.as_ref().map_or_else(|| listener.address.problem("", ""), |name| name.problem("", ""));
        let message = format!("`{}` is called `{}` already", earlier.path, earlier.name());
        let hint = Some("give each listener a name of its own".to_owned());
        problems.push(Problem { message, hint, ..place });
    }
}

/// Whether not both can be listened on.
fn collide(one: SocketAddr, other: SocketAddr) -> bool {
    let overlap = one.ip() == other.ip() || one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() != 0 && one.port() == other.port() && one.is_ipv4() == other.is_ipv4() && overlap
}

fn check_limits(limits: &LimitsSection, problems: &mut Problems) {
    let mut at_most = |small: (&At<()>, u64), great: (&At<()>, u64), why: &str| {
        if small.1 > great.1 {
            // The one that was written is to blame; of two, the greater.
            let (blamed, other) = if small.0.written { (small.0, great.0) } else { (great.0, small.0) };
            let relation = if small.0.written { "more" } else { "less" };
            let message = format!("{relation} than `{}`: {why}", other.path);
            problems.push(blamed.problem(message, "change one of them"));
        }
    };
    let packet = (&limits.packet_size.place(), limits.packet_size.to());
    let queued = (&limits.queued_bytes.place(), limits.queued_bytes.to());
    at_most(
        (&limits.connect_packet_size.place(), limits.connect_packet_size.to()),
        packet,
        "no CONNECT could be larger than any packet",
    );
    at_most(
        queued,
        (&limits.all_queued_bytes.place(), limits.all_queued_bytes.to()),
        "one session cannot hold more than all",
    );
    at_most(packet, queued, "the largest messages could never be queued");
    at_most(
        packet,
        (&limits.outbound_bytes.place(), limits.outbound_bytes.to()),
        "the largest QoS 0 messages could never be sent",
    );
}
