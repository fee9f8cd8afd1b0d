//! The order of the SDK's modules: one at the top of `bud-sdk/src` names only those below it.

use crate::source::{Token, tokens};

/// From the top.
const MODULES: [&str; 18] = [
    "bindings",
    "testing",
    "blocking",
    "procedures",
    "diagnostics",
    "monitoring",
    "keycloak",
    "kubernetes",
    "bud",
    "report",
    "call",
    "auth",
    "http",
    "config",
    "operation",
    "schema",
    "types",
    "error",
];

/// Where a program may depend on which of the two APIs it speaks.
const FLAVORED: [&str; 2] = ["bud/", "testing/"];

/// What runs every service, and so knows none.
const COMMON: [&str; 2] = ["http/", "call/"];

/// The words of single services.
const SERVICES: [&str; 8] =
    ["bud", "guide", "keycloak", "prometheus", "alertmanager", "loki", "grafana", "kubernetes"];

/// How services are described and called is no interface: no public signature names these.
const INTERNAL: [&str; 4] = ["BackendSpec", "Connection", "ConnectionBuilder", "Authenticate"];

/// What is wrong in one file: lines and reasons. `path` is relative to `bud-sdk/src`.
pub fn violations(path: &str, text: &str) -> Vec<(usize, String)> {
    let module = path.split('/').next().unwrap_or_default().trim_end_matches(".rs");
    if path.ends_with("tests.rs") || path.contains("/tests/") {
        return Vec::new();
    }
    let tokens = tokens(text);
    let mut found = Vec::new();
    if module != "lib" {
        let Some(own) = place(module) else {
            return vec![(1, format!("the module `{module}` has no place in the order of modules"))];
        };
        for (line, name) in named(&tokens, depth(path)) {
            if place(&name).is_some_and(|place| place < own) {
                found.push((line, format!("`{module}` names `{name}`, a module above it")));
            }
        }
    }
    if !FLAVORED.iter().any(|allowed| path.starts_with(allowed)) {
        found.extend(flavors(&tokens).map(|line| (line, "the API flavor decides something here".to_owned())));
    }
    if COMMON.iter().any(|common| path.starts_with(common)) {
        let named = services(text).into_iter();
        found.extend(named.map(|(line, word)| (line, format!("`{module}` knows the service `{word}`"))));
    }
    if path.starts_with("bud/") && !path.starts_with("bud/quirks") {
        let why = "a server's message decides something; it belongs into the table of quirks";
        found.extend(compared(&tokens).map(|line| (line, why.to_owned())));
    }
    found.extend(
        public(&tokens)
            .map(|(line, name)| (line, format!("a public signature names `{name}`, which is internal"))),
    );
    found.sort();
    found
}

/// The words of single services in code and literals, outside comments and tests.
fn services(text: &str) -> Vec<(usize, String)> {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    let lines = text.lines().enumerate().take_while(|(_, line)| line.trim() != "#[cfg(test)]");
    let code = lines.map(|(at, line)| (at + 1, line.split("//").next().unwrap_or_default()));
    let words =
        code.flat_map(|(at, line)| line.split(|c| !is_part(c)).map(move |word| (at, word.to_owned())));
    let service = |word: &str| {
        let word = word.to_ascii_lowercase();
        word.starts_with("bud_") && word != "bud_sdk" || SERVICES.contains(&word.as_str())
    };
    // A feature of this crate is no service.
    let feature = |at: usize| text.lines().nth(at - 1).is_some_and(|line| line.contains("cfg(feature"));
    words.filter(|(at, word)| service(word) && !feature(*at)).collect()
}

/// The lines on which the message of an error is compared with something.
fn compared(tokens: &[Token]) -> impl Iterator<Item = usize> {
    const COMPARES: [&str; 5] =
        ["contains", "starts_with", "ends_with", "to_ascii_lowercase", "eq_ignore_ascii_case"];
    let lines = tokens.windows(6).filter_map(|window| {
        let words: Vec<&str> = window.iter().map(|token| token.text.as_str()).collect();
        let read = words.starts_with(&[".", "message", "(", ")"]);
        let used = words[4] == "." && COMPARES.contains(&words[5]) || (words[4], words[5]) == ("=", "=");
        (read && used).then(|| window[0].line)
    });
    lines.collect::<Vec<_>>().into_iter()
}

/// The internal names in public signatures and fields.
fn public(tokens: &[Token]) -> impl Iterator<Item = (usize, String)> {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    let mut found = Vec::new();
    for start in 0..tokens.len() {
        if text(start) != "pub" || text(start + 1) == "(" {
            continue;
        }
        // What a type holds in private is no signature; its public fields begin with `pub` themselves.
        let ends: &[&str] = match text(start + 1) {
            "struct" | "enum" | "trait" | "mod" => continue,
            "fn" | "async" | "const" | "unsafe" | "type" | "static" | "use" => &["{", ";"],
            _ => &[",", "}", ")"],
        };
        let signature = tokens[start + 1..].iter().take_while(|token| !ends.contains(&token.text.as_str()));
        found.extend(
            signature
                .filter(|token| INTERNAL.contains(&token.text.as_str()))
                .map(|token| (token.line, token.text.clone())),
        );
    }
    found.into_iter()
}

fn place(module: &str) -> Option<usize> {
    MODULES.iter().position(|known| *known == module)
}

/// How many `super::` lead from this file's module to the crate's root.
fn depth(path: &str) -> usize {
    path.split('/').filter(|part| *part != "mod.rs").count()
}

