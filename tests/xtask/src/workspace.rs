//! What cargo knows of this workspace, and how it is called.

use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};

use serde_json::Value;

/// A failure is one line for people.
pub type Outcome<T = ()> = Result<T, String>;

/// The facts that the tasks need.
pub struct Workspace {
    pub root: PathBuf,
    pub target: PathBuf,
    /// The SDK's features, without `default`.
    pub features: Vec<String>,
    /// The examples that a test server is enough for.
    pub examples: Vec<String>,
}

impl Workspace {
    /// Asks cargo.
    pub fn read() -> Outcome<Self> {
        let text = output(cargo().args(["metadata", "--no-deps", "--format-version", "1"]))?;
        let facts: Value = serde_json::from_str(&text).map_err(|error| format!("cargo metadata: {error}"))?;
        let path =
            |key: &str| facts[key].as_str().map(PathBuf::from).ok_or(format!("cargo metadata: no {key}"));
        let package = |name: &str| {
            let packages = facts["packages"].as_array().into_iter().flatten();
            packages.into_iter().find(|package| package["name"] == name)
        };
        let features = package("bud-sdk").and_then(|package| package["features"].as_object());
        let targets = package("bud-examples").and_then(|package| package["targets"].as_array());
        let examples = targets.into_iter().flatten().filter(|target| target["kind"][0] == "example");
        // Those on a Kubernetes cluster are run with it.
        let examples = examples.filter(|target| target["required-features"][0] != "kubernetes");
        Ok(Self {
            root: path("workspace_root")?,
            target: path("target_directory")?,
            features: features
                .into_iter()
                .flat_map(|map| map.keys().cloned())
                .filter(|f| f != "default")
                .collect(),
            examples: examples.filter_map(|target| target["name"].as_str().map(str::to_owned)).collect(),
        })
    }

    /// Cargo in the workspace's root.
    pub fn cargo(&self) -> Command {
        let mut command = cargo();
        command.current_dir(&self.root);
        command
    }

    /// The routes that the test server answered in the last test run of `part`.
    pub fn journal(&self, part: &str) -> PathBuf {
        self.target.join("journal").join(part)
    }

    /// The tests that passed in the last run of `part`.
    pub fn passed(&self, part: &str) -> PathBuf {
        self.journal(&format!("passed-{part}"))
    }

    /// The calls that the examples of `part` made on a real control plane, in the last test run of the part kubernetes.
    pub fn cluster_journal(&self, part: &str) -> PathBuf {
        self.journal(&format!("kubernetes-{part}"))
    }
}

fn cargo() -> Command {
    clean(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// A command that sees neither what `cargo run` told this program, which would rebuild crates that look at it, nor the
/// settings of a real server.
pub fn clean(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "BUD_"].iter().any(|prefix| name.starts_with(prefix)) {
            command.env_remove(name.as_ref());
        }
    }
    command.env("NO_PROXY", "127.0.0.1,localhost").stdin(Stdio::null());
    command
}

/// Runs it with its output let through.
pub fn run(command: &mut Command) -> Outcome {
    let status = command.status().map_err(|error| unstarted(command, &error))?;
    succeeded(status)
}

/// Runs it and returns what it printed.
pub fn output(command: &mut Command) -> Outcome<String> {
    let output = command.stderr(Stdio::inherit()).output().map_err(|error| unstarted(command, &error))?;
    succeeded(output.status).map_err(|reason| format!("{}: {reason}", named(command)))?;
    String::from_utf8(output.stdout).map_err(|_| format!("{}: not UTF-8", named(command)))
}

/// An error unless it exited with zero.
pub fn succeeded(status: ExitStatus) -> Outcome {
    if status.success() { Ok(()) } else { Err(status.to_string()) }
}

/// It could not be started.
pub fn unstarted(command: &Command, error: &std::io::Error) -> String {
    format!("{} could not be started: {error}", named(command))
}

fn named(command: &Command) -> String {
    let program = PathBuf::from(command.get_program());
    let program = program.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let args = command.get_args().map(|arg| arg.to_string_lossy().into_owned());
    std::iter::once(program).chain(args).collect::<Vec<_>>().join(" ")
}
