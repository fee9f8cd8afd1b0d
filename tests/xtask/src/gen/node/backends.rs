//! Backends: the class of each, with those of its resources, and a method for each call.

use std::collections::BTreeMap;
use std::fmt::Write;

use bud_sdk::bindings::{self, Arg, Backend, Entry, Kind, Type};

use super::docs::{argument_docs, class_docs, comment, constructor_docs, method_docs};
use super::types::{choice, fields, function, given, taken};
use super::{HEADER, import};
use crate::r#gen::names::{camel, pascal, singular};
use crate::r#gen::topics::{self, unique};
use crate::r#gen::{is_raw, part_of_an_export};

fn properties(text: &mut String, args: &[Arg]) {
    for arg in args {
        comment(text, "  ", &argument_docs(arg));
        let optional = matches!(arg.ty, Type::Optional(_));
        let (mark, absent) = if optional { ("?", " | undefined") } else { ("", "") };
        let _ = writeln!(text, "  readonly {}{mark}: {}{absent};", camel(arg.name), argument(arg));
    }
}

fn argument(arg: &Arg) -> String {
    choice(&arg.ty, arg.docs).unwrap_or_else(|| taken(&arg.ty))
}

/// What a method gives.
fn result(entry: &Entry) -> String {
    choice(&entry.output, entry.docs).unwrap_or_else(|| given(&entry.output, false))
}

/// What a method is made of.
pub struct Method<'a> {
    pub entry: &'a Entry,
    /// What its arguments are named after.
    resource: &'a str,
    name: &'a str,
    /// Arguments that are parameters of their own.
    pub positional: &'a [Arg],
    /// Those that are properties of one object.
    pub named: &'a [Arg],
}

impl<'a> Method<'a> {
    pub fn of(backend: &Backend, entry: &'a Entry) -> Self {
        let (resource, name) = entry.id.split_once('.').expect("an id has two parts");
        let resource = if resource == backend.own { resource } else { singular(resource) };
        let required = |arg: &&Arg| !matches!(arg.ty, Type::Optional(_));
        // Of two ids in a row nobody would know which is which.
        let ids = entry.args.iter().take(1).filter(|arg| matches!(arg.ty, Type::Id(_))).count();
        let count = match (entry.args, ids) {
            _ if is_raw(entry) => 2,
            ([only], 0) if required(&only) => 1,
            _ => ids,
        };
        let (positional, named) = entry.args.split_at(count);
        Self { entry, resource, name, positional, named }
    }

    /// The type of its named arguments.
    pub fn params(&self) -> String {
        format!("{}{}Params", pascal(self.resource), pascal(self.name))
    }

    /// The constant that holds its arguments and its result.
    fn constant(&self) -> String {
        self.entry.id.replace('.', "_").to_uppercase()
    }

    fn signature(&self, options: &str) -> String {
        let mut list: Vec<String> =
            self.positional.iter().map(|arg| format!("{}: {}", camel(arg.name), argument(arg))).collect();
        if !self.named.is_empty() {
            let optional = self.named.iter().all(|arg| matches!(arg.ty, Type::Optional(_)));
            list.push(format!("params{}: {}", if optional { "?" } else { "" }, self.params()));
        }
        list.push(format!("options?: {options}"));
        list.join(", ")
    }

    /// The object that the caller gave, and the parameters beside it.
    fn values(&self) -> String {
        let given = if self.named.is_empty() { "undefined" } else { "params" };
        let own: Vec<String> = self.positional.iter().map(|arg| camel(arg.name)).collect();
        if own.is_empty() { format!("[{given}]") } else { format!("[{given}, {{ {} }}]", own.join(", ")) }
    }
}

