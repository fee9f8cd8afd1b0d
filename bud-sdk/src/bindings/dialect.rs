//! Errors in the words of the language that they are read in: the core knows Rust's.

use std::borrow::Cow;

use super::Arg;
use crate::schema::Type;

/// The language of a binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dialect {
    /// As the core writes them: `builder.ca_certificate`.
    Rust,
    /// `ca_certificate=`, `no_proxy=True`.
    Python,
    /// `caCertificate`, `noProxy: true`.
    Node,
}

const BUILDER: &str = "builder.";

/// Methods of the builder that have another name among the options.
const RENAMED: [(&str, &[&str]); 2] = [("password", &["email", "password"]), ("bearer_token", &["token"])];

/// Calls of options that are no option of the client.
const SWITCHES: [(&str, &str); 4] = [
    ("overwrite(true)", "overwrite"),
    ("accept_unmarked_end(true)", "accept_unmarked_end"),
    ("remove_credentials()", "remove_credentials"),
    ("allow_insecure_tls()", "allow_insecure_tls"),
];

impl Dialect {
    /// The text, with the names that a caller of this language uses.
    pub(super) fn speak<'a>(self, text: &'a str) -> Cow<'a, str> {
        let ours = |word: &str| text.contains(word);
        if self == Self::Rust
            || !(ours(BUILDER) || ours("auth().") || SWITCHES.iter().any(|(word, _)| ours(word)))
        {
            return Cow::Borrowed(text);
        }
        let mut told = text.replace("auth().", "auth.");
        for (word, option) in SWITCHES {
            told = told.replace(word, &self.switch(option));
        }
        let mut whole = String::with_capacity(told.len());
        let mut parts = told.split(BUILDER);
        whole.push_str(parts.next().unwrap_or_default());
        for part in parts {
            let end = part.find(|c: char| !c.is_ascii_lowercase() && c != '_').unwrap_or(part.len());
            let (method, rest) = part.split_at(end);
            // At the beginning it is a heading and no advice.
            let heading = whole.is_empty() && rest.starts_with(':');
            whole.push_str(&self.option(method, heading));
            whole.push_str(rest);
        }
        Cow::Owned(whole)
    }

    fn option(self, method: &str, heading: bool) -> String {
        let renamed = RENAMED.iter().find(|(name, _)| *name == method);
        let option = options().find(|option| option.name == method);
        // It may be the server's own word.
        if renamed.is_none() && option.is_none() {
            return format!("{BUILDER}{method}");
        }
        let names = renamed.map_or([method].to_vec(), |(_, names)| names.to_vec());
        let flag = option.is_some_and(|option| is_flag(option.ty));
        let one = |name: &&str| match (self, heading) {
            _ if flag && !heading => self.switch(name),
            (Self::Python, false) => format!("{name}="),
            (Self::Node, _) => camel(name),
            _ => (*name).to_owned(),
        };
        names.iter().map(one).collect::<Vec<_>>().join(" and ")
    }

    fn switch(self, option: &str) -> String {
        match self {
            Self::Node => format!("{}: true", camel(option)),
            _ => format!("{option}=True"),
        }
    }
}

/// The options of all backends.
fn options() -> impl Iterator<Item = &'static Arg> {
    super::backends().iter().flat_map(|backend| backend.options)
}

fn is_flag(ty: Type) -> bool {
    match ty {
        Type::Optional(inner) => is_flag(*inner),
        ty => matches!(ty, Type::Bool),
    }
}

fn camel(name: &str) -> String {
    let mut camel = String::with_capacity(name.len());
    for (at, word) in name.split('_').enumerate() {
        let mut letters = word.chars();
        match letters.next() {
            Some(first) if at > 0 => camel.push(first.to_ascii_uppercase()),
            Some(first) => camel.push(first),
            None => {}
        }
        camel.extend(letters);
    }
    camel
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn advice_uses_the_callers_own_names() {
        for (rust, python, node) in [
            ("builder.ca_certificate: empty", "ca_certificate: empty", "caCertificate: empty"),
            ("use builder.base_url, or x", "use base_url=, or x", "use baseUrl, or x"),
            ("use builder.env to", "use env=True to", "use env: true to"),
            ("or use builder.no_proxy", "or use no_proxy=True", "or use noProxy: true"),
            (
                "builder.password, builder.bearer_token or builder.api_key",
                "email= and password=, token= or api_key=",
                "email and password, token or apiKey",
            ),
            (
                "allow it with overwrite(true)",
                "allow it with overwrite=True",
                "allow it with overwrite: true",
            ),
            ("call auth().login()", "call auth.login()", "call auth.login()"),
            ("nothing of ours", "nothing of ours", "nothing of ours"),
        ] {
            assert_eq!(Dialect::Rust.speak(rust), rust);
            assert_eq!(Dialect::Python.speak(rust), python);
            assert_eq!(Dialect::Node.speak(rust), node);
        }
        let theirs = format!("unknown field {BUILDER}replicas");
        for dialect in [Dialect::Rust, Dialect::Python, Dialect::Node] {
            assert_eq!(dialect.speak(&theirs), theirs);
        }
    }

    /// Each method of the builder that a text of this crate names is an option that bindings have.
    #[test]
    fn every_builder_method_that_a_text_names_is_an_option() {
        let options: Vec<&Arg> = options().collect();
        let mut seen = 0;
        let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                if entry.is_dir() {
                    folders.push(entry);
                    continue;
                }
                // Tests use builders; they tell nothing.
                if entry.to_string_lossy().contains("/tests") {
                    continue;
                }
                let text = std::fs::read_to_string(&entry).unwrap();
                let texts = text.lines().filter(|line| !line.trim_start().starts_with("//"));
                // Inside text a name of a method has no parenthesis behind it.
                let named =
                    texts.filter(|line| line.contains('"')).flat_map(|line| line.split(BUILDER).skip(1));
                for name in named {
                    let end = name.find(|c: char| !c.is_ascii_lowercase() && c != '_').unwrap_or(name.len());
                    let (name, rest) = name.split_at(end);
                    if name.is_empty() || rest.starts_with(['(', '{', '[']) {
                        continue;
                    }
                    let renamed = RENAMED.iter().find(|(method, _)| *method == name);
                    for name in renamed.map_or([name].to_vec(), |(_, names)| names.to_vec()) {
                        assert!(
                            options.iter().any(|option| option.name == name),
                            "{}: {name}",
                            entry.display()
                        );
                        seen += 1;
                    }
                }
            }
        }
        assert!(seen > 10, "{seen}");
    }
}
