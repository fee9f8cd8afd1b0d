//! The public modules, and what is at the top of the package.

use std::fmt::Write;

use super::HEADER;
use super::backends::Method;
use crate::r#gen::names::pascal;
use crate::r#gen::part_of_an_export;
use crate::r#gen::topics::{self, TOPICS, Topic, unique};
use bud_sdk::bindings::{self, Backend};

/// What is written by hand and belongs to a public module.
fn by_hand(topic: &str) -> &'static str {
    match topic {
        "report" => "export * from '../../report.js';\n",
        _ => "",
    }
}

/// Every public module's path and text.
pub fn files() -> Vec<(String, String)> {
    let path = |topic: &Topic| format!("bud-sdk-node/ts/generated/topics/{}.ts", topic.name);
    TOPICS.iter().map(|each| (path(each), file(each))).collect()
}

fn file(topic: &Topic) -> String {
    let exports = exports(topic.name, "..");
    format!("{HEADER}/**\n * {}\n */\n\n{exports}{}", topic.docs, by_hand(topic.name))
}

/// `ts/generated/index.ts`: the classes and types at the top of the package, and the public modules.
pub fn index() -> String {
    let mut text = format!("{HEADER}{}", exports("", "."));
    for Topic { name, .. } in TOPICS {
        let _ = writeln!(text, "export * as {name} from './topics/{name}.js';");
    }
    text
}

/// The types of a public module's models and values, and the classes and the arguments of its resources and backends.
fn exports(topic: &str, generated: &str) -> String {
    let named = |name: &str| match unique(name, topic) {
        same if same == name => name.to_owned(),
        other => format!("{other} as {name}"),
    };
    let mut types: Vec<String> = topics::models(topic).iter().map(|model| named(model.name)).collect();
    types.extend(topics::enumerations(topic).iter().map(|values| named(values.name)));
    let mut text = String::new();
    export(&mut text, types, &format!("{generated}/models.js"));
    for backend in bindings::backends() {
        let from = format!("{generated}/backends/{}.js", backend.name);
        export(&mut text, types_of(backend, topic), &from);
        if backend.topic == topic {
            let _ = writeln!(text, "export {{ {} }} from '{from}';", backend.class);
        }
    }
    text
}

/// The types of a backend that belong to a public module: those of its resources there, and the options of its class.
fn types_of(backend: &Backend, topic: &str) -> Vec<String> {
    let mut types = Vec::new();
    for (resource, entries) in topics::by_resource(backend) {
        if topics::topic_of(backend, resource) != topic {
            continue;
        }
        types.push(match resource == backend.own {
            true => format!("{}Options", backend.class),
            false => pascal(resource),
        });
        let methods = entries.into_iter().map(|entry| Method::of(backend, entry));
        let with_params = methods.filter(|it| !it.named.is_empty() && !part_of_an_export(it.entry));
        types.extend(with_params.map(|method| method.params()));
    }
    types
}

fn export(text: &mut String, mut types: Vec<String>, from: &str) {
    types.sort_unstable();
    if !types.is_empty() {
        let _ = writeln!(text, "export type {{\n  {},\n}} from '{from}';", types.join(",\n  "));
    }
}
