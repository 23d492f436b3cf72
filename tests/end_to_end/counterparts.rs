//! Real counterparts, one module each.

mod browser;
mod chromium;
mod libraries;
mod mosquitto;
mod mosquitto_broker;
mod rumqttc;
mod secure;
