//! An administrator's day against the test server: every operation of the guide's API, once for real.

use std::time::Duration;

use bud_sdk::credentials::ApiKeyValue;
use bud_sdk::endpoints::{Deployment, EndpointStatus};
use bud_sdk::permissions::{Grant, PermissionLevel};
use bud_sdk::projects::{NewProject, ProjectUpdate};
use bud_sdk::users::{NewUser, Role, UserStatus, UserUpdate};
use bud_sdk::{Client, Flavor, Timestamp};
use bud_testbed::Testbed;

#[tokio::test]
async fn the_whole_day() {
    let bed = Testbed::builder().start().await.unwrap();
    let bud = Client::builder()
        .base_url(bed.url())
        .password(bed.admin_email(), bed.admin_password())
        .build()
        .unwrap();
    let began = Timestamp::now() - Duration::from_secs(60);
    assert_eq!(bud.flavor().await.unwrap(), Flavor::Guide);
    assert!(bud.auth().login().await.unwrap().expires_in.unwrap() > Duration::from_secs(60));

    // Section 3: users.
    let made = bud.users().create(NewUser::new("new@example.com", "New", "User", Role::User)).await.unwrap();
    assert!(made.one_time_password.is_none());
    let user = made.user;
    assert_eq!(user.role.as_deref(), Some(&Role::User));
    let user = bud.users().set_role(&user, Role::ProjectAdmin).await.unwrap();
    assert_eq!(user.role.as_deref(), Some(&Role::ProjectAdmin));
    let user = bud.users().update(&user, UserUpdate::new().last_name("Name")).await.unwrap();
    assert_eq!(user.last_name.as_deref(), Some("Name"));
    let found = bud.users().list().role(Role::ProjectAdmin).status(UserStatus::Active).all().await.unwrap();
    assert_eq!(found.iter().map(|user| &user.id).collect::<Vec<_>>(), [&user.id]);
    assert_eq!(bud.users().list().search("new@").all().await.unwrap().len(), 1);
    bud.auth().request_password_reset("new@example.com").await.unwrap();

    // Section 4: projects and permissions.
    let project = bud.projects().create(NewProject::new("Day Two").description("A test")).await.unwrap();
    let project = bud.projects().update(&project, ProjectUpdate::new().name("Day 2")).await.unwrap();
    assert_eq!(bud.projects().get(&project).await.unwrap().name.as_deref(), Some("Day 2"));
    assert!(bud.projects().list().all().await.unwrap().iter().any(|found| found.id == project.id));
    let grant = Grant::project(&user, &project, PermissionLevel::Edit);
    let permission = bud.permissions().grant(grant.clone()).await.unwrap();
    assert_eq!(bud.permissions().list().user(&user).project(&project).all().await.unwrap().len(), 1);
    assert_eq!(bud.permissions().revoke(&grant).await.unwrap(), 1);
    assert_eq!(bud.permissions().revoke(&grant).await.unwrap(), 0);
    assert!(bud.permissions().revoke_by_id(permission.id.clone().unwrap()).await.unwrap_err().is_not_found());
    let permission = bud.permissions().grant(grant).await.unwrap();
    bud.permissions().revoke_by_id(permission.id.unwrap()).await.unwrap();

    // Section 6: clusters.
    let clusters = bud.clusters().list().all().await.unwrap();
    let cluster = clusters.iter().find(|cluster| cluster.gpu_available > Some(0)).unwrap();
    let before = bud.clusters().get(cluster).await.unwrap().last_refreshed_at;
    let after = bud.clusters().refresh(cluster).await.unwrap().last_refreshed_at;
    assert!(after >= before && after.is_some());

    // Section 5: endpoints.
    let endpoints = bud.projects().endpoints(bed.project_id()).all().await.unwrap();
    let endpoint = endpoints.first().unwrap();
    let stopped = EndpointStatus::Stopped;
    let listed =
        bud.endpoints().list().project(bed.project_id()).status(stopped.clone()).all().await.unwrap();
    assert_eq!(listed.len(), endpoints.len());
    let deployment = Deployment::on(cluster).replicas(1).gpus(1).memory_gb(16);
    assert!(bud.endpoints().deploy(endpoint, deployment).await.unwrap().is(&EndpointStatus::Deploying));
    let soon = Duration::from_millis(5);
    let running =
        bud.endpoints().wait(endpoint).until(EndpointStatus::Running).poll_interval(soon).await.unwrap();
    assert_eq!(running.replicas, Some(1));
    bud.endpoints().scale(endpoint, 3).await.unwrap();
    let scaled = bud.endpoints().wait(endpoint).replicas(3).poll_interval(soon).await.unwrap();
    assert_eq!(scaled.replicas, Some(3));
    bud.endpoints().undeploy(endpoint).await.unwrap();
    let down = bud.endpoints().wait(endpoint).until(stopped.clone()).poll_interval(soon).await.unwrap();
    assert!(bud.endpoints().get(&down.id).await.unwrap().is(&stopped));

    // Section 9: quota, keys, audit log.
    let quota = bud.quotas().of_project(bed.project_id()).await.unwrap();
    assert!(quota.tokens_quota.is_some() && quota.cost_quota.is_some());
    let old = bud.credentials().create("API Key v1", &project).await.unwrap();
    let new = bud.credentials().create("API Key v2", &project).await.unwrap();
    let (ApiKeyValue::Plain(old_key), ApiKeyValue::Plain(new_key)) = (&old.key, &new.key) else { panic!() };
    assert_ne!(old_key.expose(), new_key.expose());
    bud.credentials().delete(&old.credential).await.unwrap();
    let left = bud.credentials().list().project(&project).all().await.unwrap();
    assert_eq!(left.iter().map(|key| &key.id).collect::<Vec<_>>(), [&new.credential.id]);
    let folder = std::env::temp_dir().join(format!("bud-day-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("audit_export.csv");
    let until = Timestamp::now() + Duration::from_secs(60);
    let done = bud.audit().export(began..until).write_to(&file).await.unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(done.bytes, text.len() as u64);
    assert!(text.contains("new@example.com") && text.contains("Day 2"), "{text}");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "no partial file stays");
    std::fs::remove_dir_all(&folder).unwrap();

    // And back.
    bud.projects().delete(&project).await.unwrap();
    assert!(bud.projects().get(&project).await.unwrap_err().is_not_found());
    let user = bud.users().deactivate(&user).await.unwrap();
    assert_eq!(user.status.as_deref(), Some(&UserStatus::Inactive));
    let user = bud.users().reactivate(&user).await.unwrap();
    assert_eq!(bud.users().get(&user).await.unwrap().status.as_deref(), Some(&UserStatus::Active));

    bud.auth().logout().await.unwrap();
    assert!(bud.users().get(&user).await.unwrap_err().is_auth());
}
