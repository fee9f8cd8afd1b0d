//! Every check and test, step by step, until one fails.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use crate::tally::Tally;
use crate::workspace::{Outcome, Workspace, clean, run as run_command, succeeded, unstarted};
use crate::{cases, counts, coverage, deps, figures, r#gen, kubernetes as plane, node, python, rules};

/// A part's name and its steps, in order. It is told whether all parts run, those before it included.
type Part = (&'static str, for<'a> fn(&'a Workspace, bool) -> Vec<Step<'a>>);

const PARTS: [Part; 5] = [
    ("rust", |workspace, _| rust(workspace)),
    ("python", |workspace, _| python::steps(workspace)),
    ("node", |workspace, _| node::steps(workspace)),
    ("counts", |workspace, _| counts::steps(workspace)),
    ("kubernetes", kubernetes),
];
/// The version of Kubernetes to read; a program chooses it with a feature, a library alone has none.
const KUBERNETES: (&str, &str) = ("K8S_OPENAPI_ENABLED_VERSION", "1.33");
const EXAMPLES: &str = "build --workspace --examples --all-features";
const EXAMPLE_LIMIT: Duration = Duration::from_secs(5 * 60);

pub struct Step<'a> {
    name: String,
    /// The command that repeats it alone.
    again: String,
    run: Box<dyn FnOnce(&mut Tally) -> Outcome + 'a>,
}

impl<'a> Step<'a> {
    pub fn new(name: &str, again: &str, run: impl FnOnce(&mut Tally) -> Outcome + 'a) -> Self {
        Self { name: name.to_owned(), again: again.to_owned(), run: Box::new(run) }
    }

    /// A cargo command for the library alone, named by itself.
    fn library(workspace: &'a Workspace, args: &str) -> Self {
        let args = args.to_owned();
        let (name, again) =
            (format!("cargo {args}"), format!("{}={} cargo {args}", KUBERNETES.0, KUBERNETES.1));
        Self::new(&name, &again, move |_| {
            run_command(workspace.cargo().envs([KUBERNETES]).args(args.split(' ')))
        })
    }

    /// A cargo command, named by itself.
    pub fn cargo(workspace: &'a Workspace, args: &str) -> Self {
        let args = args.to_owned();
        let name = format!("cargo {args}");
        Self::new(&name, &name, move |_| run_command(workspace.cargo().args(args.split(' '))))
    }
}

/// Runs the steps of one part, or of all.
pub fn run(only: Option<&str>) -> Outcome<ExitCode> {
    if let Some(part) = only.filter(|only| PARTS.iter().all(|(name, _)| name != only)) {
        return Err(format!("there is no {part} part yet"));
    }
    let workspace = Workspace::read()?;
    let mut tally = Tally::default();
    let chosen = PARTS.iter().filter(|(name, _)| only.is_none_or(|only| only == *name));
    let outcome = chosen.into_iter().try_for_each(|(part, steps)| {
        let before = tally;
        remove(&workspace.passed(part))?;
        let steps = steps(&workspace, only.is_none());
        let skipped = steps.is_empty();
        run_part(part, steps, &mut tally)?;
        if tally == before && !skipped { Err(format!("{part}: no test ran")) } else { Ok(()) }
    });
    // What it says of every language and of the cluster is known when all of them have been tested.
    let outcome = outcome.and_then(|()| match only {
        None => table(&workspace).and_then(|()| cases(&workspace)),
        Some(_) => Ok(()),
    });
    if let Err(reason) = &outcome {
        eprintln!("failed: {reason}");
    }
    // The totals are the last line, whatever happened.
    println!("{tally}");
    Ok(if outcome.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn table(workspace: &Workspace) -> Outcome {
    println!("==> coverage table");
    if coverage::complete(workspace) {
        coverage::check(workspace)
    } else {
        println!("    skipped: a part did not run");
        Ok(())
    }
}

fn cases(workspace: &Workspace) -> Outcome {
    println!("==> cases from outside");
    let mut ran = BTreeSet::new();
    for (part, _) in PARTS {
        ran.extend(fs::read_to_string(workspace.passed(part)).unwrap_or_default().lines().map(str::to_owned));
    }
    cases::check(workspace, &ran)
}

fn run_part(part: &str, steps: Vec<Step<'_>>, tally: &mut Tally) -> Outcome {
    let count = steps.len();
    for (at, step) in steps.into_iter().enumerate() {
        println!("==> {part} {}/{count}: {}", at + 1, step.name);
        let start = Instant::now();
        let outcome = (step.run)(tally);
        println!("    {:.1} s", start.elapsed().as_secs_f32());
        outcome.map_err(|reason| {
            format!("{part}: {}: {reason}. Repeat it alone with: {}", step.name, step.again)
        })?;
    }
    Ok(())
}

fn rust(workspace: &Workspace) -> Vec<Step<'_>> {
    let cargo = |args: &str| Step::cargo(workspace, args);
    let library = |args: &str| Step::library(workspace, args);
    let mut steps = vec![
        cargo("fmt --all --check"),
        cargo("clippy --workspace --all-targets --all-features -- -D warnings"),
        library("clippy -p bud-sdk --no-default-features -- -D warnings"),
        library("clippy -p bud-sdk --all-features -- -D warnings"),
    ];
    steps.extend(workspace.features.iter().map(|feature| {
        library(&format!("clippy -p bud-sdk --no-default-features --features {feature} -- -D warnings"))
    }));
    steps.push(Step::new("dependency rules", "cargo xtask rules", |_| deps::check(workspace)));
    steps.push(Step::new("house rules", "cargo xtask rules", |_| rules::check(workspace)));
    // What needs a control plane is the part kubernetes.
    let test = "cargo test --workspace --exclude bud-kubernetes-testbed --all-features";
    steps.push(Step::new("cargo test", test, |tally| rust_tests(workspace, tally)));
    if !workspace.examples.is_empty() {
        // With the whole workspace, whose crates the tests have built; `cargo run -p` would build them anew.
        steps.push(cargo(EXAMPLES));
    }
    // Those that need a server embed one, which speaks the API that they are told to show.
    for name in &workspace.examples {
        steps.extend(["guide", "runtime"].map(|api| {
            let run = format!("cargo run -p bud-examples --all-features --example {name}");
            let again = format!("BUD_DEMO_API={api} {run}");
            Step::new(&format!("example {name} ({api})"), &again, move |_| example(workspace, name, api))
        }));
    }
    let doc = "cargo doc -p bud-sdk --no-deps --all-features";
    steps.push(Step::new(doc, &format!("RUSTDOCFLAGS=\"-D warnings\" {doc}"), move |_| {
        let mut cargo = workspace.cargo();
        cargo.env("RUSTDOCFLAGS", "-D warnings").envs([KUBERNETES]);
        run_command(cargo.args(doc.split(' ').skip(1)))
    }));
    let stale = "generated texts";
    steps.push(Step::new(stale, "cargo xtask gen", |_| {
        r#gen::check(workspace)?;
        figures::check(workspace)
    }));
    steps
}

fn kubernetes(workspace: &Workspace, all_parts: bool) -> Vec<Step<'_>> {
    let build = "cargo xtask kubernetes --build-only";
    let test = "cargo test -p bud-kubernetes-testbed";
    vec![
        Step::new("control plane", build, |_| plane::program(workspace, "build")),
        // Its tests run those on a cluster. The packages for Python and Node are those that their parts have built.
        Step::cargo(workspace, EXAMPLES),
        Step::new(test, test, move |tally| {
            let mut cargo = workspace.cargo();
            cargo.args(test.split(' ').skip(1)).arg("--no-fail-fast");
            if all_parts {
                cargo.env("BUD_EXAMPLES", "required");
            }
            kube_tests(workspace, &mut cargo, tally)
        }),
    ]
}

/// They leave what the examples in Python and Node showed in journals beside their own.
fn kube_tests(workspace: &Workspace, command: &mut Command, tally: &mut Tally) -> Outcome {
    let others =
        || ["python", "node"].into_iter().try_for_each(|part| remove(&workspace.cluster_journal(part)));
    others()?;
    let outcome = journaled(workspace, "kubernetes", command, tally);
    if outcome.is_err() {
        others()?;
    }
    outcome
}

fn rust_tests(workspace: &Workspace, tally: &mut Tally) -> Outcome {
    let mut command = workspace.cargo();
    command.args([
        "test",
        "--workspace",
        "--exclude",
        "bud-kubernetes-testbed",
        "--all-features",
        "--no-fail-fast",
    ]);
    journaled(workspace, "rust", &mut command, tally)
}

/// The tests of a part, with a fresh journal of the routes that the test server answers.
pub fn journaled(workspace: &Workspace, part: &str, command: &mut Command, tally: &mut Tally) -> Outcome {
    let journal = workspace.journal(part);
    let folder = journal.parent().unwrap_or(&workspace.target);
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    remove(&journal)?;
    let mut passed = BTreeSet::new();
    let outcome = counted(command.env("BUD_TESTBED_JOURNAL", &journal), tally, &mut passed);
    // A part may have several runners.
    let path = workspace.passed(part);
    passed.extend(fs::read_to_string(&path).unwrap_or_default().lines().map(str::to_owned));
    let lines: Vec<String> = passed.into_iter().collect();
    fs::write(&path, lines.join("\n")).map_err(|error| format!("{}: {error}", path.display()))?;
    if outcome.is_err() {
        // Half a run would make half a table.
        remove(&journal)?;
    }
    outcome
}

fn remove(file: &Path) -> Outcome {
    match fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("{}: {error}", file.display()))
        }
        _ => Ok(()),
    }
}

