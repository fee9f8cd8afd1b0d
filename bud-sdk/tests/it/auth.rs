//! Sessions: how many requests they cost, what they survive, and how they end.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bud_sdk::users::{NewUser, Role};
use bud_sdk::{AccessToken, Client, Error, ErrorKind, Flavor, Result, TokenProvider};
use bud_testbed::{Fault, Script, Testbed, Wire, respond_json};
use serde_json::json;

use crate::common::{PASSWORD, admin, millis, plain, with_password};

const LOGIN: (&str, &str) = ("POST", "/auth/login");
const REFRESH: (&str, &str) = ("POST", "/auth/refresh");

fn count(bed: &Testbed, (method, path): (&str, &str)) -> usize {
    bed.count(method, path)
}

async fn logged_in() -> (Testbed, Client) {
    let bed = Testbed::builder().start().await.unwrap();
    let bud = admin(&bed);
    bud.auth().login().await.unwrap();
    bed.clear_requests();
    (bed, bud)
}

/// Makes that many calls at the same time, all of which must succeed.
async fn at_once(count: usize, bud: &Client) {
    let call = |bud: Client| tokio::spawn(async move { bud.clusters().list().all().await });
    let calls: Vec<_> = (0..count).map(|_| call(bud.clone())).collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn sixty_four_calls_with_an_expired_token_make_one_refresh() {
    let (bed, bud) = logged_in().await;
    bed.expire_tokens();
    bed.refresh_delay(millis(50));

    at_once(64, &bud).await;

    assert_eq!((count(&bed, REFRESH), count(&bed, LOGIN)), (1, 0));
}

#[tokio::test]
async fn sixty_four_first_calls_make_one_login() {
    let bed = Testbed::builder().start().await.unwrap();
    let bud = admin(&bed);

    at_once(64, &bud).await;

    assert_eq!(count(&bed, LOGIN), 1);
}

#[tokio::test]
async fn a_cancelled_leader_hands_over_without_losing_the_refresh_token() {
    let (bed, bud) = logged_in().await;
    bed.expire_tokens();
    bed.refresh_delay(millis(150));
    let call = |bud: Client| tokio::spawn(async move { bud.clusters().list().all().await });

    let leader = call(bud.clone());
    while count(&bed, REFRESH) == 0 {
        tokio::task::yield_now().await;
    }
    let waiters: Vec<_> = (0..8).map(|_| call(bud.clone())).collect();
    leader.abort();

    for waiter in waiters {
        waiter.await.unwrap().unwrap();
    }
    assert_eq!((count(&bed, REFRESH), count(&bed, LOGIN)), (1, 0));
}

#[tokio::test]
async fn a_waiter_times_out_alone_and_the_refresh_goes_on() {
    let (bed, bud) = logged_in().await;
    bed.expire_tokens();
    bed.refresh_delay(millis(300));
    let user = bed.admin_id().to_owned();

    let error = bud.users().get(user.clone()).timeout(millis(100)).await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    bud.users().get(user).await.unwrap();

    assert_eq!((count(&bed, REFRESH), count(&bed, LOGIN)), (1, 0));
}

#[tokio::test]
async fn a_token_that_is_still_good_outlives_a_failing_refresh() {
    // Of four seconds the last fifth is for renewing.
    let bed = Testbed::builder().access_ttl(Duration::from_secs(4)).start().await.unwrap();
    let bud = admin(&bed);
    bud.auth().login().await.unwrap();
    bed.fault(Fault::on("POST", "/auth/refresh").status(503).always());
    tokio::time::sleep(millis(3300)).await;

    bud.clusters().list().all().await.unwrap();
    bud.clusters().list().all().await.unwrap();

    assert_eq!(count(&bed, REFRESH), 1, "a failure is remembered for a moment");
}

#[tokio::test]
async fn a_spent_refresh_token_leads_to_one_login() {
    let (bed, bud) = logged_in().await;
    bed.expire_tokens();
    bed.revoke_refresh_tokens();

    bud.clusters().list().all().await.unwrap();

    assert_eq!((count(&bed, REFRESH), count(&bed, LOGIN)), (1, 1));
}

#[tokio::test]
async fn failing_logins_are_not_repeated_by_every_call() {
    let bed = Testbed::builder().start().await.unwrap();
    let bud = with_password(bed.url(), bed.admin_email(), PASSWORD).build().unwrap();

    for _ in 0..5 {
        let error = bud.clusters().list().all().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidCredentials);
        assert!(error.message().contains("Incorrect email or password"), "{error}");
        assert!(!format!("{error:?}").contains(PASSWORD));
    }

    assert_eq!(count(&bed, LOGIN), 1, "more would lock the account");
}

