//! The scenarios of `tests/contract/scenarios`, replayed through the bindings: the same requests byte for byte, the same results,
//! the same errors, in every language.
//!
//! A scenario says what is called and what the server answers. `BUD_SCENARIOS=write` writes down what is then sent and
//! what comes of it, to be read before it is committed; without it that is compared.

mod answers;
mod play;

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use bud_sdk::operations::Support;
use bud_sdk::{Flavor, bindings};
use serde_json::Value;

/// What a script cannot show: a websocket, or a request that has the time in it. `tests/kubernetes` shows them.
const ON_A_REAL_CLUSTER: [&str; 4] =
    ["kubernetes.exec", "kubernetes.postgres", "kubernetes.gpu_readings", "kubernetes.restart"];

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/contract/scenarios"))
}

/// Every file's path and scenario, those of one resource after the other.
fn files() -> Vec<(PathBuf, Value)> {
    let entries = |folder: &Path| {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        // What an editor left beside them is none.
        entries
            .filter(|path| path.is_dir() || path.extension().is_some_and(|end| end == "json"))
            .collect::<BTreeSet<PathBuf>>()
    };
    let read = |path: PathBuf| {
        let text =
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let scenario =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        (path, scenario)
    };
    entries(&folder()).iter().flat_map(|resource| entries(resource)).map(read).collect()
}

fn all() -> impl Iterator<Item = Value> {
    files().into_iter().map(|(_, scenario)| scenario)
}

/// Where a scenario stands: in its resource's folder, by its name.
fn place(scenario: &Value) -> PathBuf {
    let (resource, _) = text(scenario, "call").split_once('.').unwrap();
    let name = text(scenario, "name").to_lowercase().replace('\'', "");
    let words = name.split(|char: char| !char.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    folder().join(resource).join(words.collect::<Vec<_>>().join("-") + ".json")
}

/// Writes a scenario where it belongs. If it stood elsewhere, for it had another name, it is gone from there.
fn write(scenario: &Value, path: &Path) {
    let place = place(scenario);
    assert!(place == path || !place.exists(), "{} and {} are one", place.display(), path.display());
    std::fs::create_dir_all(place.parent().unwrap()).unwrap();
    std::fs::write(&place, serde_json::to_string_pretty(scenario).unwrap() + "\n").unwrap();
    if place != path {
        std::fs::remove_file(path).unwrap();
        // The last one of its folder takes that with it.
        let _ = std::fs::remove_dir(path.parent().unwrap());
    }
}

fn text<'a>(scenario: &'a Value, name: &str) -> &'a str {
    scenario[name].as_str().unwrap_or_default()
}

/// For the coverage table.
fn shown(scenario: &Value) {
    let on = match play::backend(scenario) {
        "bud" => text(&scenario["client"], "flavor"),
        other => other,
    };
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
    let writing = std::env::var_os("BUD_SCENARIOS").is_some_and(|value| value == "write");
    let mut wrong = Vec::new();
    let mut played = 0;
    for (path, mut scenario) in files() {
        let seen = play::play(&scenario).await;
        played += 1;
        if writing {
            seen.write_into(&mut scenario);
            write(&scenario, &path);
        } else if let Err(difference) = seen.compare(&scenario) {
            wrong.push(format!("{}: {difference}", path.display()));
        } else if scenario["error"].is_null() {
            shown(&scenario);
        }
    }
    assert!(wrong.is_empty(), "{} of {played}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(played > 100, "{played}");
}

#[test]
fn every_name_stands_once_and_everything_has_a_scenario_on_each_api() {
    for (path, scenario) in files() {
        assert_eq!(path, place(&scenario), "BUD_SCENARIOS=write puts it there");
    }
    let names: Vec<String> = all().map(|scenario| text(&scenario, "name").to_owned()).collect();
    let once: BTreeSet<&String> = names.iter().collect();
    assert_eq!(once.len(), names.len(), "a name stands twice");

    let shown: BTreeSet<(String, String)> = all()
        .filter(|scenario| scenario["error"].is_null())
        .map(|scenario| (text(&scenario, "call").to_owned(), text(&scenario["client"], "flavor").to_owned()))
        .collect();
    let mut missing = Vec::new();
    for entry in bindings::backends()
        .iter()
        .filter(|backend| backend.name != "bud")
        .flat_map(bindings::Backend::entries)
    {
        let well = |scenario: Value| scenario["error"].is_null() && text(&scenario, "call") == entry.id;
        if !ON_A_REAL_CLUSTER.contains(&entry.id) && !all().any(well) {
            missing.push(entry.id.to_owned());
        }
    }
    for entry in bindings::backend("bud").unwrap().entries() {
        let info = bud_sdk::operations::all().iter().find(|info| info.id == entry.id);
        for flavor in [Flavor::Guide, Flavor::Runtime] {
            let offered =
                info.is_none_or(|info| matches!(info.on(flavor.as_str()), Some(Support::Offered(_))));
            if offered && !shown.contains(&(entry.id.to_owned(), flavor.to_string())) {
                missing.push(format!("{} on {flavor}", entry.id));
            }
        }
    }
    assert!(missing.is_empty(), "without a scenario that ends well: {}", missing.join(", "));
}
