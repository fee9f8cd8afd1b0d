//! Logs and commands.

use std::time::Duration;

use bud_kubernetes_testbed::{Cluster as Bed, ExecScript, Outcome};
use bud_sdk::ErrorKind;
use bud_sdk::kubernetes::{Cluster, LogLine};
use serde_json::json;

use super::{sdk, told};
use crate::objects::{deployment, kubectl, running_pod};

const MIB: usize = 1 << 20;
const PASSWORD: &str = "canary-of-postgresql";

fn texts(lines: &[LogLine]) -> Vec<&str> {
    lines.iter().map(|line| line.text.as_str()).collect()
}

pub(crate) async fn logs_of_a_pod(bed: &Bed) -> Outcome {
    running_pod(bed, "sdk-logs").await?;
    let cluster = sdk(bed).await?;
    let logs = || cluster.logs("sdk-logs", "pod/pod");
    let early = logs().await.unwrap_err();
    assert_eq!(early.kind(), ErrorKind::BadRequest);
    assert!(early.to_string().contains("has not been started yet"), "{early}");

    let log = bed.kubelet().log("sdk-logs", "pod", "main");
    for (second, line) in [(0, &b"one\n"[..]), (1, b"not \xff UTF-8\n"), (2, b"three\n")] {
        log.write_at(jiff::Timestamp::from_second(1_700_000_000 + second).unwrap(), line);
    }
    let lines = told(logs().await)?;
    assert_eq!(texts(&lines), ["one", "not \u{fffd} UTF-8", "three"]);
    assert_eq!(lines[2].at.as_deref(), Some("2023-11-14T22:13:22.000000000Z"));
    assert_eq!(texts(&told(logs().tail(1).await)?), ["three"]);
    assert_eq!(kubectl(bed, "-n sdk-logs logs pod --tail=1").await?, "three\n");
    assert!(told(logs().previous().await)?.is_empty(), "there was no run before");
    bed.kubelet().previous_log("sdk-logs", "pod", "main").write("it crashed\n");
    assert_eq!(texts(&told(logs().previous().await)?), ["it crashed"]);
    let wrong = logs().container("daprd").await.unwrap_err();
    assert!(wrong.is_not_found() && wrong.to_string().contains("it has main"), "{wrong}");
    assert!(cluster.logs("sdk-logs", "pod/nobody").await.unwrap_err().is_not_found());

    // A line of a MiB is cut, and that is said of it; what is behind it is not lost.
    let mut long = vec![b'x'; MIB];
    long.push(b'\n');
    log.write(long);
    log.write("behind\n");
    let mut followed = logs().tail(2).follow();
    let line = told(followed.next().await.unwrap())?;
    assert!(line.cut && line.text.len() == 256 << 10, "{}", line.text.len());
    let line = told(followed.next().await.unwrap())?;
    assert!(!line.cut && line.text == "behind");
    Ok(())
}

