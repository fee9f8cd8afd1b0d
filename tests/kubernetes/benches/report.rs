//! What a report costs: on a large cluster of our own making, and beside kubectl on a real control plane. `cargo xtask bench
//! kube` runs it, optimized.

#![cfg(unix)]

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use bud_kubernetes_testbed::{Cluster, Outcome};
use serde_json::json;

const ROUNDS: usize = 11;

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match large().await {
        Ok(()) => beside_kubectl().await,
        failed => failed,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("error: {reason}");
            ExitCode::FAILURE
        }
    }
}

/// 5,000 nodes, 50,000 pods and 20,000 events, served by another process.
async fn large() -> Outcome {
    let program = env!("CARGO_BIN_EXE_bud-kubernetes-testbed");
    let mut command = Command::new(program);
    command.args(["scripted", "large"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().map_err(|error| format!("{program}: {error}"))?;
    let stdout = child.stdout.take().ok_or("no output")?;
    let mut said = BufReader::new(stdout);
    let mut line = String::new();
    said.read_line(&mut line).map_err(|error| error.to_string())?;
    let kubeconfig = line.trim().strip_prefix("kubeconfig: ").ok_or("the server did not start")?;

    let (cpu, began) = (cpu_seconds(), Instant::now());
    let cluster =
        bud_sdk::kubernetes::Cluster::builder().kubeconfig(kubeconfig).connect().await.map_err(text)?;
    let report = cluster.report().section_timeout(Duration::from_secs(110)).await.map_err(text)?;
    let (wall, cpu) = (began.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    drop(child.stdin.take());
    let mut rest = String::new();
    said.read_to_string(&mut rest).map_err(|error| error.to_string())?;
    let requests: usize =
        rest.trim().strip_prefix("requests: ").and_then(|count| count.parse().ok()).ok_or("no count")?;
    child.wait().map_err(|error| error.to_string())?;

    let read: u64 = report.sections.iter().map(|section| section.objects).sum();
    println!("## 5,000 nodes, 50,000 pods, 20,000 events\n");
    println!("| | measured | target |\n|---|---|---|");
    println!("| objects read | {read} | 75,000 |");
    println!("| requests | {requests} | at most {} |", 50_000 / 500 + 5000 / 250 + 20_000 / 500 + 14 + 10);
    println!("| peak memory | {} MiB | at most 128 |", peak_memory() >> 20);
    println!("| processor time | {cpu:.1} s | at most 20 |");
    println!("| wall time | {wall:.1} s | |\n");
    Ok(())
}

/// 500 pods on 10 nodes: one report, and four lists by kubectl, which has everything but the answers at hand.
async fn beside_kubectl() -> Outcome {
    let plane = Cluster::builder().controllers().start().await?;
    for number in 0..10 {
        plane.add_node(&format!("node-{number}"), json!({ "nvidia.com/gpu": "8" })).await?;
    }
    plane.add_namespace("team").await?;
    for number in 0..500 {
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": { "namespace": "team", "name": format!("app-{number}"), "labels": { "app": "app" } },
            "spec": { "nodeName": format!("node-{}", number % 10), "containers": [{ "name": "main", "image": "registry.example/main:1" }] },
        });
        plane.api().create(&pod).await?;
    }
    let cluster = bud_sdk::kubernetes::Cluster::builder()
        .kubeconfig(plane.kubeconfig())
        .connect()
        .await
        .map_err(text)?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let began = Instant::now();
        let report = cluster.report().without_logs().await.map_err(text)?;
        let one = began.elapsed();
        if report.sections.iter().all(|section| section.objects < 500) {
            return Err("the report did not see the pods".to_owned());
        }
        let began = Instant::now();
        for kind in ["pods", "nodes", "deployments", "events"] {
            let printed = plane.kubectl(&["get", kind, "-A"]).await?;
            if printed.code != Some(0) {
                return Err(format!("kubectl get {kind}: {}", printed.stderr));
            }
        }
        // The first round fills kubectl's cache of what the server has.
        if round > 0 {
            ours.push(one);
            theirs.push(began.elapsed());
        }
    }
    let (ours, theirs) = (median(ours), median(theirs));
    println!("## 500 pods, 10 nodes, on a real API server; median of {ROUNDS} interleaved rounds\n");
    println!("| | wall time |\n|---|---|");
    println!("| `cluster.report()`: all that it reads | {:.0} ms |", ours.as_secs_f64() * 1e3);
    println!(
        "| `kubectl get pods`, `nodes`, `deployments`, `events` | {:.0} ms |",
        theirs.as_secs_f64() * 1e3
    );
    println!("| ratio | {:.2} (target: at most 0.5) |", ours.as_secs_f64() / theirs.as_secs_f64());
    Ok(())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn text(error: bud_sdk::Error) -> String {
    error.to_string()
}

/// What this process has used of processors, in Linux' hundredths.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or_default();
    (ticks(11) + ticks(12)) / 100.0
}

fn peak_memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap_or_default() << 10
}
