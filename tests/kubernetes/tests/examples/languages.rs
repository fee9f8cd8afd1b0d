//! Where the examples of each language are, and how they are run.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use bud_kubernetes_testbed::Outcome;
use tokio::process::Command;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Rust,
    Python,
    Node,
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// In the repository.
fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// Beside this program's folder, which is `target/debug/deps`.
fn built(levels: usize, path: &str) -> PathBuf {
    let here = std::env::current_exe().unwrap_or_default();
    here.ancestors().nth(levels + 1).unwrap_or(Path::new("")).join(path)
}

impl Language {
    pub(crate) const ALL: [Self; 3] = [Self::Rust, Self::Python, Self::Node];

    /// What `cargo xtask test` builds before this.
    fn parts(self) -> Vec<PathBuf> {
        match self {
            Self::Rust => vec![self.example("check_cluster")],
            Self::Python => vec![self.program(), built(2, "python/package/bud_sdk")],
            Self::Node => {
                vec![self.example("check_cluster"), root("examples/node/node_modules/bud-sdk-node/dist")]
            }
        }
    }

    pub(crate) fn is_built(self) -> bool {
        self.parts().iter().all(|part| part.exists())
    }

    pub(crate) fn how_to_build(self) -> &'static str {
        match self {
            Self::Rust => "run `cargo build --workspace --examples --all-features`",
            Self::Python => "run `cargo xtask test --only python`",
            Self::Node => "run `cargo xtask test --only node`",
        }
    }

    fn program(self) -> PathBuf {
        match self {
            Self::Rust => PathBuf::new(),
            Self::Python => built(2, "python/venv/bin/python"),
            Self::Node => "node".into(),
        }
    }

    fn example(self, name: &str) -> PathBuf {
        match self {
            Self::Rust => built(1, "examples").join(name),
            Self::Python => root("examples/python/kubernetes").join(format!("{name}.py")),
            Self::Node => {
                root("examples/node/dist/kubernetes").join(format!("{}.js", name.replace('_', "-")))
            }
        }
    }

    /// Runs the example, with nothing of a real platform or cluster around it.
    pub(crate) fn command(self, name: &str) -> Command {
        let mut command = match self {
            Self::Rust => Command::new(self.example(name)),
            Self::Python => {
                let mut command = Command::new(self.program());
                command.args(["-W", "error"]).env("PYTHONDONTWRITEBYTECODE", "1");
                command.arg(self.example(name)).env("PYTHONPATH", built(2, "python/package"));
                command
            }
            Self::Node => {
                let mut command = Command::new(self.program());
                command.arg(self.example(name));
                command
            }
        };
        for (variable, _) in std::env::vars_os() {
            let variable = variable.to_string_lossy();
            if variable.starts_with("BUD_") || variable.starts_with("KUBE") {
                command.env_remove(variable.as_ref());
            }
        }
        command.env("NO_PROXY", "127.0.0.1,localhost");
        // What examples start for those who have no cluster at hand.
        command
            .env("BUD_KUBE_TESTBED", env!("CARGO_BIN_EXE_bud-kubernetes-testbed"))
            .env("BUD_TARGET", built(1, ""));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    /// The names of all examples that there are, as Rust and Python write them.
    pub(crate) fn sources(self) -> Outcome<BTreeSet<String>> {
        let (folder, end) = match self {
            Self::Rust => ("examples/rust/kubernetes", ".rs"),
            Self::Python => ("examples/python/kubernetes", ".py"),
            Self::Node => ("examples/node/src/kubernetes", ".ts"),
        };
        let entries = fs::read_dir(root(folder)).map_err(|error| format!("{folder}: {error}"))?;
        let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
        let names = names.filter_map(|name| Some(name.strip_suffix(end)?.replace('-', "_")));
        Ok(names.filter(|name| name != "support").collect())
    }

    /// Leaves word of what was shown, for the table of what is covered; of Rust other tests do.
    pub(crate) fn journal(self, calls: &[&str]) -> Outcome {
        let Some(path) = std::env::var_os("BUD_TESTBED_JOURNAL").filter(|_| self != Self::Rust) else {
            return Ok(());
        };
        let path = format!("{}-{}", path.to_string_lossy(), self.to_string().to_lowercase());
        let lines: String =
            calls.iter().map(|call| format!("kubernetes CALL /kubernetes.{call} 200\n")).collect();
        let file = fs::OpenOptions::new().create(true).append(true).open(&path);
        file.and_then(|mut file| std::io::Write::write_all(&mut file, lines.as_bytes()))
            .map_err(|error| format!("{path}: {error}"))
    }
}
