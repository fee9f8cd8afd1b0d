//! Comments: what the registry says, in the words of TypeScript.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::LazyLock;

use bud_sdk::bindings::{self, Arg, Kind, Type};
use bud_sdk::operations::{OperationInfo, Support};

use super::resources::Method;
use crate::r#gen::names::camel;

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
