//! Calls without async: a day's work, many threads, and a refusal where blocking would be a deadlock.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use bud_sdk::blocking::{Blocking, BlockingStream};
use bud_sdk::endpoints::{Deployment, EndpointStatus};
use bud_sdk::operations::Method;
use bud_sdk::projects::NewProject;
use bud_sdk::users::{NewUser, Role};
use bud_sdk::{Client, Error, ErrorKind, Flavor, Timestamp};
use bud_testbed::{Fault, Testbed};
use tokio::runtime::{Builder, Runtime};

use crate::common::{Folder, admin, millis};

/// The test server on a thread of its own.
struct Home {
    bed: Testbed,
    _runtime: Runtime,
}

impl Home {
    fn start() -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let bed = runtime.block_on(Testbed::builder().start()).unwrap();
        Self { bed, _runtime: runtime }
    }
}

fn is_refusal(error: &Error) -> bool {
    error.kind() == ErrorKind::Config
        && error.message() == "blocking call inside an async runtime; await it instead"
}

#[test]
fn a_day_without_async() {
    let Home { bed, _runtime } = &Home::start();
    let bud = Client::builder()
        .base_url(bed.url())
        .password(bed.admin_email(), bed.admin_password())
        .build()
        .unwrap();
    let began = Timestamp::now() - Duration::from_secs(60);
    assert_eq!(bud.flavor().send().unwrap(), Flavor::Guide);
    assert!(bud.capabilities().send().unwrap().supports("users.create"));
    assert!(bud.auth().login().send().unwrap().expires_in.is_some());

    let made = bud.users().create(NewUser::new("new@example.com", "New", "User", Role::User));
    let user = made.timeout(Duration::from_secs(20)).send().unwrap().user;
    let promoted = bud.users().set_role(&user, Role::ProjectAdmin).with_response().send().unwrap();
    assert_eq!((promoted.status, promoted.value.role.as_deref()), (200, Some(&Role::ProjectAdmin)));
    bud.auth().request_password_reset("new@example.com").send().unwrap();
    let project = bud.projects().create(NewProject::new("Day Two")).send().unwrap();
    let found = bud.projects().list().iter().find(|found| found.as_ref().unwrap().id == project.id);
    assert!(found.is_some());
    assert_eq!(bud.users().list().search("new@").all().send().unwrap().len(), 1);
    let raw = bud.raw(Method::Get, format!("/users/{}", user.id)).send().unwrap();
    assert_eq!(raw.status(), 200);

    let endpoint = &bed.endpoint_ids()[0];
    bud.endpoints().deploy(endpoint, Deployment::on(bed.cluster_id())).send().unwrap();
    let ready = bud.endpoints().wait(endpoint).poll_interval(millis(5)).send().unwrap();
    assert!(ready.is(&EndpointStatus::Running));

    let updates = bud.endpoints().wait(endpoint).poll_interval(millis(5)).updates().iter();
    assert!(updates.last().unwrap().unwrap().is(&EndpointStatus::Running));

    let folder = Folder::new("blocking");
    let file = folder.path().join("audit.csv");
    let export = || bud.audit().export(began..Timestamp::now() + Duration::from_secs(60));
    export().write_to(&file).send().unwrap();
    assert!(std::fs::read_to_string(file).unwrap().contains("new@example.com"));
    assert!(export().records().iter().all(|record| record.unwrap().timestamp.is_some()));

    let error = bud.projects().get("0b8a7f4e-0000-4000-8000-000000000000").send().unwrap_err();
    assert!(error.is_not_found() && error.operation() == Some("projects.get"), "{error}");
    bud.auth().logout().send().unwrap();
    assert!(bud.users().get(&user).send().unwrap_err().is_auth());
}

#[test]
fn connections_stay_open_between_calls() {
    let Home { bed, _runtime } = &Home::start();
    let bud = admin(bed);
    for _ in 0..10 {
        bud.users().get(bed.admin_id()).send().unwrap();
        thread::sleep(millis(5));
    }
    assert_eq!(bed.connections(), 1);

    // One that the server closes meanwhile is noticed meanwhile.
    bed.close_connections();
    thread::sleep(millis(100));
    assert_eq!(bud.users().get(bed.admin_id()).attempts(1).with_response().send().unwrap().attempts, 1);
}

#[test]
fn many_threads_share_a_client() {
    let Home { bed, _runtime } = &Home::start();
    let bud = &admin(bed);
    bed.refresh_delay(millis(50));
    thread::scope(|scope| {
        for at in 0..16 {
            scope.spawn(move || {
                let made = NewUser::new(format!("user{at}@example.com"), "A", "B", Role::User);
                let user = bud.users().create(made).send().unwrap().user;
                assert_eq!(bud.users().get(&user).send().unwrap().id, user.id);
                assert!(bud.clusters().list().iter().all(|cluster| cluster.is_ok()));
            });
        }
    });
    assert_eq!(bed.count("POST", "/auth/login"), 1);
    assert_eq!(bud.users().list().search("user1").iter().count(), 7);
}

