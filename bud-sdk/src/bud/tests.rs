//! The table over all operations: what each sends on each flavor, whether it may be repeated, and what it refuses.

mod described;
mod properties;

use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::Duration;

use described::Described;
use serde_json::{Value, json};

use super::account::ChangeOwnPassword;
use super::login::{Login, Logout, Refresh};
use super::*;
use crate::error::{ErrorKind, Result};
use crate::operation::{Describe, Parts, Support, fill};
use crate::types::Timestamp;

fn client() -> Client {
    Client::builder().base_url("https://api.example.com/v1").bearer_token("t").build().unwrap()
}

fn range(from: &str, to: &str) -> std::ops::Range<Timestamp> {
    from.parse().unwrap()..to.parse().unwrap()
}

/// One operation on both flavors, in two or three lines.
#[derive(Default)]
struct Table {
    text: String,
    seen: BTreeSet<&'static str>,
    /// What goes to the platform as shipped: operation, route, and the rest.
    shipped: Vec<(&'static str, String, Parts)>,
}

impl Table {
    /// What goes to the platform as shipped, if anything does.
    fn ship<D: Describe<Flavor = Flavor>>(&mut self, operation: &D) {
        if let Some(Support::Offered(route)) = D::ROUTES.on(Flavor::Runtime) {
            let parts = operation.encode(Flavor::Runtime).unwrap();
            let path = parts.template.unwrap_or(route.path);
            self.shipped.push((D::ID, format!("{} {path}", route.method), parts));
        }
    }

