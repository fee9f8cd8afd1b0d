//! Faults of concurrency, cancellation and time: many calls, dropped futures, runtimes that end, callbacks that panic.

use std::future::{IntoFuture, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use bud_sdk::endpoints::Deployment;
use bud_sdk::projects::{NewProject, ProjectUpdate};
use bud_sdk::users::{NewUser, Role};
use bud_sdk::{AccessToken, Client, Error, ErrorKind, Flavor, Result, TokenProvider};
use bud_testbed::{Fault, Script, Testbed, Wire, respond_json};
use serde_json::json;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::common::{Folder, PASSWORD, admin, january, millis, plain, test_path, with_password};

const PATIENCE: Duration = Duration::from_secs(20);

/// A server on a runtime of its own, so that the client's can be watched and ended.
fn served() -> (Runtime, Testbed) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let bed = runtime.block_on(Testbed::builder().deploy_polls(2).start()).unwrap();
    (runtime, bed)
}

fn single() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

async fn works(bud: &Client) {
    timeout(PATIENCE, bud.clusters().list().all()).await.expect("it hangs").unwrap();
}

/// In a process of its own, where nobody else opens files and threads: the server to call.
fn in_child() -> Option<Client> {
    let variable = |name: &str| std::env::var(name).ok();
    let (url, email) = (variable("BUD_TEST_URL")?, variable("BUD_TEST_EMAIL")?);
    Some(with_password(&url, &email, &variable("BUD_TEST_SECRET")?).build().unwrap())
}

