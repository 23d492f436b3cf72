//! What a receiving client asks for, and what the broker makes of it.

use std::{num::NonZeroU16, time::Duration};

use protocol::{QoS, ReasonCode, SubscribeFilter, SubscriptionOptions, TopicFilter, Version};
use scenarios::model::SubscriberGroup;
use simulator::{ConnectOptions, Target};

use crate::RunId;

/// How long a slow consumer waits for PINGRESP, which queues behind everything that it has not read.
const SLOW_PATIENCE: Duration = Duration::from_secs(86_400);

pub(super) fn options(group: &SubscriberGroup, target: &Target, n: u32) -> Result<ConnectOptions, String> {
    let version = version(group.version);
    let connect = target.connect_options(&group.client_id(n), version)?;
    let slow = group.read_rate.map(|rate| rate.per_second().clamp(1.0, f64::from(u16::MAX)) as u16);
    Ok(ConnectOptions {
        receive_maximum: slow.and_then(NonZeroU16::new),
        ping_timeout: if slow.is_some() { SLOW_PATIENCE } else { connect.ping_timeout },
        // Those that read slowly are counted one by one.
        bunches: slow.is_none(),
        clean_start: group.clean_start,
        session_expiry: u32::try_from(group.session_expiry.as_secs()).unwrap_or(u32::MAX),
        keep_alive: u16::try_from(group.keep_alive.as_secs()).unwrap_or(u16::MAX),
        ..connect
    })
}

pub(super) fn filters(
    group: &SubscriberGroup,
    target: &Target,
    run: RunId,
    n: u32,
) -> Result<Vec<SubscribeFilter>, String> {
    let filters = group.subscriptions.iter().map(|one| {
        let mut text = one.filter.fill(&group.fill(n));
        if !target.prefix.as_str().is_empty()
            && let Some((share, filter)) = text.strip_prefix("$share/").and_then(|rest| rest.split_once('/'))
        {
            text = format!("$share/{share}-{run}/{filter}");
        }
        let filter: TopicFilter =
            target.prefix.filter(&text).map_err(|error| format!("{text:?} is no filter under the prefix: {error}"))?;
        let qos = quality(one.qos);
        Ok(SubscribeFilter { filter, options: SubscriptionOptions { qos, ..SubscriptionOptions::default() } })
    });
    filters.collect()
}

pub(in crate::run) fn version(version: scenarios::model::Version) -> Version {
    match version {
        scenarios::model::Version::V311 => Version::V311,
        scenarios::model::Version::V5 => Version::V5,
    }
}

pub(in crate::run) fn quality(qos: scenarios::model::QoS) -> QoS {
    match qos {
        scenarios::model::QoS::AtMostOnce => QoS::AtMostOnce,
        scenarios::model::QoS::AtLeastOnce => QoS::AtLeastOnce,
        scenarios::model::QoS::ExactlyOnce => QoS::ExactlyOnce,
    }
}

pub(super) fn granted(reason: ReasonCode) -> Option<QoS> {
    match reason.value() {
        0 => Some(QoS::AtMostOnce),
        1 => Some(QoS::AtLeastOnce),
        2 => Some(QoS::ExactlyOnce),
        _ => None,
    }
}

pub(super) fn refusal(filters: &[SubscribeFilter], reasons: &[ReasonCode]) -> Option<(String, ReasonCode)> {
    let refused = filters.iter().zip(reasons).find(|(_, reason)| reason.is_failure());
    refused.map(|(one, reason)| (one.filter.to_string(), *reason))
}
