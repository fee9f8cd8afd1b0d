//! The backends as the tests of other languages read them.

use bud_sdk::bindings::{self, Backend};
use serde_json::{Map, Value, json};

use super::Generated;

/// Of each backend by its name: where its class is, and how it is made.
pub fn file() -> Generated {
    let told = |backend: &Backend| {
        let address = backend.address().map(|option| option.name);
        let takes_token = backend.option("token").is_some();
        json!({
            "class": backend.class, "topic": backend.topic, "own": backend.own,
            "address": address, "takes_token": takes_token,
        })
    };
    let all: Map<String, Value> =
        bindings::backends().iter().map(|backend| (backend.name.to_owned(), told(backend))).collect();
    ("tests/contract/backends.json".to_owned(), format!("{:#}\n", Value::from(all)))
}