async fn child(test: &str, bed: &Testbed) {
    let mut child = tokio::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", &test_path(module_path!(), test), "--nocapture"]).env("BUD_TEST_URL", bed.url());
    child.env("BUD_TEST_EMAIL", bed.admin_email()).env("BUD_TEST_SECRET", bed.admin_password());
    let output = child.kill_on_drop(true).output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

/// Open files and threads of this process.
fn held() -> (usize, usize) {
    let count = |path| std::fs::read_dir(path).map_or(0, Iterator::count);
    (count("/proc/self/fd"), count("/proc/self/task"))
}

/// Waits until no more files are open than before.
async fn back_to(before: (usize, usize)) {
    let started = Instant::now();
    while held().0 > before.0 {
        assert!(started.elapsed() < Duration::from_secs(5), "{before:?} became {:?}", held());
        tokio::time::sleep(millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c1_five_hundred_calls_at_once_are_all_right_and_leave_no_file_open() {
    const TEST: &str = "c1_five_hundred_calls_at_once_are_all_right_and_leave_no_file_open";
    let Some(bud) = in_child() else {
        let bed = Testbed::builder().start().await.unwrap();
        bed.seed_users(500);
        child(TEST, &bed).await;
        assert_eq!(bed.count("POST", "/auth/login"), 1);
        return;
    };
    let before = held();
    let users = bud.users().list().all().await.unwrap();
    assert!(users.len() >= 500);
    let mut calls = JoinSet::new();
    for user in users {
        let bud = bud.clone();
        calls.spawn(async move {
            let found = bud.users().get(&user).await.unwrap();
            assert_eq!((found.id, found.email), (user.id, user.email));
        });
    }
    while let Some(done) = calls.join_next().await {
        done.unwrap();
    }
    works(&bud).await;
    drop(bud);
    back_to(before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c2_clients_made_and_dropped_leave_neither_files_nor_threads() {
    const TEST: &str = "c2_clients_made_and_dropped_leave_neither_files_nor_threads";
    let Some(bud) = in_child() else {
        let bed = Testbed::builder().start().await.unwrap();
        child(TEST, &bed).await;
        return;
    };
    works(&bud).await;
    let before = held();
    let url = bud.base_url().to_owned();
    for turn in 0..300 {
        let other = plain(&url).build().unwrap();
        let clones: Vec<_> = (0..10).map(|_| other.clone()).collect();
        if turn % 10 == 0 {
            // Refused, but over a connection of its own.
            assert!(other.users().get("u-1").await.unwrap_err().is_auth());
        }
        drop((other, clones));
    }
    back_to(before).await;
    assert!(held().1 <= before.1 + 2, "{before:?} became {:?}", held());
    works(&bud).await;
}

#[test]
fn c5_a_client_works_on_any_runtime_and_outlives_it() {
    let (_server, bed) = served();
    // Built where there is no runtime.
    let bud = admin(&bed);
    single().block_on(works(&bud));
    let many = Runtime::new().unwrap();
    many.block_on(works(&bud));
    // A blocking thread of a runtime.
    let blocking = many.block_on(many.spawn_blocking({
        let (bud, handle) = (bud.clone(), many.handle().clone());
        move || handle.block_on(works(&bud))
    }));
    blocking.unwrap();
    many.shutdown_background();
    // A change is not repeated blindly, so it must notice that the old connections are dead.
    for turn in 0..5 {
        let runtime = single();
        let made = runtime.block_on(async {
            works(&bud).await;
            bud.projects().create(NewProject::new(format!("Project {turn}"))).await
        });
        made.unwrap();
    }
    assert_eq!((bed.count("POST", "/projects"), bed.count("POST", "/auth/login")), (5, 1));
}

#[test]
fn c5_a_renewal_that_its_runtime_took_along_is_led_by_another_call() {
    let (_server, bed) = served();
    let bud = admin(&bed);
    let first = Runtime::new().unwrap();
    first.block_on(works(&bud));
    bed.expire_tokens();
    bed.refresh_delay(millis(400));
    let lost = first.spawn({
        let bud = bud.clone();
        async move { works(&bud).await }
    });
    while bed.count("POST", "/auth/refresh") == 0 {
        std::thread::sleep(millis(1));
    }
    first.shutdown_timeout(millis(100));
    bed.refresh_delay(Duration::ZERO);
    single().block_on(works(&bud));
    assert!(single().block_on(lost).unwrap_err().is_cancelled());
}

#[test]
fn c5_a_stream_whose_runtime_is_gone_ends_in_an_error() {
    let (_server, bed) = served();
    bed.seed_audit(200_000);
    let bud = admin(&bed);
    let mut pieces = bud.audit().export(january()).bytes();
    let first = single();
    first.block_on(pieces.next()).unwrap().unwrap();
    drop(first);
    let rest = async {
        while let Some(piece) = pieces.next().await {
            piece?;
        }
        Ok::<_, Error>(())
    };
    let error = single().block_on(async { timeout(PATIENCE, rest).await.expect("it hangs") }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Download);
    single().block_on(works(&bud));
}

#[tokio::test]
async fn c8_a_panicking_update_callback_leaves_a_usable_client() {
    let bed = Testbed::builder().start().await.unwrap();
    let bud = admin(&bed);
    let id = bed.endpoint_ids().remove(0);
    bud.endpoints().deploy(&*id, Deployment::on(bed.cluster_id())).await.unwrap();
    let wait = bud.endpoints().wait(&*id).poll_interval(millis(2)).on_update(|_| panic!("the caller's own"));
    assert!(tokio::spawn(wait.into_future()).await.unwrap_err().is_panic());
    let mut updates = bud.endpoints().wait(&*id).poll_interval(millis(2)).updates();
    while let Some(endpoint) = updates.next().await {
        endpoint.unwrap();
    }
}

/// Panics when it is asked for a token, at first.
struct Shaky {
    asked: Arc<AtomicU32>,
    panics: u32,
}

impl TokenProvider for Shaky {
    fn token(&self) -> Pin<Box<dyn Future<Output = Result<AccessToken>> + Send + '_>> {
        Box::pin(async {
            let turn = self.asked.fetch_add(1, Ordering::SeqCst);
            // Without a message: a hot loop would fill the log.
            if turn < self.panics {
                std::panic::resume_unwind(Box::new("the vault's own"));
            }
            Ok(AccessToken::new("abc"))
        })
    }
}

#[tokio::test]
async fn c8_credentials_that_panic_are_an_error_and_not_asked_on_and_on() {
    let home = Wire::builder().repeat_last();
    let answer = respond_json(200, &json!({ "id": "u-1" }));
    let home = home.start([Script::answer(answer)]).await.unwrap();
    let asked = Arc::new(AtomicU32::new(0));
    let shaky = Shaky { asked: asked.clone(), panics: u32::MAX };
    let builder = Client::builder().base_url(home.url()).flavor(Flavor::Guide).timeout(millis(500));
    let bud = builder.token_provider(shaky).build().unwrap();
    let error = bud.users().get("u-1").await.unwrap_err();
    assert!(asked.load(Ordering::SeqCst) <= 3, "asked {} times: {error}", asked.load(Ordering::SeqCst));
    assert!(error.is_auth(), "{error}");
    assert_eq!(home.connections(), 0);
}

#[tokio::test]
async fn c8_credentials_that_panicked_once_can_recover() {
    let home = Wire::builder().repeat_last();
    let answer = respond_json(200, &json!({ "id": "u-1" }));
    let home = home.start([Script::answer(answer)]).await.unwrap();
    let asked = Arc::new(AtomicU32::new(0));
    let shaky = Shaky { asked: asked.clone(), panics: 1 };
    let builder = Client::builder().base_url(home.url()).flavor(Flavor::Guide).timeout(millis(500));
    let bud = builder.token_provider(shaky).build().unwrap();
    let _ = bud.users().get("u-1").await;
    tokio::time::sleep(millis(1050)).await;
    bud.users().get("u-1").await.unwrap();
}

/// Polls a future so often and then drops it; its output if it ended before.
async fn dropped_after<F: Future>(polls: u32, future: F) -> Option<F::Output> {
    let mut future = Box::pin(future);
    let mut done = 0;
    poll_fn(move |cx| {
        if done == polls {
            return Poll::Ready(None);
        }
        done += 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if done == polls => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Drops the future that `work` makes after 0, 1, 2... polls, until it is finished; the client must work after each.
async fn dropped_everywhere<F: Future<Output = Result<()>>>(
    what: &str,
    bed: &Testbed,
    mut before: impl FnMut(),
    work: impl Fn(Client) -> F,
) {
    let bud = admin(bed);
    works(&bud).await;
    for polls in 0..200 {
        before();
        let outcome = timeout(PATIENCE, dropped_after(polls, work(bud.clone()))).await.expect(what);
        if let Some(result) = outcome {
            result.unwrap_or_else(|error| panic!("{what}: {error}"));
            assert!(polls > 1, "{what} is not finished at once");
            return;
        }
        works(&bud).await;
    }
    panic!("{what} does not end");
}

#[test]
fn z1_whatever_is_dropped_wherever_leaves_a_working_client_and_nothing_else() {
    let (_server, bed) = served();
    bed.seed_audit(400);
    bed.seed_users(30);
    let folder = Folder::new("dropped-everywhere");
    let path = folder.path().join("audit.csv");
    let runtime = single();
    runtime.block_on(async {
        let expire = || bed.expire_tokens();
        let quiet = || ();
        dropped_everywhere("a call", &bed, expire, |bud| async move {
            bud.users().get(bud.users().list().page_size(1).all().await?.remove(0).id).await.map(drop)
        })
        .await;
        dropped_everywhere("a change", &bed, expire, |bud| {
            let update = ProjectUpdate::new().name("N");
            let call = bud.projects().update(bed.project_id(), update);
            async { call.await.map(drop) }
        })
        .await;
        dropped_everywhere("a list", &bed, expire, |bud| async move {
            bud.users().list().page_size(4).concurrency(3).all().await.map(drop)
        })
        .await;
        dropped_everywhere("a login", &bed, quiet, |bud| async move { bud.auth().login().await.map(drop) })
            .await;
        dropped_everywhere("an export", &bed, expire, |bud| {
            let export = bud.audit().export(january()).overwrite(true).write_to(&path);
            async { export.await.map(drop) }
        })
        .await;
        dropped_everywhere("a stream", &bed, quiet, |bud| async move {
            let mut records = bud.audit().export(january()).records();
            while let Some(record) = records.next().await {
                record?;
            }
            Ok(())
        })
        .await;
        let id = bed.endpoint_ids().remove(0);
        admin(&bed).endpoints().deploy(&*id, Deployment::on(bed.cluster_id())).await.unwrap();
        dropped_everywhere("a wait", &bed, expire, |bud| {
            let wait = bud.endpoints().wait(&*id).poll_interval(millis(2));
            async { wait.await.map(drop) }
        })
        .await;
        // Writers of dropped exports may still be at work on files that have no name any more.
        let started = Instant::now();
        let alive = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
        while alive() > 0 || folder.names() != ["audit.csv"] {
            assert!(started.elapsed() < PATIENCE, "{} tasks, {:?}", alive(), folder.names());
            tokio::time::sleep(millis(5)).await;
        }
    });
}

#[test]
fn z1_a_logout_that_is_dropped_has_ended_the_session_here_or_not_begun() {
    let (_server, bed) = served();
    single().block_on(async {
        for polls in 0..50 {
            let bud = admin(&bed);
            works(&bud).await;
            let outcome = dropped_after(polls, bud.auth().logout()).await;
            bed.clear_requests();
            let later = bud.users().get(bed.admin_id()).await;
            if polls == 0 {
                later.unwrap();
            } else {
                assert_eq!(later.unwrap_err().kind(), ErrorKind::SessionExpired, "{polls} polls");
                assert_eq!(bed.count("GET", "/users/{id}"), 0);
            }
            bud.auth().login().await.unwrap();
            works(&bud).await;
            if let Some(result) = outcome {
                return result.unwrap();
            }
        }
        panic!("it does not end");
    });
}

#[tokio::test]
async fn z2_a_timeout_of_the_callers_own_ends_a_call_anywhere_and_harms_no_other() {
    let bed = Testbed::builder().start().await.unwrap();
    let bud = admin(&bed);
    works(&bud).await;
    let id = bed.admin_id();
    let renewal = || {
        bed.expire_tokens();
        bed.refresh_delay(millis(250));
    };
    let pause = || bed.fault(Fault::on("GET", "/users/{id}").status(503).header("retry-after", "5").times(1));
    let reading = || bed.fault(Fault::on("GET", "/users/{id}").drip_every(millis(50)));
    let cases: [(&str, &dyn Fn()); 3] =
        [("in a renewal", &renewal), ("in a pause", &pause), ("while reading", &reading)];
    for (what, begin) in cases {
        begin();
        let started = Instant::now();
        assert!(timeout(millis(100), bud.users().get(id)).await.is_err(), "{what}");
        assert!(started.elapsed() < millis(200), "{what}");
        bud.users().get(id).await.unwrap();
        bed.refresh_delay(Duration::ZERO);
    }
    assert_eq!((bed.count("POST", "/auth/refresh"), bed.count("POST", "/auth/login")), (1, 1));
}

#[tokio::test]
async fn z3_a_dropped_change_is_sent_once_and_never_again() {
    let silent = Script::new().read_request().stall();
    let answers = Script::answer(respond_json(200, &json!({ "id": "u-1" })));
    let home = Wire::builder().repeat_last().start([silent, answers]).await.unwrap();
    let bud = plain(home.url()).build().unwrap();
    let user = NewUser::new("a@example.com", "A", "B", Role::User);
    assert!(timeout(millis(150), bud.users().create(user)).await.is_err());
    bud.users().get("u-1").await.unwrap();
    tokio::time::sleep(millis(300)).await;
    let seen: Vec<_> = home.requests().into_iter().map(|seen| seen.method).collect();
    assert_eq!(seen, ["POST", "GET"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn z9_a_call_whose_time_is_over_sends_nothing() {
    let bed = Testbed::builder().start().await.unwrap();
    let bud = admin(&bed);
    works(&bud).await;
    for turn in 0..50 {
        let made = bud.projects().create(NewProject::new(format!("Project {turn}")));
        let error = made.timeout(Duration::from_nanos(1)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        assert!(!error.maybe_applied(), "{error}");
    }
    tokio::time::sleep(millis(50)).await;
    assert_eq!(bed.count("POST", "/projects"), 0);
}

/// Z4 and Z6 with the clock that counts: time that passes unseen ends in a renewal, not in a failure or a storm.
#[tokio::test]
async fn z6_after_a_long_sleep_one_renewal_is_enough() {
    let bed = Testbed::builder().access_ttl(Duration::from_secs(1)).start().await.unwrap();
    let bud = admin(&bed);
    works(&bud).await;
    tokio::time::sleep(millis(1100)).await;
    let mut calls = JoinSet::new();
    for _ in 0..20 {
        let bud = bud.clone();
        calls.spawn(async move { works(&bud).await });
    }
    while let Some(done) = calls.join_next().await {
        done.unwrap();
    }
    assert_eq!((bed.count("POST", "/auth/refresh"), bed.count("POST", "/auth/login")), (1, 1));
}

#[tokio::test]
async fn z2_a_caller_that_goes_away_in_a_failing_login_does_not_repeat_it() {
    let bed = Testbed::builder().start().await.unwrap();
    let bud = with_password(bed.url(), bed.admin_email(), PASSWORD).build().unwrap();
    bed.fault(Fault::on("POST", "/auth/login").delay(millis(400)));
    for _ in 0..3 {
        assert!(timeout(millis(50), bud.clusters().list().all()).await.is_err());
    }
    let error = bud.clusters().list().all().await.unwrap_err();
    assert_eq!((error.kind(), bed.count("POST", "/auth/login")), (ErrorKind::InvalidCredentials, 1));
}

/// D11: a reader in a `select!` looks, turns to something else, and comes back: that time is his own.
#[tokio::test]
async fn d11_a_reader_that_looks_and_turns_away_is_no_stall() {
    let text = "id,action\r\n1,login\r\n2,login\r\n";
    let (head, rest) = text.split_at(20);
    let begin =
        format!("HTTP/1.1 200 OK\r\ncontent-type: text/csv\r\ncontent-length: {}\r\n\r\n", text.len());
    let script = Script::new().read_request().send(begin + head).sleep(millis(30)).send(rest.to_owned());
    let home = Wire::start([script]).await.unwrap();
    let export = plain(home.url()).build().unwrap().audit().export(january());
    let mut pieces = export.min_throughput(50, millis(200)).idle_timeout(millis(300)).bytes();
    assert_eq!(pieces.next().await.unwrap().unwrap(), head);
    assert!(timeout(millis(1), pieces.next()).await.is_err(), "nothing has come yet");
    tokio::time::sleep(millis(400)).await;
    assert_eq!(pieces.next().await.unwrap().unwrap(), rest);
    assert!(pieces.next().await.is_none());
}