/// `ts/generated/backends/NAME.ts`.
pub fn file(backend: &Backend) -> String {
    let resources: BTreeMap<&str, Vec<Method<'_>>> = topics::by_resource(backend)
        .into_iter()
        .map(|(resource, entries)| {
            (resource, entries.into_iter().map(|entry| Method::of(backend, entry)).collect())
        })
        .collect();
    let mut body = String::new();
    options(&mut body, backend);
    for method in resources
        .values()
        .flatten()
        .filter(|method| !method.named.is_empty() && !part_of_an_export(method.entry))
    {
        let _ = writeln!(body, "\n/** What `{}` takes. */", camel(method.entry.id));
        let _ = writeln!(body, "export interface {} {{", method.params());
        properties(&mut body, method.named);
        body.push_str("}\n");
    }
    body.push('\n');
    for method in resources.values().flatten() {
        constant(&mut body, method);
    }
    for (resource, methods) in resources.iter().filter(|(resource, _)| **resource != backend.own) {
        let _ = writeln!(
            body,
            "\n/** `{}.{}`. */\nexport class {} {{\n  readonly #core: Core;\n\n  /** @internal */\n  \
             constructor(core: Core) {{\n    this.#core = core;\n  }}",
            camel(backend.own),
            camel(resource),
            pascal(resource)
        );
        for method in methods.iter().filter(|method| !part_of_an_export(method.entry)) {
            function_of(&mut body, method);
        }
        body.push_str("}\n");
    }
    class(&mut body, backend, &resources);
    format!("{HEADER}{}{body}", imports(&body, backend))
}

/// What its constructor takes.
fn options(text: &mut String, backend: &Backend) {
    let Backend { class, options, .. } = backend;
    let _ = writeln!(text, "\n/** The options of a `{class}`. */\nexport interface {class}Options {{");
    properties(text, options);
    let _ = writeln!(text, "}}\n\nconst OPTIONS: Fields = {};", fields(options));
}

/// The class of a backend: objects for its resources, and methods for the calls of its own.
fn class(text: &mut String, backend: &Backend, resources: &BTreeMap<&str, Vec<Method<'_>>>) {
    let Backend { name, class, .. } = backend;
    let grouped = || resources.iter().filter(|(resource, _)| **resource != backend.own);
    text.push('\n');
    comment(text, "", &class_docs(backend));
    let _ = writeln!(text, "export class {class} extends BaseClient {{\n  readonly #core: Core;");
    for (resource, _) in grouped() {
        let _ = writeln!(text, "  readonly #{}: {};", camel(resource), pascal(resource));
    }
    text.push('\n');
    comment(text, "  ", &constructor_docs(backend));
    let default = if backend.variables.is_some() { "{ env: true }" } else { "{}" };
    let _ = writeln!(
        text,
        "  constructor(options: {class}Options = {default}) {{\n    const core = opened('{name}', OPTIONS, options, {class});\n    \
         super(core);\n    this.#core = core;"
    );
    for (resource, _) in grouped() {
        let _ = writeln!(text, "    this.#{} = new {}(core);", camel(resource), pascal(resource));
    }
    text.push_str("  }\n");
    for (resource, methods) in grouped() {
        let names: Vec<String> = methods
            .iter()
            .filter(|method| !part_of_an_export(method.entry))
            .map(|method| format!("`{}`", camel(method.name)))
            .collect();
        let _ = writeln!(
            text,
            "\n  /** {}. */\n  get {}(): {} {{\n    return this.#{1};\n  }}",
            names.join(", "),
            camel(resource),
            pascal(resource)
        );
    }
    for method in resources.get(backend.own).into_iter().flatten() {
        function_of(text, method);
    }
    text.push_str("}\n");
}

