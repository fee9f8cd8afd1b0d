//! Faults of sessions and secrets: odd token answers, lost renewals, killed processes, and what panics and errors show.

use std::pin::Pin;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bud_sdk::credentials::ApiKeyValue;
use bud_sdk::{AccessToken, Client, ErrorKind, Flavor, Result, Secret, TokenProvider};
use bud_testbed::{Fault, Script, Testbed, Wire, respond, respond_json};
use serde_json::{Value, json};

use crate::common::{Folder, PASSWORD, TOKEN, admin, millis, plain, test_path, with_password};

const LOGIN: (&str, &str) = ("POST", "/auth/login");
const REFRESH: (&str, &str) = ("POST", "/auth/refresh");

fn count(bed: &Testbed, (method, path): (&str, &str)) -> usize {
    bed.count(method, path)
}

async fn works(bud: &Client) {
    bud.clusters().list().all().await.unwrap();
}

/// A connection on which these answers follow each other.
async fn answering(answers: impl IntoIterator<Item = (u16, Value)>) -> Wire {
    let script = answers.into_iter().fold(Script::new(), |script, (status, body)| {
        script.read_request().send(respond_json(status, &body))
    });
    Wire::start([script]).await.unwrap()
}

fn tokens(access: &str, refresh: Option<&str>) -> Value {
    match refresh {
        Some(refresh) => json!({ "access_token": access, "refresh_token": refresh }),
        None => json!({ "access_token": access }),
    }
}

#[tokio::test]
async fn a8_without_rotation_the_old_refresh_token_stays_and_with_it_the_new_one_counts() {
    let (user, refused) = ((200, json!({ "id": "u-1" })), (401, json!({ "detail": "expired" })));
    let home = answering([
        (200, tokens("one", Some("first"))),
        refused.clone(),
        (200, tokens("two", None)),
        user.clone(),
        refused.clone(),
        (200, tokens("three", Some("second"))),
        user.clone(),
        refused,
        (200, tokens("four", Some(""))),
        user,
    ])
    .await;
    let bud = with_password(home.url(), "admin@example.com", PASSWORD).build().unwrap();
    for _ in 0..3 {
        bud.users().get("u-1").await.unwrap();
    }
    let spent: Vec<_> = home
        .requests()
        .iter()
        .filter(|seen| seen.path == REFRESH.1)
        .map(|seen| seen.json()["refresh_token"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(spent, ["first", "first", "second"]);
    assert_eq!(home.requests().iter().filter(|seen| seen.path == LOGIN.1).count(), 1);
    assert_eq!(home.requests().last().unwrap().header("authorization"), Some("Bearer four"));
}

#[tokio::test]
async fn a5_when_neither_refresh_nor_login_works_any_more_many_calls_make_one_of_each() {
    let bed = Testbed::builder().start().await.unwrap();
    let bud = admin(&bed);
    works(&bud).await;
    bed.clear_requests();
    bed.expire_tokens();
    bed.revoke_refresh_tokens();
    assert!(bed.set_password(bed.admin_id(), "Another-Passw0rd!"));
    for _ in 0..5 {
        let error = bud.clusters().list().all().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidCredentials, "{error}");
    }
    tokio::time::sleep(millis(1100)).await;
    bud.clusters().list().all().await.unwrap_err();
    assert_eq!((count(&bed, REFRESH), count(&bed, LOGIN)), (1, 1), "more would lock the account");
}

#[tokio::test]
async fn a5_an_outage_of_the_login_is_one_failure_for_a_burst_and_passes() {
    let bed = Testbed::builder().start().await.unwrap();
    let bud = admin(&bed);
    bed.fault(Fault::on(LOGIN.0, LOGIN.1).status(503).always());
    let calls = (0..32).map(|_| {
        let bud = bud.clone();
        tokio::spawn(async move { bud.clusters().list().all().await })
    });
    for call in calls.collect::<Vec<_>>() {
        assert_eq!(call.await.unwrap().unwrap_err().kind(), ErrorKind::Server);
    }
    assert_eq!(count(&bed, LOGIN), 1, "a login that may have arrived is not repeated");
    bed.clear_faults();
    tokio::time::sleep(millis(1050)).await;
    works(&bud).await;
}

#[tokio::test]
async fn a9_tokens_that_live_for_no_time_at_all_make_no_storm_of_renewals() {
    let tiny = [json!(1e-9), json!(0.001), json!("1e-300"), json!(f64::MIN_POSITIVE), json!(5e-324)];
    for life in tiny {
        let bed = Testbed::builder().start().await.unwrap();
        for path in [LOGIN.1, REFRESH.1] {
            let life = life.clone();
            let odd = Fault::on("POST", path).edit(move |answer| answer["expires_in"] = life.clone());
            bed.fault(odd.always());
        }
        let bud = admin(&bed);
        let call = tokio::time::timeout(Duration::from_secs(2), bud.clusters().list().all());
        let ended = call.await;
        let requests = count(&bed, LOGIN) + count(&bed, REFRESH);
        assert!(requests <= 3, "{requests} logins and renewals for one call with a life of {life}");
        ended.expect("it does not end").unwrap();
    }
}

/// Gives a token that is expired when it is given.
struct Stale(Arc<AtomicU32>);

impl TokenProvider for Stale {
    fn token(&self) -> Pin<Box<dyn Future<Output = Result<AccessToken>> + Send + '_>> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Box::pin(async { Ok(AccessToken::new("abc").expires_in(Duration::ZERO)) })
    }
}

