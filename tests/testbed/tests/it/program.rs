use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::json;

use crate::client::{raw, request_bytes};

const PROGRAM: &str = env!("CARGO_BIN_EXE_bud-testbed");
const JOURNAL: &str = "BUD_TESTBED_JOURNAL";

/// Killed even if an assertion fails first.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts the program and logs in with what it prints.
async fn start(args: &[&str], journal: Option<&Path>) -> (Running, String, String) {
    let mut command = Command::new(PROGRAM);
    command.args(args).stdout(Stdio::piped()).env_remove(JOURNAL);
    if let Some(journal) = journal {
        command.env(JOURNAL, journal);
    }
    let mut running = Running(command.spawn().unwrap());
    let mut lines = BufReader::new(running.0.stdout.take().unwrap()).lines();
    let mut next = |label: &str| {
        let line = lines.next().unwrap().unwrap();
        line.strip_prefix(label).unwrap().to_owned()
    };
    let (url, email, password) = (next("url: "), next("email: "), next("password: "));
    assert!(!next("endpoint: ").is_empty() && !next("cluster: ").is_empty());
    let body = json!({"email": email, "password": password});
    let login = request_bytes("POST", "/auth/login", None, Some(&body));
    let tokens = raw(&url, &login).await.is(200).json();
    let token = tokens["access_token"].as_str().unwrap().to_owned();
    (running, url, token)
}

#[tokio::test]
async fn it_serves_and_keeps_a_journal() {
    let name = format!("bud-testbed-journal-{}", std::process::id());
    let journal = std::env::temp_dir().join(name);
    let _ = std::fs::remove_file(&journal);
    let args = ["--flavor", "guide", "--port=0", "--seed-users", "4"];
    let (_running, url, token) = start(&args, Some(&journal)).await;
    let get = async |target: &str| raw(&url, &request_bytes("GET", target, Some(&token), None)).await;
    assert_eq!(get("/users?limit=2").await.is(200).json()["total_record"], 5);
    get("/users/none").await.is(404);
    get("/what/is/this").await.is(404);
    let text = std::fs::read_to_string(&journal).unwrap();
    std::fs::remove_file(&journal).unwrap();
    assert_eq!(
        text.lines().collect::<Vec<_>>(),
        [
            "guide POST /auth/login 200",
            "guide GET /users 200",
            "guide GET /users/{id} 404",
            "guide GET (none) 404",
        ]
    );
}

#[tokio::test]
async fn the_platform_as_shipped() {
    let mut command = Command::new(PROGRAM);
    command.args(["--flavor", "runtime"]).stdout(Stdio::piped()).env_remove(JOURNAL);
    let mut running = Running(command.spawn().unwrap());
    let lines = BufReader::new(running.0.stdout.take().unwrap()).lines();
    let told: HashMap<String, String> = lines
        .take(7)
        .map(|line| line.unwrap().split_once(": ").map(|(name, value)| (name.into(), value.into())).unwrap())
        .collect();
    let body = json!({"email": told["email"], "password": told["password"]});
    let login = raw(&told["url"], &request_bytes("POST", "/auth/login", None, Some(&body))).await;
    let token = login.is(200).json()["token"]["access_token"].as_str().unwrap().to_owned();
    let get = async |target: &str| raw(&told["url"], &request_bytes("GET", target, Some(&token), None)).await;
    get(&format!("/projects/{}", told["project"])).await.is(200);
    get(&format!("/clusters/{}", told["cluster"])).await.is(200);
    get(&format!("/endpoints/{}/model-cluster-detail", told["endpoint"])).await.is(200);
    let step = json!({"workflow_total_steps": 6, "step_number": 1, "model_id": told["model"]});
    let step = request_bytes("POST", "/models/deploy-workflow", Some(&token), Some(&step));
    raw(&told["url"], &step).await.is(200);
}

/// The peak of a process's memory in KiB, as the kernel counts it.
#[cfg(target_os = "linux")]
fn peak(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_export_takes_no_memory() {
    let (running, url, token) = start(&["--seed-audit", "100000"], None).await;
    let before = peak(running.0.id());
    let target = "/audit/export?start_date=2026-01-01T00:00:00Z&end_date=2026-02-01T00:00:00Z";
    let reply = raw(&url, &request_bytes("GET", target, Some(&token), None)).await.is(200);
    assert!(reply.complete && reply.body.len() > 30_000_000);
    let grown = peak(running.0.id()) - before;
    assert!(grown < 8 * 1024, "{grown} KiB for {} bytes", reply.body.len());
}

#[test]
fn arguments() {
    let run = |args: &[&str]| {
        let out = Command::new(PROGRAM).args(args).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (out.status.code(), text(out.stdout), text(out.stderr))
    };
    let (code, out, _) = run(&["--help"]);
    assert_eq!(code, Some(0));
    assert!(out.contains("--flavor"));
    let (code, _, error) = run(&["--flavor", "other"]);
    assert_eq!(code, Some(2));
    assert!(error.contains("unknown flavor `other`"), "{error}");
    for args in [&["--what"][..], &["--port"], &["--port", "many"], &["extra"], &["--flavor", "x"]] {
        let (code, _, error) = run(args);
        assert_eq!(code, Some(2), "{args:?}");
        assert!(error.starts_with("bud-testbed: "), "{error}");
    }
}
