//! Real counterparts, one module each.

mod browser;
mod chromium;
mod haproxy;
mod libraries;
mod live;
mod mosquitto;
mod mosquitto_broker;
mod rumqttc;
mod secure;