#[tokio::test]
async fn a9_credentials_without_life_are_used_or_refused_and_not_asked_on_and_on() {
    let home = Wire::builder().repeat_last();
    let home = home.start([Script::answer(respond_json(200, &json!({ "id": "u-1" })))]).await.unwrap();
    let asked = Arc::new(AtomicU32::new(0));
    let builder = Client::builder().base_url(home.url()).flavor(Flavor::Guide).timeout(millis(500));
    let bud = builder.token_provider(Stale(asked.clone())).build().unwrap();
    let _ = bud.users().get("u-1").await;
    assert!(asked.load(Ordering::SeqCst) <= 3, "asked {} times", asked.load(Ordering::SeqCst));
}

#[tokio::test]
async fn a10_a_403_that_speaks_of_the_token_is_no_reason_to_renew() {
    let bed = Testbed::builder().start().await.unwrap();
    let bud = admin(&bed);
    works(&bud).await;
    bed.clear_requests();
    let scope = "Bearer error=\"insufficient_scope\", error_description=\"invalid_token\"";
    bed.fault(Fault::on("GET", "/clusters").status(403).header("www-authenticate", scope).body("{}"));
    let error = bud.clusters().list().all().await.unwrap_err();
    assert_eq!((error.kind(), bed.requests().len()), (ErrorKind::PermissionDenied, 1));
}

#[tokio::test]
async fn a15_a_password_that_must_change_is_known_after_the_login_and_refused_calls_say_so() {
    let bed = Testbed::builder().start().await.unwrap();
    for (first, reset, must) in [
        (json!(true), json!(true), Some(true)),
        // The seeded super user, who may do everything.
        (json!(true), json!(false), Some(false)),
        (json!(false), json!(true), Some(true)),
        (json!(true), Value::Null, Some(true)),
        (json!(false), Value::Null, Some(false)),
        (Value::Null, Value::Null, None),
    ] {
        bed.fault(Fault::on(LOGIN.0, LOGIN.1).edit(move |answer| {
            (answer["first_login"], answer["is_reset_password"]) = (first.clone(), reset.clone());
        }));
        assert_eq!(admin(&bed).auth().login().await.unwrap().must_change_password, must);
    }
    // A login that is not finished: it is an error, and no password is tried again.
    for (status, body) in [
        (200, json!({ "mfa_required": true, "challenge": "x" })),
        (403, json!({ "detail": "MFA required" })),
        (200, json!({ "token": null, "first_login": true })),
    ] {
        let home = answering([(status, body.clone())]).await;
        let bud = with_password(home.url(), "admin@example.com", PASSWORD).build().unwrap();
        let error = bud.users().get("u-1").await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Decode | ErrorKind::PermissionDenied), "{body}: {error}");
        assert_eq!(home.requests().len(), 1);
        assert!(!format!("{error} {error:?}").contains(PASSWORD));
    }
}

