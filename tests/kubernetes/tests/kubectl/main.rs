//! kubectl beside the SDK, on many kubeconfigs and environments: both connect or neither does, to the same server, through the
//! same proxy, and with the same credentials, as servers and proxies of the test record them. Where the SDK differs on purpose,
//! the case says why.
//!
//! Each case runs both as processes of their own, for their environments differ. It is skipped where there is no kubectl, which
//! is an error when `CI` is `true`.

#[cfg(unix)]
mod cases;
#[cfg(unix)]
mod run;
#[cfg(unix)]
mod stage;

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    run::main()
}

#[cfg(not(unix))]
fn main() {}
