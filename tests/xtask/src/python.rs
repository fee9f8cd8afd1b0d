//! The Python package: checked, tested, built, installed into empty environments and used there.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX, EXE_SUFFIX};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::tally::Tally;
use crate::test::{Step, alone, journaled};
use crate::workspace::{Outcome, Workspace, clean, run};

const PYTHON: &str = if cfg!(windows) { "python" } else { "python3" };
const PACKAGE: &str = "bud-sdk-py";
/// What a fresh installation has to be able to do.
const SMOKE: &str = "bud-sdk-py/tests/smoke.py";

/// The steps, in order.
pub fn steps(workspace: &Workspace) -> Vec<Step<'_>> {
    let here = Python { workspace };
    let mut steps = vec![
        Step::new("Python environment", "cargo xtask test --only python", move |_| {
            environment(&here.folder().join("venv"), &here.source().join("requirements.txt"))
        }),
        // The whole workspace, as everywhere: with other features its crates would be built anew.
        Step::cargo(workspace, "build --workspace --all-features"),
        Step::new("Python package", "cargo xtask test --only python", move |_| {
            here.package(&here.folder().join("package"), "debug")
        }),
        here.tool("ruff check . ../examples/python ../tests/bench/python"),
        here.tool("ruff format --check . ../examples/python ../tests/bench/python"),
        here.tool("mypy python tests ../examples/python/demo.py ../examples/python/kubernetes"),
        here.tool("pyright --pythonpath PYTHON"),
        here.tool("stubtest bud_sdk._native"),
        Step::new("pytest", "cargo xtask test --only python", move |tally| here.tests(tally)),
    ];
    let scripts = here.examples();
    steps.extend(scripts.into_iter().map(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let again = format!("python examples/python/{name}");
        Step::new(&format!("example {name}"), &again, move |_| here.example(&path))
    }));
    for kind in ["wheel", "sdist"] {
        let name = format!("{kind}, installed and used");
        steps.push(Step::new(&name, "cargo xtask test --only python", move |_| here.installed(kind)));
    }
    steps
}

/// The package beside the tools that it would replace, all of it optimized.
pub fn bench(workspace: &Workspace, args: &[&str], ratios: (&str, &Path)) -> Outcome {
    let here = Python { workspace };
    let folder = workspace.root.join("tests/bench/python");
    environment(&here.folder().join("venv-bench"), &folder.join("requirements.txt"))?;
    let official = args.iter().position(|arg| *arg == "--official").map(|at| args.get(at + 1));
    let mut build = workspace.cargo();
    build.args(["build", "--release", "-p", "bud-bench", "-p", PACKAGE]);
    if let Some(checkout) = official {
        let checkout = checkout.ok_or("--official needs the path of a checkout")?;
        let mut install = clean(program(&here.folder().join("venv-bench"), "python"));
        run(install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", checkout]))?;
        build.args(["-p", "bud-testbed"]);
    }
    run(&mut build)?;
    let package = here.folder().join("package-release");
    here.package(&package, "release")?;
    let mut bench = clean(program(&here.folder().join("venv-bench"), "python"));
    let server = |name: &str| workspace.target.join("release").join(format!("{name}{EXE_SUFFIX}"));
    bench.arg(folder.join("bench.py")).args(args).env("PYTHONPATH", package);
    bench.env("BUD_BENCH", server("bud-bench")).env("BUD_TESTBED", server("bud-testbed"));
    run(bench.env(ratios.0, ratios.1))
}

#[derive(Clone, Copy)]
struct Python<'a> {
    workspace: &'a Workspace,
}

impl<'a> Python<'a> {
    fn folder(self) -> PathBuf {
        self.workspace.target.join("python")
    }

    fn source(self) -> PathBuf {
        self.workspace.root.join(PACKAGE)
    }

    /// A program of the environment that everything runs in.
    fn program(self, name: &str) -> PathBuf {
        program(&self.folder().join("venv"), name)
    }

