//! The house rules: short files and functions, and modules in their order and without circles.

use std::fs;
use std::path::{Path, PathBuf};

use crate::circles::circles;
use crate::functions::too_long;
use crate::modules;
use crate::workspace::{Outcome, Workspace};

const MOST_LINES: usize = 600;

/// Prints every violation with its place.
pub fn check(workspace: &Workspace) -> Outcome {
    let mut files = Vec::new();
    collect(&workspace.root, &mut files)?;
    files.sort();
    let mut broken = 0;
    for file in &files {
        let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
        let shown = file.strip_prefix(&workspace.root).unwrap_or(file);
        for (line, what) in violations(shown, &text) {
            eprintln!("{}:{line}: {what}", shown.display());
            broken += 1;
        }
    }
    for (krate, circle) in around(workspace, &files)? {
        eprintln!("{krate}: a circle of {}", circle.join(", "));
        broken += 1;
    }
    println!("{} source files looked at", files.len());
    if broken == 0 { Ok(()) } else { Err(format!("{broken} violations of the house rules")) }
}

/// The crates whose files may form no circle.
const WITHOUT_CIRCLES: [&str; 3] = ["bud-sdk", "bud-sdk-py", "bud-sdk-node"];

fn around(workspace: &Workspace, files: &[PathBuf]) -> Result<Vec<(&'static str, Vec<String>)>, String> {
    let mut found = Vec::new();
    for krate in WITHOUT_CIRCLES {
        let source = workspace.root.join(krate).join("src");
        let mut texts = Vec::new();
        for file in files.iter().filter(|file| file.extension().is_some_and(|end| end == "rs")) {
            let Ok(inside) = file.strip_prefix(&source) else { continue };
            let parts: Vec<_> = inside.iter().map(|part| part.to_string_lossy()).collect();
            let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
            texts.push((parts.join("/"), text));
        }
        found.extend(circles(&texts).into_iter().map(|circle| (krate, circle)));
    }
    Ok(found)
}

fn violations(path: &Path, text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let lines = text.lines().count();
    if lines > MOST_LINES && !generated(text) {
        found.push((MOST_LINES + 1, format!("{lines} lines, more than {MOST_LINES}")));
    }
    // Tests may be as long as their tables.
    let source = path.iter().any(|part| part == "src") && !path.ends_with("tests.rs");
    if source && path.extension().is_some_and(|end| end == "rs") {
        found.extend(too_long(text));
    }
    if let Ok(inside) = path.strip_prefix("bud-sdk/src") {
        // With `/` on every platform.
        let parts: Vec<_> = inside.iter().map(|part| part.to_string_lossy()).collect();
        found.extend(modules::violations(&parts.join("/"), text));
    }
    found
}

fn generated(text: &str) -> bool {
    text.lines().take(5).any(|line| line.contains("@generated") || line.contains("auto-generated"))
}

/// Our own sources: no build output, nothing installed, nothing hidden.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Outcome {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        if entry.file_type().map_err(failed)?.is_dir() {
            let foreign = matches!(&*name, "target" | "node_modules" | "dist" | "__pycache__" | "venv");
            if !foreign && !name.starts_with('.') {
                collect(&path, files)?;
            }
        } else if path.extension().is_some_and(|end| end == "rs" || end == "py" || end == "ts") {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::violations;

    #[test]
    fn long_files_unless_generated() {
        let long = "x\n".repeat(601);
        let path = Path::new("tests/long.py");
        assert_eq!(violations(path, &long).len(), 1);
        assert!(violations(path, &"x\n".repeat(600)).is_empty());
        assert!(violations(path, &format!("// @generated\n{long}")).is_empty());
    }

    #[test]
    fn modules_are_those_of_the_sdk() {
        let text = "use crate::call::Call;";
        assert_eq!(violations(Path::new("bud-sdk/src/operation/mod.rs"), text).len(), 1);
        assert!(violations(Path::new("tests/testbed/src/operation/mod.rs"), text).is_empty());
    }
}