#[test]
fn a_renewal_arrives_after_its_call_has_gone() {
    let Home { bed, _runtime } = &Home::start();
    let bud = admin(bed);
    bud.auth().login().send().unwrap();
    bed.expire_tokens();
    bed.refresh_delay(millis(150));

    let error = bud.users().get(bed.admin_id()).timeout(millis(75)).send().unwrap_err();
    assert!(error.is_timeout(), "{error}");
    thread::sleep(millis(300));
    bud.users().get(bed.admin_id()).send().unwrap();

    assert_eq!((bed.count("POST", "/auth/refresh"), bed.count("POST", "/auth/login")), (1, 1));
}

#[test]
fn an_iterator_asks_for_no_more_than_it_is_read() {
    let Home { bed, _runtime } = &Home::start();
    let bud = admin(bed);
    bed.seed_users(50);
    let all: Vec<_> = bud.users().list().iter().map(|user| user.unwrap().id).collect();
    bed.clear_requests();

    let mut users = bud.users().list().page_size(5).iter();
    let seen: Vec<_> = users.by_ref().take(7).map(|user| user.unwrap().id).collect();
    assert_eq!((&seen[..], bed.count("GET", "/users")), (&all[..7], 2));
    let cursor = users.into_inner().cursor().unwrap();
    let rest = bud.users().list().cursor(&cursor).iter();
    assert_eq!(rest.map(|user| user.unwrap().id).collect::<Vec<_>>(), all[7..]);

    // Dropped with pages under way.
    bed.fault(Fault::on("GET", "/users").nth(2).delay(millis(50)).always());
    let mut users = bud.users().list().page_size(5).concurrency(8).iter().skip(8);
    users.next().unwrap().unwrap();
    drop(users);
    bed.clear_faults();
    bed.seed_audit(20_000);
    let january: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let mut bytes = bud.audit().export(january..january + Duration::from_secs(30 * 86_400)).bytes().iter();
    assert!(!bytes.next().unwrap().unwrap().is_empty());
    drop(bytes);
    let pages = bud.users().list().page_size(20).pages().iter();
    assert_eq!(pages.map(|page| page.unwrap().items.len()).sum::<usize>(), all.len());
}

#[test]
fn an_error_ends_an_iterator() {
    let Home { bed, _runtime } = &Home::start();
    bed.seed_users(20);
    bed.fault(Fault::on("GET", "/users").nth(2).status(403).always());
    let mut users = admin(bed).users().list().page_size(5).iter().skip(5);
    assert_eq!(users.next().unwrap().unwrap_err().kind(), ErrorKind::PermissionDenied);
    assert!(users.next().is_none());
}

#[test]
fn blocking_in_async_code_is_refused_before_anything_is_sent() {
    let Home { bed, _runtime } = &Home::start();
    let bud = admin(bed);
    let try_all = move || {
        assert!(is_refusal(&bud.auth().login().send().unwrap_err()));
        assert!(is_refusal(&bud.users().get("u-1").send().unwrap_err()));
        assert!(is_refusal(&bud.endpoints().wait("e-1").send().unwrap_err()));
        let users: Vec<_> = bud.users().list().iter().collect();
        assert!(matches!(&users[..], [Err(error)] if is_refusal(error)));
        let pages: Vec<_> = bud.users().list().pages().iter().collect();
        assert!(matches!(&pages[..], [Err(error)] if is_refusal(error)));
    };
    let one = Builder::new_current_thread().enable_all().build().unwrap();
    let many = Builder::new_multi_thread().worker_threads(1).build().unwrap();
    for runtime in [&one, &many] {
        runtime.block_on(async { try_all() });
        let task = try_all.clone();
        runtime.block_on(runtime.spawn(async move { task() })).unwrap();
        let task = try_all.clone();
        runtime.block_on(runtime.spawn_blocking(task)).unwrap();
        let _entered = runtime.enter();
        try_all();
    }
    assert_eq!(bed.requests(), []);
}

#[test]
fn blocking_inside_a_blocking_call_is_refused_too() {
    let Home { bed, _runtime } = &Home::start();
    let bud = admin(bed);
    let folder = Folder::new("blocking-nested");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let now = Timestamp::now();
    let export =
        bud.audit().export(now - Duration::from_secs(60)..now + Duration::from_secs(60)).on_progress({
            let (bud, seen, id) = (bud.clone(), seen.clone(), bed.admin_id().to_owned());
            move |_| seen.lock().unwrap().push(bud.users().get(id.as_str()).send().unwrap_err())
        });
    export.write_to(folder.path().join("audit.csv")).send().unwrap();
    let seen = seen.lock().unwrap();
    assert!(!seen.is_empty() && seen.iter().all(is_refusal), "{seen:?}");
}

#[test]
fn a_client_serves_async_and_blocking_callers() {
    let Home { bed, _runtime: runtime } = &Home::start();
    let bud = admin(bed);
    bud.users().get(bed.admin_id()).send().unwrap();
    runtime.block_on(async { bud.users().get(bed.admin_id()).await }).unwrap();
    let own = Builder::new_current_thread().enable_all().build().unwrap();
    own.block_on(async { bud.users().get(bed.admin_id()).await }).unwrap();
    drop(own);
    bud.users().get(bed.admin_id()).send().unwrap();
    assert_eq!(bed.count("POST", "/auth/login"), 1);
}
