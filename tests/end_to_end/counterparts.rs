//! Real counterparts, one module each.

mod chromium;
mod libraries;
mod mosquitto;
mod mosquitto_broker;
mod mosquitto_tls;
mod rumqttc;