#[tokio::test]
async fn a_wrong_password_is_one_request_whatever_the_status() {
    for status in [400, 401] {
        let bed = Testbed::builder().wrong_password_status(status).start().await.unwrap();
        let bud = with_password(bed.url(), bed.admin_email(), PASSWORD).build().unwrap();
        let error = bud.auth().login().await.unwrap_err();
        assert_eq!((error.kind(), error.status()), (ErrorKind::InvalidCredentials, Some(status)));
        assert_eq!((count(&bed, LOGIN), error.attempts()), (1, 1));
    }
}

#[tokio::test]
async fn a_refused_token_is_renewed_and_the_call_resent_once_even_a_post() {
    let (bed, bud) = logged_in().await;
    bed.expire_tokens();
    bud.users().create(NewUser::new("a@example.com", "A", "B", Role::User)).await.unwrap();
    assert_eq!((bed.count("POST", "/users"), count(&bed, REFRESH)), (2, 1));

    // And no more than once.
    bed.clear_requests();
    bed.fault(Fault::on("GET", "/users/{id}").status(401).body(r#"{"detail":"go away"}"#).always());
    let error = bud.users().get(bed.admin_id()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AuthRejected);
    assert!(error.message().contains("go away"), "{error}");
    assert_eq!((bed.count("GET", "/users/{id}"), count(&bed, REFRESH)), (2, 1));
}

#[tokio::test]
async fn a_late_refusal_of_an_old_token_makes_no_second_refresh() {
    let (bed, bud) = logged_in().await;
    // The slow call is refused with the old token after the other has brought a new one.
    bed.fault(Fault::on("GET", "/users/{id}").status(401).delay(millis(200)));
    let slow = tokio::spawn({
        let (bud, id) = (bud.clone(), bed.admin_id().to_owned());
        async move { bud.users().get(id).await }
    });
    while bed.count("GET", "/users/{id}") == 0 {
        tokio::task::yield_now().await;
    }
    bed.expire_tokens();
    bud.clusters().list().all().await.unwrap();

    slow.await.unwrap().unwrap();

    assert_eq!(count(&bed, REFRESH), 1);
}

#[tokio::test]
async fn a_missing_right_is_no_reason_to_renew() {
    let bed = Testbed::builder().start().await.unwrap();
    let user = bed.seed_user("USER");
    let bud = with_password(bed.url(), &user.email, &user.password).build().unwrap();

    let error = bud.users().create(NewUser::new("a@example.com", "A", "B", Role::User)).await.unwrap_err();

    assert_eq!((error.kind(), error.status()), (ErrorKind::PermissionDenied, Some(403)));
    assert_eq!((count(&bed, REFRESH), count(&bed, LOGIN), bed.count("POST", "/users")), (0, 1, 1));
}

#[tokio::test]
async fn logout_ends_the_session_on_the_server() {
    let (bed, bud) = logged_in().await;
    bud.users().get(bed.admin_id()).await.unwrap();
    let bearer = bed.requests()[0].header("authorization").unwrap().to_owned();
    let stolen = bearer.strip_prefix("Bearer ").unwrap();

    bud.auth().logout().await.unwrap();

    let thief =
        Client::builder().base_url(bed.url()).bearer_token(stolen).flavor(Flavor::Guide).build().unwrap();
    assert_eq!(thief.users().get(bed.admin_id()).await.unwrap_err().kind(), ErrorKind::AuthRejected);
    bed.clear_requests();
    let error = bud.users().get(bed.admin_id()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SessionExpired);
    assert_eq!(bed.requests(), [], "later calls fail without a request");
    bud.auth().login().await.unwrap();
    bud.users().get(bed.admin_id()).await.unwrap();
}

#[tokio::test]
async fn logout_forgets_the_tokens_even_if_the_server_fails() {
    let (bed, bud) = logged_in().await;
    bed.fault(Fault::on("POST", "/auth/logout").status(500).always());

    assert_eq!(bud.auth().logout().await.unwrap_err().kind(), ErrorKind::Server);

    assert_eq!(bud.users().get(bed.admin_id()).await.unwrap_err().kind(), ErrorKind::SessionExpired);
}

#[tokio::test]
async fn an_api_key_on_an_admin_route_says_what_is_needed() {
    let bed = Testbed::builder().start().await.unwrap();
    let bud = Client::builder()
        .base_url(bed.url())
        .api_key("bud_sk_nothing")
        .flavor(Flavor::Guide)
        .build()
        .unwrap();

    let error = bud.clusters().list().all().await.unwrap_err();

    assert_eq!(error.kind(), ErrorKind::AuthRejected);
    assert!(error.hint().unwrap().contains("person's login"), "{error}");
    assert_eq!(bed.count("GET", "/clusters"), 1);
}

/// Hands out the tokens of a real login, and counts.
struct Vault {
    tokens: Vec<String>,
    asked: Arc<AtomicU32>,
}

impl TokenProvider for Vault {
    fn token(&self) -> Pin<Box<dyn Future<Output = Result<AccessToken>> + Send + '_>> {
        Box::pin(async {
            let turn = self.asked.fetch_add(1, Ordering::SeqCst) as usize;
            let token = self.tokens.get(turn).ok_or_else(|| Error::credentials("the vault is empty"))?;
            Ok(AccessToken::new(token.as_str()).expires_in(Duration::from_secs(600)))
        })
    }
}

#[tokio::test]
async fn credentials_of_ones_own_are_asked_once_and_again_after_a_refusal() {
    let (bed, bud) = logged_in().await;
    bud.users().get(bed.admin_id()).await.unwrap();
    let bearer = bed.requests()[0].header("authorization").unwrap().to_owned();
    let good = bearer.strip_prefix("Bearer ").unwrap().to_owned();
    let asked = Arc::new(AtomicU32::new(0));
    let vault = Vault { tokens: vec!["stale".to_owned(), good], asked: asked.clone() };
    let bud =
        Client::builder().base_url(bed.url()).token_provider(vault).flavor(Flavor::Guide).build().unwrap();

    bud.users().get(bed.admin_id()).await.unwrap();
    bud.users().get(bed.admin_id()).await.unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 2);

    bed.expire_tokens();
    let error = bud.users().get(bed.admin_id()).await.unwrap_err();
    assert!(error.is_auth() && error.message().contains("the vault is empty"), "{error}");
}

