//! Ratios between the SDK and the plain tools that it would replace, each from interleaved rounds of one run.
//!
//! Absolute times say more about the machine and what else runs on it than about the code; they are there to be looked at,
//! and only ratios have targets.

#[cfg(target_os = "linux")]
mod linux;

use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    linux::main()
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    eprintln!("error: the clocks and the memory are read from Linux");
    ExitCode::FAILURE
}
