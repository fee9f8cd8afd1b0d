//! Values that a field of the documented models may have, right or wrong.

use serde_json::{Value, json};

/// What must not be read as the field, and what may be written in another way and what it then means.
pub fn shapes(pointer: &str) -> (Vec<Value>, Vec<(Value, Value)>) {
    let mut wrong = vec![json!({ "canary": "canary" }), json!(["canary"]), json!(true), json!(8675309)];
    let name = pointer.rsplit_once('/').unwrap().1;
    let fine = match name {
        "tags" => {
            wrong.remove(1);
            wrong.push(json!("canary"));
            vec![
                (json!([]), json!([])),
                (json!(["a", null, { "name": "b" }]), json!(["a", null, { "name": "b" }])),
            ]
        }
        "resources" => {
            wrong.remove(0);
            wrong.push(json!("canary"));
            vec![(json!({}), json!({ "gpu_count": null, "memory_gb": null }))]
        }
        "suspended" => {
            wrong.remove(2);
            wrong.push(json!("canary"));
            vec![(json!(true), json!(true))]
        }
        "memory_gb" | "cost_used" | "cost_quota" => {
            wrong.pop();
            wrong.extend([json!("canary"), json!(""), json!("NaN"), json!("inf")]);
            let read =
                |number: f64, text: &str| if name == "memory_gb" { json!(number) } else { json!(text) };
            vec![
                (json!("12.50"), read(12.5, "12.50")),
                (json!(12.5), read(12.5, "12.5")),
                (json!(12), read(12.0, "12")),
                (json!(-3), read(-3.0, "-3")),
            ]
        }
        _ if name.starts_with("tokens") || name.starts_with("requests") || COUNTS.contains(&name) => {
            wrong.pop();
            wrong.extend(["canary", "", "8675309.5", "-8675309", "0x10"].map(|text| json!(text)));
            wrong.extend([json!(-8675309), json!(8675309.25), json!(1e40)]);
            vec![
                (json!("42"), json!(42)),
                (json!(" 42 "), json!(42)),
                (json!(42.0), json!(42)),
                (json!(0), json!(0)),
            ]
        }
        _ if name.ends_with("_at") || name.starts_with("period") => {
            wrong.extend(["canary", "", "2026-13-01T00:00:00Z"].map(|text| json!(text)));
            let times = [
                ("2026-01-23T10:15:30+05:30", "2026-01-23T04:45:30Z"),
                ("2026-01-23T10:15:30.5", "2026-01-23T10:15:30.5Z"),
                ("2026-01-23 10:15:30+00:00", "2026-01-23T10:15:30Z"),
                ("2026-02-01", "2026-02-01T00:00:00Z"),
            ];
            times.map(|(text, means)| (json!(text), json!(means))).into()
        }
        _ => [json!(""), json!("Zoë \u{1F680}\n\"x\"")].map(|text| (text.clone(), text)).into(),
    };
    (wrong, fine)
}

const COUNTS: [&str; 5] = ["replicas", "gpu_count", "gpu_available", "total_nodes", "available_nodes"];