pub(crate) async fn a_log_is_followed_over_cuts_and_to_the_pod_that_takes_its_place(bed: &Bed) -> Outcome {
    bed.add_namespace("replaced").await?;
    bed.add_node("replaced-node", json!({ "nvidia.com/gpu": "8" })).await?;
    let _running = bed.run_pods("replaced")?;
    bed.api().create(&deployment("replaced", "app", 1, 1)).await?;
    let cluster = sdk(bed).await?;
    told(cluster.wait_for_rollout("replaced", "app", Duration::from_secs(60)).await)?;
    let first = pod_of(&cluster).await?;
    let log = bed.kubelet().log("replaced", &first, "main");
    let when = |nanos: i64| jiff::Timestamp::now() + jiff::SignedDuration::from_nanos(nanos);
    // Several lines of the same moment, around a cut: each comes once.
    let moment = when(0);
    log.write_at(moment, "a\n");
    log.write_at(moment, "b\n");
    let mut followed = cluster.logs("replaced", "app").timeout(Duration::from_secs(60)).follow();
    let mut next = async || -> Outcome<LogLine> {
        let line = tokio::time::timeout(Duration::from_secs(30), followed.next()).await;
        let line = line.map_err(|_| "no line came".to_owned())?.ok_or("the log ended")?;
        told(line)
    };
    assert_eq!((next().await?.text, next().await?.text), ("a".into(), "b".into()));
    log.cut();
    log.write_at(moment, "c\n");
    log.write_at(when(1000), "d\n");
    assert_eq!((next().await?.text, next().await?.text), ("c".into(), "d".into()));

    told(cluster.restart("replaced", "app").await)?;
    told(cluster.wait_for_rollout("replaced", "app", Duration::from_secs(60)).await)?;
    let second = bed
        .until("the second pod is alone", || async {
            let name = pod_of(&cluster).await?;
            if name == first { Err("still the first".to_owned()) } else { Ok(name) }
        })
        .await?;
    bed.kubelet().log("replaced", &second, "main").write("from the second\n");
    log.end();
    let line = next().await?;
    assert_eq!((line.text.as_str(), line.pod.as_str()), ("from the second", second.as_str()));
    bed.api().delete("/apis/apps/v1/namespaces/replaced/deployments/app").await?;
    bed.api().delete("/api/v1/nodes/replaced-node").await?;
    Ok(())
}

async fn pod_of(cluster: &Cluster) -> Outcome<String> {
    let pods = told(cluster.pods("replaced").await)?;
    match pods.as_slice() {
        [pod] => Ok(pod.name.clone()),
        pods => Err(format!("{} pods", pods.len())),
    }
}

pub(crate) async fn commands_end_with_their_code_and_all_they_wrote(bed: &Bed) -> Outcome {
    running_pod(bed, "sdk-exec").await?;
    bed.kubelet().on_exec("sdk-exec", |request| match request.command[0].as_str() {
        "good" => ExecScript::exit(0).stdout("out\n").stderr("err\n"),
        "much" => ExecScript::exit(0).stdout(vec![b'o'; MIB]).stderr(vec![b'e'; MIB]),
        "broken" => ExecScript::silence().stdout("half"),
        "endless" => ExecScript::never(),
        "bad" => ExecScript::exit(3).stderr("no\n"),
        "nvidia-smi" => {
            ExecScript::exit(0).stdout("0, GPU-1, NVIDIA H100, 97, 61, 70123, 81559, 64, 612.33, [N/A]\n")
        }
        _ => ExecScript::fail("executable file not found in $PATH"),
    });
    let cluster = sdk(bed).await?;
    let run = |words: &[&str]| cluster.exec("sdk-exec", "pod/pod", words.iter().copied());
    let good = told(run(&["good", "--flag", "a b&c=d"]).await)?;
    assert_eq!((good.exit_code, good.stdout.as_str(), good.stderr.as_str()), (0, "out\n", "err\n"));
    assert_eq!(bed.kubelet().execs("sdk-exec").last().unwrap().command, ["good", "--flag", "a b&c=d"]);
    let bad = told(run(&["bad"]).await)?;
    assert_eq!((bad.exit_code, bad.stderr.as_str()), (3, "no\n"));
    let much = told(run(&["much"]).await)?;
    assert_eq!((much.exit_code, much.stdout.len(), much.stderr.len(), much.cut), (0, MIB, MIB, false));
    let broken = run(&["broken"]).await.unwrap_err();
    assert!(broken.kind() == ErrorKind::Interrupted && broken.maybe_applied(), "{broken}");
    let missing = run(&["missing"]).await.unwrap_err();
    assert!(
        missing.kind() == ErrorKind::OperationFailed && missing.message().contains("not found in $PATH"),
        "{missing}"
    );
    let endless = run(&["endless"]).timeout(Duration::from_secs(1)).await.unwrap_err();
    assert!(endless.kind() == ErrorKind::Timeout && endless.maybe_applied(), "{endless}");
    assert_eq!(run(&[]).await.unwrap_err().param(), Some("command"));

    let gpus = told(cluster.gpu_readings("sdk-exec", "pod/pod").await)?;
    let [gpu] = gpus.as_slice() else { return Err(format!("{gpus:?}")) };
    assert_eq!(
        (gpu.index, gpu.uuid.as_deref(), gpu.name.as_deref()),
        (Some(0), Some("GPU-1"), Some("NVIDIA H100"))
    );
    assert_eq!((gpu.utilization_percent, gpu.memory_utilization_percent), (Some(97.0), Some(61.0)));
    assert_eq!((gpu.memory_used_mib, gpu.memory_total_mib), (Some(70_123.0), Some(81_559.0)));
    assert_eq!(
        (gpu.temperature_celsius, gpu.power_watts, gpu.uncorrected_errors),
        (Some(64.0), Some(612.33), None)
    );
    // What is asked for in another order would be read as something else.
    let query = "--query-gpu=index,uuid,name,utilization.gpu,utilization.memory,memory.used,memory.total,\
                 temperature.gpu,power.draw,ecc.errors.uncorrected.volatile.total";
    assert_eq!(
        bed.kubelet().execs("sdk-exec").last().unwrap().command,
        ["nvidia-smi", query, "--format=csv,noheader,nounits"]
    );
    Ok(())
}