    /// A command that finds the built package and the test server.
    fn command(self, name: &str) -> Command {
        let mut command = clean(self.program(name));
        command
            .current_dir(self.source())
            .env("PYTHONPATH", self.folder().join("package"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("BUD_TESTBED", self.built("bud-testbed"))
            .env("BUD_KUBE_TESTBED", self.built("bud-kubernetes-testbed"))
            .env("BUD_MONITORING_TESTBED", self.built("bud-monitoring-testbed"));
        command
    }

    fn built(self, program: &str) -> PathBuf {
        self.workspace.target.join("debug").join(format!("{program}{EXE_SUFFIX}"))
    }

    /// The package as it is imported: Python's sources beside the native part.
    fn package(self, folder: &Path, profile: &str) -> Outcome {
        let package = folder.join("bud_sdk");
        let _ = fs::remove_dir_all(&package);
        create(&package)?;
        let source = self.source().join("python/bud_sdk");
        for file in entries(&source)?.into_iter().filter(|path| path.is_file()) {
            let foreign = file.extension().is_some_and(|end| end == "so" || end == "pyd");
            if !foreign {
                copy(&file, &package.join(file.file_name().unwrap_or_default()))?;
            }
        }
        let built = self.workspace.target.join(profile).join(format!("{DLL_PREFIX}_native{DLL_SUFFIX}"));
        let end = if cfg!(windows) { "pyd" } else { "abi3.so" };
        copy(&built, &package.join(format!("_native.{end}")))
    }

    fn tool(self, line: &str) -> Step<'a> {
        let name = line.to_owned();
        Step::new(line, "cargo xtask test --only python", move |_| {
            let python = self.program("python");
            let mut words = name.split(' ');
            let mut command = self.command(words.next().unwrap_or_default());
            for word in words {
                command.arg(if word == "PYTHON" { python.as_os_str() } else { word.as_ref() });
            }
            run(&mut command)
        })
    }

    fn tests(self, tally: &mut Tally) -> Outcome {
        let mut command = self.command("python");
        // With the names of the tests that passed.
        command.args(["-m", "pytest", "-p", "no:cacheprovider", "-rp"]);
        journaled(self.workspace, "python", &mut command, tally)
    }

    fn examples(self) -> Vec<PathBuf> {
        let files = entries(&self.workspace.root.join("examples/python")).unwrap_or_default();
        files
            .into_iter()
            .filter(|path| path.extension().is_some_and(|end| end == "py" || end == "ipynb"))
            .filter(|path| path.file_stem().is_some_and(|name| name != "demo"))
            .collect()
    }

    fn example(self, path: &Path) -> Outcome {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let notebook = path.extension().is_some_and(|end| end == "ipynb");
        let mut command = self.command(if notebook { "jupyter" } else { "python" });
        if notebook {
            let examples = self.workspace.root.join("examples/python");
            let folders = [self.folder().join("package"), examples.clone(), examples.join("kubernetes")];
            let folders = std::env::join_paths(folders).map_err(|error| error.to_string())?;
            // It is executed where it lies, and leaves its files there.
            let copied = self.folder().join(format!("{name}.ipynb"));
            copy(path, &copied)?;
            command.env("PYTHONPATH", folders).args(["execute", "--inplace"]).arg(copied);
        } else {
            command.args(["-W", "error"]).arg(path);
        }
        alone(&mut command, &format!("python-{name}"))
    }

    /// Builds the distribution, installs it into an empty environment and uses it there, outside of this repository.
    fn installed(self, kind: &str) -> Outcome {
        let dist = self.folder().join(kind);
        let _ = fs::remove_dir_all(&dist);
        create(&dist)?;
        let mut build = self.command("maturin");
        match kind {
            // Neither is optimized: it is about what is in them.
            "wheel" => build.args(["build", "--profile", "dev", "--quiet", "--out"]),
            _ => build.args(["sdist", "--out"]),
        };
        run(build.arg(&dist).env("CARGO_TARGET_DIR", self.folder().join("cargo")))?;
        let files = entries(&dist)?;
        let [file] = &files[..] else {
            return Err(format!("{} has {} files, not one", dist.display(), files.len()));
        };
        let (all, mut used) = (pythons(), 0);
        for python in &all {
            // One build is enough of the sdist; a wheel has to work everywhere.
            if kind == "wheel" || used == 0 {
                self.used(kind, file, python)?;
                used += 1;
            }
        }
        if used > 0 { Ok(()) } else { Err("there is no Python to install it into".into()) }
    }

    fn used(self, kind: &str, file: &Path, python: &str) -> Outcome {
        let empty = self.folder().join(format!("venv-{kind}"));
        venv_of(python, &empty)?;
        let mut install = clean(program(&empty, "python"));
        install
            .current_dir(self.folder())
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .arg(file)
            // An sdist is built where it was unpacked, from its own sources.
            .env("MATURIN_PEP517_ARGS", "--profile dev")
            .env("CARGO_TARGET_DIR", self.folder().join("cargo"));
        run(&mut install)?;
        let mut smoke = clean(program(&empty, "python"));
        smoke
            .arg("-W")
            .arg("error")
            .arg(self.workspace.root.join(SMOKE))
            .env("BUD_TESTBED", self.built("bud-testbed"));
        alone(&mut smoke, kind)
    }
}

/// The pinned tools, in an environment that is made anew when the pins change.
fn environment(folder: &Path, pins: &Path) -> Outcome {
    let (wanted, stamp) = (read(pins)?, folder.join("requirements.txt"));
    if read(&stamp).is_ok_and(|made| made == wanted) {
        return Ok(());
    }
    venv(folder)?;
    let mut install = clean(program(folder, "python"));
    run(install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]).arg(pins))?;
    write(&stamp, &wanted)
}

