//! The Python package: checked, tested, built, installed into empty environments and used there.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX, EXE_SUFFIX};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::tally::Tally;
use crate::test::{Step, alone, journaled};
use crate::workspace::{Outcome, Workspace, clean, run};

const PACKAGE: &str = "bud-sdk-py";
/// What a fresh installation has to be able to do.
const SMOKE: &str = "bud-sdk-py/tests/smoke.py";

/// The steps, in order.
pub fn steps(workspace: &Workspace) -> Vec<Step<'_>> {
    let here = Python { workspace };
    let mut steps = vec![
        Step::new("Python environment", "cargo xtask test --only python", move |_| here.environment()),
        // The whole workspace, as everywhere: with other features its crates would be built anew.
        Step::cargo(workspace, "build --workspace --all-features"),
        Step::new("Python package", "cargo xtask test --only python", move |_| here.package()),
        here.tool("ruff check . ../examples/python"),
        here.tool("ruff format --check . ../examples/python"),
        here.tool("mypy python tests ../examples/python/demo.py"),
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
            .env("BUD_TESTBED", self.testbed());
        command
    }

    fn testbed(self) -> PathBuf {
        self.workspace.target.join("debug").join(format!("bud-testbed{EXE_SUFFIX}"))
    }

    /// The pinned tools, in an environment that is made anew when the pins change.
    fn environment(self) -> Outcome {
        let (folder, pins) = (self.folder().join("venv"), self.source().join("requirements.txt"));
        let (wanted, stamp) = (read(&pins)?, folder.join("requirements.txt"));
        if read(&stamp).is_ok_and(|made| made == wanted) {
            return Ok(());
        }
        venv(&folder)?;
        let mut install = clean(program(&folder, "python"));
        run(install
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"])
            .arg(&pins))?;
        write(&stamp, &wanted)
    }

    /// The package as it is imported: Python's sources beside the native part.
    fn package(self) -> Outcome {
        let package = self.folder().join("package/bud_sdk");
        let _ = fs::remove_dir_all(&package);
        create(&package)?;
        let source = self.source().join("python/bud_sdk");
        for file in entries(&source)?.into_iter().filter(|path| path.is_file()) {
            let foreign = file.extension().is_some_and(|end| end == "so" || end == "pyd");
            if !foreign {
                copy(&file, &package.join(file.file_name().unwrap_or_default()))?;
            }
        }
        let built = self.workspace.target.join(format!("debug/{DLL_PREFIX}_native{DLL_SUFFIX}"));
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
        command.args(["-m", "pytest", "-p", "no:cacheprovider"]);
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
            let folders = [self.folder().join("package"), self.workspace.root.join("examples/python")];
            let folders = std::env::join_paths(folders).map_err(|error| error.to_string())?;
            command.env("PYTHONPATH", folders).args(["execute", "--output", "executed"]);
        } else {
            command.args(["-W", "error"]);
        }
        alone(command.arg(path), &format!("python-{name}"))
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
            _ => build.args(["sdist", "--quiet", "--out"]),
        };
        run(build.arg(&dist).env("CARGO_TARGET_DIR", self.folder().join("cargo")))?;
        let files = entries(&dist)?;
        let [file] = &files[..] else {
            return Err(format!("{} has {} files, not one", dist.display(), files.len()));
        };
        let empty = self.folder().join(format!("venv-{kind}"));
        venv(&empty)?;
        let mut install = clean(program(&empty, "python"));
        install
            .current_dir(&dist)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .arg(file)
            // An sdist is built where it was unpacked, from its own sources.
            .env("MATURIN_PEP517_ARGS", "--profile dev")
            .env("CARGO_TARGET_DIR", self.folder().join("cargo"));
        run(&mut install)?;
        let mut smoke = clean(program(&empty, "python"));
        smoke.arg("-W").arg("error").arg(self.workspace.root.join(SMOKE)).env("BUD_TESTBED", self.testbed());
        alone(&mut smoke, kind)
    }
}

/// A fresh environment without packages, of the `python3` that the path has first.
fn venv(folder: &Path) -> Outcome {
    let _ = fs::remove_dir_all(folder);
    let python = if cfg!(windows) { "python" } else { "python3" };
    run(clean(python).args(["-m", "venv"]).arg(folder))
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
