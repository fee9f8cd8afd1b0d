//! The Bud API as data: how its values are named in configurations, what the pipeline has to know of it.

use super::detect::detect;
use super::operations::OPERATIONS;
use super::quirks::QUIRKS;
use crate::config::{Key, Keys};
use crate::http::BackendSpec;

pub(crate) static SPEC: BackendSpec =
    BackendSpec { detect: Some(detect), quirks: QUIRKS, ..BackendSpec::new("bud", &KEYS, OPERATIONS) };

pub(crate) static KEYS: Keys = Keys {
    table: None,
    url: Key::new(&["BUD_BASE_URL", "BUD_API_URL"], "api_url"),
    token: Key::new(&["BUD_TOKEN"], ""),
    api_key: Key::new(&["BUD_API_KEY"], "api_key"),
    user: Key::new(&["BUD_EMAIL"], "email"),
    password: Key::new(&["BUD_PASSWORD"], "password"),
    timeout: Key::new(&["BUD_TIMEOUT"], "timeout"),
    ca_certificate: Key::new(&["BUD_CA_CERTIFICATE"], "ca_certificate"),
    verify: Key::new(&["BUD_VERIFY_SSL"], "verify_ssl"),
    flavor: Key::new(&["BUD_API_FLAVOR"], "flavor"),
    flavors: &["guide", "runtime"],
    command_line: true,
};
