//! What the API server and kubectl make of the stand-ins' answers.

use std::time::Duration;

use bud_kubernetes_testbed::{Cluster, ExecRequest, ExecScript, ExecStep, Outcome};

use crate::objects::{kubectl, running_pod, words};

const MIB: usize = 1024 * 1024;

pub(crate) async fn logs_through_the_api_server(cluster: &Cluster) -> Outcome {
    running_pod(cluster, "logs").await?;
    let refused = cluster.kubectl(&words("-n logs logs pod")).await?;
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("waiting to start: ContainerCreating"), "{}", refused.stderr);

    let log = cluster.kubelet().log("logs", "pod", "main");
    for (second, line) in [(0, &b"one\n"[..]), (1, b"not \xff UTF-8\n"), (2, b"three\n")] {
        log.write_at(jiff::Timestamp::from_second(1_700_000_000 + second).unwrap(), line);
    }
    assert_eq!(kubectl(cluster, "-n logs logs pod --tail=1").await?, "three\n");
    assert_eq!(kubectl(cluster, "-n logs logs pod").await?, "one\nnot \u{fffd} UTF-8\nthree\n");
    let since = kubectl(cluster, "-n logs logs pod --since-time=2023-11-14T22:13:22Z --timestamps").await?;
    assert_eq!(since, "2023-11-14T22:13:22.000000000Z three\n");
    assert_eq!(kubectl(cluster, "-n logs logs pod --limit-bytes=5").await?, "one\nn");

    let missing = cluster.kubectl(&words("-n logs logs pod --previous")).await?;
    assert!(missing.stderr.contains("previous terminated container \"main\""), "{}", missing.stderr);
    cluster.kubelet().previous_log("logs", "pod", "main").write("it crashed\n");
    assert_eq!(kubectl(cluster, "-n logs logs pod --previous").await?, "it crashed\n");
    Ok(())
}

pub(crate) async fn a_followed_log(cluster: &Cluster) -> Outcome {
    running_pod(cluster, "follow").await?;
    let log = cluster.kubelet().log("follow", "pod", "main");
    log.write("before\n");
    let writer = log.clone();
    let writing = tokio::spawn(async move {
        for line in ["second\n", "third\n"] {
            tokio::time::sleep(Duration::from_millis(200)).await;
            writer.write(line);
        }
        writer.end();
    });
    assert_eq!(kubectl(cluster, "-n follow logs -f pod").await?, "before\nsecond\nthird\n");
    writing.await.map_err(|error| error.to_string())
}

pub(crate) async fn exec_through_the_api_server(cluster: &Cluster) -> Outcome {
    running_pod(cluster, "exec").await?;
    cluster.kubelet().on_exec("exec", |request| match request.command[0].as_str() {
        "good" => ExecScript::exit(0).stdout("out\n").stderr("err\n"),
        "slow" => ExecScript::exit(0).stdout("a").step(ExecStep::Wait(Duration::from_millis(50))).stdout("b"),
        "broken" => ExecScript::silence().stdout("half"),
        "endless" => ExecScript::never(),
        "bad" => ExecScript::exit(3).stderr("no\n"),
        _ => ExecScript::fail("executable file not found in $PATH"),
    });
    let good = cluster.kubectl(&words("-n exec exec pod -- good --flag x")).await?;
    assert_eq!((good.code, good.stdout.as_str(), good.stderr.as_str()), (Some(0), "out\n", "err\n"));
    let asked = ExecRequest {
        namespace: "exec".to_owned(),
        pod: "pod".to_owned(),
        container: "main".to_owned(),
        command: words("good --flag x").into_iter().map(String::from).collect(),
    };
    assert_eq!(cluster.kubelet().execs("exec").last(), Some(&asked));

    let bad = cluster.kubectl(&words("-n exec exec pod -- bad")).await?;
    assert_eq!((bad.code, bad.stderr.as_str()), (Some(3), "no\ncommand terminated with exit code 3\n"));
    let slow = cluster.kubectl(&words("-n exec exec pod -- slow")).await?;
    assert_eq!((slow.code, slow.stdout.as_str()), (Some(0), "ab"));
    let broken = cluster.kubectl(&words("-n exec exec pod -- broken")).await?;
    assert_eq!((broken.code, broken.stdout.as_str()), (Some(1), "half"));
    let endless = words("-n exec exec pod -- endless");
    let endless = tokio::time::timeout(Duration::from_secs(1), cluster.kubectl(&endless)).await;
    assert!(endless.is_err(), "{endless:?}");
    let missing = cluster.kubectl(&words("-n exec exec pod -- missing")).await?;
    assert_eq!(missing.code, Some(1));
    assert!(missing.stderr.contains("executable file not found"), "{}", missing.stderr);
    Ok(())
}

pub(crate) async fn exec_with_much_output_on_both_streams(cluster: &Cluster) -> Outcome {
    running_pod(cluster, "much").await?;
    cluster
        .kubelet()
        .on_exec("much", |_| ExecScript::exit(0).stdout(vec![b'o'; MIB]).stderr(vec![b'e'; MIB]));
    let printed = cluster.kubectl(&words("-n much exec pod -- much")).await?;
    assert_eq!(printed.code, Some(0));
    assert_eq!((printed.stdout.len(), printed.stderr.len()), (MIB, MIB));
    Ok(())
}
