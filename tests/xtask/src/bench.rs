//! The benchmarks, which say themselves what they take.

use crate::python;
use crate::workspace::{Outcome, Workspace, run as run_command};

/// Builds and runs them, optimized.
pub fn run(args: &[&str]) -> Outcome {
    if let ["python", args @ ..] = args {
        return python::bench(&Workspace::read()?, args);
    }
    let mut command = Workspace::read()?.cargo();
    run_command(command.args(["run", "--release", "-p", "bud-bench", "--"]).args(args))
}