fn imports(body: &str, backend: &Backend) -> String {
    let mut models: Vec<String> = Vec::new();
    let enumerations = bindings::enumerations().into_iter().map(|values| unique(values.name, values.topic()));
    let known = bindings::models().into_iter().map(|model| unique(model.name, model.topic()));
    // The class of this very file is another one than a model of its name.
    for name in known.chain(enumerations).filter(|name| name != backend.class) {
        models.extend([format!("type {name}"), format!("read{name}")]);
    }
    let models: Vec<&str> = models.iter().map(String::as_str).collect();
    [
        import(body, "../../base.js", &["BaseClient", "opened"]),
        import(body, "../../call.js", &["type Call"]),
        import(body, "../../core.js", &["type Core", "type Job", "type Operation"]),
        import(body, "../../export.js", &["type Export"]),
        import(body, "../../list.js", &["type List"]),
        import(
            body,
            "../../options.js",
            &[
                "type CallOptions",
                "type SignalOptions",
                "type JobOptions",
                "type ListOptions",
                "type TimeoutOptions",
            ],
        ),
        import(body, "../../read.js", &["asItIs", "mapOf", "nothing", "type Wire"]),
        import(body, "../../secret.js", &["Secret"]),
        import(
            body,
            "../../values.js",
            &["type Fields", "type Id", "type Integer", "type Named", "type Time"],
        ),
        import(body, "../models.js", &models),
    ]
    .concat()
}

fn constant(text: &mut String, method: &Method<'_>) {
    let Entry { id, kind, args, output, update, .. } = method.entry;
    let reader = |ty: &Type| match ty {
        Type::Nothing => "nothing".to_owned(),
        ty => function(ty, false).unwrap_or_else(|| "asItIs".to_owned()),
    };
    let (ty, update) = match kind {
        Kind::Bytes => ("Operation<never>".to_owned(), String::new()),
        Kind::Job => (
            format!("Job<{}, {}>", given(output, false), given(update, false)),
            format!(", update: {}", reader(update)),
        ),
        _ => (format!("Operation<{}>", result(method.entry)), String::new()),
    };
    let read = if *kind == Kind::Bytes { "asItIs".to_owned() } else { reader(output) };
    let _ = writeln!(
        text,
        "const {}: {ty} = {{ id: '{id}', fields: {}, read: {read}{update} }};",
        method.constant(),
        fields(args)
    );
}

fn function_of(text: &mut String, method: &Method<'_>) {
    let Entry { id, kind, update, .. } = method.entry;
    let (output, constant, name) = (result(method.entry), method.constant(), camel(method.name));
    let (call, options, result) = match kind {
        Kind::Call if method.entry.options().len() == 1 => {
            ("call", "TimeoutOptions".to_owned(), format!("Call<{output}>"))
        }
        Kind::Pages if method.entry.options().is_empty() => {
            ("list", "SignalOptions".to_owned(), format!("List<{output}>"))
        }
        Kind::Call if method.entry.options().is_empty() => {
            ("call", "SignalOptions".to_owned(), format!("Call<{output}>"))
        }
        Kind::Call => ("call", "CallOptions".to_owned(), format!("Call<{output}>")),
        Kind::Pages => ("list", "ListOptions".to_owned(), format!("List<{output}>")),
        Kind::Job => ("job", format!("JobOptions<{}>", given(update, false)), format!("Promise<{output}>")),
        Kind::Bytes => ("export", "SignalOptions".to_owned(), export_of(id)),
        _ => return,
    };
    let operations = match kind {
        Kind::Bytes => format!("{constant}, {constant}_FILE, {constant}_RECORDS"),
        _ => constant,
    };
    text.push('\n');
    comment(text, "  ", &method_docs(method));
    let _ = writeln!(
        text,
        "  {name}({}): {result} {{\n    return this.#core.{call}({operations}, {}, options);\n  }}",
        method.signature(&options),
        method.values()
    );
}

fn export_of(id: &str) -> String {
    let way = |suffix: &str| bindings::entry(&format!("{id}{suffix}"));
    let output =
        |entry: Option<&Entry>| entry.map_or_else(|| "never".to_owned(), |entry| given(&entry.output, false));
    let update = way("_file").map_or_else(|| "never".to_owned(), |entry| given(&entry.update, false));
    format!("Export<{}, {}, {update}>", output(way("_file")), output(way("_records")))
}
