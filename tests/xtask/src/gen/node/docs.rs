//! Comments: what the registry says, in the words of TypeScript.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::LazyLock;

use bud_sdk::bindings::{self, Arg, Backend, Example, Kind, Type};
use bud_sdk::operations::{OperationInfo, Support};

use super::backends::Method;
use crate::r#gen::item;
use crate::r#gen::names::{camel, snake};
use crate::r#gen::topics::resource;

pub fn argument_docs(arg: &Arg) -> Vec<String> {
    let mut docs = plain(arg.docs);
    if matches!(arg.ty, Type::Seconds | Type::Optional(Type::Seconds)) {
        docs.push("In milliseconds.".to_owned());
    }
    docs
}

pub fn method_docs(method: &Method<'_>) -> Vec<String> {
    let mut docs = plain(method.entry.docs);
    let operation = bud_sdk::operations::all().iter().find(|operation| operation.id == method.entry.id);
    if let Some(operation) = operation {
        docs.push(String::new());
        docs.extend(routes_of(operation));
    }
    docs.push(String::new());
    for arg in method.positional {
        docs.push(format!("@param {} {}", camel(arg.name), argument_docs(arg).join(" ")));
    }
    docs.extend(errors_of(method, operation));
    docs
}

/// What a backend is, and how it is used.
pub fn class_docs(backend: &Backend) -> Vec<String> {
    let mut docs = folded(&format!("{}. {}", backend.about, plain(backend.docs).join(" ")));
    docs.extend([String::new(), "```ts".to_owned()]);
    docs.extend(example(backend));
    docs.extend(["```".to_owned(), String::new()]);
    let variables = backend.variables.map_or(String::new(), |variables| {
        format!(
            "Without options everything comes from `{variables}` variables and `~/.bud/config.toml`; with options, what they \
             leave out is taken from there only with `env: true`. The variables are those of `process.env` when the client is \
             made, also in a worker thread. "
        )
    });
    let grouped = backend.entries().any(|entry| resource(entry) != backend.own);
    let spies = if grouped {
        " Each resource is one object per client, so that tests can spy on its methods."
    } else {
        ""
    };
    docs.extend(folded(&format!("{variables}Times are in milliseconds.{spies}")));
    docs
}

pub fn constructor_docs(backend: &Backend) -> Vec<String> {
    let mut docs = vec![
        "Checks the options; nothing is sent.".to_owned(),
        String::new(),
        "@throws {InvalidArgumentError} for an option that is unknown or wrong; `param` names it.".to_owned(),
    ];
    if backend.variables.is_some() {
        let what = "what is wrong in the environment or the configuration file, or missing in all places";
        docs.push(format!("@throws {{ConfigError}} for {what}."));
    }
    docs
}

/// The backend's example, as code.
fn example(backend: &Backend) -> Vec<String> {
    let Example { options, call, args, shown, .. } = backend.example;
    let literal = |(name, value): &(&str, &str)| match *value {
        "" => camel(name),
        value => format!("'{value}'"),
    };
    let property = |pair: &(&str, &str)| match pair.1 {
        "" => camel(pair.0),
        _ => format!("{}: {}", camel(pair.0), literal(pair)),
    };
    let object = |pairs: Vec<String>| format!("{{ {} }}", pairs.join(", "));
    let entry = bindings::entry(call).expect("the core checks its examples");
    let method = Method::of(backend, entry);
    let given = |list: &[Arg]| {
        args.iter().filter(|(name, _)| list.iter().any(|arg| arg.name == *name)).collect::<Vec<_>>()
    };
    let mut parameters: Vec<String> = given(method.positional).into_iter().map(literal).collect();
    let named: Vec<String> = given(method.named).into_iter().map(property).collect();
    if !named.is_empty() {
        parameters.push(object(named));
    }
    let client = camel(&snake(backend.class));
    let place = if backend.topic.is_empty() { String::new() } else { format!("{}.", backend.topic) };
    let path = call.strip_prefix(backend.own).map_or_else(|| format!(".{call}"), str::to_owned);
    let call = format!("{client}{}({})", camel(&path), parameters.join(", "));
    let options = object(options.iter().map(property).collect());
    let made = format!("const {client} = new {place}{}({options});", backend.class);
    let pages = entry.kind == Kind::Pages;
    let (each, call) = if pages { ("for await", call) } else { ("for", format!("await {call}")) };
    let Some(item) = item(entry) else { return vec![made, format!("console.log({call});")] };
    let item = camel(&item);
    let fields: Vec<String> = shown.iter().map(|field| format!("{item}.{}", camel(field))).collect();
    vec![made, format!("{each} (const {item} of {call}) console.log({});", fields.join(", "))]
}

