//! What a broker says of itself in CONNACK, before the first case.

use std::{io, sync::Arc};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time,
};
use transport::Scheme;
use wire::{Connect, Properties, Property, Version};

use crate::{Bench, Capability, Site, desk::Desk};

/// Announced below this, a limit can be reached by a case.
const REACHABLE_SIZE: u32 = 1 << 20;
/// Room for a packet whose Remaining Length takes four bytes.
const LARGE_SIZE: u32 = (1 << 21) + 5;
/// As [`REACHABLE_SIZE`], for the Receive Maximum.
const REACHABLE_RECEIVE_MAXIMUM: u16 = 2000;

impl Site {
    /// Asks the broker which versions it speaks and what it offers, and adds that to what is known. Versions that are known
    /// already it is held to; of the others it speaks those that it does not refuse as such: with "unacceptable protocol
    /// version", or by closing. One that answers with anything else is to be judged.
    ///
    /// # Errors
    ///
    /// In words, when it lets nobody in with any version.
    pub async fn probed(mut self, seed: u64) -> Result<Self, String> {
        let known = std::mem::take(&mut self.versions);
        let (mut answering, mut announced) = (None, Properties::default());
        let mut complaints = Vec::new();
        for version in [Version::V3_1_1, Version::V5] {
            let spoken = match self.ask(version, seed, "probe").await {
                Ok(properties) => {
                    (answering, announced) = (Some(version), properties);
                    true
                }
                Err(complaint) => {
                    complaints.push(format!("MQTT {version}: {complaint}"));
                    !self.refuses(version, seed).await
                }
            };
            let counts = if known.is_empty() { spoken } else { known.contains(&version) };
            if counts {
                self.versions.push(version);
            }
        }
        let Some(version) = answering else { return Err(complaints.join("; ")) };
        self.capabilities.extend(offered(&announced));
        let nameless = self.ask(version, seed, "").await.is_ok();
        self.capabilities.extend(nameless.then_some(Capability::EmptyClientId));
        if self.needs_certificates(version, seed).await {
            self.capabilities.insert(Capability::ClientCertificates);
        }
        self.capabilities.insert(Capability::Sessions);
        let evident: Vec<Capability> = self.evident().collect();
        self.capabilities.extend(evident);
        Ok(self)
    }

    /// Whether it lets a client in over TLS that shows a certificate, and none that does not.
    async fn needs_certificates(&self, version: Version, seed: u64) -> bool {
        let (Some(endpoint), Some(tls)) = (self.endpoint(Scheme::Mqtts), &self.tls) else { return false };
        if tls.is_anonymous() {
            return false;
        }
        let over_tls =
            |tls| Self { endpoints: vec![endpoint.clone()], endpoint_of_5: None, tls: Some(tls), ..self.clone() };
        over_tls(tls.clone()).ask(version, seed, "shown").await.is_ok()
            && over_tls(tls.anonymous()).ask(version, seed, "shown").await.is_err()
    }

    /// Whether it still lets clients in.
    pub(crate) async fn answers(&self, seed: u64) -> bool {
        for version in &self.versions {
            if self.ask(*version, seed, "after").await.is_ok() {
                return true;
            }
        }
        false
    }

    /// Whether it answers CONNECT as a server does that does not speak the version: in the form of whichever it speaks, so these
    /// are bytes and not packets.
    async fn refuses(&self, version: Version, seed: u64) -> bool {
        let bench = self.bench(version, seed);
        let mut answer = Vec::new();
        let conversation = async {
            let endpoint = self.first_endpoint(version).ok_or(io::ErrorKind::NotFound)?;
            let mut stream = self.dial(endpoint).await.map_err(io::Error::other)?;
            stream.write_all(&bench.connect("probe").draft(version).encode()).await?;
            stream.flush().await?;
            while answer.len() < 4 && stream.read_buf(&mut answer).await? > 0 {}
            Ok::<(), io::Error>(())
        };
        match time::timeout(self.patience, conversation).await {
            Ok(Ok(())) => matches!(*answer, [] | [0x20, _, _, 0x01 | 0x84, ..]),
            Ok(Err(error)) => answer.is_empty() && error.kind() == io::ErrorKind::ConnectionReset,
            _ => false,
        }
    }

    fn bench(&self, version: Version, seed: u64) -> Bench {
        Bench::new(Desk::new(version, Arc::new(self.clone()), format!("probe{:03}", seed % 1000)))
    }

    /// The properties of the CONNACK that lets in a client called so.
    async fn ask(&self, version: Version, seed: u64, name: &str) -> Result<Properties, String> {
        let bench = self.bench(version, seed);
        let client_identifier = if name.is_empty() { String::new() } else { bench.id(name) };
        let connect = Connect { client_identifier, ..bench.connect(name) };
        let connect = if version == Version::V5 {
            connect.with(Property::request_response_information(1)).with(Property::session_expiry_interval(0))
        } else {
            connect
        };
        let accepted = async {
            let mut peer = bench.connected_as("probe", connect).await?;
            let connack = peer.connack.take();
            peer.disconnected().await?;
            Ok(connack.map(|connack| connack.properties).unwrap_or_default())
        };
        accepted.await.map_err(|stop: crate::Stop| stop.to_string())
    }
}

/// What these properties of a CONNACK say, and what their absence says.
fn offered(announced: &Properties) -> Vec<Capability> {
    use Capability::*;
    let either = |available: Option<u8>, yes, no| if available == Some(0) { no } else { yes };
    let mut offered = vec![
        either(announced.retain_available(), Retain, NoRetain),
        either(announced.wildcard_subscription_available(), Wildcards, NoWildcards),
        either(announced.subscription_identifier_available(), SubscriptionIdentifiers, NoSubscriptionIdentifiers),
        either(announced.shared_subscription_available(), SharedSubscriptions, NoSharedSubscriptions),
        if announced.topic_alias_maximum().unwrap_or(0) > 0 { TopicAliases } else { NoTopicAliases },
    ];
    offered.extend(match announced.maximum_qos() {
        Some(0) => vec![LimitedQos],
        Some(1) => vec![LimitedQos, Qos1],
        _ => vec![Qos1, Qos2],
    });
    offered.extend(announced.maximum_packet_size().filter(|size| *size <= REACHABLE_SIZE).map(|_| PacketLimit));
    let large = announced.maximum_packet_size().is_none_or(|size| size >= LARGE_SIZE);
    offered.extend(large.then_some(LargePackets));
    let receive_maximum = announced.receive_maximum().filter(|maximum| *maximum <= REACHABLE_RECEIVE_MAXIMUM);
    offered.extend(receive_maximum.map(|_| ReceiveLimit));
    offered.extend(announced.server_keep_alive().map(|_| ServerKeepAlive));
    offered.extend(announced.response_information().map(|_| ResponseInformation));
    offered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_offers_what_the_standard_says() {
        let said = |properties: &[Property]| offered(&Properties(properties.to_vec()));
        let silent = said(&[]);
        for offered in [Capability::Retain, Capability::Qos2, Capability::Wildcards, Capability::NoTopicAliases] {
            assert!(silent.contains(&offered), "{offered}");
        }
        let limited =
            said(&[Property::maximum_qos(0), Property::retain_available(0), Property::topic_alias_maximum(4)]);
        assert!(limited.contains(&Capability::LimitedQos) && !limited.contains(&Capability::Qos1));
        assert!(limited.contains(&Capability::NoRetain) && limited.contains(&Capability::TopicAliases));
    }
}
