//! The scenarios of `tests/contract/scenarios`, replayed through the door: the same requests byte for byte, the same results,
//! the same errors, in every language.
//!
//! A scenario says what is called and what the server answers. `BUD_SCENARIOS=write` writes down what is then sent and
//! what comes of it, to be read before it is committed; without it that is compared.

mod answers;
mod play;

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;

use bud_sdk::{Flavor, Support, door};
use serde_json::Value;

/// What a script cannot show: a websocket, or a request that has the time in it. `tests/kube` shows them.
const ON_A_REAL_CLUSTER: [&str; 4] =
    ["kubernetes.exec", "kubernetes.postgres", "kubernetes.gpu_readings", "kubernetes.restart"];

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/contract/scenarios"))
}

/// Every file's path and scenarios.
fn files() -> Vec<(PathBuf, Vec<Value>)> {
    let entries = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|extension| extension == "json")).collect();
    paths.sort();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        let scenarios =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        (path, scenarios)
    };
    paths.into_iter().map(read).collect()
}

fn all() -> impl Iterator<Item = Value> {
    files().into_iter().flat_map(|(_, scenarios)| scenarios)
}

fn text<'a>(scenario: &'a Value, name: &str) -> &'a str {
    scenario[name].as_str().unwrap_or_default()
}

/// For the coverage table.
fn shown(scenario: &Value) {
    let on = if scenario["cluster"].is_object() { "cluster" } else { text(&scenario["client"], "flavor") };
    let Some(journal) = std::env::var_os("BUD_TESTBED_JOURNAL").filter(|_| !on.is_empty()) else { return };
    let mut lines = std::fs::File::options().create(true).append(true).open(journal).unwrap();
    let also = scenario["also"].as_array().into_iter().flatten().filter_map(Value::as_str);
    for call in also.chain([text(scenario, "call")]) {
        // In one piece: other tests append, too.
        lines.write_all(format!("{on} CALL /{call} 200\n").as_bytes()).unwrap();
    }
}

#[tokio::test]
async fn every_scenario_is_sent_and_understood_as_written() {
    let write = std::env::var_os("BUD_SCENARIOS").is_some_and(|value| value == "write");
    let mut wrong = Vec::new();
    let mut played = 0;
    for (path, mut scenarios) in files() {
        for scenario in &mut scenarios {
            let seen = play::play(scenario).await;
            played += 1;
            if write {
                seen.write_into(scenario);
            } else if let Err(difference) = seen.compare(scenario) {
                wrong.push(format!("{}: {}: {difference}", path.display(), text(scenario, "name")));
            } else if scenario["error"].is_null() {
                shown(scenario);
            }
        }
        if write {
            let text = serde_json::to_string_pretty(&scenarios).unwrap();
            std::fs::write(&path, text + "\n").unwrap();
        }
    }
    assert!(wrong.is_empty(), "{} of {played}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(played > 100, "{played}");
}

#[test]
fn every_name_stands_once_and_everything_has_a_scenario_on_each_api() {
    let names: Vec<String> = all().map(|scenario| text(&scenario, "name").to_owned()).collect();
    let once: BTreeSet<&String> = names.iter().collect();
    assert_eq!(once.len(), names.len(), "a name stands twice");

    let shown: BTreeSet<(String, String)> = all()
        .filter(|scenario| scenario["error"].is_null())
        .map(|scenario| (text(&scenario, "call").to_owned(), text(&scenario["client"], "flavor").to_owned()))
        .collect();
    let mut missing = Vec::new();
    for entry in door::registry() {
        if entry.on_cluster() {
            let well = |scenario: Value| scenario["error"].is_null() && text(&scenario, "call") == entry.id;
            if !ON_A_REAL_CLUSTER.contains(&entry.id) && !all().any(well) {
                missing.push(entry.id.to_owned());
            }
            continue;
        }
        let info = bud_sdk::operations().iter().find(|info| info.id == entry.id);
        for flavor in [Flavor::Guide, Flavor::Runtime] {
            let offered = info.is_none_or(|info| matches!(info.routes.on(flavor), Support::Offered(_)));
            if offered && !shown.contains(&(entry.id.to_owned(), flavor.to_string())) {
                missing.push(format!("{} on {flavor}", entry.id));
            }
        }
    }
    assert!(missing.is_empty(), "without a scenario that ends well: {}", missing.join(", "));
}
