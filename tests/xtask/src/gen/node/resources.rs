//! Resources: a class for each, a method for each of its calls.

use std::collections::BTreeMap;
use std::fmt::Write;

use bud_sdk::bindings::{self, Arg, Entry, Kind, Type};

use super::docs::{argument_docs, comment, method_docs};
use super::types::{choice, fields, function, given, taken};
use super::{HEADER, import};
use crate::r#gen::names::{camel, pascal, singular};
use crate::r#gen::part_of_an_export;
use crate::r#gen::topics::{self, TOPICS, Topic, unique};

pub fn options() -> String {
    let mut text = format!(
        "{HEADER}import type {{ Secret }} from '../secret.js';\nimport type {{ Fields, Named }} from '../values.js';\n"
    );
    for (name, about, args) in [
        ("Client", "a client", bindings::connect_options()),
        ("Cluster", "a Kubernetes cluster", bindings::connect_cluster_options()),
    ] {
        let _ = writeln!(text, "\n/** What {about} takes. */\nexport interface {name}Options {{");
        properties(&mut text, args);
        let (constant, fields) = (name.to_uppercase(), fields(args));
        let _ = writeln!(text, "}}\n\n/** @internal */\nexport const {constant}_OPTIONS: Fields = {fields};");
    }
    text
}

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
    resource: &'a str,
    name: &'a str,
    /// Arguments that are parameters of their own.
    pub positional: &'a [Arg],
    /// Those that are properties of one object.
    named: &'a [Arg],
}

impl<'a> Method<'a> {
    fn of(entry: &'a Entry) -> Self {
        let (resource, name) = entry.id.split_once('.').unwrap_or(("client", entry.id));
        let required = |arg: &&Arg| !matches!(arg.ty, Type::Optional(_));
        // Of two ids in a row nobody would know which is which.
        let ids = entry.args.iter().take(1).filter(|arg| matches!(arg.ty, Type::Id(_))).count();
        let count = match (entry.args, ids) {
            // A path is no use without its method.
            _ if entry.id == "client.raw" => 2,
            ([only], 0) if required(&only) => 1,
            _ => ids,
        };
        let (positional, named) = entry.args.split_at(count);
        Self { entry, resource, name, positional, named }
    }

