//! The platform's own Python SDK (BudAIFoundry-SDK, `bud-sdk` 0.1.0 at commit 848e4d7 of 2026-05-27) was read and run against
//! the platform. What fails there works here: each of its failures, and the tests that show it. `cargo test -p xtask` sees
//! that each test is there; those of `official_sdk` stand below.
//!
//! | | what fails there | tests here |
//! |---|---|---|
//! | 1 | lists of audit records and clusters are empty: their items are looked for under another name | `official_sdk::w01_lists_are_not_empty_in_silence`, `lists::a_list_without_its_items_is_an_error_and_never_an_empty_list` |
//! | 2 | one audit record, one cluster: the validator's own error instead of the thing | `official_sdk::w02_one_record_and_one_cluster_are_read_and_an_odd_one_is_our_error` |
//! | 3 | verification: another field, another body; pages by an offset that the server does not know; no dates, no search, no CSV | `official_sdk::w03_the_log_is_verified_paged_and_filtered`, `runtime::export::rows_beyond_the_silent_cut_arrive_complete_and_in_order` |
//! | 4 | a logout without a body, whose failure is hidden: the token stays good | `official_sdk::w04_after_a_logout_the_token_is_refused`, `auth::logout_forgets_the_tokens_even_if_the_server_fails` |
//! | 5 | 4xx are repeated, a wrong password four times, and the error is lost | `auth::a_wrong_password_is_one_request_whatever_the_status`, `faults::server::s03_a_refusal_is_final_and_names_the_fields` |
//! | 6 | changes are repeated after a timeout or a 5xx | `faults::network::n05_a_connection_closed_after_the_request_repeats_a_read_and_never_a_change`, `faults::server::s02_a_create_is_sent_once_and_keeps_the_servers_words`, `official_sdk::w06_a_change_that_timed_out_is_sent_once` |
//! | 7 | after a renewal the second error is hidden; threads renew at once; a broken connection is another library's error | `official_sdk::w07_after_a_renewal_the_new_error_counts`, `auth::sixty_four_calls_with_an_expired_token_make_one_refresh`, `faults::network::n08_a_reset_within_head_or_body_repeats_a_read_and_never_a_change` |
//! | 8 | the fields of a 422 are not found, and the text shows the password that was sent | `errors::refused_fields_are_named_and_what_was_sent_is_not_shown`, `errors::an_echoed_password_is_masked_wherever_it_stands`, `replay::every_recording_is_understood` |
//! | 9 | a wrong password is another library's error, and looked for under 401 | `recorded::refused_logins` |
//! | 10 | a renewal looks for the token in the wrong place, having spent the old one | `recorded::a_renewal`, `errors::a_token_is_found_in_every_envelope_and_missed_loudly` |
//! | 11 | kept tokens: a login with an empty password, nothing written back, sent to whatever server is set | `config::the_session_of_the_command_line_is_used_and_never_written`, `config::what_a_file_holds_is_not_sent_elsewhere`, `sessions::an_expired_session_is_renewed_and_kept_again` |
//! | 12 | the async client knows API keys only | `official_sdk::w12_async_and_blocking_callers_share_login_environment_and_renewal`, `config::each_layer_can_open_a_session` |
//! | 13 | a success that is no JSON becomes nothing | `runtime::answers::a_page_in_the_answers_place_is_named`, `errors::an_answer_of_another_shape_is_not_success`, `export::an_error_page_that_came_with_a_200_is_no_export` |
//! | 14 | ids change the route | `facts::an_id_cannot_leave_its_segment`, `bud::tests::every_id_that_a_caller_gives_is_checked` |
//! | 15 | errors do not tell a missing right from a conflict or an outage, nor status and request id | `official_sdk::w15_each_status_is_an_error_of_its_own_with_status_and_request_id` |
//! | 16 | tokens are written, then protected; half a file after a crash | `sessions::the_next_process_needs_no_login`, `faults::auth::k6_a_kill_while_the_session_is_written_leaves_the_old_or_the_new`, `auth::store::nobody_sees_a_half_however_many_write` |
//! | R1 | who am I: `/auth/me`, which is not there | `official_sdk::r1_who_the_caller_is` |
//! | R2 | a user registers without the role that the server needs | `official_sdk::r2_a_user_is_created_with_all_that_the_server_needs` |
//! | R3 | routes and bodies that the platform does not have | `replay::every_recording_is_understood` |
//! | R4 | an API key on a route for people: a bare 401 | `auth::an_api_key_on_an_admin_route_says_what_is_needed` |

