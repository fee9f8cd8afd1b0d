//! The Node package: built, checked, tested, packed, and its examples run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::test::{Step, alone, journaled};
use crate::workspace::{Outcome, Workspace, clean, output, run};

const OLDEST: u32 = 20;

/// The steps, in order.
pub fn steps(workspace: &Workspace) -> Vec<Step<'_>> {
    let mut steps = vec![
        Step::new("node", "node --version", |_| new_enough()),
        npm_ci(workspace, "bud-sdk-node"),
        npm_ci(workspace, "bud-sdk-node/test/jest"),
        // With all features, as the tests of the other parts build it.
        Step::cargo(workspace, "build --workspace --all-features"),
        Step::new("build bud-sdk-node", "cd bud-sdk-node && npm run build", |_| {
            let native = without_debug_information(workspace)?;
            run(node(workspace, "bud-sdk-node").arg("scripts/build.mjs").arg("--native").arg(native))
        }),
        Step::new("tsc", "cd bud-sdk-node && npx tsc -p test", |_| tsc(workspace, "bud-sdk-node", "test")),
        Step::new("node --test", "cd bud-sdk-node && npm test", |tally| {
            let mut tests = node(workspace, "bud-sdk-node");
            tests
                .args(["--expose-gc", "--test", "--test-reporter=spec", "build/tests/"])
                .env("BUD_TARGET", workspace.target.join("debug"));
            journaled(workspace, "node", &mut tests, tally)
        }),
        npm_ci(workspace, "examples/node"),
        Step::new("tsc of the examples", "cd examples/node && npx tsc", |_| {
            tsc(workspace, "examples/node", ".")
        }),
    ];
    steps.extend(examples(workspace).into_iter().map(|name| {
        let again = format!("cd examples/node && npm run example {name}");
        Step::new(&format!("example {name}"), &again, move |_| {
            let mut example = clean("node");
            example.arg(workspace.root.join(format!("examples/node/dist/{name}.js")));
            example.env("BUD_TARGET", workspace.target.join("debug"));
            alone(&mut example, &name)
        })
    }));
    steps
}

fn examples(workspace: &Workspace) -> Vec<String> {
    let sources = fs::read_dir(workspace.root.join("examples/node/src"));
    let names = sources.into_iter().flatten().flatten().map(|entry| entry.file_name());
    let mut names: Vec<String> =
        names.filter_map(|name| Some(name.to_str()?.strip_suffix(".ts")?.to_owned())).collect();
    names.sort();
    names
}

/// The package beside what it would replace, with the server of the others' benchmarks, all of it optimized.
pub fn bench(workspace: &Workspace, args: &[&str], ratios: (&str, &Path)) -> Outcome {
    install(workspace, "bud-sdk-node")?;
    run(workspace.cargo().args(["build", "--release", "-p", "bud-bench", "-p", "bud-sdk-node"]))?;
    let native = workspace.target.join("release").join(library());
    run(node(workspace, "bud-sdk-node").arg("scripts/build.mjs").arg("--native").arg(native))?;
    let mut bench = node(workspace, "bud-sdk-node");
    bench.args(["--expose-gc", "bench/bench.mjs"]).args(args).env(ratios.0, ratios.1);
    run(bench.env("BUD_BENCH", workspace.target.join("release/bud-bench")))
}

fn new_enough() -> Outcome {
    let version = output(clean("node").arg("--version"))?;
    let major =
        version.trim().trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_some_and(|major| major >= OLDEST) {
        Ok(())
    } else {
        Err(format!("node {OLDEST} or newer is needed, not {}", version.trim()))
    }
}

/// The native part. The tests pack and unpack it, and most of an unoptimized one is for debuggers.
fn without_debug_information(workspace: &Workspace) -> Outcome<PathBuf> {
    let native = workspace.target.join("debug").join(library());
    if !cfg!(target_os = "linux") {
        return Ok(native);
    }
    let small = native.with_extension("small.so");
    run(clean("strip").arg("--strip-debug").arg("-o").arg(&small).arg(native))?;
    Ok(small)
}

/// What cargo calls the native part.
fn library() -> String {
    format!("{}bud_sdk_node{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX)
}

fn node(workspace: &Workspace, folder: &str) -> Command {
    let mut command = clean("node");
    command.current_dir(workspace.root.join(folder));
    command
}

fn npm_ci<'a>(workspace: &'a Workspace, folder: &'static str) -> Step<'a> {
    let again = format!("cd {folder} && npm ci --ignore-scripts");
    Step::new(&format!("npm ci: {folder}"), &again, move |_| install(workspace, folder))
}

fn install(workspace: &Workspace, folder: &str) -> Outcome {
    let mut npm = clean("npm");
    npm.current_dir(workspace.root.join(folder));
    run(npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]))
}

fn tsc(workspace: &Workspace, folder: &str, project: &str) -> Outcome {
    let compiler = workspace.root.join("bud-sdk-node/node_modules/typescript/bin/tsc");
    run(node(workspace, folder).arg(compiler).args(["--project", project]))
}
