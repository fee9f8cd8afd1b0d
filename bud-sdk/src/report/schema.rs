//! The JSON Schema of a report.

/// The JSON Schema (2020-12) of the JSON of a [`Report`](super::Report), for programs in other languages.
///
/// Enumerations are open, as everywhere: a later version may have further values.
pub const JSON_SCHEMA: &str = include_str!("schema.json");

#[cfg(all(test, feature = "bindings"))]
mod tests {
    use serde_json::{Map, Value, json};

    use super::super::sample::{healthy, rich, unknown};
    use super::super::{Report, SCHEMA};
    use crate::schema::{Described, Model, Type};

    /// The schema that the records themselves tell.
    fn told() -> Value {
        let Type::Model(report) = Report::TYPE else { panic!("a report is a model") };
        let mut defs = Map::new();
        let mut schema = object(report, &mut defs);
        let whole = schema.as_object_mut().unwrap();
        whole.insert("$schema".to_owned(), "https://json-schema.org/draft/2020-12/schema".into());
        whole.insert("title".to_owned(), SCHEMA.into());
        whole.insert("$defs".to_owned(), defs.into());
        schema
    }

    fn object(model: &Model, defs: &mut Map<String, Value>) -> Value {
        let mut properties = Map::new();
        for field in model.fields {
            let mut schema = of(&field.ty, defs);
            let docs = schema.get("description").and_then(Value::as_str).map(|values| format!(" {values}"));
            let docs = format!("{}{}", field.docs.trim(), docs.unwrap_or_default());
            schema.as_object_mut().unwrap().insert("description".to_owned(), docs.into());
            properties.insert(field.name.to_owned(), schema);
        }
        json!({
            "type": "object",
            "description": model.docs.trim(),
            "properties": properties,
            "required": model.fields.iter().map(|field| field.name).collect::<Vec<_>>(),
            "additionalProperties": false,
        })
    }

    fn of(ty: &Type, defs: &mut Map<String, Value>) -> Value {
        match ty {
            Type::Text => json!({"type": "string"}),
            Type::Int => json!({"type": "integer", "minimum": 0}),
            Type::Time => json!({"type": "string", "format": "date-time"}),
            Type::Enum(known) => {
                let values: Vec<&str> = known.values.iter().map(|value| value.name).collect();
                json!({"type": "string", "description": format!("One of {}, or a later version's.", values.join(", "))})
            }
            Type::List(items) => json!({"type": "array", "items": of(items, defs)}),
            Type::Model(model) => {
                if !defs.contains_key(model.name) {
                    let schema = object(model, defs);
                    defs.insert(model.name.to_owned(), schema);
                }
                json!({"$ref": format!("#/$defs/{}", model.name)})
            }
            Type::Optional(inner) => match of(inner, defs) {
                schema if schema.get("$ref").is_some() => json!({"anyOf": [schema, {"type": "null"}]}),
                mut schema => {
                    schema["type"] = json!([schema["type"], "null"]);
                    schema
                }
            },
            other => panic!("no report has {other:?} so far"),
        }
    }

    #[test]
    fn the_schema_has_each_field_of_each_record() {
        let schema: Value = serde_json::from_str(super::JSON_SCHEMA).unwrap();
        let told = told();
        assert_eq!(schema, told, "schema.json should be\n{}", serde_json::to_string_pretty(&told).unwrap());
    }

    /// What of a value is not as the schema says. Each keyword of the schema must be known here.
    fn check(root: &Value, schema: &Value, value: &Value, at: &str, wrong: &mut Vec<String>) {
        let is = |name: &str| match name {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "integer" => value.is_u64() || value.is_i64(),
            "null" => value.is_null(),
            other => panic!("the type {other}"),
        };
        for (keyword, says) in schema.as_object().unwrap() {
            let fits = match keyword.as_str() {
                "$schema" | "$defs" | "title" | "description" => true,
                "type" => match says {
                    Value::Array(names) => names.iter().any(|name| is(name.as_str().unwrap())),
                    name => is(name.as_str().unwrap()),
                },
                "$ref" => {
                    let target = root.pointer(says.as_str().unwrap().strip_prefix('#').unwrap()).unwrap();
                    check(root, target, value, at, wrong);
                    true
                }
                "anyOf" => says.as_array().unwrap().iter().any(|one| {
                    let mut wrong = Vec::new();
                    check(root, one, value, at, &mut wrong);
                    wrong.is_empty()
                }),
                "properties" => {
                    for (name, value) in value.as_object().into_iter().flatten() {
                        if let Some(schema) = says.get(name) {
                            check(root, schema, value, &format!("{at}.{name}"), wrong);
                        }
                    }
                    true
                }
                "required" => {
                    says.as_array().unwrap().iter().all(|name| value.get(name.as_str().unwrap()).is_some())
                }
                "additionalProperties" => {
                    assert_eq!(says, false);
                    let known = &schema["properties"];
                    value.as_object().into_iter().flatten().all(|(name, _)| known.get(name).is_some())
                }
                "items" => {
                    for (number, item) in value.as_array().into_iter().flatten().enumerate() {
                        check(root, says, item, &format!("{at}[{number}]"), wrong);
                    }
                    true
                }
                "minimum" => value.as_i64().is_none_or(|number| number >= says.as_i64().unwrap()),
                "format" => {
                    assert_eq!(says, "date-time");
                    value.as_str().is_none_or(|text| text.parse::<crate::types::Timestamp>().is_ok())
                }
                other => panic!("the keyword {other}"),
            };
            if !fits {
                wrong.push(format!("{at}: {keyword}"));
            }
        }
    }

    fn wrong(value: &Value) -> Vec<String> {
        let schema: Value = serde_json::from_str(super::JSON_SCHEMA).unwrap();
        let mut wrong = Vec::new();
        check(&schema, &schema, value, "$", &mut wrong);
        wrong
    }

    #[test]
    fn reports_are_as_the_schema_says_and_others_are_not() {
        for report in [rich(), healthy(), unknown()] {
            assert_eq!(wrong(&serde_json::from_str(&report.to_json()).unwrap()), Vec::<String>::new());
        }
        let changed = |change: fn(&mut Value)| {
            let mut value: Value = serde_json::from_str(&rich().to_json()).unwrap();
            change(&mut value);
            wrong(&value)
        };
        assert_eq!(changed(|report| report["verdict"] = json!(1)), ["$.verdict: type"]);
        assert_eq!(changed(|report| report["more"] = json!(1)), ["$: additionalProperties"]);
        assert_eq!(
            changed(|report| drop(report.as_object_mut().unwrap().remove("findings"))),
            ["$: required"]
        );
        assert_eq!(
            changed(|report| report["findings"][0]["owner"] = json!({})),
            ["$.findings[0].owner: anyOf"]
        );
        assert_eq!(
            changed(|report| report["findings"][1]["count"] = json!(-1)),
            ["$.findings[1].count: minimum"]
        );
        assert_eq!(changed(|report| report["finished_at"] = json!("soon")), ["$.finished_at: format"]);
    }
}
