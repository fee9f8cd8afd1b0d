//! The repository's own tasks; run as `cargo xtask`.

mod bench;
mod cases;
mod catalogues;
mod circles;
mod counts;
mod coverage;
mod deps;
mod evidence;
mod figures;
mod functions;
mod r#gen;
mod kubernetes;
mod modules;
mod new;
mod node;
mod python;
mod readme;
mod rules;
mod source;
mod tally;
mod test;
mod weaker;
mod workspace;

use std::process::ExitCode;

use workspace::{Outcome, Workspace};

const USAGE: &str = "\
cargo xtask test [--only PART]   every check and test, or those of one part: rust, python, node, counts, kubernetes
cargo xtask rules                the dependency rules and the house rules alone
cargo xtask weaker BASE [HEAD]   the tests that are gone or assert less than at another revision, for a reader
cargo xtask gen [--check]        write the generated texts, or see that they are current
cargo xtask new operation RESOURCE.NAME [--dry-run]  the skeleton of an operation, which fails its tests until it is filled
cargo xtask new check [PART/]CODE [--dry-run]        that of a check
cargo xtask kubernetes [--build-only]  a real Kubernetes control plane to look at, or only its programs, built into the cache
cargo xtask bench [...]          the ratios of Rust, of an optimized build: measured, judged and kept; --help says more
cargo xtask bench python [...]   those of the Python package
cargo xtask bench node [...]     those of the Node package
cargo xtask bench all [--quick]  those of all three
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let outcome = match args.as_slice() {
        [] | ["--help" | "-h" | "help"] => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        ["test"] => test::run(None),
        ["test", "--only", part] => test::run(Some(part)),
        ["kubernetes"] => with_workspace(|workspace| kubernetes::program(workspace, "serve")),
        ["kubernetes", "--build-only"] => with_workspace(|workspace| kubernetes::program(workspace, "build")),
        ["bench", args @ ..] => bench::run(args).map(|()| ExitCode::SUCCESS),
        ["rules"] => {
            with_workspace(|workspace| deps::check(workspace).and_then(|()| rules::check(workspace)))
        }
        ["weaker", base] => with_workspace(|workspace| weaker::report(workspace, base, "HEAD")),
        ["weaker", base, head] => with_workspace(|workspace| weaker::report(workspace, base, head)),
        ["new", kind, name] => with_workspace(|workspace| new::write(workspace, kind, name, false)),
        ["new", kind, name, "--dry-run"] => {
            with_workspace(|workspace| new::write(workspace, kind, name, true))
        }
        ["gen"] => with_workspace(|workspace| {
            r#gen::write(workspace)?;
            figures::write(workspace)?;
            coverage::write(workspace)
        }),
        ["gen", "--check"] => with_workspace(|workspace| {
            r#gen::check(workspace)?;
            figures::check(workspace)?;
            coverage::check(workspace)
        }),
        _ => {
            eprint!("there is no `cargo xtask {}`\n\n{USAGE}", args.join(" "));
            return ExitCode::from(2);
        }
    };
    outcome.unwrap_or_else(|reason| {
        eprintln!("error: {reason}");
        ExitCode::FAILURE
    })
}

fn with_workspace(task: impl FnOnce(&Workspace) -> Outcome) -> Outcome<ExitCode> {
    task(&Workspace::read()?).map(|()| ExitCode::SUCCESS)
}
