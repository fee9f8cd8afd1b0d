//! An administrator's day on the platform as shipped: every operation that it has, once for real.

use std::time::Duration;

use bud_sdk::clusters::{AccessMode, ClusterStatus, StorageDefaults};
use bud_sdk::credentials::{ApiKeyValue, CredentialType, CredentialUpdate};
use bud_sdk::endpoints::{Autoscaler, DeployModel, EndpointStatus};
use bud_sdk::operations::Method;
use bud_sdk::permissions::{Grant, PermissionLevel, Scope, Scopes};
use bud_sdk::projects::{NewMember, NewProject, ProjectType, ProjectUpdate};
use bud_sdk::users::{NewUser, Role, UserStatus, UserUpdate};
use bud_sdk::{Client, ErrorKind, Flavor, Timestamp};
use bud_testbed::Testbed;

#[tokio::test]
async fn the_whole_day() {
    let bed = Testbed::builder().flavor(bud_testbed::Flavor::Runtime).start().await.unwrap();
    let client = |email: &str, password: &str| {
        // The guide's roles, as this platform has them.
        let roles = |builder: bud_sdk::ClientBuilder| {
            builder.role_map(Role::User, Role::Developer).role_map(Role::ProjectAdmin, Role::Devops)
        };
        roles(Client::builder().base_url(bed.url()).password(email, password)).build().unwrap()
    };
    let bud = client(bed.admin_email(), bed.admin_password());
    let began = Timestamp::now() - Duration::from_secs(60);
    assert_eq!(bud.flavor().await.unwrap(), Flavor::Runtime);
    assert!(bud.auth().login().await.unwrap().expires_in.unwrap() > Duration::from_secs(60));
    assert_eq!(bud.auth().whoami().await.unwrap().role.as_deref(), Some(&Role::SuperAdmin));
    assert!(!bud.auth().permissions().await.unwrap().is_empty());

    // Section 3: users. A new one must first set a password of his own.
    let made = bud.users().create(NewUser::new("new@example.com", "New", "User", Role::User)).await.unwrap();
    let (user, password) = (made.user, made.one_time_password.unwrap());
    assert_eq!(user.status.as_deref(), Some(&UserStatus::Invited));
    let his = client("new@example.com", password.expose());
    let error = his.projects().list().all().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    his.auth().change_own_password("Hi5-0wn-Password!").await.unwrap();
    assert_eq!(his.auth().whoami().await.unwrap().id, user.id);
    let user = bud.users().set_role(&user, Role::ProjectAdmin).await.unwrap();
    assert_eq!(user.role.as_deref(), Some(&Role::Devops));
    let update = UserUpdate::new().first_name("New").last_name("Name");
    assert_eq!(bud.users().update(&user, update).await.unwrap().name.as_deref(), Some("New Name"));
    let found = bud.users().list().role(Role::Devops).status(UserStatus::Active).all().await.unwrap();
    assert_eq!(found.iter().map(|user| &user.id).collect::<Vec<_>>(), [&user.id]);
    assert_eq!(bud.users().list().search("new@").all().await.unwrap().len(), 1);
    bud.auth().request_password_reset("new@example.com").await.unwrap();
    let scopes = Scopes::new().allow(Scope::ModelManage);
    bud.permissions().set_global(&user, scopes).await.unwrap();
    let rights = bud.permissions().of_user(&user).await.unwrap();
    assert!(!rights.global_scopes.is_empty());

    // Section 4: projects, their members and permissions.
    let new = NewProject::new("Day Two").description("A test").project_type(ProjectType::ClientApp);
    let project = bud.projects().create(new).await.unwrap();
    let project = bud.projects().update(&project, ProjectUpdate::new().name("Day 2")).await.unwrap();
    assert_eq!(bud.projects().get(&project).await.unwrap().name.as_deref(), Some("Day 2"));
    assert!(!bud.projects().list().all().await.unwrap().is_empty());
    // To an administrator the server shows the projects of clients only if it is asked for them.
    let clients = bud.raw(Method::Get, "/projects/").query("project_type", "client_app").await.unwrap();
    assert!(clients.json::<serde_json::Value>().unwrap().to_string().contains(project.id.as_str()));
    bud.projects().add_members(&project, [NewMember::user(&user, PermissionLevel::View)]).await.unwrap();
    let grant = Grant::project(&user, &project, PermissionLevel::Edit);
    bud.permissions().grant(grant.clone()).await.unwrap();
    let granted = bud.permissions().list().user(&user).project(&project).all().await.unwrap();
    assert_eq!(granted[0].permission_level.as_deref(), Some(&PermissionLevel::Edit));
    assert_eq!(bud.projects().members(&project).all().await.unwrap().len(), 2);

    // Section 6: clusters.
    let clusters = bud.clusters().list().all().await.unwrap();
    let cluster = clusters.iter().find(|cluster| cluster.is(&ClusterStatus::Available)).unwrap();
    assert!(!bud.clusters().get(cluster).await.unwrap().hardware_type.is_empty());
    assert_eq!(bud.clusters().refresh(cluster).await.unwrap_err().kind(), ErrorKind::Unsupported);
    let storage = StorageDefaults::class("standard").access_mode(AccessMode::ReadWriteOnce);
    bud.clusters().set_settings(cluster, storage).await.unwrap();
    let settings = bud.clusters().settings(cluster).await.unwrap();
    assert_eq!(settings.default_storage_class.as_deref(), Some("standard"));
    bud.clusters().delete_settings(cluster).await.unwrap();

    // Section 5: endpoints. The member deploys one by the right that the project gives him.
    let soon = Duration::from_millis(5);
    let model = DeployModel::new(bed.local_model_id(), &project, "Day Two");
    let endpoint = his.endpoints().deploy_model(model).poll_interval(soon).await.unwrap();
    assert_eq!(endpoint.name.as_deref(), Some("day-two"));
    let listed = his.projects().endpoints(&project).all().await.unwrap();
    assert_eq!(listed.iter().map(|endpoint| &endpoint.id).collect::<Vec<_>>(), [&endpoint.id]);
    assert_eq!(bud.endpoints().list().project(&project).all().await.unwrap().len(), 1);
    let running = bud.endpoints().wait(&endpoint).poll_interval(soon).await.unwrap();
    assert!(running.is(&EndpointStatus::Running));
    his.endpoints().scale(&endpoint, 3).project(&project).await.unwrap();
    let scaled =
        his.endpoints().wait(&endpoint).project(&project).replicas(3).poll_interval(soon).await.unwrap();
    assert_eq!(scaled.replicas, Some(3));
    bud.endpoints().autoscale(&endpoint, Autoscaler::between(1, 5)).await.unwrap();
    let scaler = bud.endpoints().autoscaler(&endpoint).await.unwrap().budaiscaler_config.unwrap();
    assert_eq!((scaler.min_replicas, scaler.max_replicas), (Some(1), Some(5)));
    let going = bud.endpoints().undeploy(&endpoint).await.unwrap();
    let wait = bud.endpoints().wait(&endpoint).after(&going).until(EndpointStatus::Stopped);
    assert!(wait.poll_interval(soon).await.unwrap().is(&EndpointStatus::Deleted));
    assert!(bud.endpoints().get(&endpoint).await.unwrap_err().is_not_found());
    let error =
        bud.endpoints().deploy(&endpoint, bud_sdk::endpoints::Deployment::on(cluster)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);

    // Section 9: quotas, keys, audit log.
    assert_eq!(bud.quotas().of_project(&project).await.unwrap_err().kind(), ErrorKind::Unsupported);
    assert!(bud.quotas().mine().await.unwrap().plan_name.is_some());
    bud.quotas().of_user(&user).await.unwrap();
    assert!(!bud.quotas().plans().await.unwrap().is_empty());
    bud.quotas().limits().await.unwrap();
    let key =
        |name: &str| bud.credentials().create(name, &project).credential_type(CredentialType::ClientApp);
    let (old, new) = (key("API Key v1").await.unwrap(), key("API Key v2").await.unwrap());
    assert!(matches!(new.key, ApiKeyValue::Encrypted(_)));
    let update = CredentialUpdate::new().name("API Key v3");
    bud.credentials().update(&new.credential, update).await.unwrap();
    bud.credentials().delete(&old.credential).await.unwrap();
    let keys = bud.credentials().list().project(&project).credential_type(CredentialType::ClientApp);
    let left = keys.all().await.unwrap();
    assert_eq!(left.iter().map(|key| key.name.as_deref().unwrap()).collect::<Vec<_>>(), ["API Key v3"]);
    let until = Timestamp::now() + Duration::from_secs(60);
    let mut csv = Vec::new();
    let done = bud.audit().export(began..until).write_into(&mut csv).await.unwrap();
    let csv = String::from_utf8(csv).unwrap();
    assert!(done.rows > 3 && csv.contains("Day 2"), "{csv}");
    let records = bud.audit().records().within(began..until).all().await.unwrap();
    assert_eq!(records.len() as u64, done.rows);
    let record = records[0].id.clone();
    assert_eq!(bud.audit().get(&record).await.unwrap().id, record);
    assert_eq!(bud.audit().verify(&record).await.unwrap().is_valid, Some(true));
    assert_eq!(bud.audit().verify_many([&record]).await.unwrap().results.len(), 1);
    assert_eq!(bud.audit().find_tampered().await.unwrap().tampered_count, Some(0));
    bud.audit().summary().await.unwrap();

    // And back.
    bud.credentials().delete(&new.credential).await.unwrap();
    assert_eq!(bud.permissions().revoke(&grant).await.unwrap(), 1);
    assert_eq!(bud.permissions().revoke(&grant).await.unwrap(), 0);
    bud.projects().delete(&project).await.unwrap();
    assert!(bud.projects().get(&project).await.unwrap_err().is_not_found());
    let shut_out = bud.users().deactivate(&user).await.unwrap();
    assert_eq!(shut_out.status.as_deref(), Some(&UserStatus::Inactive));
    let user = bud.users().reactivate(&user).await.unwrap();
    assert_eq!(bud.users().get(&user).await.unwrap().status.as_deref(), Some(&UserStatus::Active));
    let under_way = bud.workflows().list().all().await.unwrap();
    assert!(under_way.iter().all(|workflow| workflow.title.as_deref() != Some("day-two")));

    bud.auth().logout().await.unwrap();
    assert!(bud.users().get(&user).await.unwrap_err().is_auth());
}
