//! The benchmarks, which say themselves what they take.

use crate::workspace::{Outcome, Workspace, run as run_command};
use crate::{node, python};

/// Builds and runs them, optimized.
pub fn run(args: &[&str]) -> Outcome {
    if let ["python", args @ ..] = args {
        return python::bench(&Workspace::read()?, args);
    }
    if let ["node", args @ ..] = args {
        return node::bench(&Workspace::read()?, args);
    }
    if let ["kubernetes"] = args {
        let mut command = Workspace::read()?.cargo();
        return run_command(command.args(["bench", "-p", "bud-kubernetes-testbed", "--bench", "report"]));
    }
    let mut command = Workspace::read()?.cargo();
    run_command(command.args(["run", "--release", "-p", "bud-bench", "--"]).args(args))
}
