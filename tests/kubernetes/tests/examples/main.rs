//! The examples on a Kubernetes cluster, in each language, as programs on a real control plane with a platform on it.
//!
//! They are run as they were built: Rust's by `cargo build --workspace --examples --all-features`, those of Python and Node
//! by `cargo xtask test`. What is not built is skipped, which is an error when `BUD_EXAMPLES` is `required`. Without a
//! control plane all of it is skipped, which is an error when `CI` is `true`.

#[cfg(unix)]
mod jobs;
#[cfg(unix)]
mod languages;
#[cfg(unix)]
mod platform;

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    run::main()
}

#[cfg(not(unix))]
fn main() {}

#[cfg(unix)]
mod run {
    use std::collections::BTreeSet;
    use std::process::ExitCode;
    use std::time::{Duration, Instant};

    use bud_kubernetes_testbed::{Binaries, Cluster, Outcome};

    use crate::jobs::{JOBS, Job};
    use crate::languages::Language;
    use crate::platform::Platform;

    const LIMIT: Duration = Duration::from_secs(120);

    #[derive(Default)]
    struct Counts {
        passed: usize,
        failed: usize,
        skipped: usize,
    }

    pub(crate) fn main() -> ExitCode {
        let filter: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
        let mut counts = Counts::default();
        let outcome = tokio::runtime::Runtime::new()
            .map_err(|error| error.to_string())
            .and_then(|runtime| runtime.block_on(run(&filter, &mut counts)));
        if let Err(reason) = outcome {
            eprintln!("{reason}");
            counts.failed += 1;
        }
        let Counts { passed, failed, skipped } = counts;
        let word = if failed == 0 { "ok" } else { "FAILED" };
        println!("test result: {word}. {passed} passed; {failed} failed; {skipped} ignored");
        if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    async fn run(filter: &[String], counts: &mut Counts) -> Outcome {
        everything_is_covered()?;
        let mut chosen: Vec<(Language, &Job)> = Language::ALL
            .into_iter()
            .flat_map(|language| JOBS.iter().map(move |job| (language, job)))
            .collect();
        let matches =
            |name: &str| filter.is_empty() || filter.iter().any(|part| name.contains(part.as_str()));
        chosen.retain(|(language, job)| matches(&named(*language, job)));
        let all = chosen.len();
        chosen.retain(|(language, _)| language.is_built());
        counts.skipped = all - chosen.len();
        for language in Language::ALL.into_iter().filter(|language| !language.is_built()) {
            println!("skipped: the examples in {language} are not built; {}", language.how_to_build());
        }
        if counts.skipped > 0 && std::env::var("BUD_EXAMPLES").is_ok_and(|value| value == "required") {
            return Err("all examples are required".to_owned());
        }
        let needed = ["kube-apiserver", "kube-controller-manager", "kube-scheduler"];
        let binaries = Binaries::find_or_build()?
            .filter(|binaries| needed.iter().all(|name| binaries.program(name).is_some()));
        let Some(binaries) = binaries else {
            println!("skipped: there are no programs of a whole control plane, and no Go to build them with");
            counts.skipped = all;
            let ci = std::env::var("CI").is_ok_and(|value| value == "true");
            return if ci { Err("a control plane is required".to_owned()) } else { Ok(()) };
        };
        if chosen.is_empty() {
            return Ok(());
        }
        let start = Instant::now();
        let cluster = Cluster::builder().controllers().scheduler().start_with(&binaries).await?;
        let platform = Platform::plant(&cluster).await?;
        println!("the platform was ready after {:.1} s", start.elapsed().as_secs_f32());
        for (language, job) in chosen {
            let start = Instant::now();
            let outcome = play(&cluster, &platform, language, job).await;
            let seconds = start.elapsed().as_secs_f32();
            let name = named(language, job);
            match outcome {
                Ok(()) => {
                    counts.passed += 1;
                    println!("example {name} ... ok ({seconds:.1} s)");
                    language.journal(job.calls)?;
                }
                Err(reason) => {
                    counts.failed += 1;
                    println!("example {name} ... FAILED ({seconds:.1} s): {reason}");
                }
            }
        }
        Ok(())
    }

    fn named(language: Language, job: &Job) -> String {
        format!("{language} {} {}", job.name, job.arguments.join(" ")).trim_end().to_owned()
    }

    async fn play(cluster: &Cluster, platform: &Platform, language: Language, job: &Job) -> Outcome {
        let before = platform.settle(cluster).await?;
        let later = async {
            tokio::time::sleep(Duration::from_secs(2)).await;
            platform.write_on(cluster);
            std::future::pending::<()>().await;
        };
        let mut command = language.command(job.name);
        command.args(job.arguments).env("KUBECONFIG", cluster.kubeconfig()).env("HOME", cluster.folder());
        let running = tokio::time::timeout(LIMIT, command.output());
        let output = tokio::select! {
            output = running => output.map_err(|_| "it did not end")?.map_err(|error| error.to_string())?,
            () = later => unreachable!("it never ends"),
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        let shown = || format!("\n{stdout}{stderr}");
        if output.status.code() != Some(job.code) {
            return Err(format!("{}{}", output.status, shown()));
        }
        if let Some(missing) = job.missing(&stdout) {
            return Err(format!("it did not print {missing:?}, but{}", shown()));
        }
        if job.calls.contains(&"restart") && platform.restarted(cluster).await? == before {
            return Err("the pod was not replaced".to_owned());
        }
        Ok(())
    }

    /// An example that is not run here, or a call on a cluster without an example, is an error.
    fn everything_is_covered() -> Outcome {
        let run: BTreeSet<String> = JOBS.iter().map(|job| job.name.to_owned()).collect();
        for language in Language::ALL {
            let there = language.sources()?;
            if there != run {
                return Err(format!("the examples in {language} are {there:?}, and run are {run:?}"));
            }
        }
        let shown: BTreeSet<&str> = JOBS.iter().flat_map(|job| job.calls).copied().collect();
        let calls = bud_sdk::kubernetes::calls().iter();
        let calls: BTreeSet<&str> = calls.filter_map(|call| call.id.strip_prefix("kubernetes.")).collect();
        match calls.symmetric_difference(&shown).next() {
            Some(call) => Err(format!("{call} is no call that an example shows")),
            None => Ok(()),
        }
    }
}