/// A fresh environment without packages, of the `python3` that the path has first.
fn venv(folder: &Path) -> Outcome {
    venv_of(PYTHON, folder)
}

fn venv_of(python: &str, folder: &Path) -> Outcome {
    let _ = fs::remove_dir_all(folder);
    run(clean(python).args(["-m", "venv"]).arg(folder))
}

/// The Pythons of this machine that the package is for, each version once, the usual one first.
fn pythons() -> Vec<&'static str> {
    let mut found: Vec<(&str, String)> = Vec::new();
    for python in [PYTHON, "python3.10", "python3.11", "python3.12", "python3.13", "python3.14"] {
        let mut probe = clean(python);
        probe.args(["-c", "import ensurepip, venv, sys; print(sys.version)"]);
        let version = probe.output().ok().filter(|output| output.status.success());
        let version = version.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        if let Some(version) = version.filter(|version| found.iter().all(|(_, known)| known != version)) {
            found.push((python, version));
        }
    }
    found.into_iter().map(|(python, _)| python).collect()
}

fn program(venv: &Path, name: &str) -> PathBuf {
    venv.join(if cfg!(windows) { "Scripts" } else { "bin" }).join(format!("{name}{EXE_SUFFIX}"))
}

fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> String {
    move |error| format!("{}: {error}", path.display())
}

fn read(path: &Path) -> Outcome<String> {
    fs::read_to_string(path).map_err(failed(path))
}

fn write(path: &Path, text: &str) -> Outcome {
    fs::write(path, text).map_err(failed(path))
}

fn create(folder: &Path) -> Outcome {
    fs::create_dir_all(folder).map_err(failed(folder))
}

fn copy(from: &Path, to: &Path) -> Outcome {
    fs::copy(from, to).map(drop).map_err(failed(from))
}

/// What is in a folder, sorted.
fn entries(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let found = fs::read_dir(folder).map_err(failed(folder))?;
    let mut paths = found
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(failed(folder))?;
    paths.sort();
    Ok(paths)
}