/// The text in lines of at most the house's width.
fn folded(text: &str) -> Vec<String> {
    const WIDTH: usize = 124;
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is always one");
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(word.to_owned());
        } else {
            line.push(' ');
            line.push_str(word);
        }
    }
    lines
}

fn routes_of(operation: &OperationInfo) -> Vec<String> {
    let mut lines = Vec::new();
    if !operation.sections.is_empty() {
        lines.push(format!("Guide section {}.", operation.sections.join(", ")));
    }
    for (flavor, support) in operation.routes() {
        // A service with one API has no name for it.
        let api = if flavor.is_empty() { String::new() } else { format!("{flavor}: ") };
        lines.push(match support {
            Support::Offered(route) => {
                let limitation =
                    route.limitation.map(|limitation| format!(": {limitation}")).unwrap_or_default();
                format!("- {api}`{} {}`{limitation}", route.method, route.path)
            }
            Support::Unsupported(instead) => format!("- {api}not offered. {}", sentence(instead)),
        });
    }
    lines
}

fn sentence(text: &str) -> String {
    let mut chars = text.trim().chars();
    let first = chars.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let rest = chars.as_str();
    format!("{first}{rest}{}", if rest.ends_with('.') { "" } else { "." })
}

fn errors_of(method: &Method<'_>, operation: Option<&OperationInfo>) -> Vec<String> {
    let mut lines =
        vec!["@throws {InvalidArgumentError} before any request, for what no API takes.".to_owned()];
    let Some(operation) = operation else { return lines };
    let routes = operation.routes();
    let offered = |test: &dyn Fn(&bud_sdk::operations::Route) -> bool| {
        routes.iter().any(|(_, support)| matches!(support, Support::Offered(route) if test(route)))
    };
    if routes.iter().any(|(_, support)| matches!(support, Support::Unsupported(_))) {
        lines.push(
            "@throws {UnsupportedError} before any request, where the server's API does not offer it."
                .to_owned(),
        );
    }
    if offered(&|route| route.path.contains('{')) {
        lines.push("@throws {NotFoundError} for what is not there.".to_owned());
    }
    lines.push("@throws {PermissionDeniedError} when the caller lacks a permission.".to_owned());
    if method.entry.kind == Kind::Call && offered(&|route| !route.idempotent) {
        lines.push(
            "@throws {BudError} with `maybeApplied`: it is sent once, so look before you repeat it."
                .to_owned(),
        );
    }
    lines
}

/// Lines of Markdown without what only Rust's documentation knows.
pub fn plain(docs: &str) -> Vec<String> {
    let mut lines: Vec<String> = docs.trim().lines().map(|line| names_in(line.trim())).collect();
    lines.dedup_by(|next, line| next.is_empty() && line.is_empty());
    lines
}

/// What is spelled another way here: calls, arguments, fields. The server's words are not: `login_failed`, and `api_key`, which
/// is an option of a client, too.
static NAMES: LazyLock<BTreeSet<&str>> = LazyLock::new(|| {
    let entries = bindings::registry().flat_map(|entry| {
        let method = entry.id.split_once('.').map(|(_, method)| method);
        let arguments = entry.args.iter().chain(entry.options()).map(|arg| arg.name);
        [entry.id].into_iter().chain(method).chain(arguments)
    });
    let fields = bindings::models().into_iter().flat_map(|model| model.fields.iter().map(|field| field.name));
    entries.chain(fields).collect()
});

/// Names in backticks as they are spelled here.
fn names_in(line: &str) -> String {
    let parts: Vec<String> = line
        .split('`')
        .enumerate()
        .map(|(at, part)| {
            let is_name = at % 2 == 1 && part.contains('_') && NAMES.contains(part);
            if is_name { camel(part) } else { part.to_owned() }
        })
        .collect();
    parts.join("`")
}

pub fn comment(text: &mut String, indent: &str, lines: &[String]) {
    match lines {
        [] => {}
        [line] => {
            let _ = writeln!(text, "{indent}/** {} */", line.replace("*/", "* /"));
        }
        lines => {
            let _ = writeln!(text, "{indent}/**");
            for line in lines {
                let line = format!("{indent} * {}", line.replace("*/", "* /"));
                let _ = writeln!(text, "{}", line.trim_end());
            }
            let _ = writeln!(text, "{indent} */");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::names_in;

    #[test]
    fn only_names_of_ours_are_spelled_as_here() {
        assert_eq!(names_in("`users.set_role` with `first_name`"), "`users.setRole` with `firstName`");
        let words = "`session`, `api_key`, `login_failed`, first_name";
        assert_eq!(names_in(words), words);
    }
}
