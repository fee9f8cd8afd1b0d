//! What a process has only so much of: file descriptors, connections, and a runtime at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bud_sdk::{Client, ErrorKind};
use bud_testbed::{Script, Wire};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::common::{USER, plain, test_path};

/// A server that answers each request after a while and counts its connections: all, and the most at a time.
async fn slow(pause: Duration) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (open, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let seen = most.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (open, most) = (open.clone(), most.clone());
            tokio::spawn(async move {
                most.fetch_max(open.fetch_add(1, SeqCst) + 1, SeqCst);
                let body = format!("{{\"id\":\"{USER}\"}}");
                let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                let (mut head, mut piece) = (Vec::new(), [0; 4096]);
                while let Ok(count @ 1..) = stream.read(&mut piece).await {
                    head.extend_from_slice(&piece[..count]);
                    if head.ends_with(b"\r\n\r\n") {
                        head.clear();
                        tokio::time::sleep(pause).await;
                        let _ = stream.write_all(answer.as_bytes()).await;
                    }
                }
                open.fetch_sub(1, SeqCst);
            });
        }
    });
    (url, seen)
}

/// The other process: it has 256 descriptors, and does what it is asked to.
#[tokio::test]
async fn probe() {
    let Ok(url) = std::env::var("BUD_TEST_LIMITS") else { return };
    let bud = plain(&url).build().unwrap();
    if std::env::var_os("BUD_TEST_EXHAUSTED").is_some() {
        let mut files = Vec::new();
        while let Ok(file) = std::fs::File::open("/dev/null") {
            files.push(file);
        }
        let error = bud.users().get(USER).await.unwrap_err();
        drop(files);
        let again = bud.users().get(USER).await.is_ok();
        println!("outcome: {} attempts={} again={again} {error}", error.code(), error.attempts());
        return;
    }
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..3000 {
        let bud = bud.clone();
        calls.spawn(async move { bud.users().get(USER).attempts(1).await });
    }
    let mut failed = Vec::new();
    while let Some(done) = calls.join_next().await {
        failed.extend(done.unwrap().err());
        // The program's own files can be opened meanwhile.
        std::fs::File::open("/dev/null").unwrap();
    }
    println!("outcome: {} failed {:?}", failed.len(), failed.first());
}

#[cfg(unix)]
async fn with_256_descriptors(url: &str, variables: &[(&str, &str)]) -> String {
    let mut child = tokio::process::Command::new("sh");
    let test = test_path(module_path!(), "probe");
    child.args(["-c", &format!("ulimit -n 256 && exec \"$0\" --exact {test} --nocapture")]);
    child.arg(std::env::current_exe().unwrap()).env("BUD_TEST_LIMITS", url).envs(variables.iter().copied());
    let output = child.output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    text.split_once("outcome: ").unwrap().1.lines().next().unwrap().to_owned()
}

#[cfg(unix)]
#[tokio::test]
async fn three_thousand_calls_at_once_need_few_descriptors() {
    let (url, most) = slow(Duration::from_millis(20)).await;
    let outcome = with_256_descriptors(&url, &[]).await;
    assert_eq!(outcome, "0 failed None");
    let most = most.load(SeqCst);
    assert!((50..=120).contains(&most), "{most} connections");
}

#[cfg(unix)]
#[tokio::test]
async fn too_many_open_files_are_no_fault_of_the_network() {
    let (url, _) = slow(Duration::ZERO).await;
    let outcome = with_256_descriptors(&url, &[("BUD_TEST_EXHAUSTED", "1")]).await;
    assert!(outcome.starts_with("connect attempts=1 again=true"), "{outcome}");
    assert!(outcome.contains("too many open files") && outcome.contains("ulimit -n"), "{outcome}");
    assert!(!outcome.contains("base URL"), "{outcome}");
}

#[tokio::test]
async fn calls_wait_for_a_free_connection_within_their_deadline() {
    let (url, most) = slow(Duration::from_millis(50)).await;
    let bud = plain(&url).max_connections(2).build().unwrap();
    let calls = (0..20).map(|_| async { bud.users().get(USER).await });
    for done in futures_util::future::join_all(calls).await {
        done.unwrap();
    }
    assert!(most.load(SeqCst) <= 3, "{most:?}");

    // An open export is a connection in use, until it is dropped.
    let stalled = Script::new().read(10).send(
        "HTTP/1.1 200 OK\r\ncontent-type: text/csv\r\ncontent-length: 99\r\n\r\nid,action\r\n1,login\r\n",
    );
    let wire = Wire::builder().repeat_last().start([stalled.stall()]).await.unwrap();
    let bud = plain(wire.url()).max_connections(1).build().unwrap();
    let hour = || bud_sdk::Timestamp::now() - Duration::from_secs(3600)..bud_sdk::Timestamp::now();
    let mut open = bud.audit().export(hour()).bytes();
    open.next().await.unwrap().unwrap();
    let change = bud.users().create(bud_sdk::users::NewUser::new(
        "n@example.com",
        "N",
        "U",
        bud_sdk::users::Role::User,
    ));
    let error = change.timeout(Duration::from_millis(300)).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.attempts(), error.maybe_applied()),
        (ErrorKind::Timeout, 0, false),
        "{error}"
    );
    assert!(error.to_string().contains("all 1 connections"), "{error}");
    assert_eq!(wire.connections(), 1);
    drop(open);
    let error =
        bud.users().get(USER).attempt_timeout(Duration::from_millis(300)).attempts(1).await.unwrap_err();
    assert_eq!(error.attempts(), 1, "{error}");
}

#[test]
fn a_number_of_connections_that_cannot_be_is_refused() {
    for most in [0, 10_001, usize::MAX] {
        let error = plain("http://127.0.0.1:1").max_connections(most).build().unwrap_err();
        assert_eq!(error.param(), Some("max_connections"));
    }
}

/// Outside of a runtime a call is an error, and no panic.
#[test]
fn without_a_runtime_every_kind_of_call_says_so() {
    fn first<T>(call: impl IntoFuture<Output = bud_sdk::Result<T>>) -> bud_sdk::Error {
        let mut call = Box::pin(call.into_future());
        match call.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Err(error)) => error,
            Poll::Ready(Ok(_)) => panic!("it worked"),
            Poll::Pending => panic!("it waits"),
        }
    }
    let bud = plain("http://127.0.0.1:1").build().unwrap();
    let login = crate::common::with_password("http://127.0.0.1:1", "a@example.com", "p").build().unwrap();
    let asking = Client::builder().base_url("http://127.0.0.1:1").bearer_token("t").build().unwrap();
    let hour = || bud_sdk::Timestamp::now() - Duration::from_secs(3600)..bud_sdk::Timestamp::now();
    let folder = crate::common::Folder::new("no-runtime");
    for error in [
        first(bud.users().get(USER)),
        first(bud.users().list().all()),
        first(bud.raw(bud_sdk::operations::Method::Get, "/x")),
        first(bud.audit().export(hour()).write_to(folder.path().join("a.csv"))),
        first(bud.endpoints().deploy("e-1", bud_sdk::endpoints::Deployment::on("c-1"))),
        first(login.users().get(USER)),
        first(login.auth().login()),
        first(login.auth().logout()),
        first(asking.users().get(USER)),
        first(asking.flavor()),
    ] {
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        assert!(error.to_string().contains("no tokio runtime is running here"), "{error}");
    }
    assert_eq!(folder.names(), <[String; 0]>::default());
}