#[tokio::test]
async fn a16_a_logout_in_the_middle_of_a_renewal_leaves_no_session_behind() {
    let bed = Testbed::builder().start().await.unwrap();
    let bud = admin(&bed);
    works(&bud).await;
    bed.expire_tokens();
    bed.refresh_delay(millis(200));
    let call = tokio::spawn({
        let bud = bud.clone();
        async move { bud.clusters().list().all().await }
    });
    while count(&bed, REFRESH) == 0 {
        tokio::task::yield_now().await;
    }
    bud.auth().logout().await.unwrap();
    assert_eq!(call.await.unwrap().unwrap_err().kind(), ErrorKind::SessionExpired);
    bed.clear_requests();
    assert_eq!(bud.users().get(bed.admin_id()).await.unwrap_err().kind(), ErrorKind::SessionExpired);
    assert_eq!(bed.requests(), []);
    // And the login that opens it again is the only one.
    bud.auth().login().await.unwrap();
    works(&bud).await;
    assert_eq!((count(&bed, LOGIN), count(&bed, REFRESH)), (1, 0));
}

#[tokio::test]
async fn a1_a_failing_login_by_hand_does_not_spoil_a_renewal_under_way() {
    let bed = Testbed::builder().start().await.unwrap();
    let bud = admin(&bed);
    works(&bud).await;
    bed.clear_requests();
    bed.expire_tokens();
    bed.refresh_delay(millis(300));
    let call = |bud: Client| tokio::spawn(async move { bud.clusters().list().all().await });
    let waiting = call(bud.clone());
    while count(&bed, REFRESH) == 0 {
        tokio::task::yield_now().await;
    }
    bed.fault(Fault::on(LOGIN.0, LOGIN.1).status(503));
    assert_eq!(bud.auth().login().await.unwrap_err().kind(), ErrorKind::Server);
    let other = call(bud.clone());
    waiting.await.unwrap().unwrap();
    other.await.unwrap().unwrap();
    assert_eq!((count(&bed, REFRESH), count(&bed, LOGIN)), (1, 1), "others wait for the renewal as before");
}

/// A14: a client has one account for life, so two accounts are two clients; they share nothing.
#[tokio::test]
async fn a14_two_accounts_on_one_server_are_never_mixed() {
    let bed = Testbed::builder().start().await.unwrap();
    let user = bed.seed_user("USER");
    let clients = [admin(&bed), with_password(bed.url(), &user.email, &user.password).build().unwrap()];
    for bud in &clients {
        works(bud).await;
    }
    let bearers: Vec<_> = bed
        .requests()
        .iter()
        .filter(|seen| seen.path == "/clusters")
        .map(|seen| seen.header("authorization").unwrap().to_owned())
        .collect();
    bed.clear_requests();
    let mut calls = tokio::task::JoinSet::new();
    for turn in 0..40 {
        let bud = clients[turn % 2].clone();
        calls.spawn(async move {
            drop(
                bud.users()
                    .list()
                    .page_size(turn as u32 % 2 + 1)
                    .cursor(&format!("page=1;page_size={};skip=0", turn % 2 + 1))
                    .pages()
                    .next()
                    .await,
            )
        });
    }
    while calls.join_next().await.is_some() {}
    let seen: Vec<_> = bed.requests().into_iter().filter(|seen| seen.path == "/users").collect();
    assert_eq!(seen.len(), 40);
    for seen in seen {
        let whose = if seen.query.contains("limit=1") { 0 } else { 1 };
        assert_eq!(seen.header("authorization"), Some(bearers[whose].as_str()));
    }
}