/// Runs it, lets its output through and counts the tests.
pub fn counted(command: &mut Command, tally: &mut Tally, passed: &mut BTreeSet<String>) -> Outcome {
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(|error| unstarted(command, &error))?;
    if let Some(stdout) = child.stdout.take() {
        let (mut lines, mut line) = (BufReader::new(stdout), Vec::new());
        while lines.read_until(b'\n', &mut line).map_err(|error| error.to_string())? > 0 {
            let text = String::from_utf8_lossy(&line);
            tally.read(&text);
            passed.extend(cases::passed(&text).map(str::to_owned));
            std::io::stdout().write_all(&line).map_err(|error| error.to_string())?;
            line.clear();
        }
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    succeeded(status)
}

/// Runs a built example.
fn example(workspace: &Workspace, name: &str, api: &str) -> Outcome {
    let program =
        workspace.target.join("debug/examples").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    alone(clean(program).env("BUD_DEMO_API", api), name)
}

/// Runs an example in a folder of its own.
pub fn alone(command: &mut Command, name: &str) -> Outcome {
    let folder = Folder::new(name)?;
    // What it leaves at home or among the temporary files goes, too.
    command.current_dir(&folder.0).env("TMPDIR", &folder.0).env("HOME", &folder.0);
    let mut child = command.spawn().map_err(|error| unstarted(command, &error))?;
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            return succeeded(status);
        }
        if start.elapsed() > EXAMPLE_LIMIT {
            let _ = child.kill();
            let _ = child.wait();
            return Err(format!("it ran longer than {} minutes", EXAMPLE_LIMIT.as_secs() / 60));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A fresh folder, removed in the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Outcome<Self> {
        let path = std::env::temp_dir().join(format!("bud-example-{name}-{}", std::process::id()));
        fs::create_dir(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::run;

    #[test]
    fn parts_that_are_not_there() {
        assert_eq!(run(Some("ruby")).unwrap_err(), "there is no ruby part yet");
    }
}