    fn params(&self) -> String {
        format!("{}{}Params", pascal(singular(self.resource)), pascal(self.name))
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

pub fn resources() -> String {
    let mut by_resource: BTreeMap<&str, Vec<Method<'_>>> = BTreeMap::new();
    for method in bindings::registry().map(Method::of) {
        by_resource.entry(method.resource).or_default().push(method);
    }
    let mut body = String::new();
    for method in by_resource
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
    for method in by_resource.values().flatten() {
        constant(&mut body, method);
    }
    let own = by_resource.remove("client").unwrap_or_default();
    for (resource, methods) in &by_resource {
        let place = if on_cluster(methods) { "kubernetes.Cluster" } else { "client" };
        let _ = writeln!(
            body,
            "\n/** `{place}.{}`. */\nexport class {} {{\n  readonly #core: Core;\n\n  /** @internal */\n  \
             constructor(core: Core) {{\n    this.#core = core;\n  }}",
            camel(resource),
            pascal(resource)
        );
        for method in methods.iter().filter(|method| !part_of_an_export(method.entry)) {
            function_of(&mut body, method);
        }
        body.push_str("}\n");
    }
    body.push_str(
        "\n/** Everything that a client can be asked for. */\nexport abstract class Resources {\n  readonly #core: Core;\n",
    );
    let of_platform: Vec<_> = by_resource.iter().filter(|(_, methods)| !on_cluster(methods)).collect();
    for (resource, _) in &of_platform {
        let _ = writeln!(body, "  readonly #{}: {};", camel(resource), pascal(resource));
    }
    body.push_str("\n  /** @internal */\n  constructor(core: Core) {\n    this.#core = core;\n");
    for (resource, _) in &of_platform {
        let _ = writeln!(body, "    this.#{} = new {}(core);", camel(resource), pascal(resource));
    }
    body.push_str("  }\n");
    for (resource, methods) in of_platform {
        let names: Vec<String> = methods
            .iter()
            .filter(|method| !part_of_an_export(method.entry))
            .map(|method| format!("`{}`", camel(method.name)))
            .collect();
        let _ = writeln!(
            body,
            "\n  /** {}. */\n  get {}(): {} {{\n    return this.#{1};\n  }}",
            names.join(", "),
            camel(resource),
            pascal(resource)
        );
    }
    for method in &own {
        function_of(&mut body, method);
    }
    body.push_str("}\n");
    format!("{HEADER}{}{body}", imports(&body))
}

/// Whether a resource's methods are those of a cluster.
fn on_cluster(methods: &[Method<'_>]) -> bool {
    methods.iter().all(|method| method.entry.on_cluster())
}

fn imports(body: &str) -> String {
    let mut models: Vec<String> = Vec::new();
    let enumerations = bindings::enumerations().into_iter().map(|values| unique(values.name, values.topic()));
    let known = bindings::models().into_iter().map(|model| unique(model.name, model.topic()));
    for name in known.chain(enumerations) {
        models.extend([format!("type {name}"), format!("read{name}")]);
    }
    let models: Vec<&str> = models.iter().map(String::as_str).collect();
    [
        import(body, "../call.js", &["type Call"]),
        import(body, "../core.js", &["type Core", "type Job", "type Operation"]),
        import(body, "../export.js", &["type Export"]),
        import(body, "../list.js", &["type List"]),
        import(
            body,
            "../options.js",
            &[
                "type CallOptions",
                "type SignalOptions",
                "type JobOptions",
                "type ListOptions",
                "type TimeoutOptions",
            ],
        ),
        import(body, "../read.js", &["asItIs", "mapOf", "nothing", "type Wire"]),
        import(body, "../secret.js", &["Secret"]),
        import(body, "../values.js", &["type Id", "type Integer", "type Named", "type Time"]),
        import(body, "./models.js", &models),
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

/// What is written by hand and belongs to a public module.
fn by_hand(topic: &str) -> &'static str {
    match topic {
        "kubernetes" => {
            "export { Cluster } from '../../cluster.js';\nexport type { ClusterOptions } from '../options.js';\n"
        }
        "report" => "export * from '../../report.js';\n",
        _ => "",
    }
}

/// A public module: the types of its models and values, and the class and the arguments of its resource.
pub fn topic(topic: &Topic) -> String {
    let named = |name: &str| match unique(name, topic.name) {
        same if same == name => name.to_owned(),
        other => format!("{other} as {name}"),
    };
    let mut types: Vec<String> = topics::models(topic.name).iter().map(|model| named(model.name)).collect();
    types.extend(topics::enumerations(topic.name).iter().map(|values| named(values.name)));
    types.sort_unstable();
    let resource = if topic.name == "account" { "auth" } else { topic.name };
    let methods: Vec<Method<'_>> =
        bindings::registry().map(Method::of).filter(|method| method.resource == resource).collect();
    let mut calls: Vec<String> = methods
        .iter()
        .filter(|method| !method.named.is_empty() && !part_of_an_export(method.entry))
        .map(Method::params)
        .collect();
    if !methods.is_empty() && !on_cluster(&methods) {
        calls.push(pascal(resource));
    }
    calls.sort_unstable();
    let mut text = format!("{HEADER}/**\n * {}\n */\n\n", topic.docs);
    for (names, from) in [(types, "../models.js"), (calls, "../resources.js")] {
        if !names.is_empty() {
            let _ = writeln!(text, "export type {{\n  {},\n}} from '{from}';", names.join(",\n  "));
        }
    }
    text + by_hand(topic.name)
}

/// Every public module's path and text.
pub fn topics() -> Vec<(String, String)> {
    let path = |topic: &Topic| format!("bud-sdk-node/ts/generated/topics/{}.ts", topic.name);
    TOPICS.iter().map(|each| (path(each), topic(each))).collect()
}
