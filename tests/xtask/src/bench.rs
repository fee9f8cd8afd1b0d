//! The benchmarks: run, judged by their targets, and kept. They say themselves what they take.

use std::fs;
use std::path::{Path, PathBuf};

use bud_sdk::Timestamp;

use crate::figures::{self, LANGUAGES, Run};
use crate::workspace::{Outcome, Workspace, run as run_command};
use crate::{node, python};

/// The variable that names the file for the ratios.
const RATIOS: &str = "BUD_RATIOS";
/// With one of these a run is a look at it, neither judged nor kept.
const LOOKS: [&str; 4] = ["--quick", "--rounds", "--mib", "--spread"];

/// Builds and runs them, optimized.
pub fn run(args: &[&str]) -> Outcome {
    let workspace = Workspace::read()?;
    match args {
        ["kubernetes"] => {
            let mut command = workspace.cargo();
            run_command(command.args(["bench", "-p", "bud-kubernetes-testbed", "--bench", "report"]))
        }
        ["all", args @ ..] => all(&workspace, args),
        [language @ ("python" | "node"), args @ ..] => one(&workspace, language, args),
        args => one(&workspace, "rust", args),
    }
}

/// All languages, also those after one that failed.
fn all(workspace: &Workspace, args: &[&str]) -> Outcome {
    let failed = |(language, name): &(&str, &'static str)| {
        let failed = one(workspace, language, args).err()?;
        eprintln!("{name}: {failed}");
        Some(*name)
    };
    let failed: Vec<&str> = LANGUAGES.iter().filter_map(failed).collect();
    if failed.is_empty() { Ok(()) } else { Err(format!("failed: {}", failed.join(", "))) }
}

/// Those of one language.
fn one(workspace: &Workspace, language: &str, args: &[&str]) -> Outcome {
    let full = !args.iter().any(|arg| LOOKS.iter().any(|look| arg.starts_with(look)));
    let file = Ratios::new(workspace, language)?;
    // What a run is of is known before it begins.
    let commit = if full { figures::commit(workspace)? } else { String::new() };
    match language {
        "python" => python::bench(workspace, args, file.variable())?,
        "node" => node::bench(workspace, args, file.variable())?,
        _ => rust(workspace, args, file.variable())?,
    }
    let Some(ratios) = file.read()? else { return Ok(()) };
    let judged = figures::judge(&figures::targets(&workspace.root)?, language, &ratios)?;
    if judged.is_empty() {
        return Err("nothing was measured".into());
    }
    judged.iter().for_each(|(line, _)| println!("{line}"));
    if !full {
        println!("not kept: a run with an option is a look, no figure");
        return Ok(());
    }
    let date = Timestamp::now().to_string().chars().take("2026-01-31".len()).collect();
    figures::keep(&workspace.root, language, &Run { date, commit, ratios })?;
    figures::write(workspace)?;
    match judged.iter().filter(|(_, met)| !met).count() {
        0 => Ok(()),
        missed => Err(format!("{missed} of {} targets missed", judged.len())),
    }
}

fn rust(workspace: &Workspace, args: &[&str], ratios: (&str, &Path)) -> Outcome {
    let mut command = workspace.cargo();
    command.env(ratios.0, ratios.1);
    run_command(command.args(["run", "--release", "-p", "bud-bench", "--"]).args(args))
}

/// The file in which a benchmark leaves its ratios.
struct Ratios(PathBuf);

impl Ratios {
    /// There is none yet.
    fn new(workspace: &Workspace, language: &str) -> Outcome<Self> {
        let folder = workspace.target.join("bench");
        let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
        fs::create_dir_all(&folder).map_err(failed)?;
        let file = folder.join(format!("{language}.json"));
        if file.exists() {
            fs::remove_file(&file).map_err(failed)?;
        }
        Ok(Self(file))
    }

    fn variable(&self) -> (&'static str, &Path) {
        (RATIOS, &self.0)
    }

    /// None if nothing was measured, as with `--help`.
    fn read(&self) -> Outcome<Option<figures::Ratios>> {
        if !self.0.exists() {
            return Ok(None);
        }
        let text = fs::read_to_string(&self.0).map_err(|error| format!("{}: {error}", self.0.display()))?;
        figures::read_ratios(&text).map(Some)
    }
}