#[tokio::test]
async fn odd_token_answers_neither_panic_nor_loop() {
    let user = json!({ "id": "u-1" });
    for life in
        [json!(null), json!(0), json!(-1), json!("3600"), json!("soon"), json!(1e18), json!(1.5e3), json!({})]
    {
        for nested in [false, true] {
            let token = json!({ "access_token": "abc.def.ghi", "expires_in": life });
            let login = respond_json(200, &if nested { json!({ "token": token }) } else { token });
            let answers = Script::new().read_request().send(login);
            let answers = answers.read_request().send(respond_json(200, &user));
            let answers = answers.read_request().send(respond_json(200, &user));
            let home = Wire::start([answers]).await.unwrap();
            let bud = with_password(home.url(), "admin@example.com", PASSWORD).build().unwrap();
            for _ in 0..2 {
                bud.users().get("u-1").await.unwrap();
            }
            assert_eq!(home.requests().len(), 3, "one login for {life}");
            assert_eq!(home.requests()[2].header("authorization"), Some("Bearer abc.def.ghi"));
        }
    }
}

#[tokio::test]
async fn a_login_without_a_usable_token_is_an_error_and_no_header() {
    for token in [
        json!({}),
        json!({ "access_token": "" }),
        json!({ "access_token": null }),
        json!({ "access_token": "a\r\nb" }),
        json!({ "access_token": "ü" }),
    ] {
        let home =
            Wire::builder().repeat_last().start([Script::answer(respond_json(200, &token))]).await.unwrap();
        let bud = with_password(home.url(), "admin@example.com", PASSWORD).build().unwrap();
        let error = bud.users().get("u-1").await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Decode | ErrorKind::AuthRejected), "{error}");
        assert_eq!(home.requests().len(), 1);
    }
}

#[tokio::test]
async fn clear_text_is_refused_before_any_request() {
    let error =
        Client::builder().base_url("http://api.bud.example.com").password("a@example.com", PASSWORD).build();
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.message().contains("clear text"), "{error}");
    assert!(plain("http://api.bud.example.com").allow_http().build().is_ok());
}

#[tokio::test]
async fn the_flavor_is_asked_for_once_and_a_failure_is_not_remembered() {
    let bed = Testbed::builder().start().await.unwrap();
    let bud = Client::builder()
        .base_url(bed.url())
        .password(bed.admin_email(), bed.admin_password())
        .build()
        .unwrap();
    bed.fault(Fault::on("POST", "/auth/refresh-token").status(403));
    let error = bud.flavor().await.unwrap_err();
    assert!(error.to_string().contains("BUD_API_FLAVOR"), "{error}");

    at_once(16, &bud).await;

    assert_eq!(bed.count("POST", "/auth/refresh-token"), 2);
}

#[tokio::test]
async fn a_server_that_checks_the_empty_token_is_the_platform_as_shipped() {
    let refused = json!({ "detail": [{ "type": "string_too_short", "loc": ["body", "refresh_token"], "msg": "String should have at least 1 character", "input": "" }] });
    let home = Wire::start([Script::answer(respond_json(422, &refused))]).await.unwrap();
    let bud = Client::builder().base_url(home.url()).bearer_token("t").build().unwrap();
    let error = bud.endpoints().deploy("e-1", bud_sdk::endpoints::Deployment::on("c-1")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.hint().is_some(), "{error}");
    assert_eq!(home.requests().len(), 1, "the probe and nothing else");
}
