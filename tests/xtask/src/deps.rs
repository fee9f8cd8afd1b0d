//! What the SDK may bring along.

use std::collections::BTreeSet;

use crate::workspace::{Outcome, Workspace, output};

const MOST: usize = 150;

/// Looks at the tree of the default features.
pub fn check(workspace: &Workspace) -> Outcome {
    let mut tree = workspace.cargo();
    tree.args(["tree", "-p", "bud-sdk", "-e", "normal", "--prefix", "none", "--color", "never"]);
    let text = output(&mut tree)?;
    let crates = distinct(&text);
    println!("{} crates below bud-sdk, at most {MOST}", crates.len());
    if let Some(name) = crates.iter().map(|(name, _)| name).find(|name| banned(name)) {
        return Err(format!("bud-sdk depends on {name} (see: cargo tree -p bud-sdk -e normal -i {name})"));
    }
    if crates.len() > MOST {
        return Err(format!("bud-sdk depends on {} crates, more than {MOST}", crates.len()));
    }
    Ok(())
}

fn distinct(tree: &str) -> BTreeSet<(&str, &str)> {
    let crates = tree.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        Some((words.next()?, words.next()?))
    });
    crates.filter(|(name, _)| *name != "bud-sdk").collect()
}

/// Another TLS or crypto library, or what belongs to a feature that is off.
fn banned(name: &str) -> bool {
    // It only knows where systems keep their root certificates; the platform's verifier asks it.
    if name == "openssl-probe" {
        return false;
    }
    name == "native-tls" || ["kube", "openssl", "aws-lc-"].iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::{banned, distinct};

    #[test]
    fn counts_each_version_once() {
        let tree =
            "bud-sdk v0.1.0 (/somewhere)\nbytes v1.0.0\nhttp v1.0.0\nbytes v1.0.0 (*)\nhttp v0.2.0\n\n";
        assert_eq!(distinct(tree).len(), 3);
    }

    #[test]
    fn knows_what_is_banned() {
        for name in ["kube", "kube-client", "openssl-sys", "native-tls", "aws-lc-rs"] {
            assert!(banned(name), "{name}");
        }
        for name in ["rustls", "openssl-probe", "openssh", "aws-config", "ring"] {
            assert!(!banned(name), "{name}");
        }
    }
}
