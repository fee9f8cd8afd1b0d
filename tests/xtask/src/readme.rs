//! The generated blocks of README.md, each between markers of its name.

use std::fs;
use std::path::PathBuf;

use crate::workspace::{Outcome, Workspace};

/// The names of blocks, and what stands in them.
pub type Blocks = Vec<(&'static str, String)>;

/// Writes the blocks into README.md.
pub fn write(workspace: &Workspace, blocks: &Blocks) -> Outcome {
    let (path, old, new) = both(workspace, blocks)?;
    if new != old {
        fs::write(&path, new).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

/// An error unless README.md has the blocks as they would be written now.
pub fn check(workspace: &Workspace, blocks: &Blocks) -> Outcome {
    let (_, old, new) = both(workspace, blocks)?;
    if new == old {
        Ok(())
    } else {
        Err("README.md's generated texts are stale; run `cargo xtask gen`".into())
    }
}

/// README.md as it is, and as it should be.
fn both(workspace: &Workspace, blocks: &Blocks) -> Outcome<(PathBuf, String, String)> {
    let path = workspace.root.join("README.md");
    let old = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let new = blocks.iter().try_fold(old.clone(), |text, (name, block)| replaced(&text, name, block))?;
    Ok((path, old, new))
}

/// The text with another block between the markers of this name.
fn replaced(text: &str, name: &str, block: &str) -> Outcome<String> {
    let (begin, end) = (format!("<!-- {name}:begin -->"), format!("<!-- {name}:end -->"));
    let parts = text.split_once(&begin).and_then(|(before, rest)| Some((before, rest.split_once(&end)?.1)));
    let (before, after) = parts.ok_or_else(|| format!("README.md lacks the markers {begin} and {end}"))?;
    Ok(format!("{before}{begin}\n{block}{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::replaced;

    #[test]
    fn only_the_block_changes() {
        let text = "a\n<!-- coverage:begin -->\nold\n<!-- coverage:end -->\nb\n";
        let new = replaced(text, "coverage", "new\n").unwrap();
        assert_eq!(new, "a\n<!-- coverage:begin -->\nnew\n<!-- coverage:end -->\nb\n");
        assert_eq!(replaced(&new, "coverage", "new\n").unwrap(), new);
        assert!(replaced("no markers", "coverage", "new\n").is_err());
    }
}
