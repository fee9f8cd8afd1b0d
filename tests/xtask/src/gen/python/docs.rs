//! What docstrings say of classes and methods.

use bud_sdk::bindings::{self, Arg, Backend, Entry, Example, Kind};
use bud_sdk::operations::{OperationInfo, Support};

use super::text::plain;
use super::{Way, class, positional};
use crate::r#gen::item;
use crate::r#gen::names::snake;

/// What a backend is, and how it is used.
pub fn class_docs(backend: &Backend, way: Way) -> String {
    let (shared, with) = match way {
        Way::Sync => (". Threads may share it.", "with"),
        Way::Async => (", for asyncio.", "async with"),
    };
    let variables = backend.variables.map_or(String::new(), |variables| {
        format!(
            "Without an address it is configured by `{variables}` variables and `~/.bud/config.toml`; with one, what is \
             left out is taken from there only with `env=True`. "
        )
    });
    format!(
        "{}{shared}\n\n{}\n\n{variables}{} Use it with `{with}`, or `close()` it, to release its connections early.",
        backend.about,
        example(backend, way),
        plain(backend.docs),
    )
}

/// Its example, as code.
fn example(backend: &Backend, way: Way) -> String {
    let Example { options, call, args, shown, .. } = backend.example;
    let literal = |(name, value): &(&str, &str)| match *value {
        "" => (*name).to_owned(),
        value => format!("\"{value}\""),
    };
    let named = |pair: &(&'static str, &str)| format!("{}={}", pair.0, literal(pair));
    let first = |pair: &(&'static str, &str)| match backend.options.first() {
        Some(first) if first.name == pair.0 => literal(pair),
        _ => named(pair),
    };
    let options: Vec<String> = options.iter().map(first).collect();
    let entry = bindings::entry(call).expect("the core checks its examples");
    let alone: Vec<&str> = positional(entry).iter().map(|arg| arg.name).collect();
    let args: Vec<String> =
        args.iter().map(|pair| if alone.contains(&pair.0) { literal(pair) } else { named(pair) }).collect();
    let client = snake(backend.class);
    let path = call.strip_prefix(backend.own).map_or_else(|| format!(".{call}"), str::to_owned);
    let call = format!("{client}{path}({})", args.join(", "));
    let wait = if way == Way::Async && entry.kind == Kind::Call { "await " } else { "" };
    let each = if way == Way::Async && entry.kind == Kind::Pages { "async for" } else { "for" };
    let fields =
        |item: &str| shown.iter().map(|field| format!("{item}.{field}")).collect::<Vec<_>>().join(", ");
    let used = match item(entry) {
        Some(item) => format!("{each} {item} in {wait}{call}:\n        print({})", fields(&item)),
        None => format!("print({wait}{call})"),
    };
    format!("    {client} = {}({})\n    {used}", class(backend, way), options.join(", "))
}

pub fn arguments<'a>(args: impl IntoIterator<Item = &'a Arg>) -> String {
    let lines = args.into_iter().map(|arg| {
        let docs = plain(arg.docs).replace('\n', " ");
        format!("    {}: {docs}", arg.name)
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// What it does, its arguments, and where it goes on each API.
pub fn of_call(entry: &Entry, way: Way, options: &[Arg]) -> String {
    let mut text = plain(entry.docs);
    let mut args = arguments(entry.args);
    if entry.kind == Kind::Job {
        let note = if way == Way::Sync { "" } else { " What it returns is awaited, if it can be." };
        args += &format!("\n    on_update: Is called with what is seen on the way.{note}");
    }
    if !options.is_empty() {
        args += &format!("\n{}", arguments(options));
    }
    let args = args.trim_matches('\n');
    if !args.is_empty() {
        text += &format!("\n\nArgs:\n{args}");
    }
    if matches!(entry.kind, Kind::Call | Kind::Job) {
        text += "\n\nRaises:\n    InvalidArgument: An argument is wrong; nothing was sent.\n    BudError: Another failure; see `bud_sdk.errors`.";
    }
    if let Some(info) = bud_sdk::operations::all().iter().find(|info| info.id == entry.id) {
        text += &format!("\n\n{}", places(info));
    }
    text
}

fn places(info: &OperationInfo) -> String {
    let mut lines = Vec::new();
    if !info.sections.is_empty() {
        lines.push(format!("Day-2 guide: {}.", info.sections.join(", ")));
    }
    for (flavor, support) in info.routes() {
        // A service with one API has no name for it.
        let place = if flavor.is_empty() { String::new() } else { format!("On the {flavor} API: ") };
        lines.push(match support {
            Support::Offered(route) => {
                let limitation =
                    route.limitation.map_or(String::new(), |limitation| format!(" ({limitation})"));
                format!("{place}`{} {}`{limitation}.", route.method.as_str(), route.path)
            }
            Support::Unsupported(instead) => format!("{place}raises `Unsupported` ({instead})."),
        });
    }
    lines.join("\n")
}
