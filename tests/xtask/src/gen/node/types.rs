//! What callers give and get of a type, and how it is written and read.

use crate::r#gen::names::camel;
use crate::r#gen::topics::unique;
use bud_sdk::bindings::{Arg, Type};

/// What callers get of this type.
pub fn given(ty: &Type, wide: bool) -> String {
    match ty {
        Type::Nothing => "void".to_owned(),
        Type::Text | Type::Decimal | Type::Id(_) => "string".to_owned(),
        Type::Bool => "boolean".to_owned(),
        Type::Int if wide => "Integer".to_owned(),
        Type::Int | Type::Float | Type::Number | Type::Seconds => "number".to_owned(),
        Type::Time => "Date".to_owned(),
        Type::Secret => "Secret".to_owned(),
        Type::Enum(values) => unique(values.name, values.topic()),
        Type::Model(model) => unique(model.name, model.topic()),
        Type::List(inner) => format!("{}[]", given(inner, wide)),
        Type::Map(inner) => format!("Readonly<Record<string, {}>>", given(inner, wide)),
        Type::Optional(inner) => format!("{} | undefined", given(inner, wide)),
        _ => "unknown".to_owned(),
    }
}

/// What callers give for it.
pub fn taken(ty: &Type) -> String {
    match ty {
        Type::Time => "Time".to_owned(),
        Type::Secret => "string | Secret".to_owned(),
        Type::Id(_) => "Id".to_owned(),
        Type::List(inner) => match taken(inner) {
            inner if inner.contains(' ') => format!("readonly ({inner})[]"),
            inner => format!("readonly {inner}[]"),
        },
        Type::Map(inner) => format!("Named<{}>", taken(inner)),
        Type::Optional(inner) => taken(inner),
        ty => given(ty, false),
    }
}

/// The literal type of a text whose documentation begins with its values: "`csv` or `json`.".
pub fn choice(ty: &Type, docs: &str) -> Option<String> {
    let (Type::Text | Type::Optional(Type::Text)) = ty else { return None };
    let sentence = docs.split('.').next().filter(|sentence| sentence.contains(" or "))?;
    let values: Vec<&str> =
        sentence.rsplit(": ").next()?.split(", ").flat_map(|part| part.split(" or ")).collect();
    let literal = |value: &str| {
        let value = value.trim();
        let quoted = value.strip_prefix('`').and_then(|value| value.strip_suffix('`'));
        let shouted = (value.len() > 1 && value.chars().all(|c| c.is_ascii_uppercase())).then_some(value);
        quoted.or(shouted).map(|value| format!("'{value}'"))
    };
    let literals = values.into_iter().map(literal).collect::<Option<Vec<String>>>()?;
    (literals.len() > 1).then(|| literals.join(" | "))
}

/// The function that reads it, or nothing for what is read as it is.
pub fn function(ty: &Type, wide: bool) -> Option<String> {
    Some(match ty {
        Type::Int if wide => "whole".to_owned(),
        Type::Enum(values) => format!("read{}", unique(values.name, values.topic())),
        Type::Model(model) => format!("read{}", unique(model.name, model.topic())),
        Type::Time => "moment".to_owned(),
        Type::Number => "float".to_owned(),
        Type::Secret => "(value: string) => new Secret(value)".to_owned(),
        Type::Seconds => "(value: number) => value * 1000".to_owned(),
        Type::List(inner) => {
            format!("(list: Wire[]) => list.map({})", function(inner, wide)?)
        }
        Type::Map(inner) => format!("(map: Wire) => mapOf(map, {})", function(inner, wide)?),
        Type::Optional(inner) => {
            format!("(value: Wire) => (value == null ? undefined : {})", read(inner, wide, "value"))
        }
        _ => return None,
    })
}

/// The expression that reads it.
pub fn read(ty: &Type, wide: bool, value: &str) -> String {
    match (ty, function(ty, wide)) {
        (_, None) => value.to_owned(),
        (Type::Secret, _) => format!("new Secret({value})"),
        (Type::Seconds, _) => format!("{value} * 1000"),
        (Type::List(inner), _) => {
            format!("{value}.map({})", function(inner, wide).unwrap_or_default())
        }
        (Type::Map(inner), _) => {
            format!("mapOf({value}, {})", function(inner, wide).unwrap_or_default())
        }
        (_, Some(function)) => format!("{function}({value})"),
    }
}

/// How an argument is written for the native part.
fn kind(ty: &Type) -> String {
    match ty {
        Type::Bool => "'bool'".to_owned(),
        Type::Int => "'int'".to_owned(),
        Type::Float => "'float'".to_owned(),
        Type::Time => "'time'".to_owned(),
        Type::Seconds => "'seconds'".to_owned(),
        Type::Secret => "'secret'".to_owned(),
        Type::Id(_) => "'id'".to_owned(),
        Type::Json => "'json'".to_owned(),
        Type::List(inner) => format!("[{}]", kind(inner)),
        Type::Map(inner) => format!("{{ of: {} }}", kind(inner)),
        Type::Optional(inner) => kind(inner),
        _ => "'text'".to_owned(),
    }
}

pub fn fields(args: &[Arg]) -> String {
    let fields: Vec<String> = args
        .iter()
        .map(|arg| format!("{}: {{ as: '{}', kind: {} }}", camel(arg.name), arg.name, kind(&arg.ty)))
        .collect();
    if fields.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", fields.join(", ")) }
}

#[cfg(test)]
mod tests {
    use bud_sdk::bindings::Type;

    use super::choice;

    #[test]
    fn values_that_the_documentation_names() {
        let text = |docs| choice(&Type::Text, docs);
        assert_eq!(text("`csv` or `json`. CSV.").as_deref(), Some("'csv' | 'json'"));
        assert_eq!(
            text("Which API: `guide` or `runtime`. Else it is asked.").as_deref(),
            Some("'guide' | 'runtime'")
        );
        assert_eq!(text("GET, POST, PUT or DELETE.").as_deref(), Some("'GET' | 'POST' | 'PUT' | 'DELETE'"));
        assert_eq!(text("Only this action: `login`, `create`..."), None);
        assert_eq!(text("One of `a`, `b`."), None);
        assert_eq!(choice(&Type::Json, "`csv` or `json`."), None);
    }
}
