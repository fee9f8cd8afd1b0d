//! Circles: files of one module that name each other, directly or around.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::{Token, tokens};

type Path = Vec<String>;

/// The circles among the files of a crate, each as the modules in it, sorted. `files` are paths below its `src`, with texts.
///
/// What a file says of its parent or of the modules inside it is no arrow: a folder and its files belong together.
pub fn circles(files: &[(String, String)]) -> Vec<Vec<String>> {
    let modules: BTreeSet<Path> = files.iter().map(|(path, _)| module(path)).collect();
    let mut arrows: BTreeMap<Path, BTreeSet<Path>> = BTreeMap::new();
    for (path, text) in files.iter().filter(|(path, _)| !is_test(path)) {
        let own = module(path);
        for named in paths(&tokens(text)) {
            let Some(target) = resolved(&own, &named, &modules) else { continue };
            if !own.starts_with(&target) && !target.starts_with(&own) {
                arrows.entry(own.clone()).or_default().insert(target);
            }
        }
    }
    let reached: BTreeMap<&Path, BTreeSet<&Path>> =
        arrows.keys().map(|from| (from, reachable(from, &arrows))).collect();
    let circle = |from: &Path| -> Vec<String> {
        let back = |to: &&&Path| reached.get(**to).is_some_and(|seen| seen.contains(from));
        reached[from].iter().filter(back).map(|to| to.join("::")).collect()
    };
    let found: BTreeSet<Vec<String>> =
        arrows.keys().map(circle).filter(|members| members.len() > 1).collect();
    found.into_iter().collect()
}

fn is_test(path: &str) -> bool {
    path.ends_with("tests.rs") || path.contains("/tests/")
}

/// `call/page.rs` as `call::page`, `call/mod.rs` as `call`.
fn module(path: &str) -> Path {
    let path = path.trim_end_matches(".rs").trim_end_matches("/mod");
    if matches!(path, "lib" | "main") { Vec::new() } else { path.split('/').map(str::to_owned).collect() }
}

fn reachable<'a>(from: &Path, arrows: &'a BTreeMap<Path, BTreeSet<Path>>) -> BTreeSet<&'a Path> {
    let mut seen = BTreeSet::new();
    let mut next: Vec<&Path> = arrows.get(from).into_iter().flatten().collect();
    while let Some(path) = next.pop() {
        if seen.insert(path) {
            next.extend(arrows.get(path).into_iter().flatten());
        }
    }
    seen
}

/// The module that a path leads into, if that is one of these.
fn resolved(own: &Path, named: &[String], modules: &BTreeSet<Path>) -> Option<Path> {
    let (mut at, rest): (Path, &[String]) = match named.first()?.as_str() {
        "crate" => (Vec::new(), &named[1..]),
        "self" => (own.clone(), &named[1..]),
        _ => {
            let ups = named.iter().take_while(|part| *part == "super").count();
            (own.get(..own.len().checked_sub(ups)?)?.to_vec(), &named[ups..])
        }
    };
    for part in rest {
        at.push(part.clone());
        if !modules.contains(&at) && !modules.iter().any(|module| module.starts_with(&at)) {
            at.pop();
            break;
        }
    }
    modules.contains(&at).then_some(at)
}

/// Every path that begins with `crate`, `self` or `super`, groups taken apart.
fn paths(tokens: &[Token]) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    for start in 0..tokens.len() {
        let begins = matches!(text(start), "crate" | "super" | "self") && text(start + 1) == "::";
        if begins && (start == 0 || text(start - 1) != "::") {
            path(tokens, start, &[], &mut found);
        }
    }
    found
}

/// Reads one path or group from `at`, and returns where it ends.
fn path(tokens: &[Token], mut at: usize, before: &[String], found: &mut Vec<Vec<String>>) -> usize {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    let mut parts = before.to_vec();
    loop {
        match text(at) {
            "{" => {
                at += 1;
                while !matches!(text(at), "}" | "") {
                    at = path(tokens, at, &parts, found);
                    if text(at) == "," {
                        at += 1;
                    }
                }
                return at + 1;
            }
            word if word.starts_with(|char: char| char.is_alphabetic() || char == '_') => {
                parts.push(word.to_owned());
                at += 1;
            }
            _ => {
                // Whatever stands there belongs to nothing that is read here.
                at += 1;
            }
        }
        if text(at) != "::" {
            break;
        }
        at += 1;
    }
    found.push(parts);
    // A new name for it.
    if text(at) == "as" { at + 2 } else { at }
}

#[cfg(test)]
mod tests {
    use super::circles;

    fn found(files: &[(&str, &str)]) -> Vec<Vec<String>> {
        let files: Vec<_> =
            files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        circles(&files)
    }

    #[test]
    fn files_that_name_each_other_are_a_circle_however_they_do() {
        for (one, other) in [
            ("use super::b::B;", "use crate::m::a::A;"),
            ("fn f() { crate::m::b::g() }", "use super::{x::Y, a::{A, C as D}};"),
            ("use super::b::inner::B;", "type A = super::a::A;"),
        ] {
            let files = [("m/mod.rs", "mod a; mod b;"), ("m/a.rs", one), ("m/b.rs", other)];
            assert_eq!(found(&files), [["m::a", "m::b"]], "{one} {other}");
        }
    }

    #[test]
    fn a_circle_may_have_several_files_and_folders() {
        let files = [
            ("lib.rs", ""),
            ("a/mod.rs", "mod x;"),
            ("a/x.rs", "use crate::b::B;"),
            ("b.rs", "use crate::c::C;"),
            ("c.rs", "use crate::a::x::X;"),
            ("d.rs", "use crate::a::A;"),
        ];
        assert_eq!(found(&files), [["a::x", "b", "c"]]);
    }

    #[test]
    fn parents_children_tests_and_one_way_are_none() {
        let files = [
            ("m/mod.rs", "use self::a::A; use b::B; struct M;"),
            ("m/a.rs", "use super::{M, b::B};\n#[cfg(test)]\nmod tests { use super::super::b::C; }"),
            ("m/b.rs", "use super::M; // use super::a::A;"),
            ("m/b/tests.rs", "use crate::m::a::A;"),
        ];
        assert!(found(&files).is_empty(), "{:?}", found(&files));
    }
}
