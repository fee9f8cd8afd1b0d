//! A 2xx is not yet a success: every operation that changes something, on each API, against answers that say 2xx and prove
//! nothing. Each is followed by reads that still show the old state. No outcome claims the change.

use std::collections::BTreeSet;
use std::future::IntoFuture;
use std::pin::Pin;
use std::time::Duration;

use bud_sdk::clusters::{AccessMode, StorageDefaults};
use bud_sdk::credentials::CredentialUpdate;
use bud_sdk::endpoints::{Autoscaler, DeployModel, Deployment, EndpointStatus};
use bud_sdk::operations::{Method, Proof, Support};
use bud_sdk::permissions::{Grant, PermissionLevel, Scope, Scopes};
use bud_sdk::projects::{NewMember, NewProject, ProjectUpdate};
use bud_sdk::testing::{Answer, Script};
use bud_sdk::users::{NewUser, Role, User, UserStatus, UserUpdate};
use bud_sdk::{Client, ClientBuilder, Error, ErrorKind, Flavor, Result};
use serde_json::{Value, json};

type Outcome = Pin<Box<dyn Future<Output = Result<bool>>>>;

/// A change, where it goes, and what the server shows before and after it.
struct Change {
    id: &'static str,
    flavor: Flavor,
    goes: (Method, &'static str),
    old: Vec<(&'static str, Value)>,
    /// Makes the change; whether the result claims that it was made.
    run: fn(Client) -> Outcome,
    /// The client logs in first.
    session: bool,
}

/// A call, and whether its result claims the change.
fn claims<C>(call: C, claims: impl FnOnce(&C::Value) -> bool + 'static) -> Outcome
where
    C: Claim + 'static,
{
    Box::pin(async move { call.make().await.map(|value| claims(&value)) })
}

trait Claim {
    type Value;
    fn make(self) -> Pin<Box<dyn Future<Output = Result<Self::Value>>>>;
}

impl<C, T> Claim for C
where
    C: IntoFuture<Output = Result<T>> + 'static,
{
    type Value = T;
    fn make(self) -> Pin<Box<dyn Future<Output = Result<T>>>> {
        Box::pin(async move { self.await })
    }
}

fn tokens() -> Answer {
    Answer::json(200, json!({ "access_token": "a-1", "refresh_token": "r-1", "expires_in": 60 }))
}

fn user(role: &str, status: &str) -> Value {
    json!({ "id": "u-1", "role": role, "status": status, "first_name": "Old", "last_name": "Name", "name": "Old Name" })
}

fn has_role(user: &User, role: &Role) -> bool {
    user.role.as_deref() == Some(role)
}

const U: &str = "/users/u-1";
const P: &str = "/projects/p-1";
const E: &str = "/endpoints/e-1";

fn changes() -> Vec<Change> {
    use Flavor::{Guide, Runtime};
    use Method::{Delete, Patch, Post, Put};
    let row = |id, flavor, goes, old: &[(&'static str, Value)], run: fn(Client) -> Outcome| Change {
        id,
        flavor,
        goes,
        old: old.to_vec(),
        run,
        session: id.starts_with("auth.log") || id == "auth.refresh",
    };
    let both = |id, guide, runtime, old: &[(&'static str, Value)], run: fn(Client) -> Outcome| {
        [row(id, Guide, guide, old, run), row(id, Runtime, runtime, old, run)]
    };
    let active = [(U, user("ADMIN", "ACTIVE"))];
    let mut all = Vec::new();
    all.extend(both("auth.login", (Post, "/auth/login"), (Post, "/auth/login"), &[], |bud| {
        Box::pin(async move { bud.auth().login().await.map(|_| true) })
    }));
    all.extend(both(
        "auth.refresh",
        (Post, "/auth/refresh"),
        (Post, "/auth/refresh-token"),
        &active,
        |bud| {
            Box::pin(async move {
                bud.auth().login().await?;
                tokio::time::sleep(Duration::from_secs(120)).await;
                bud.users().get("u-1").await.map(|_| true)
            })
        },
    ));
    all.extend(both("auth.logout", (Post, "/auth/logout"), (Post, "/auth/logout"), &[], |bud| {
        Box::pin(async move {
            bud.auth().login().await?;
            // The tokens are forgotten here, whatever the server does.
            bud.auth().logout().await.map(|()| false)
        })
    }));
    let reset: fn(Client) -> Outcome =
        |bud| claims(bud.auth().request_password_reset("a@example.com"), |()| false);
    all.extend(both(
        "auth.request_password_reset",
        (Post, "/auth/password/reset"),
        (Post, "/users/reset-password"),
        &[],
        reset,
    ));
    let me = [("/users/me", json!({ "user": user("admin", "active") }))];
    all.push(row("auth.change_own_password", Runtime, (Patch, U), &me, |bud| {
        // What it returns says nothing of the password.
        Box::pin(async move { bud.auth().change_own_password("Another-Passw0rd!").await.map(|_| false) })
    }));
    all.extend(both("users.create", (Post, "/users"), (Post, "/users/"), &[], |bud| {
        claims(bud.users().create(NewUser::new("a@example.com", "A", "B", Role::Admin)), |_| true)
    }));
    all.extend(both("users.update", (Put, U), (Patch, U), &active, |bud| {
        let update = UserUpdate::new().first_name("New").last_name("Person");
        claims(bud.users().update("u-1", update), |user| user.name.as_deref() != Some("Old Name"))
    }));
    let mapped: fn(Client) -> Outcome =
        |bud| claims(bud.users().set_role("u-1", Role::Devops), |user| has_role(user, &Role::Devops));
    all.push(row("users.set_role", Guide, (Put, U), &active, |bud| {
        claims(bud.users().set_role("u-1", Role::User), |user| has_role(user, &Role::User))
    }));
    all.push(row("users.set_role", Runtime, (Patch, U), &active, mapped));
    all.extend(both("users.deactivate", (Put, U), (Delete, U), &active, |bud| {
        claims(bud.users().deactivate("u-1"), |user| user.status.as_deref() == Some(&UserStatus::Inactive))
    }));
    let inactive = [(U, user("ADMIN", "INACTIVE"))];
    all.extend(both("users.reactivate", (Put, U), (Patch, "/users/u-1/reactivate"), &inactive, |bud| {
        claims(bud.users().reactivate("u-1"), |user| user.status.as_deref() == Some(&UserStatus::Active))
    }));
    all.extend(both("projects.create", (Post, "/projects"), (Post, "/projects/"), &[], |bud| {
        claims(bud.projects().create(NewProject::new("New")), |_| true)
    }));
    let project = [(P, json!({ "project": { "id": "p-1", "name": "Old" } }))];
    all.extend(both("projects.update", (Put, P), (Patch, P), &project, |bud| {
        claims(bud.projects().update("p-1", ProjectUpdate::new().name("New")), |project| {
            project.name.as_deref() != Some("Old")
        })
    }));
    all.extend(both("projects.delete", (Delete, P), (Delete, P), &project, |bud| {
        claims(bud.projects().delete("p-1"), |()| false)
    }));
    let nobody = ("/projects/p-1/users", json!({ "users": [] }));
    all.push(row(
        "projects.add_members",
        Runtime,
        (Post, "/projects/p-1/add-users"),
        std::slice::from_ref(&nobody),
        |bud| {
            let member = NewMember::user("u-1", PermissionLevel::Edit);
            claims(bud.projects().add_members("p-1", [member]), |()| false)
        },
    ));
    all.push(row("projects.remove_members", Runtime, (Post, "/projects/p-1/remove-users"), &[], |bud| {
        claims(bud.projects().remove_members("p-1", ["u-1"]), |()| false)
    }));
    let edit: fn(Client) -> Outcome = |bud| {
        let grant = Grant::project("u-1", "p-1", PermissionLevel::Edit);
        claims(bud.permissions().grant(grant), |granted| {
            granted.permission_level.as_deref() == Some(&PermissionLevel::Edit)
        })
    };
    let view = json!([{ "name": "endpoint:view", "has_permission": true }]);
    let viewer = ("/projects/p-1/users", json!({ "users": [{ "id": "u-1", "permissions": view }] }));
    let granted =
        json!([{ "id": "g-1", "user_id": "u-1", "resource_type": "project", "resource_id": "p-1" }]);
    all.push(row("permissions.grant", Guide, (Post, "/permissions"), &[("/permissions", json!([]))], edit));
    all.push(row("permissions.grant", Runtime, (Post, "/projects/p-1/add-users"), &[nobody], edit));
    all.push(row(
        "permissions.grant",
        Runtime,
        (Patch, "/permissions/project"),
        std::slice::from_ref(&viewer),
        edit,
    ));
    let revoke: fn(Client) -> Outcome = |bud| {
        let grant = Grant::project("u-1", "p-1", PermissionLevel::Edit);
        Box::pin(async move { bud.permissions().revoke(&grant).await.map(|_| false) })
    };
    all.push(row(
        "permissions.revoke",
        Guide,
        (Delete, "/permissions/g-1"),
        &[("/permissions", granted)],
        revoke,
    ));
    all.push(row("permissions.revoke", Runtime, (Post, "/projects/p-1/remove-users"), &[viewer], revoke));
    all.push(row("permissions.revoke_by_id", Guide, (Delete, "/permissions/g-1"), &[], |bud| {
        claims(bud.permissions().revoke_by_id("g-1"), |()| false)
    }));
    let none = json!({ "result": { "global_scopes": [{ "name": "model:view", "has_permission": false }] } });
    all.push(row(
        "permissions.set_global",
        Runtime,
        (Put, "/permissions/u-1/global"),
        &[("/users/u-1/permissions", none)],
        |bud| claims(bud.permissions().set_global("u-1", Scopes::new().allow(Scope::ModelView)), |_| true),
    ));
    let endpoint = |status: &str| json!({ "result": { "id": "e-1", "status": status, "replicas": 1 } });
    let stopped = [(E, endpoint("STOPPED"))];
    all.push(row("endpoints.deploy", Guide, (Post, "/endpoints/e-1/deploy"), &stopped, |bud| {
        claims(bud.endpoints().deploy("e-1", Deployment::on("c-1")), |endpoint| {
            !endpoint.is(&EndpointStatus::Stopped)
        })
    }));
    all.push(row("endpoints.deploy_model", Runtime, (Post, "/models/deploy-workflow"), &[], |bud| {
        let model = DeployModel::new("m-1", "p-1", "chat-1");
        Box::pin(async move { bud.endpoints().deploy_model(model).await.map(|_| true) })
    }));
    let running = [(E, endpoint("RUNNING")), ("/endpoints/e-1/model-cluster-detail", endpoint("running"))];
    let autoscaler = json!({ "endpoint_id": "e-1", "autoscale_enabled": true, "budaiscaler_config": { "enabled": true, "minReplicas": 1, "maxReplicas": 1 } });
    let mut scaled = running.to_vec();
    scaled.push(("/endpoints/e-1/autoscale", autoscaler));
    let scale: fn(Client) -> Outcome =
        |bud| claims(bud.endpoints().scale("e-1", 9), |endpoint| endpoint.replicas != Some(1));
    all.push(row("endpoints.scale", Guide, (Put, E), &scaled, scale));
    all.push(row("endpoints.scale", Runtime, (Put, "/endpoints/e-1/autoscale"), &scaled, scale));
    all.push(row("endpoints.autoscale", Runtime, (Put, "/endpoints/e-1/autoscale"), &scaled, |bud| {
        claims(bud.endpoints().autoscale("e-1", Autoscaler::between(2, 4)), |_| true)
    }));
    let down: fn(Client) -> Outcome = |bud| {
        claims(bud.endpoints().undeploy("e-1"), |endpoint| {
            endpoint.status.is_some() && !endpoint.is(&EndpointStatus::Running)
        })
    };
    all.push(row("endpoints.undeploy", Guide, (Post, "/endpoints/e-1/undeploy"), &running, down));
    all.push(row("endpoints.undeploy", Runtime, (Post, "/endpoints/e-1/delete-workflow"), &running, down));
    all.push(row("workflows.cancel", Runtime, (Delete, "/workflows/w-1"), &[], |bud| {
        claims(bud.workflows().cancel("w-1"), |()| false)
    }));
    let cluster = [("/clusters/c-1", json!({ "id": "c-1", "last_refreshed_at": "2026-01-01T00:00:00Z" }))];
    all.push(row("clusters.refresh", Guide, (Post, "/clusters/c-1/refresh"), &cluster, |bud| {
        claims(bud.clusters().refresh("c-1"), |cluster| {
            cluster.last_refreshed_at != Some("2026-01-01T00:00:00Z".parse().unwrap())
        })
    }));
    let settings = json!({ "settings": { "id": "s-1", "default_storage_class": "slow", "default_access_mode": "ReadWriteOnce" } });
    let settings = [("/clusters/c-1/settings", settings)];
    all.push(row("clusters.set_settings", Runtime, (Put, "/clusters/c-1/settings"), &settings, |bud| {
        let storage = StorageDefaults::class("fast").access_mode(AccessMode::ReadWriteMany);
        claims(bud.clusters().set_settings("c-1", storage), |_| true)
    }));
    all.push(row(
        "clusters.delete_settings",
        Runtime,
        (Delete, "/clusters/c-1/settings"),
        &settings,
        |bud| claims(bud.clusters().delete_settings("c-1"), |()| false),
    ));
    all.extend(both("credentials.create", (Post, "/credentials"), (Post, "/credentials/"), &[], |bud| {
        claims(bud.credentials().create("key", "p-1"), |_| true)
    }));
    let keys = json!({ "credentials": [{ "id": "k-1", "name": "old", "max_budget": 1.0 }] });
    all.push(row(
        "credentials.update",
        Runtime,
        (Put, "/credentials/k-1"),
        &[("/credentials/", keys)],
        |bud| {
            claims(bud.credentials().update("k-1", CredentialUpdate::new().name("new")), |key| {
                key.name.as_deref() != Some("old")
            })
        },
    ));
    all.extend(both(
        "credentials.delete",
        (Delete, "/credentials/k-1"),
        (Delete, "/credentials/k-1"),
        &[],
        |bud| claims(bud.credentials().delete("k-1"), |()| false),
    ));
    all
}

const WORDS: &str = "the change was not made";

/// Answers with a status of success. Those with words say that the change was refused.
fn answers() -> Vec<(&'static str, Answer, bool)> {
    let html = |status: u16| {
        let page = "<!doctype html><html><head><title>Sign in</title></head></html>";
        Answer::status(status).header("content-type", "text/html").body(page)
    };
    let nested = json!({ "error": { "code": 7, "message": WORDS } });
    vec![
        ("HTML", html(200), false),
        ("HTML as 201", html(201), false),
        ("success: false", Answer::json(200, json!({ "success": false, "message": WORDS })), true),
        (
            "success: false with data",
            Answer::json(200, json!({ "success": false, "message": WORDS, "data": {} })),
            true,
        ),
        ("error", Answer::json(200, json!({ "error": WORDS })), true),
        ("error object", Answer::json(200, nested), true),
        (
            "object: error",
            Answer::json(200, json!({ "object": "error", "code": 400, "message": WORDS })),
            true,
        ),
        ("detail", Answer::json(202, json!({ "detail": WORDS })), true),
        ("errors", Answer::json(200, json!({ "errors": [{ "message": WORDS }] })), true),
        ("{}", Answer::json(200, json!({})), false),
        ("[]", Answer::json(200, json!([])), false),
        ("null", Answer::json(200, Value::Null), false),
        ("true", Answer::json(200, json!(true)), false),
        ("empty 200", Answer::status(200), false),
        ("empty 202", Answer::status(202), false),
        ("204", Answer::status(204), false),
        (
            "truncated",
            Answer::status(200).header("content-type", "application/json").body("{\"id\": \"x-1\", \"na"),
            false,
        ),
        ("plain text", Answer::status(200).header("content-type", "text/plain").body("OK"), false),
    ]
}

fn client(change: &Change, script: &Script) -> Client {
    let builder: ClientBuilder = Client::builder().base_url("https://bud.test").flavor(change.flavor);
    let builder = match change.session {
        true => builder.password("a@example.com", "hunter2-long"),
        false => builder.bearer_token("the-token"),
    };
    builder.attempts(1).script(script).build().unwrap()
}

async fn outcome(change: &Change, answer: Answer) -> (Result<bool>, usize) {
    let (method, path) = change.goes;
    let mut script = Script::new().on(method, path, answer.always());
    if change.session && change.id != "auth.login" {
        script = script.on(Method::Post, "/auth/login", tokens());
    }
    for (path, old) in &change.old {
        script = script.on(Method::Get, *path, Answer::json(200, old.clone()).always());
    }
    let result = (change.run)(client(change, &script)).await;
    let sent =
        script.requests().iter().filter(|sent| (sent.method, sent.path.as_str()) == (method, path)).count();
    (result, sent)
}

fn proof(change: &Change) -> Proof {
    // The job makes the steps, which are operations of their own.
    let id = if change.id == "endpoints.deploy_model" { "endpoints.deploy_step" } else { change.id };
    let known = bud_sdk::operations::all().iter().find(|known| known.id == id || known.id == change.id);
    match known.and_then(|info| info.on(change.flavor.as_str())).unwrap_or_else(|| panic!("{id}")) {
        Support::Offered(route) => route.proof.unwrap_or(Proof::Body),
        Support::Unsupported(_) => panic!("{} is not offered on {}", change.id, change.flavor),
    }
}

/// What is wrong with an outcome, if anything is.
fn judge(change: &Change, name: &str, worded: bool, result: &Result<bool>) -> Option<&'static str> {
    let proof = proof(change);
    match result {
        Ok(true) => Some("it claims a change that was not made"),
        Ok(false) if worded || name.starts_with("HTML") || name == "truncated" => {
            Some("a failure is success")
        }
        Ok(false) if proof != Proof::Accepted => Some("nothing proves it"),
        // Where nothing is said of the body, any acknowledgment counts; an object without a word is none.
        Ok(false) => None,
        Err(_) if proof == Proof::Accepted && name == "204" => Some("a documented success is an error"),
        Err(error) if worded && !error.to_string().contains(WORDS) => Some("the server's words are lost"),
        Err(error) if worded && error.status() != Some(200) && error.status() != Some(202) => {
            Some("the status is lost")
        }
        Err(error) if silent(error) => Some("it may have been applied, and the error does not say so"),
        Err(_) => None,
    }
}

/// Whether the error hides that the change may have been made. A login changes nothing that one would look for.
fn silent(error: &Error) -> bool {
    let session = matches!(error.operation(), Some("auth.login" | "auth.refresh" | "users.get"));
    let refused = error.server_code().is_some() || error.kind() == ErrorKind::BadRequest;
    !session && !refused && !error.maybe_applied()
}

#[tokio::test(start_paused = true)]
async fn no_change_is_reported_that_nothing_proves() {
    let (mut wrong, mut tried) = (Vec::new(), 0);
    for change in changes() {
        for (name, answer, worded) in answers() {
            let (result, sent) = outcome(&change, answer).await;
            tried += 1;
            let wrongness = if sent == 0 {
                Some("the change was not sent")
            } else {
                judge(&change, name, worded, &result)
            };
            if let Some(why) = wrongness {
                wrong.push(format!("{} on {}, {name}: {why}: {result:?}", change.id, change.flavor));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {tried}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(tried > 800, "{tried}");
}

#[test]
fn every_operation_that_changes_something_is_in_the_table() {
    let all = changes();
    let tried: BTreeSet<_> = all.iter().map(|change| (change.id, change.flavor.as_str())).collect();
    let mut missing = Vec::new();
    for operation in bud_sdk::operations::all() {
        for flavor in [Flavor::Guide, Flavor::Runtime] {
            let Some(Support::Offered(route)) = operation.on(flavor.as_str()) else { continue };
            if let Some(proof) = route.proof.filter(|_| !tried.contains(&(operation.id, flavor.as_str()))) {
                missing.push(format!("{} on {flavor} ({})", operation.id, proof.as_str()));
            }
        }
    }
    assert!(missing.is_empty(), "without a row: {}", missing.join(", "));
}

/// What a grant's answer says, and whether the grant is reported as done.
#[tokio::test]
async fn a_grant_is_done_only_at_its_level_or_above() {
    let held = |level: &str| json!({ "permission": { "id": "pm-1", "permission_level": level } });
    for (granted, shown, done) in [
        (PermissionLevel::Edit, held("edit"), true),
        (PermissionLevel::View, held("admin"), true),
        (PermissionLevel::Edit, held("view"), false),
        (PermissionLevel::Admin, held("edit"), false),
    ] {
        let script = Script::new().on(Method::Post, "/permissions", Answer::json(200, shown.clone()));
        let bud = Client::builder().base_url("https://bud.test").bearer_token("x").flavor(Flavor::Guide);
        let bud = bud.script(&script).build().unwrap();
        let result = bud.permissions().grant(Grant::project("u-1", "p-1", granted.clone())).await;
        let kind = result.err().map(|error| (error.kind(), error.maybe_applied()));
        assert_eq!(kind, (!done).then_some((ErrorKind::Unconfirmed, true)), "{granted}: {shown}");
    }
}

/// An answer that acknowledges and blames at once is no acknowledgment.
#[tokio::test]
async fn an_acknowledgment_with_an_error_in_it_is_the_error() {
    for body in [
        json!({ "message": "Endpoint deleted", "errors": ["2 replicas remain"] }),
        json!({ "success": true, "error": "2 replicas remain" }),
        json!({ "deleted": true, "detail": "2 replicas remain" }),
    ] {
        for flavor in [Flavor::Guide, Flavor::Runtime] {
            let script =
                Script::new().on(Method::Delete, "/credentials/c-1", Answer::json(200, body.clone()));
            let bud = Client::builder().base_url("https://bud.test").bearer_token("x").flavor(flavor);
            let bud = bud.script(&script).attempts(1).build().unwrap();
            let error = bud.credentials().delete("c-1").await.unwrap_err();
            assert!(error.to_string().contains("2 replicas remain"), "{flavor}: {body}: {error}");
            assert!(error.maybe_applied(), "{flavor}: {body}: {error}");
        }
    }
}

/// The object that a deletion answers with may have a fault of its own, or the reason why it was not deleted.
#[tokio::test]
async fn a_deletion_that_answers_with_an_object_with_an_error_is_unconfirmed() {
    let script = Script::new().on(
        Method::Delete,
        "/credentials/c-1",
        Answer::json(200, json!({ "id": "c-1", "error": "the key is in use" })),
    );
    let error = guide(&script).credentials().delete("c-1").await.unwrap_err();
    assert_eq!((error.kind(), error.maybe_applied()), (ErrorKind::Unconfirmed, true));
}

/// A thing that is shown may have a fault of its own, which is no answer to the request.
#[tokio::test]
async fn a_fault_that_a_thing_shows_is_not_taken_for_a_refusal() {
    let ill = json!({ "id": "c-1", "name": "C", "status": "ERROR", "error": "kubelet unreachable" });
    let script = Script::new().on(Method::Post, "/clusters/c-1/refresh", Answer::json(200, ill.clone())).on(
        Method::Get,
        "/clusters/c-1",
        Answer::json(200, ill),
    );
    let cluster = guide(&script).clusters().refresh("c-1").with_response().await.unwrap();
    let codes: Vec<_> = cluster.warnings().iter().map(|warning| warning.code()).collect();
    assert_eq!(codes, ["not_shown"]);

    // Beside a grant or a scale it leaves the answer open, and a read decides.
    let blaming = json!({ "id": "e-1", "error": "quota exceeded" });
    for (replicas, done) in [(5, true), (2, false)] {
        let script = Script::new().on(Method::Put, "/endpoints/e-1", Answer::json(200, blaming.clone())).on(
            Method::Get,
            "/endpoints/e-1",
            Answer::json(200, json!({ "id": "e-1", "replicas": replicas })),
        );
        let result = guide(&script).endpoints().scale("e-1", 5).await;
        let kind = result.err().map(|error| error.kind());
        assert_eq!(kind, (!done).then_some(ErrorKind::Unconfirmed), "{replicas}");
    }
}

/// The order of a list decides nothing.
#[tokio::test]
async fn of_several_permissions_the_highest_is_the_one_that_holds() {
    let row = |level: &str| json!({ "id": level, "user_id": "u-1", "resource_type": "project", "resource_id": "p-1", "permission_level": level });
    for levels in [["admin", "view"], ["view", "admin"]] {
        let list = json!({ "permissions": levels.map(row) });
        let script = Script::new().on(Method::Post, "/permissions", Answer::status(204)).on(
            Method::Get,
            "/permissions",
            Answer::json(200, list),
        );
        let held =
            guide(&script).permissions().grant(Grant::project("u-1", "p-1", PermissionLevel::Edit)).await;
        assert_eq!(held.unwrap().permission_level.as_deref(), Some(&PermissionLevel::Admin));
    }
}

/// A text that was emptied is shown as nothing.
#[tokio::test]
async fn a_text_that_was_emptied_may_be_shown_as_null() {
    let script = Script::new()
        .on(Method::Put, "/projects/p-1", Answer::json(200, json!({ "message": "updated" })))
        .on(
            Method::Get,
            "/projects/p-1",
            Answer::json(200, json!({ "id": "p-1", "name": "P", "description": null })),
        );
    guide(&script).projects().update("p-1", ProjectUpdate::new().description("")).await.unwrap();
}

fn guide(script: &Script) -> Client {
    let builder = Client::builder().base_url("https://bud.test").bearer_token("x").flavor(Flavor::Guide);
    builder.script(script).attempts(1).build().unwrap()
}