use std::collections::HashSet;
use std::time::Duration;

use bud_sdk::operations::Method;
use bud_sdk::projects::NewProject;
use bud_sdk::users::{NewUser, Role, UserStatus, UserType};
use bud_sdk::{Client, ErrorKind, Flavor};
use bud_testbed::{Fault, Script, Wire, respond, respond_json};
use serde_json::{Value, json};

use crate::common::{TOKEN, january, millis, shipped};

fn runtime(url: &str) -> Client {
    let builder = Client::builder().base_url(url).bearer_token(TOKEN).flavor(Flavor::Runtime);
    builder.attempts(1).build().unwrap()
}

/// A recording of the real server.
fn recorded(name: &str) -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/contract/runtime/exchanges.jsonl");
    let all = std::fs::read_to_string(path).unwrap();
    let mut exchanges = all.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    exchanges.find(|exchange| exchange["name"] == name).unwrap()
}

async fn answering(name: &str) -> (Value, Wire) {
    let exchange = recorded(name);
    let status = exchange["status"].as_u64().unwrap() as u16;
    let answer = Script::answer(respond_json(status, &exchange["response_body"]));
    let home = Wire::builder().repeat_last().start([answer]).await.unwrap();
    (exchange, home)
}

#[tokio::test]
async fn w01_lists_are_not_empty_in_silence() {
    let (bed, bud) = shipped().await;
    bed.seed_audit(250);
    let records = bud.audit().records().within(january()).all().await.unwrap();
    assert_eq!(records.len(), 250);
    let clusters = bud.clusters().list().all().await.unwrap();
    let page = bud.clusters().list().pages().next().await.unwrap().unwrap();
    assert!(!clusters.is_empty() && page.total_record == Some(clusters.len() as u64));

    // Of the real server, whose names are those, and of one that has no such list.
    let (exchange, home) = answering("audit_list").await;
    let page = runtime(home.url()).audit().records().page_size(2).pages().next().await.unwrap().unwrap();
    assert_eq!(
        (page.items.len(), page.total_record),
        (2, exchange["response_body"]["total_record"].as_u64())
    );
    let other = json!({ "page": 1, "limit": 100, "total_record": 3, "things": [{}, {}, {}] });
    let home = Wire::builder().repeat_last();
    let home = home.start([Script::answer(respond_json(200, &other))]).await.unwrap();
    let bud = runtime(home.url());
    for error in
        [bud.audit().records().all().await.unwrap_err(), bud.clusters().list().all().await.unwrap_err()]
    {
        assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
    }
}

#[tokio::test]
async fn w02_one_record_and_one_cluster_are_read_and_an_odd_one_is_our_error() {
    let (exchange, home) = answering("audit_get").await;
    let record = runtime(home.url()).audit().get("a-1").await.unwrap();
    assert_eq!(record.action.as_deref(), exchange["response_body"]["data"]["action"].as_str());
    let (exchange, home) = answering("cluster_get").await;
    let cluster = runtime(home.url()).clusters().get("c-1").await.unwrap();
    assert_eq!(cluster.name.as_deref(), exchange["response_body"]["cluster"]["name"].as_str());

    let odd = json!({ "data": { "id": [7] }, "cluster": { "id": [7] } });
    let home = Wire::builder().repeat_last();
    let home = home.start([Script::answer(respond_json(200, &odd))]).await.unwrap();
    let error = runtime(home.url()).audit().get("a-1").await.unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::Decode, Some(".data.id")));
    let error = runtime(home.url()).clusters().get("c-1").await.unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::Decode, Some(".cluster.id")));
}

