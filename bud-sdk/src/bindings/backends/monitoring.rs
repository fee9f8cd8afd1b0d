//! Metrics and alerts.

use super::services::{SERVICE_OPTIONS, connector};
use crate::bindings::target::Handle;
use crate::bindings::{Backend, Example, entries};
use crate::monitoring::{Alertmanager, Prometheus};

pub(super) const PROMETHEUS: Backend = Backend {
    name: "prometheus",
    class: "Prometheus",
    topic: "monitoring",
    about: "A client of one Prometheus server, or of another server with its API",
    docs: "Nothing that it calls changes anything.",
    example: Example {
        options: &[("base_url", "https://prometheus.example.com")],
        call: "prometheus.query",
        args: &[("query", "up == 0")],
        shown: &[],
    },
    options: SERVICE_OPTIONS,
    variables: Some("BUD_PROMETHEUS_..."),
    own: "prometheus",
    entries: entries::PROMETHEUS,
    connector: |options, variables| connector(Prometheus::builder, options, variables),
};

pub(super) const ALERTMANAGER: Backend = Backend {
    name: "alertmanager",
    class: "Alertmanager",
    topic: "monitoring",
    about: "A client of one Alertmanager",
    docs: "Alerts themselves are made by Prometheus.",
    example: Example {
        options: &[("base_url", "https://alerts.example.com"), ("username", "sre"), ("password", "")],
        call: "alertmanager.silence",
        args: &[("id", "6f2b7a1e-4a35-4a4e-8f52-0c5b6f3a1d11")],
        shown: &[],
    },
    options: SERVICE_OPTIONS,
    variables: Some("BUD_ALERTMANAGER_..."),
    own: "alertmanager",
    entries: entries::ALERTMANAGER,
    connector: |options, variables| connector(Alertmanager::builder, options, variables),
};

impl Handle for Prometheus {
    fn base_url(&self) -> Option<&str> {
        Some(Self::base_url(self))
    }
}

impl Handle for Alertmanager {
    fn base_url(&self) -> Option<&str> {
        Some(Self::base_url(self))
    }
}
