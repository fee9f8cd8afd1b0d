//! Open enumerations and models: their types, and what reads them.

use std::fmt::Write;

use bud_sdk::bindings::{self, Enumeration, Model, ModelField, Type};

use super::docs::{comment, plain};
use super::types::{choice, given, read};
use super::{HEADER, import};
use crate::r#gen::names::camel;
use crate::r#gen::topics::unique;

pub fn models() -> String {
    let mut body = String::new();
    for values in bindings::enumerations() {
        enumeration(&mut body, values);
    }
    for model in bindings::models() {
        interface(&mut body, model);
        reader(&mut body, model);
    }
    let shared = [
        import(
            &body,
            "../read.js",
            &[
                "extraOf",
                "float",
                "mapOf",
                "moment",
                "open",
                "whole",
                "type Draft",
                "type Extra",
                "type Wire",
            ],
        ),
        import(&body, "../secret.js", &["Secret"]),
        import(&body, "../values.js", &["type Integer"]),
    ];
    format!("{HEADER}{}{body}", shared.concat())
}

fn enumeration(text: &mut String, values: &Enumeration) {
    let name = unique(values.name, values.topic());
    let mut docs = plain(values.docs);
    docs.push(String::new());
    docs.extend(
        values.values.iter().map(|value| format!("- `{}`: {}", value.name, plain(value.docs).join(" "))),
    );
    text.push('\n');
    comment(text, "", &docs);
    let _ = writeln!(text, "export type {name} =");
    for value in values.values {
        let _ = writeln!(text, "  | '{}'", value.name);
    }
    text.push_str("  | (string & {});\n\n");
    let _ = writeln!(text, "/** @internal */\nexport const read{name} = open<{name}>({{");
    for value in values.values {
        let aliases: Vec<String> = value.aliases.iter().map(|alias| format!("'{alias}'")).collect();
        let _ = writeln!(text, "  {}: [{}],", key(value.name), aliases.join(", "));
    }
    text.push_str("});\n");
}

fn interface(text: &mut String, model: &Model) {
    text.push('\n');
    comment(text, "", &plain(model.docs));
    let _ = writeln!(text, "export interface {} {{", unique(model.name, model.topic()));
    for field in model.shown() {
        let docs = plain(field.docs);
        let docs: Vec<String> = match is_span(field) {
            true => docs.iter().map(|line| in_milliseconds(line)).collect(),
            false => docs,
        };
        comment(text, "  ", &docs);
        let (ty, optional) = match field.ty {
            Type::Optional(inner) => (*inner, "?"),
            ty => (ty, ""),
        };
        // A server may know more of them.
        let known = choice(&ty, field.docs).map(|known| format!("{known} | (string & {{}})"));
        let ty = known.unwrap_or_else(|| given(&ty, field.wide));
        let _ = writeln!(text, "  readonly {}{optional}: {ty};", camel(field.name));
    }
    if model.open {
        text.push_str("  /** Fields that this version does not know, as the server sent them. */\n");
        text.push_str("  readonly extra?: Extra;\n");
    }
    text.push_str("}\n");
}

fn reader(text: &mut String, model: &Model) {
    let name = unique(model.name, model.topic());
    let fields: Vec<&ModelField> = model.shown().collect();
    if model.open {
        let names: Vec<String> = fields.iter().map(|field| format!("'{}'", field.name)).collect();
        let _ = writeln!(text, "\nconst KEYS_OF_{} = new Set([{}]);", name.to_uppercase(), names.join(", "));
    }
    let _ = writeln!(text, "\n/** @internal */\nexport function read{name}(json: Wire): {name} {{");
    let (required, optional): (Vec<&ModelField>, Vec<&ModelField>) =
        fields.into_iter().partition(|field| !matches!(field.ty, Type::Optional(_)));
    let given: Vec<String> = required
        .iter()
        .map(|field| {
            let value = value_of(field, &field.ty);
            format!("{}: {value}", camel(field.name))
        })
        .collect();
    let given = if given.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", given.join(", ")) };
    let _ = writeln!(text, "  const model: Draft<{name}> = {given};");
    for field in optional {
        let Type::Optional(inner) = field.ty else { continue };
        let own = field.name;
        let value = value_of(field, inner);
        let _ = writeln!(text, "  if (json['{own}'] != null) model.{} = {value};", camel(own));
    }
    if model.open {
        let _ = writeln!(text, "  const extra = extraOf(json, KEYS_OF_{});", name.to_uppercase());
        text.push_str("  if (extra) model.extra = extra;\n");
    }
    text.push_str("  return model;\n}\n");
}

fn key(name: &str) -> String {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !name.starts_with(|c: char| c.is_ascii_digit());
    if plain { name.to_owned() } else { format!("'{name}'") }
}

fn value_of(field: &ModelField, ty: &Type) -> String {
    let ty = if is_span(field) { &Type::Seconds } else { ty };
    read(ty, field.wide, &format!("json['{}']", field.name))
}

/// A number of seconds, which are milliseconds here, as everywhere in JavaScript.
fn is_span(field: &ModelField) -> bool {
    matches!(field.ty, Type::Float | Type::Optional(Type::Float))
        && field.docs.to_lowercase().contains("seconds")
}

fn in_milliseconds(line: &str) -> String {
    line.replace("Seconds", "Milliseconds").replace(" seconds", " milliseconds")
}