/// The names used directly below the crate's root, by `crate::` or by enough `super::`.
fn named(tokens: &[Token], depth: usize) -> Vec<(usize, String)> {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    let mut names = Vec::new();
    for start in 0..tokens.len() {
        let mut at = start;
        match text(start) {
            "crate" if text(start + 1) == "::" => at += 2,
            "super" if start == 0 || text(start - 1) != "::" => {
                while text(at) == "super" && text(at + 1) == "::" {
                    at += 2;
                }
                if at - start < 2 * depth {
                    continue;
                }
            }
            _ => continue,
        }
        if text(at) == "{" { names.extend(group(&tokens[at..])) } else { names.extend(word(tokens.get(at))) }
    }
    names
}

/// The first word of each path in `{a::b, c::{d, e}}`.
fn group(tokens: &[Token]) -> Vec<(usize, String)> {
    let mut names = Vec::new();
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate() {
        match token.text.as_str() {
            "{" => depth += 1,
            "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
        if depth == 1 && matches!(token.text.as_str(), "{" | ",") {
            names.extend(word(tokens.get(at + 1)));
        }
    }
    names
}

fn word(token: Option<&Token>) -> Option<(usize, String)> {
    token.map(|token| (token.line, token.text.clone()))
}

/// The lines that name a flavor or branch on one.
fn flavors(tokens: &[Token]) -> impl Iterator<Item = usize> {
    let lines = tokens.windows(3).filter_map(|window| {
        let words = [0, 1, 2].map(|at| window[at].text.as_str());
        matches!(words, ["Flavor", "::", "Guide" | "Runtime"] | ["if", "flavor", _]).then(|| window[0].line)
    });
    lines.collect::<Vec<_>>().into_iter()
}

#[cfg(test)]
mod tests {
    use super::violations;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        violations(path, text).into_iter().map(|(line, _)| line).collect()
    }

    #[test]
    fn modules_name_modules_below() {
        let text = "use crate::error::Error;\nuse crate::call::Call;\n";
        assert_eq!(lines("http/run.rs", text), [2]);
        assert!(lines("bud/users.rs", text).is_empty());
        assert!(lines("call/mod.rs", text).is_empty());
        assert!(lines("lib.rs", text).is_empty());
        assert_eq!(
            violations("error.rs", "use crate::types::Id;")[0].1,
            "`error` names `types`, a module above it"
        );
    }

    #[test]
    fn groups_and_supers_count() {
        assert_eq!(
            lines("operation/path.rs", "use crate::{\n    error::{E, call},\n    auth::Login,\n};"),
            [3]
        );
        assert_eq!(lines("http/run.rs", "use super::call;\nuse super::super::call::Call;"), [2]);
        assert_eq!(lines("http/mod.rs", "pub(super) fn f() { super::call::g() }"), [1]);
        assert_eq!(lines("error.rs", "type A = super::types::Id;"), [1]);
    }

    #[test]
    fn reexports_comments_and_tests_do_not_count() {
        let text = "//! [`crate::call`]\nlet a = crate::operations();\n\
                    #[cfg(test)]\nmod tests { use crate::call::Call; }\n";
        assert!(lines("auth/session.rs", text).is_empty());
        assert!(lines("auth/tests.rs", "use crate::call::Call;").is_empty());
    }

    #[test]
    fn new_modules_need_a_place() {
        assert_eq!(lines("attic/mod.rs", ""), [1]);
    }

    #[test]
    fn flavors_decide_in_few_places() {
        let text = "let a = Flavor::Guide;\nif flavor == b {}\nlet flavor = 1;\nSome(Flavor::Runtime)";
        assert_eq!(lines("auth/mod.rs", text), [1, 2, 4]);
        for path in ["testing/mod.rs", "bud/users.rs"] {
            assert!(lines(path, text).is_empty(), "{path}");
        }
        for path in ["operation/route.rs", "config/mod.rs", "auth/session.rs"] {
            assert_eq!(lines(path, text).len(), 3, "{path}");
        }
        assert!(
            lines("call/mod.rs", "#[cfg(test)]\nmod tests { const A: Flavor = Flavor::Guide; }").is_empty()
        );
    }

    #[test]
    fn the_pipeline_knows_no_service() {
        let text = "// bud\nlet a = \"BUD_TOKEN\";\nlet agent = \"bud-sdk/1\"; let span = \"bud_sdk.call\";\n\
                    if name == \"prometheus\" {}\n#[cfg(feature = \"kubernetes\")]\nuse a;\n#[cfg(test)]\nmod tests { const A: &str = \"bud\"; }";
        assert_eq!(lines("http/run.rs", text), [2, 4]);
        assert_eq!(lines("call/mod.rs", text), [2, 4]);
        assert!(lines("bud/users.rs", text).is_empty());
    }

    #[test]
    fn what_describes_services_is_in_no_public_signature() {
        let text = "pub struct A { connection: Arc<Connection>, pub b: BackendSpec, c: Connection }\n\
                    pub fn f(&self) -> Result<Connection> { let c: Connection; }\n\
                    pub(crate) fn g(c: Connection) {}\npub use crate::http::Authenticate;\npub struct B(Arc<Connection>);";
        assert_eq!(lines("bud/users.rs", text), [1, 2, 4]);
    }

    #[test]
    fn servers_are_understood_in_one_table() {
        let text = "if error.message().contains(a) {}\nlet b = error.message() == c;\nlet c = error.message().to_owned();";
        assert_eq!(lines("bud/users.rs", text), [1, 2]);
        assert!(lines("bud/quirks.rs", text).is_empty());
        assert!(lines("kubernetes/calls/pods.rs", text).is_empty());
    }
}