/// What a panic says.
fn panicked(work: impl FnOnce()) -> String {
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).unwrap_err();
    *panic.downcast::<String>().unwrap()
}

#[tokio::test]
async fn k3_k10_a_panic_about_an_error_shows_no_secret() {
    let echo = json!({ "detail": format!("bad token {TOKEN} of {PASSWORD}") }).to_string();
    let home = Wire::builder().repeat_last().start([Script::answer(respond(400, &[], echo))]).await.unwrap();
    let bud = plain(home.url()).build().unwrap();
    let failed = bud.users().get("u-1").await;
    let text = panicked(move || drop(failed.unwrap()));
    assert!(text.contains("bad token") && !text.contains(TOKEN), "{text}");

    let login = with_password(home.url(), "admin@example.com", PASSWORD).build().unwrap();
    let failed = login.auth().login().await;
    let text = panicked(move || {
        failed.expect("a login");
    });
    assert!(text.contains("a login") && !text.contains(PASSWORD), "{text}");
}

#[tokio::test]
async fn k1_what_holds_a_secret_shows_none() {
    let (secret, bud) = (Secret::new(TOKEN), plain("https://bud.test").build().unwrap());
    let login = Client::builder().base_url("https://bud.test").password("a@example.com", PASSWORD);
    let raw = bud.raw(bud_sdk::operations::Method::Post, "/x").json(&json!({ "password": TOKEN })).unwrap();
    for text in [
        format!("{secret:?} {secret:#?}"),
        format!("{bud:?} {bud:#?} {:?} {:?}", bud.auth(), bud.users().get("u-1")),
        format!("{login:?} {login:#?}"),
        format!("{:?}", login.build().unwrap()),
        format!("{raw:?}"),
    ] {
        assert!(!text.contains(TOKEN) && !text.contains(PASSWORD), "{text}");
    }
}

#[tokio::test]
async fn k7_a_new_key_is_handed_out_once_and_kept_nowhere() {
    let bed = Testbed::builder().start().await.unwrap();
    let bud = admin(&bed);
    let made = bud.credentials().create("A", bed.project_id()).await.unwrap();
    let ApiKeyValue::Plain(key) = &made.key else { panic!() };
    let shown = format!("{made:?} {:?}", bud.credentials().list().all().await.unwrap());
    let json = serde_json::to_string(&made.credential).unwrap();
    assert!(!key.expose().is_empty() && !shown.contains(key.expose()) && !json.contains(key.expose()));
}

#[tokio::test]
async fn k8_an_old_key_that_cannot_be_deleted_does_not_cost_the_new_one() {
    let bed = Testbed::builder().start().await.unwrap();
    let bud = admin(&bed);
    let old = bud.credentials().create("old", bed.project_id()).await.unwrap().credential;
    let made = bud.credentials().create("new", bed.project_id()).await.unwrap();
    bed.fault(Fault::on("DELETE", "/credentials/{id}").status(500).always());
    assert_eq!(bud.credentials().delete(&old).await.unwrap_err().kind(), ErrorKind::Server);
    let ApiKeyValue::Plain(key) = &made.key else { panic!() };
    assert!(!key.expose().is_empty());
    let listed = bud.credentials().list().all().await.unwrap();
    assert!(listed.iter().any(|credential| credential.id == made.credential.id));
}