#[tokio::test]
async fn w03_the_log_is_verified_paged_and_filtered() {
    let (_, home) = answering("audit_verify").await;
    assert_eq!(runtime(home.url()).audit().verify("a-1").await.unwrap().is_valid, Some(true));
    let (exchange, home) = answering("audit_verify_batch").await;
    let ids: Vec<String> = serde_json::from_value(exchange["request_body"].clone()).unwrap();
    let checked = runtime(home.url()).audit().verify_many(ids).await.unwrap();
    assert_eq!(checked.summary.unwrap().valid_count, Some(1));
    assert_eq!(home.requests()[0].json(), exchange["request_body"], "a bare list");

    let (bed, bud) = shipped().await;
    bed.seed_audit(250);
    bed.clear_requests();
    let mut seen = HashSet::new();
    let mut records = bud.audit().records().within(january()).page_size(100).items();
    while let Some(record) = records.next().await {
        assert!(seen.insert(record.unwrap().id), "no page comes twice");
    }
    assert_eq!((seen.len(), bed.count("GET", "/audit/records")), (250, 3));
    let found = bud.audit().records().action("login").user(bed.admin_id()).all().await.unwrap();
    assert!(!found.is_empty() && found.iter().all(|record| record.action.as_deref() == Some("login")));
    let none = bud.audit().records().search("there is no such thing").all().await.unwrap();
    assert_eq!(none.len(), 0);
}

#[tokio::test]
async fn w04_after_a_logout_the_token_is_refused() {
    let (bed, bud) = shipped().await;
    bud.auth().whoami().await.unwrap();
    let bearer = bed.requests().last().unwrap().header("authorization").unwrap().to_owned();
    let token = bearer.strip_prefix("Bearer ").unwrap();
    let thief = Client::builder().base_url(bed.url()).bearer_token(token).flavor(Flavor::Runtime);
    let thief = thief.build().unwrap();
    thief.auth().whoami().await.unwrap();

    bud.auth().logout().await.unwrap();

    assert_eq!(thief.auth().whoami().await.unwrap_err().kind(), ErrorKind::AuthRejected);
    let sent = bed.requests().into_iter().find(|sent| sent.path == "/auth/logout").unwrap();
    assert!(sent.json()["refresh_token"].is_string() && sent.header("authorization").is_some());
    // The server that refuses is heard.
    let login = respond_json(200, &json!({ "token": { "access_token": "a.b.c", "refresh_token": "r" } }));
    let refusal = respond_json(400, &recorded("logout_again_400")["response_body"]);
    let home = Wire::start([login, refusal].map(Script::answer)).await.unwrap();
    let bud = crate::common::with_password(home.url(), "admin@example.com", crate::common::PASSWORD);
    let bud = bud.flavor(Flavor::Runtime).build().unwrap();
    bud.auth().login().await.unwrap();
    let error = bud.auth().logout().await.unwrap_err();
    assert!(error.message().contains("Failed to logout user"), "{error}");
}

#[tokio::test]
async fn w06_a_change_that_timed_out_is_sent_once() {
    let (bed, bud) = shipped().await;
    bud.auth().login().await.unwrap();
    bed.fault(Fault::on("POST", "/projects/").delay(Duration::from_secs(20)).always());
    let call = bud.projects().create(NewProject::new("Slow")).attempt_timeout(millis(100));
    let error = call.await.unwrap_err();
    assert_eq!((error.kind(), error.maybe_applied(), error.attempts()), (ErrorKind::Timeout, true, 1));
    assert_eq!(bed.count("POST", "/projects/"), 1);
}

