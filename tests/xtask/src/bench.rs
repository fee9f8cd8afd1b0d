//! The benchmarks, which say themselves what they take.

use crate::workspace::{Outcome, Workspace, run as run_command};

/// Builds and runs them, optimized.
pub fn run(args: &[&str]) -> Outcome {
    let mut command = Workspace::read()?.cargo();
    run_command(command.args(["run", "--release", "-p", "bud-bench", "--"]).args(args))
}