pub(crate) async fn the_connections_of_postgresql_and_engines(bed: &Bed) -> Outcome {
    bed.add_namespace("bud-data").await?;
    bed.add_node("bud-data-node", json!({})).await?;
    let cluster = sdk(bed).await?;
    assert!(cluster.postgres("bud-data").await.unwrap_err().is_not_found());
    let database = |name: &str| {
        let mut pod = crate::objects::pod("bud-data", name, "bud-data-node");
        pod["metadata"]["labels"] =
            json!({ "app.kubernetes.io/name": "postgresql", "app.kubernetes.io/component": "primary" });
        pod["spec"]["containers"][0]["env"] = json!([{ "name": "POSTGRES_PASSWORD", "value": PASSWORD }]);
        pod
    };
    // One that is not ready is passed over.
    bed.api().create(&database("pg-0")).await?;
    let down = cluster.postgres("bud-data").await.unwrap_err();
    assert!(down.is_not_found() && down.message().contains("no pod that is ready"), "{down}");
    let mut ready = database("pg-1");
    ready["status"] = json!({ "phase": "Running", "conditions": [{ "type": "Ready", "status": "True" }] });
    bed.api().create(&ready).await?;
    bed.kubelet().on_exec("bud-data", |request| match request.command.last() {
        Some(script) if script.contains("pg_stat_activity") => {
            ExecScript::exit(0).stdout("78|3|70|5|1|2|812.5|100|3|f\n")
        }
        _ => ExecScript::exit(1),
    });
    let pool = told(cluster.postgres("bud-data").await)?;
    assert_eq!((pool.pod.as_str(), pool.connections, pool.most), ("pg-1", 78, 97));
    // The password stands in the pod, where everybody who lists it sees it; the command takes it from the container.
    let command = bed.kubelet().execs("bud-data").pop().unwrap().command;
    assert!(command.iter().all(|word| !word.contains(PASSWORD)), "{command:?}");
    assert!(command[2].contains("PGPASSWORD=\"${POSTGRES_PASSWORD:-"), "{command:?}");

    bed.add_namespace("bud-tiny-ep-0a1b2c3d").await?;
    let mut engine = crate::objects::pod("bud-tiny-ep-0a1b2c3d", "engine", "nowhere");
    engine["spec"]["containers"][0]["args"] = json!(["-m", "vllm.entrypoints.openai.api_server"]);
    bed.api().create(&engine).await?;
    let engines = told(cluster.engine_pods().await)?;
    let names: Vec<&str> = engines.iter().map(|pod| pod.name.as_str()).collect();
    assert_eq!(names, ["engine"]);
    Ok(())
}
