//! The real Kubernetes control plane, which is a program of its own.

use crate::workspace::{Outcome, Workspace, run as run_command};

/// Runs it with this command.
pub fn program(workspace: &Workspace, command: &str) -> Outcome {
    run_command(workspace.cargo().args(["run", "--quiet", "-p", "bud-kubernetes-testbed", "--", command]))
}