#[tokio::test]
async fn w07_after_a_renewal_the_new_error_counts() {
    let (bed, bud) = shipped().await;
    bud.auth().login().await.unwrap();
    bed.expire_tokens();
    bed.clear_requests();
    let error = bud.projects().get("00000000-0000-4000-8000-000000000000").await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::NotFound, Some(404)));
    assert!(error.message().contains("Project not found"), "not the 401 before it: {error}");
    assert_eq!((bed.count("GET", "/projects/{id}"), bed.count("POST", "/auth/refresh-token")), (2, 1));

    bed.expire_tokens();
    bed.fault(Fault::on("POST", "/auth/refresh-token").status(503).body("down for repair").always());
    let error = bud.auth().whoami().timeout(millis(900)).await.unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::Server, Some("auth.whoami")));
    assert!(error.message().contains("down for repair"), "{error}");
}

/// The one client is blocking and async, so that nothing can be missing on one side.
#[cfg(feature = "blocking")]
#[test]
fn w12_async_and_blocking_callers_share_login_environment_and_renewal() {
    use bud_sdk::blocking::Blocking;

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (bed, bud) = runtime.block_on(shipped());
    let me = bud.auth().whoami().send().unwrap();
    bed.expire_tokens();
    let again = runtime.block_on(async { bud.auth().whoami().await.unwrap() });
    assert_eq!((me.id.as_str(), again.id), (bed.admin_id(), me.id.clone()));
    bed.expire_tokens();
    assert!(!bud.users().list().all().send().unwrap().is_empty());
    assert_eq!((bed.count("POST", "/auth/login"), bed.count("POST", "/auth/refresh-token")), (1, 2));
}

#[tokio::test]
async fn w15_each_status_is_an_error_of_its_own_with_status_and_request_id() {
    let mut codes = HashSet::new();
    for (status, kind) in [
        (400, ErrorKind::BadRequest),
        (401, ErrorKind::AuthRejected),
        (403, ErrorKind::PermissionDenied),
        (404, ErrorKind::NotFound),
        (409, ErrorKind::Conflict),
        (422, ErrorKind::Validation),
        (429, ErrorKind::RateLimited),
        (500, ErrorKind::Server),
        (418, ErrorKind::Api),
    ] {
        let headers = [("content-type", "application/json"), ("x-request-id", "req-4711")];
        let answer = respond(status, &headers, r#"{"detail":"the server's words"}"#);
        let home = Wire::start([Script::answer(answer)]).await.unwrap();
        let error = runtime(home.url()).auth().whoami().await.unwrap_err();
        assert_eq!((error.kind(), error.status()), (kind, Some(status)), "{error}");
        assert_eq!((error.request_id(), error.attempts()), (Some("req-4711"), 1));
        assert!(error.message().contains("the server's words"), "{error}");
        assert!(codes.insert(error.code()), "{} is told from all others", error.code());
    }
    let error = runtime(&Wire::refused_url().await.unwrap()).auth().whoami().await.unwrap_err();
    assert!(codes.insert(error.code()) && error.status().is_none(), "{error}");
}

#[tokio::test]
async fn r1_who_the_caller_is() {
    let (bed, bud) = shipped().await;
    let me = bud.auth().whoami().await.unwrap();
    assert_eq!((me.id.as_str(), me.email.as_deref()), (bed.admin_id(), Some(bed.admin_email())));
    assert!(!bud.auth().permissions().await.unwrap().is_empty());
    let error = bud.raw(Method::Get, "/auth/me").await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
}

#[tokio::test]
async fn r2_a_user_is_created_with_all_that_the_server_needs() {
    let (_bed, bud) = shipped().await;
    let made =
        bud.users().create(NewUser::new("new@example.com", "New", "User", Role::Developer)).await.unwrap();
    assert!(made.one_time_password.is_some(), "the server wants one at once");
    let user = bud.users().get(&made.user).await.unwrap();
    assert_eq!(user.name.as_deref(), Some("New User"));
    assert_eq!(user.role.as_deref(), Some(&Role::Developer));
    assert_eq!(user.status.as_deref(), Some(&UserStatus::Invited));
    assert_eq!(user.user_type.as_deref(), Some(&UserType::Client));
}
