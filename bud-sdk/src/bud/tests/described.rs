//! `tests/contract/runtime/schemas.json`: what the platform as shipped says of its routes.

use serde_json::Value;

/// The platform's own description of its routes.
pub(super) struct Described(Value);

impl Described {
    pub(super) fn read() -> Self {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/contract/runtime/schemas.json");
        Self(serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap())
    }

    /// The route, whatever its parameters are called there.
    pub(super) fn route(&self, route: &str) -> Option<&Value> {
        let nameless = |route: &str| {
            let parts = route.split('/').map(|part| if part.starts_with('{') { "{}" } else { part });
            parts.collect::<Vec<_>>().join("/")
        };
        let routes = self.0["routes"].as_object().unwrap();
        routes.iter().find(|(known, _)| nameless(known) == nameless(route)).map(|(_, found)| found)
    }

    /// What of `value` is not in `schema`: fields, values of enumerations, nulls; and what is missing.
    pub(super) fn wrong(&self, schema: &Value, value: &Value, at: &str) -> Vec<String> {
        if value.is_null() {
            return vec![format!("{at} is null")];
        }
        if let Some(name) = schema["$ref"].as_str() {
            return self.wrong(&self.0["schemas"][name], value, at);
        }
        if let Some(any) = schema["anyOf"].as_array() {
            let each = any.iter().filter(|schema| schema["type"] != "null");
            return each.map(|schema| self.wrong(schema, value, at)).min_by_key(Vec::len).unwrap();
        }
        if let Some(values) = schema["enum"].as_array() {
            return if values.contains(value) { vec![] } else { vec![format!("{at} has no {value}")] };
        }
        match value {
            Value::Array(items) => items
                .iter()
                .enumerate()
                .flat_map(|(index, item)| self.wrong(&schema["items"], item, &format!("{at}[{index}]")))
                .collect(),
            Value::Object(fields) => {
                let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
                let missing = required.filter(|name| !fields.contains_key(*name));
                let mut wrong: Vec<String> = missing.map(|name| format!("{at}.{name} is missing")).collect();
                for (name, value) in fields {
                    let at = format!("{at}.{name}");
                    match (&schema["properties"][name], &schema["additionalProperties"]) {
                        (Value::Null, Value::Null) => wrong.push(format!("{at} is unknown")),
                        (Value::Null, other) => wrong.extend(self.wrong(other, value, &at)),
                        (known, _) => wrong.extend(self.wrong(known, value, &at)),
                    }
                }
                wrong
            }
            _ => vec![],
        }
    }
}