/// A process that keeps its session is killed at any moment: the next one finds a whole file, or none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn k6_a_kill_while_the_session_is_written_leaves_the_old_or_the_new() {
    const TEST: &str = "k6_a_kill_while_the_session_is_written_leaves_the_old_or_the_new";
    let variable = |name: &str| std::env::var(name).ok();
    if let (Some(url), Some(email), Some(secret)) =
        (variable("BUD_TEST_URL"), variable("BUD_TEST_EMAIL"), variable("BUD_TEST_SECRET"))
    {
        let build = || with_password(&url, &email, &secret).remember_session().build().unwrap();
        // Logs in on and on until it is killed; told to work once, it uses what was kept.
        if variable("BUD_TEST_ONCE").is_some() {
            return works(&build()).await;
        }
        let bud = build();
        loop {
            bud.auth().login().await.unwrap();
        }
    }
    let bed = Testbed::builder().start().await.unwrap();
    let folder = Folder::new("killed-session");
    let again = || {
        let mut child = tokio::process::Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", &test_path(module_path!(), TEST), "--nocapture"]).env("HOME", folder.path());
        child.env("USERPROFILE", folder.path());
        child.env("BUD_TEST_URL", bed.url()).env("BUD_TEST_EMAIL", bed.admin_email());
        child.env("BUD_TEST_SECRET", bed.admin_password());
        child.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        child
    };
    let kept = AtomicU32::new(0);
    for turn in 0..25 {
        bed.clear_requests();
        let mut child = again().spawn().unwrap();
        while count(&bed, LOGIN) < 2 {
            tokio::time::sleep(millis(1)).await;
        }
        tokio::time::sleep(Duration::from_micros(turn * 317 % 5000)).await;
        child.kill().await.unwrap();
        let files = std::fs::read_dir(folder.path().join(".bud/sessions")).unwrap();
        for path in files.map(|entry| entry.unwrap().path()) {
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt;
                assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            }
            if path.extension().is_some_and(|it| it == "json") {
                let text = std::fs::read_to_string(&path).unwrap();
                let whole: Value =
                    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
                assert!(whole["access_token"].is_string() && whole["refresh_token"].is_string());
                kept.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
    assert!(kept.into_inner() >= 20);
    bed.clear_requests();
    let output = again().env("BUD_TEST_ONCE", "1").output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(count(&bed, LOGIN), 0, "the kept session is used");
}

#[tokio::test]
async fn a12_a_renewal_without_a_usable_token_is_an_error_and_no_header() {
    for access in [
        json!(""),
        json!(null),
        json!("a\r\nx-evil: b"),
        json!("\u{fc}"),
        json!("x".repeat(20_000)),
        json!([]),
    ] {
        let (user, refused) = (json!({ "id": "u-1" }), json!({ "detail": "expired" }));
        let odd = json!({ "access_token": access, "refresh_token": "r" });
        let home =
            answering([(200, tokens("one", Some("r"))), (200, user), (401, refused), (200, odd)]).await;
        let bud = with_password(home.url(), "admin@example.com", PASSWORD).build().unwrap();
        bud.users().get("u-1").await.unwrap();
        let error = bud.users().get("u-1").await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Decode | ErrorKind::AuthRejected), "{error}");
        assert!(home.requests().len() <= 5, "{}", home.requests().len());
        assert!(!error.to_string().contains("x-evil"));
    }
}

#[tokio::test]
async fn a2_a_login_whose_callers_all_left_is_still_used() {
    let bed = Testbed::builder().start().await.unwrap();
    let bud = Arc::new(admin(&bed));
    bed.fault(Fault::on(LOGIN.0, LOGIN.1).delay(millis(150)));
    let calls: Vec<_> = (0..8)
        .map(|_| {
            let bud = bud.clone();
            tokio::spawn(async move { bud.clusters().list().all().await })
        })
        .collect();
    while count(&bed, LOGIN) == 0 {
        tokio::task::yield_now().await;
    }
    for call in calls {
        call.abort();
    }
    tokio::time::sleep(millis(250)).await;
    works(&bud).await;
    assert_eq!(count(&bed, LOGIN), 1);
    assert_eq!(bud.flavor().await.unwrap(), Flavor::Guide);
}
