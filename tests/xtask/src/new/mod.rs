//! The skeleton of an operation or of a check, written where each of its parts belongs.
//!
//! A skeleton compiles in the SDK and fails its tests until it is filled. A route of the test server does not compile until it
//! is filled, so that no test runs against a route that answers nothing.

mod check;
mod operation;
mod templates;

use std::fs;

use crate::workspace::{Outcome, Workspace};

/// A file below the root, and its text with the skeleton in it.
#[derive(Debug, PartialEq, Eq)]
struct Edit {
    path: String,
    /// What is added, for people.
    added: String,
    text: String,
}

/// The files as they are now, by their paths below the root; `None` for one that does not exist.
type Files<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Writes the skeleton, or prints it.
pub fn write(workspace: &Workspace, kind: &str, name: &str, dry_run: bool) -> Outcome {
    let files = |path: &str| fs::read_to_string(workspace.root.join(path)).ok();
    let edits = match kind {
        "operation" => operation::plan(name, &files)?,
        "check" => check::plan(name, &files)?,
        _ => return Err(format!("{kind:?} must be operation or check")),
    };
    for edit in &edits {
        println!("{}", edit.path);
        if dry_run {
            println!("{}\n", edit.added.trim_end());
            continue;
        }
        let path = workspace.root.join(&edit.path);
        let folder = path.parent().unwrap_or(&workspace.root);
        let written = fs::create_dir_all(folder).and_then(|()| fs::write(&path, &edit.text));
        written.map_err(|error| format!("{}: {error}", edit.path))?;
    }
    if !dry_run {
        println!("fill these, run cargo fmt and cargo xtask gen");
    }
    Ok(())
}

/// The edits of one plan: each file once, with all that is added to it.
struct Plan<'a> {
    files: Files<'a>,
    edits: Vec<Edit>,
}

impl<'a> Plan<'a> {
    fn new(files: Files<'a>) -> Self {
        Self { files, edits: Vec::new() }
    }

    /// The text of a file, with what was already added to it.
    fn text(&self, path: &str) -> Outcome<String> {
        let edited = self.edits.iter().find(|edit| edit.path == path).map(|edit| edit.text.clone());
        edited.or_else(|| (self.files)(path)).ok_or_else(|| format!("{path} does not exist"))
    }

    /// A file that is not there yet.
    fn create(&mut self, path: String, text: String) -> Outcome {
        if (self.files)(&path).is_some() {
            return Err(format!("{path} already exists"));
        }
        self.edits.push(Edit { path, added: text.clone(), text });
        Ok(())
    }

    /// Adds text in front of the first `mark` behind `from`.
    fn before(&mut self, path: &str, from: &str, mark: &str, added: &str) -> Outcome {
        self.insert(path, from, mark, 0, added)
    }

    /// Adds text behind the first `mark`.
    fn after(&mut self, path: &str, mark: &str, added: &str) -> Outcome {
        self.insert(path, "", mark, mark.len(), added)
    }

    fn insert(&mut self, path: &str, from: &str, mark: &str, skip: usize, added: &str) -> Outcome {
        let text = self.text(path)?;
        let missing = |what: &str| format!("{path} has no {:?}", what.trim());
        let begin = text.find(from).ok_or_else(|| missing(from))?;
        let at = text[begin..].find(mark).ok_or_else(|| missing(mark))? + begin + skip;
        self.set(path, format!("{}{added}{}", &text[..at], &text[at..]), added);
        Ok(())
    }

    fn append(&mut self, path: &str, added: &str) -> Outcome {
        let text = self.text(path)? + added;
        self.set(path, text, added);
        Ok(())
    }

    fn set(&mut self, path: &str, text: String, added: &str) {
        match self.edits.iter_mut().find(|edit| edit.path == path) {
            Some(edit) => {
                edit.added += added;
                edit.text = text;
            }
            None => self.edits.push(Edit { path: path.to_owned(), added: added.to_owned(), text }),
        }
    }
}

/// Puts the values into a template: `{NAME}` is replaced by the value of `NAME`.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    values.iter().fold(template.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

/// `set_role` as a type: `SetRole`.
fn pascal(name: &str) -> String {
    let word = |word: &str| word[..1].to_uppercase() + &word[1..];
    name.split('_').filter(|part| !part.is_empty()).map(word).collect()
}

/// Lowercase words with underscores, as names of resources and operations are.
fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_is_edited_once_with_all_that_is_added() {
        let files = |path: &str| (path == "a").then(|| "one\ntwo\n".to_owned());
        let mut plan = Plan::new(&files);
        plan.after("a", "one\n", "x\n").unwrap();
        plan.before("a", "x", "two", "y\n").unwrap();
        plan.append("a", "z\n").unwrap();
        let [edit] = &plan.edits[..] else { panic!("{:?}", plan.edits) };
        assert_eq!((edit.text.as_str(), edit.added.as_str()), ("one\nx\ny\ntwo\nz\n", "x\ny\nz\n"));
        assert_eq!(plan.after("a", "three", "").unwrap_err(), "a has no \"three\"");
        assert_eq!(plan.append("b", "").unwrap_err(), "b does not exist");
        assert_eq!(plan.create("a".to_owned(), String::new()).unwrap_err(), "a already exists");
    }

    #[test]
    fn names_become_types() {
        assert_eq!(pascal("set_role"), "SetRole");
        assert!(
            is_name("set_role2") && !is_name("") && !is_name("Set") && !is_name("../a") && !is_name("2a")
        );
        assert_eq!(fill("{A} {B} {C}", &[("A", "1"), ("B", "2")]), "1 2 {C}");
    }
}
