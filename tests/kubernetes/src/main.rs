//! The control plane as a program: builds it, or runs it for whoever looks at it by hand.

#[cfg(unix)]
#[tokio::main]
async fn main() -> std::process::ExitCode {
    program::main().await
}

#[cfg(not(unix))]
fn main() {
    eprintln!("bud-kubernetes-testbed: only on Unix");
    std::process::exit(1);
}

#[cfg(unix)]
mod program {
    use std::process::ExitCode;

    use std::io::Read;

    use bud_kubernetes_testbed::{Binaries, Cluster, Objects, Outcome, Scripted};
    use serde_json::json;

    const HELP: &str = "\
A real Kubernetes control plane for tests, on free loopback ports.

Usage: bud-kubernetes-testbed build   finds or builds the programs and prints their versions
       bud-kubernetes-testbed serve   starts it with two GPU nodes, prints its kubeconfig's path, runs until Ctrl-C; pods of
                                the namespace default start as if there were machines
       bud-kubernetes-testbed scripted healthy|broken|large [NODES PODS EVENTS]
                                serves a cluster of our own making, prints its kubeconfig's path, and when its standard
                                input ends, how many requests there were
";

    pub(crate) async fn main() -> ExitCode {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let outcome = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["build"] => build(),
            ["serve"] => serve().await,
            ["scripted", "healthy"] => scripted(Objects::healthy()).await,
            ["scripted", "broken"] => scripted(Objects::broken()).await,
            ["scripted", "large", ref sizes @ ..] => {
                let size = |at: usize, usual: usize| match sizes.get(at) {
                    None => Ok(usual),
                    Some(text) => text.parse().map_err(|_| format!("{text} is no number")),
                };
                match (size(0, 5000), size(1, 50_000), size(2, 20_000)) {
                    (Ok(nodes), Ok(pods), Ok(events)) => scripted(Objects::large(nodes, pods, events)).await,
                    (Err(wrong), ..) | (_, Err(wrong), _) | (.., Err(wrong)) => Err(wrong),
                }
            }
            ["--help" | "-h"] => {
                print!("{HELP}");
                return ExitCode::SUCCESS;
            }
            _ => {
                eprint!("{HELP}");
                return ExitCode::from(2);
            }
        };
        match outcome {
            Ok(()) => ExitCode::SUCCESS,
            Err(reason) => {
                eprintln!("bud-kubernetes-testbed: {reason}");
                ExitCode::FAILURE
            }
        }
    }

    fn build() -> Outcome {
        let Some(binaries) = Binaries::find_or_build()? else {
            let nothing = "KUBEBUILDER_ASSETS is not set, and there is no Go to build the programs with";
            if std::env::var("CI").is_ok_and(|value| value == "true") {
                return Err(nothing.to_owned());
            }
            println!("skipped: {nothing}");
            return Ok(());
        };
        print!("{}\n{}", binaries.folder().display(), binaries.versions()?);
        Ok(())
    }

    async fn scripted(objects: Objects) -> Outcome {
        let server = Scripted::start(objects).await?;
        println!("kubeconfig: {}", server.kubeconfig().display());
        let wait = || std::io::stdin().read_to_end(&mut Vec::new());
        let ended = tokio::task::spawn_blocking(wait).await.map_err(|error| error.to_string())?;
        ended.map_err(|error| error.to_string())?;
        println!("requests: {}", server.requests().len());
        Ok(())
    }

    async fn serve() -> Outcome {
        let cluster = Cluster::builder().controllers().scheduler().start().await?;
        for name in ["gpu-1", "gpu-2"] {
            cluster.add_node(name, json!({"nvidia.com/gpu": "8"})).await?;
        }
        let _running = cluster.run_pods("default")?;
        println!("export KUBECONFIG={}", cluster.kubeconfig().display());
        tokio::signal::ctrl_c().await.map_err(|error| error.to_string())
    }
}