    fn add<D: Describe<Flavor = Flavor>>(&mut self, operation: &D) {
        self.ship(operation);
        self.seen.insert(D::ID);
        writeln!(self.text, "{} (section {})", D::ID, D::SECTIONS.join(", ")).unwrap();
        for flavor in [Flavor::Guide, Flavor::Runtime] {
            let line = match D::ROUTES.on(flavor).unwrap() {
                Support::Unsupported(instead) => format!("unsupported: {instead}"),
                Support::Offered(route) => {
                    let parts = operation.encode(flavor).unwrap();
                    let url = fill(&"https://h/v1".parse().unwrap(), route.path, &parts).unwrap();
                    let headers: String = parts
                        .headers
                        .iter()
                        .map(|(name, value)| format!(" {name}: {}", value.to_str().unwrap()))
                        .collect();
                    // A password that was made is another one each time.
                    let hide = |body: &str| {
                        parts
                            .secrets
                            .iter()
                            .fold(body.to_owned(), |text, secret| text.replace(secret.expose(), "***"))
                    };
                    let body =
                        parts.body.map(|body| format!(" {}", hide(std::str::from_utf8(&body).unwrap())));
                    let repeat = match (route.idempotent, route.limited_first) {
                        (true, _) => "repeatable",
                        (false, true) => "once, but for a 429",
                        (false, false) => "once",
                    };
                    let target = url.as_str().trim_start_matches("https://h/v1");
                    format!("{} {target}{headers}{} [{repeat}]", route.method, body.unwrap_or_default())
                }
            };
            writeln!(self.text, "  {flavor}: {line}").unwrap();
        }
    }
}

fn table() -> Table {
    let bud = client();
    let mut table = Table::default();
    table.add(&Login { email: "admin@example.com".into(), password: "p".into() });
    table.add(&Refresh { refresh_token: "r".into() });
    table.add(&Logout { refresh_token: "r".into() });
    table.add(bud.auth().request_password_reset("user@example.com").operation());
    table.add(bud.auth().whoami().operation());
    table.add(bud.auth().permissions().operation());
    table.add(&ChangeOwnPassword { password: "Passw0rd!x".into() });
    let users = bud.users();
    let new = NewUser::new("new@example.com", "New", "User", Role::Admin);
    table.add(users.create(new.clone()).operation());

    table.add(users.get("u-1").operation());
    table.add(users.list().role(Role::Admin).status(UserStatus::Inactive).operation());
    table.add(users.update("u-1", UserUpdate::new().first_name("A").last_name("B")).operation());
    table.add(users.set_role("u-1", Role::Admin).operation());
    table.add(users.deactivate("u-1").operation());
    table.add(users.reactivate("u-1").operation());
    let projects = bud.projects();
    table.add(projects.create(NewProject::new("New Project").description("Text")).operation());
    table.add(projects.get("p-1").operation());
    table.add(projects.list().operation());
    table.add(projects.update("p-1", ProjectUpdate::new().name("N").description("D")).operation());
    table.add(projects.delete("p-1").operation());
    table.add(projects.endpoints("p-1").operation());
    table.add(projects.members("p-1").operation());
    let members = [
        NewMember::user("u-1", PermissionLevel::Edit),
        NewMember::email("new@example.com", PermissionLevel::View),
    ];
    table.add(projects.add_members("p-1", members).operation());
    table.add(projects.remove_members("p-1", ["u-1"]).operation());
    let grant = Grant::project("u-1", "p-1", PermissionLevel::Edit);
    table.add(bud.permissions().grant(grant.clone()).operation());
    table.add(bud.permissions().list().user("u-1").project("p-1").operation());
    table.add(bud.permissions().list().user("u-1").operation());
    table.add(bud.permissions().revoke(&grant).operation());
    table.add(bud.permissions().revoke_by_id("g-1").operation());
    table.add(bud.permissions().of_user("u-1").operation());
    let scopes = Scopes::new().allow(Scope::ProjectManage).deny(Scope::ClusterView);
    table.add(bud.permissions().set_global("u-1", scopes).operation());
    let endpoints = bud.endpoints();
    table.add(endpoints.get("e-1").project("p-1").operation());
    table.add(endpoints.list().project("p-1").status(EndpointStatus::Failed).operation());
    table.add(endpoints.deploy("e-1", Deployment::on("c-1").replicas(2).gpus(4).memory_gb(80)).operation());
    table.add(&endpoints.deploy_model(DeployModel::new("m-1", "p-1", "chat")).operation());
    table.add(endpoints.scale("e-1", 3).project("p-1").operation());
    let settings = Autoscaler::between(1, 4).schedule(ScheduleHint::new("mornings", "0 8 * * 1-5", 3));
    table.add(endpoints.autoscale("e-1", settings).operation());
    table.add(endpoints.autoscaler("e-1").operation());
    table.add(endpoints.workers("e-1").refresh().operation());
    table.add(endpoints.undeploy("e-1").project("p-1").operation());
    table.add(bud.workflows().get("w-1").operation());
    table.add(bud.workflows().list().workflow_type(WorkflowType::ModelDeployment).operation());
    table.add(bud.workflows().cancel("w-1").operation());
    table.add(bud.clusters().list().operation());
    table.add(bud.clusters().get("c-1").operation());
    table.add(bud.clusters().refresh("c-1").operation());
    table.add(bud.clusters().recommended("w-1").operation());
    table.add(bud.clusters().settings("c-1").operation());
    let storage = StorageDefaults::class("standard").access_mode(AccessMode::ReadWriteMany);
    table.add(bud.clusters().set_settings("c-1", storage).operation());
    table.add(bud.clusters().delete_settings("c-1").operation());
    table.add(bud.audit().export(range("2026-01-01T00:00:00Z", "2026-02-01T05:30:00+05:30")).operation());
    let january = || range("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z");
    table.add(bud.audit().records().within(january()).action("login").user("u-1").operation());
    table.add(bud.audit().get("a-1").operation());
    table.add(bud.audit().summary().within(january()).operation());
    table.add(bud.audit().verify("a-1").operation());
    table.add(bud.audit().verify_many(["a-1", "a-2"]).operation());
    table.add(bud.audit().find_tampered().limit(1000).operation());
    table.add(bud.quotas().of_project("p-1").operation());
    table.add(bud.quotas().of_user("u-1").operation());
    table.add(bud.quotas().mine().operation());
    table.add(bud.quotas().billing_of("u-1").operation());
    table.add(bud.quotas().plans().operation());
    table.add(bud.quotas().limits().operation());
    let history = bud.quotas().history(january()).granularity(Granularity::Weekly).project("p-1");
    table.add(history.operation());
    table.add(bud.credentials().create("API Key v2", "p-1").operation());
    table.add(bud.credentials().list().project("p-1").operation());
    let update = CredentialUpdate::new().name("N").expiry(Expiry::Days60).max_budget(10.5);
    table.add(bud.credentials().update("k-1", update).operation());
    table.add(bud.credentials().delete("k-1").operation());
    table
}

#[test]
fn every_operation_sends_what_its_api_documents() {
    let table = table();
    let registered: BTreeSet<_> = operations::OPERATIONS.iter().map(|operation| operation.id).collect();
    assert_eq!(table.seen, registered, "the table and the list of operations name the same");
    insta::assert_snapshot!(table.text);
}

/// Ids that would leave their segment, change the request, or hide from a reader.
fn hostile() -> Vec<String> {
    let mut ids: Vec<String> = [
        "",
        ".",
        "..",
        "...",
        "%2e%2e",
        "../../admin",
        "a/b",
        "a\\b",
        "a?x",
        "a#f",
        "a%2fb",
        "a\rb",
        "a\nb",
        "a\0b",
        "\u{202E}a",
        "a b",
        "é",
        "a;b",
    ]
    .map(str::to_owned)
    .into();
    ids.push("x".repeat(129));
    ids.push("x".repeat(10_000));
    ids
}

#[test]
fn every_id_that_a_caller_gives_is_checked() {
    fn sent<D: Describe<Flavor = Flavor>>(operation: &D) -> Result<Parts> {
        operation.encode(Flavor::Guide)
    }
    type Case = (&'static str, &'static str, fn(&Client, &str) -> Result<Parts>);
    let cases: &[Case] = &[
        ("users.get", "id", |bud, id| sent(bud.users().get(id).operation())),
        ("users.update", "id", |bud, id| {
            sent(bud.users().update(id, UserUpdate::new().first_name("A")).operation())
        }),
        ("users.set_role", "id", |bud, id| sent(bud.users().set_role(id, Role::User).operation())),
        ("users.deactivate", "id", |bud, id| sent(bud.users().deactivate(id).operation())),
        ("users.reactivate", "id", |bud, id| sent(bud.users().reactivate(id).operation())),
        ("projects.get", "id", |bud, id| sent(bud.projects().get(id).operation())),
        ("projects.update", "id", |bud, id| {
            sent(bud.projects().update(id, ProjectUpdate::new().name("N")).operation())
        }),
        ("projects.delete", "id", |bud, id| sent(bud.projects().delete(id).operation())),
        ("projects.endpoints", "id", |bud, id| sent(bud.projects().endpoints(id).operation())),
        ("projects.members", "id", |bud, id| sent(bud.projects().members(id).operation())),
        ("projects.add_members", "id", |bud, id| {
            let member = NewMember::user("u", PermissionLevel::View);
            sent(bud.projects().add_members(id, [member]).operation())
        }),
        ("projects.add_members", "user_id", |bud, id| {
            let member = NewMember::user(id, PermissionLevel::View);
            sent(bud.projects().add_members("p", [member]).operation())
        }),
        ("projects.remove_members", "id", |bud, id| {
            sent(bud.projects().remove_members(id, ["u"]).operation())
        }),
        ("projects.remove_members", "user_id", |bud, id| {
            sent(bud.projects().remove_members("p", [id]).operation())
        }),
        ("permissions.of_user", "id", |bud, id| sent(bud.permissions().of_user(id).operation())),
        ("permissions.set_global", "id", |bud, id| {
            let scopes = Scopes::new().allow(Scope::UserView);
            sent(bud.permissions().set_global(id, scopes).operation())
        }),
        ("permissions.grant", "user_id", |bud, id| {
            sent(bud.permissions().grant(Grant::project(id, "p", PermissionLevel::View)).operation())
        }),
        ("permissions.grant", "resource_id", |bud, id| {
            sent(
                bud.permissions()
                    .grant(Grant::on("u", ResourceType::Model, id, PermissionLevel::View))
                    .operation(),
            )
        }),
        ("permissions.list", "user_id", |bud, id| sent(bud.permissions().list().user(id).operation())),
        ("permissions.list", "resource_id", |bud, id| sent(bud.permissions().list().project(id).operation())),
        ("permissions.revoke", "user_id", |bud, id| {
            sent(bud.permissions().revoke(&Grant::project(id, "p", PermissionLevel::View)).operation())
        }),
        ("permissions.revoke", "resource_id", |bud, id| {
            sent(bud.permissions().revoke(&Grant::project("u", id, PermissionLevel::View)).operation())
        }),
        ("permissions.revoke_by_id", "id", |bud, id| sent(bud.permissions().revoke_by_id(id).operation())),
        ("endpoints.get", "id", |bud, id| sent(bud.endpoints().get(id).operation())),
        ("endpoints.list", "project_id", |bud, id| sent(bud.endpoints().list().project(id).operation())),
        ("endpoints.deploy", "id", |bud, id| {
            sent(bud.endpoints().deploy(id, Deployment::on("c")).operation())
        }),
        ("endpoints.deploy", "cluster_id", |bud, id| {
            sent(bud.endpoints().deploy("e", Deployment::on(id)).operation())
        }),
        ("endpoints.get", "project_id", |bud, id| sent(bud.endpoints().get("e").project(id).operation())),
        ("endpoints.scale", "id", |bud, id| sent(bud.endpoints().scale(id, 1).operation())),
        ("endpoints.scale", "project_id", |bud, id| {
            sent(bud.endpoints().scale("e", 1).project(id).operation())
        }),
        ("endpoints.autoscale", "id", |bud, id| {
            sent(bud.endpoints().autoscale(id, Autoscaler::between(1, 2)).operation())
        }),
        ("endpoints.autoscaler", "id", |bud, id| sent(bud.endpoints().autoscaler(id).operation())),
        ("endpoints.workers", "id", |bud, id| sent(bud.endpoints().workers(id).operation())),
        ("endpoints.workers", "project_id", |bud, id| {
            sent(bud.endpoints().workers("e").project(id).operation())
        }),
        ("endpoints.undeploy", "id", |bud, id| sent(bud.endpoints().undeploy(id).operation())),
        ("endpoints.undeploy", "project_id", |bud, id| {
            sent(bud.endpoints().undeploy("e").project(id).operation())
        }),
        ("workflows.get", "id", |bud, id| sent(bud.workflows().get(id).operation())),
        ("workflows.cancel", "id", |bud, id| sent(bud.workflows().cancel(id).operation())),
        ("clusters.get", "id", |bud, id| sent(bud.clusters().get(id).operation())),
        ("clusters.refresh", "id", |bud, id| sent(bud.clusters().refresh(id).operation())),
        ("clusters.recommended", "id", |bud, id| sent(bud.clusters().recommended(id).operation())),
        ("clusters.settings", "id", |bud, id| sent(bud.clusters().settings(id).operation())),
        ("clusters.set_settings", "id", |bud, id| {
            sent(bud.clusters().set_settings(id, StorageDefaults::class("s")).operation())
        }),
        ("clusters.delete_settings", "id", |bud, id| sent(bud.clusters().delete_settings(id).operation())),
        ("audit.records", "user_id", |bud, id| sent(bud.audit().records().user(id).operation())),
        ("audit.records", "actioned_by", |bud, id| sent(bud.audit().records().actioned_by(id).operation())),
        ("audit.records", "resource_id", |bud, id| sent(bud.audit().records().resource_id(id).operation())),
        ("audit.get", "id", |bud, id| sent(bud.audit().get(id).operation())),
        ("audit.verify", "id", |bud, id| sent(bud.audit().verify(id).operation())),
        ("audit.verify_many", "id", |bud, id| sent(bud.audit().verify_many([id]).operation())),
        ("quotas.of_user", "id", |bud, id| sent(bud.quotas().of_user(id).operation())),
        ("quotas.billing_of", "id", |bud, id| sent(bud.quotas().billing_of(id).operation())),
        ("quotas.of_project", "id", |bud, id| sent(bud.quotas().of_project(id).operation())),
        ("credentials.create", "project_id", |bud, id| sent(bud.credentials().create("k", id).operation())),
        ("credentials.list", "project_id", |bud, id| sent(bud.credentials().list().project(id).operation())),
        ("credentials.update", "id", |bud, id| {
            sent(bud.credentials().update(id, CredentialUpdate::new().name("n")).operation())
        }),
        ("credentials.update", "model_id", |bud, id| {
            let update = CredentialUpdate::new().model_budget(id, 1.0);
            sent(bud.credentials().update("k", update).operation())
        }),
        ("credentials.delete", "id", |bud, id| sent(bud.credentials().delete(id).operation())),
    ];
    let bud = client();
    for (operation, param, call) in cases {
        assert!(call(&bud, "8f14e45f-ceea-467f-a0e6-4b6d1f3c2a10").is_ok(), "{operation}");
        for id in hostile() {
            let error = call(&bud, &id).expect_err(operation);
            assert_eq!(
                (error.kind(), error.param()),
                (ErrorKind::InvalidArgument, Some(*param)),
                "{operation} {id:?}"
            );
        }
    }
    // What takes an id takes it here: a new operation with a path argument must join the list.
    let with_id = operations::OPERATIONS.iter().filter(|info| {
        info.routes().iter().any(|(_, on)| matches!(on, Support::Offered(route) if route.path.contains('{')))
    });
    for info in with_id {
        assert!(cases.iter().any(|(operation, ..)| *operation == info.id), "{} is not checked", info.id);
    }
}

#[test]
fn other_arguments_are_checked_too() {
    fn param<D: Describe<Flavor = Flavor>>(operation: &D) -> Option<String> {
        let error = operation.encode(Flavor::Guide).expect_err(D::ID);
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        error.param().map(str::to_owned)
    }
    let bud = client();
    for email in
        ["", "a", "@b", "a@", "a@b@c", "a@b\r\nBcc: c@d", "a@b,c@d", "a b@c", "<a@b>", &"x".repeat(300)]
    {
        let create = bud.users().create(NewUser::new(email, "A", "B", Role::User));
        assert_eq!(param(create.operation()).as_deref(), Some("email"), "{email:?}");
        assert_eq!(param(bud.auth().request_password_reset(email).operation()).as_deref(), Some("email"));
    }
    for name in ["", " ", "a\0b", "a\nb", &"x".repeat(1001)] {
        let create = bud.users().create(NewUser::new("a@b", name, "B", Role::User));
        assert_eq!(param(create.operation()).as_deref(), Some("first_name"), "{name:?}");
        assert_eq!(param(bud.projects().create(NewProject::new(name)).operation()).as_deref(), Some("name"));
        assert_eq!(param(bud.credentials().create(name, "p").operation()).as_deref(), Some("name"));
    }
    for replicas in [0, 1001, u32::MAX] {
        assert_eq!(param(bud.endpoints().scale("e", replicas).operation()).as_deref(), Some("replicas"));
    }
    for class in ["", "a b", "-a", "a-", "a/b", &"x".repeat(254)] {
        let set = bud.clusters().set_settings("c", StorageDefaults::class(class));
        assert_eq!(param(set.operation()).as_deref(), Some("storage_class"), "{class:?}");
    }
    let on = || Deployment::on("c");
    for (deployment, name) in [
        (on().replicas(0), "replicas"),
        (on().replicas(u32::MAX), "replicas"),
        (on().gpus(1025), "gpus"),
        (on().memory_gb(0), "memory_gb"),
        (on().memory_gb(u32::MAX), "memory_gb"),
    ] {
        assert_eq!(param(bud.endpoints().deploy("e", deployment).operation()).as_deref(), Some(name));
    }
    let (early, late) = ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
    assert_eq!(param(bud.audit().export(range(late, early)).operation()).as_deref(), Some("range"));
    assert_eq!(param(bud.audit().export(range(early, early)).operation()).as_deref(), Some("range"));
    assert_eq!(param(bud.users().update("u", UserUpdate::new()).operation()).as_deref(), Some("update"));
    assert_eq!(
        param(bud.projects().update("p", ProjectUpdate::new()).operation()).as_deref(),
        Some("update")
    );
    for time in [
        "2026-01-01",
        "2026-01-01T00:00:00",
        "yesterday",
        "",
        "2026-02-30T00:00:00Z",
        "99999-01-01T00:00:00Z",
    ] {
        assert_eq!(time.parse::<Timestamp>().unwrap_err().param(), Some("timestamp"), "{time}");
    }
    assert_eq!(Timestamp::now() + Duration::MAX, Timestamp::now() + Duration::MAX, "times do not overflow");
}

#[test]
fn a_role_that_an_api_lacks_is_refused_with_those_that_it_has() {
    let bud = client();
    for (flavor, role, has) in [
        (Flavor::Guide, Role::Devops, "User, ProjectAdmin, Admin"),
        (Flavor::Guide, Role::SuperAdmin, "User, ProjectAdmin, Admin"),
        (Flavor::Runtime, Role::ProjectAdmin, "Admin, Developer, Devops, Tester"),
        (Flavor::Runtime, Role::SuperAdmin, "Admin, Developer, Devops, Tester"),
    ] {
        let error = bud.users().set_role("u-1", role).operation().encode(flavor).err().unwrap();
        assert_eq!(error.param(), Some("role"));
        assert!(error.message().contains(has), "{error}");
    }
    let parts = bud.users().set_role("u-1", Role::from("AUDITOR")).operation().encode(Flavor::Guide).unwrap();
    assert_eq!(
        parts.body.unwrap(),
        r#"{"role":"AUDITOR"}"#,
        "a role that only the caller knows is sent as it is"
    );
}

/// Settings of an autoscaler with all that can be said.
fn scaler() -> Autoscaler {
    let settings = json!({
        "enabled": true, "min_replicas": 0, "max_replicas": 4, "scaling_strategy": "KPA",
        "metrics_sources": [{
            "kind": "prometheus", "protocol_type": "https", "port": "9090", "path": "/m", "target_metric": "m",
            "target_value": "5", "address": "a", "query": "q",
        }],
        "gpu_config": {
            "enabled": true, "memory_threshold": 70, "compute_threshold": 80, "topology_aware": true,
            "preferred_gpu_type": "H100", "vgpu_support": false,
        },
        "cost_config": {
            "enabled": true, "cloud_provider": "on-premises", "hourly_budget_limit": 1.5,
            "daily_budget_limit": 20.0, "spot_instance_preference": "prefer",
        },
        "prediction_config": {
            "enabled": true, "look_ahead_minutes": 30, "history_days": 14, "min_confidence": 0.9,
            "prediction_metrics": ["rate"],
        },
        "schedule_hints": [{
            "name": "n", "cron_expression": "0 8 * * *", "target_replicas": 3, "duration": "2h",
        }],
        "multi_cluster": {
            "enabled": true, "federation_mode": "weighted", "cluster_weights": { "min_replicas": 3 },
            "failover_thresholds": { "health_check_failures": 5, "latency_ms": 1000 },
        },
        "behavior": {
            "scale_up": { "stabilization_window_seconds": 1, "select_policy": "Max" },
            "scale_down": { "policies": [{ "kind": "Pods", "value": 1, "period_seconds": 60 }] },
        },
        "scale_to_zero_config": { "enabled": true, "activation_scale": 1, "grace_period": "10m" },
    });
    let scaler: Autoscaler = serde_json::from_value(settings).unwrap();
    assert!(scaler.extra.is_empty());
    scaler
}

/// What it does not know the platform ignores, and answers with success.
#[test]
fn every_field_that_is_sent_is_one_that_the_platform_knows() {
    let bud = client();
    let mut table = table();
    let january = || range("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z");
    // With all that can be said.
    let user = NewUser::new("new@example.com", "New", "User", Role::Devops).password("Passw0rd!x");
    let user = user.user_type(UserType::Admin).allow(Scope::ModelView).company("C").purpose("P");
    table.ship(bud.users().create(user).operation());
    table.ship(bud.users().list().search("miller").operation());
    table.ship(bud.users().deactivate("u-1").remove_credentials().operation());
    table.ship(bud.projects().create(NewProject::new("P").project_type(ProjectType::ClientApp)).operation());
    table.ship(bud.permissions().list().project("p-1").operation());
    let records = bud.audit().records().within(january()).action("login").resource_type("session");
    let records = records.resource_id("r-1").resource_name("n").user("u-1").actioned_by("u-2");
    table.ship(records.ip_address("127.0.0.1").search("text").operation());
    table.ship(bud.audit().find_tampered().within(january()).operation());
    let key = bud.credentials().create("k", "p-1").expiry(Expiry::Days90).max_budget(1.5);
    let key =
        key.model_budget("m-1", 0.5).ip_whitelist(["10.0.0.0/8"]).credential_type(CredentialType::ClientApp);
    table.ship(key.operation());
    let update = CredentialUpdate::new().name("N").expiry(Expiry::Never).max_budget(2.5);
    let update = update.model_budget("m-1", 0.5).ip_whitelist(["::1"]);
    table.ship(bud.credentials().update("k-1", update).operation());
    table.ship(bud.credentials().list().credential_type(CredentialType::AdminApp).operation());
    table.ship(bud.endpoints().autoscale("e-1", scaler()).operation());
    table.ship(
        bud.clusters().set_settings("c-1", StorageDefaults::access(AccessMode::ReadOnlyMany)).operation(),
    );

    let described = Described::read();
    let odd = json!([{ "name": "nope", "has_permission": null, "naem": "x" }]);
    let wrong =
        described.wrong(&described.route("PUT /permissions/{id}/global").unwrap()["body"], &odd, "body");
    assert_eq!(wrong, ["body[0].has_permission is null", "body[0].naem is unknown"], "it would be found");
    for (operation, route, parts) in &table.shipped {
        let known = described.route(route).unwrap_or_else(|| panic!("{operation}: there is no {route}"));
        for (name, _) in &parts.query {
            let names = known["query"].as_array().into_iter().flatten();
            assert!(names.into_iter().any(|known| known == name), "{operation}: {route} takes no {name}");
        }
        let body = parts.body.as_deref().map(|body| serde_json::from_slice(body).unwrap());
        let wrong =
            body.map(|body: Value| described.wrong(&known["body"], &body, "body")).unwrap_or_default();
        assert_eq!(wrong, <[&str; 0]>::default(), "{operation}: {route}");
    }
}
