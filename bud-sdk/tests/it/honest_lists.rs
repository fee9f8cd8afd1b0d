//! No filter is trusted, and no list loses a row in silence: every list on each API, against servers that ignore filters, whose
//! order has ties, or whose total moves.

use std::collections::BTreeSet;
use std::pin::Pin;

use bud_sdk::credentials::CredentialType;
use bud_sdk::endpoints::EndpointStatus;
use bud_sdk::operations::{Filter, FilterProof, Method, Paged};
use bud_sdk::projects::ProjectType;
use bud_sdk::testing::{Answer, Script};
use bud_sdk::users::{Role, UserStatus};
use bud_sdk::workflows::WorkflowType;
use bud_sdk::{Client, Error, ErrorKind, Flavor, List};
use serde::Serialize;
use serde_json::{Value, json};

use crate::common::january;

/// The rows that came, as JSON, and the codes of the warnings; or the error.
type Read = Result<(Vec<Value>, Vec<String>), Error>;
type Reading = Pin<Box<dyn Future<Output = Read>>>;

fn read<O>(list: List<O>) -> Reading
where
    O: Paged,
    O::Item: Serialize,
{
    Box::pin(async move {
        let listing = list.page_size(2).all().await?;
        let rows = listing.iter().map(|row| serde_json::to_value(row).unwrap()).collect();
        Ok((rows, listing.warnings().iter().map(|warning| warning.code().to_owned()).collect()))
    })
}

fn filters_of<O: Paged<Flavor = Flavor>>(_: &List<O>) -> (&'static str, &'static [Filter<Flavor>]) {
    (O::ID, O::FILTERS)
}

/// A filter, the list with it, and what a row has that is not meant.
struct Filtered {
    name: &'static str,
    read: fn(&Client) -> Reading,
    other: Value,
    /// The name under which the rows show it.
    shown: &'static str,
}

struct Listed {
    flavor: Flavor,
    path: &'static str,
    /// Under which name the rows stand, and within what.
    names: &'static str,
    within: Option<&'static str>,
    row: Value,
    read: fn(&Client) -> Reading,
    known: (&'static str, &'static [Filter<Flavor>]),
    filtered: Vec<Filtered>,
}

/// An object with more fields.
fn with(object: &Value, more: &Value) -> Value {
    let mut object = object.clone();
    object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    object
}

impl Listed {
    fn row(&self, id: &str, more: &Value) -> Value {
        let row = with(&with(&self.row, more), &json!({ "id": id }));
        match self.within {
            Some(name) => json!({ name: row }),
            None => row,
        }
    }

    fn page(&self, rows: &[Value], page: u32, total: usize) -> Answer {
        let pages = total.div_ceil(2).max(1);
        Answer::json(
            200,
            json!({ self.names: rows, "page": page, "limit": 2, "total_record": total, "total_pages": pages }),
        )
    }

    fn client(&self, script: &Script) -> Client {
        script.builder().flavor(self.flavor).attempts(1).build().unwrap()
    }

    fn script(&self, pages: impl IntoIterator<Item = Answer>) -> Script {
        let script =
            pages.into_iter().fold(Script::new(), |script, page| script.on(Method::Get, self.path, page));
        // A list in parts ends with one that is empty.
        let none = Answer::json(200, json!({ self.names: [] }));
        script.on(Method::Get, self.path, none.always())
    }

    fn called(&self) -> String {
        format!("{} on {}", self.known.0, self.flavor)
    }
}

macro_rules! listed {
    ($flavor:ident $path:literal $names:literal $(in $within:literal)?, $row:expr, |$bud:ident| $list:expr; $($name:literal shown as $shown:literal: $filtered:expr, $other:expr;)*) => {{
        let script = Script::new();
        let $bud = &script.client();
        let known = filters_of(&$list);
        #[allow(unused_mut, unused_assignments)]
        let mut within = None;
        $(within = Some($within);)?
        Listed {
            flavor: Flavor::$flavor,
            path: $path,
            names: $names,
            within,
            row: $row,
            read: |$bud| read($list),
            known,
            filtered: vec![$(Filtered { name: $name, read: |$bud| read($filtered), other: $other, shown: $shown }),*],
        }
    }};
}

fn lists() -> Vec<Listed> {
    let user =
        json!({ "role": "ADMIN", "status": "ACTIVE", "name": "Ann Miller", "email": "ann@example.com" });
    let endpoint = json!({ "status": "RUNNING", "name": "e", "project_id": "p-1" });
    let key = json!({ "name": "k", "project_id": "p-1", "credential_type": "client_app" });
    let permission = json!({ "user_id": "u-1", "resource_type": "project", "resource_id": "p-1" });
    let scopes = json!({ "permissions": [{ "name": "endpoint:view", "has_permission": true }] });
    let record = json!({
        "action": "login", "resource_type": "session", "resource_id": "r-1", "resource_name": "Ann", "user_id": "u-1",
        "actioned_by": "u-2", "ip_address": "10.0.0.1", "timestamp": "2026-01-10T00:00:00Z",
    });
    vec![
        listed!(Guide "/users" "users", user.clone(), |bud| bud.users().list();
            "role" shown as "role": bud.users().list().role(Role::Admin), json!({ "role": "USER" });
            "status" shown as "status": bud.users().list().status(UserStatus::Active), json!({ "status": "INACTIVE" });
            "search" shown as "name": bud.users().list().search("miller"), json!({ "name": "Bob", "email": "b@example.com" });),
        listed!(Runtime "/users/" "users", user, |bud| bud.users().list();
            "role" shown as "role": bud.users().list().role(Role::Admin), json!({ "role": "tester" });
            "status" shown as "status": bud.users().list().status(UserStatus::Active), json!({ "status": "deleted" });
            "search" shown as "name": bud.users().list().search("miller"), json!({ "name": "Bob", "email": "b@example.com" });),
        listed!(Guide "/projects" "projects", json!({}), |bud| bud.projects().list();),
        listed!(Runtime "/projects/" "projects" in "project", json!({ "project_type": "client_app" }), |bud| bud.projects().list();
            "project_type" shown as "project_type": bud.projects().list().project_type(ProjectType::ClientApp), json!({ "project_type": "admin_app" });),
        listed!(Guide "/projects/p-1/endpoints" "endpoints", endpoint.clone(), |bud| bud.projects().endpoints("p-1");),
        listed!(Runtime "/endpoints/" "endpoints", endpoint.clone(), |bud| bud.projects().endpoints("p-1");),
        listed!(Guide "/endpoints" "endpoints", endpoint.clone(), |bud| bud.endpoints().list();
            "project" shown as "project_id": bud.endpoints().list().project("p-1"), json!({ "project_id": "p-2" });
            "status" shown as "status": bud.endpoints().list().status(EndpointStatus::Running), json!({ "status": "STOPPED" });),
        listed!(Runtime "/endpoints/" "endpoints", endpoint, |bud| bud.endpoints().list();
            "status" shown as "status": bud.endpoints().list().status(EndpointStatus::Running), json!({ "status": "failure" });),
        listed!(Runtime "/projects/p-1/users" "users", json!({}), |bud| bud.projects().members("p-1");),
        listed!(Guide "/permissions" "permissions", permission, |bud| bud.permissions().list();
            "user" shown as "user_id": bud.permissions().list().user("u-1"), json!({ "user_id": "u-2" });
            "resource" shown as "resource_id": bud.permissions().list().project("p-1"), json!({ "resource_id": "p-2" });),
        listed!(Runtime "/permissions/u-1/projects" "projects", scopes.clone(), |bud| bud.permissions().list().user("u-1");),
        listed!(Runtime "/projects/p-1/users" "users", scopes, |bud| bud.permissions().list().project("p-1");),
        listed!(Guide "/clusters" "clusters", json!({}), |bud| bud.clusters().list();),
        listed!(Runtime "/clusters/clusters" "clusters", json!({}), |bud| bud.clusters().list();),
        listed!(Guide "/credentials" "credentials", key.clone(), |bud| bud.credentials().list();
            "project" shown as "project_id": bud.credentials().list().project("p-1"), json!({ "project_id": "p-2" });),
        listed!(Runtime "/credentials/" "credentials", key, |bud| bud.credentials().list();
            "project" shown as "project_id": bud.credentials().list().project("p-1"), json!({ "project_id": "p-2" });
            "credential_type" shown as "credential_type": bud.credentials().list().credential_type(CredentialType::ClientApp), json!({ "credential_type": "admin_app" });),
        listed!(Runtime "/endpoints/e-1/workers" "workers", json!({}), |bud| bud.endpoints().workers("e-1");),
        listed!(Runtime "/workflows" "workflows", json!({ "workflow_type": "model_deployment" }), |bud| bud.workflows().list();
            "workflow_type" shown as "workflow_type": bud.workflows().list().workflow_type(WorkflowType::ModelDeployment), json!({ "workflow_type": "cluster_onboarding" });),
        listed!(Runtime "/audit/records" "data", record, |bud| bud.audit().records();
            "within" shown as "timestamp": bud.audit().records().within(january()), json!({ "timestamp": "2026-02-01T00:00:00Z" });
            "action" shown as "action": bud.audit().records().action("login"), json!({ "action": "delete" });
            "resource_type" shown as "resource_type": bud.audit().records().resource_type("session"), json!({ "resource_type": "user" });
            "resource_id" shown as "resource_id": bud.audit().records().resource_id("r-1"), json!({ "resource_id": "r-2" });
            "resource_name" shown as "resource_name": bud.audit().records().resource_name("ann"), json!({ "resource_name": "Bob" });
            "user" shown as "user_id": bud.audit().records().user("u-1"), json!({ "user_id": "u-9" });
            "actioned_by" shown as "actioned_by": bud.audit().records().actioned_by("u-2"), json!({ "actioned_by": "u-9" });
            "ip_address" shown as "ip_address": bud.audit().records().ip_address("10.0.0.1"), json!({ "ip_address": "10.0.0.2" });
            "search" shown as "resource_name": bud.audit().records().search("ann"), json!({ "resource_name": "Bob", "ip_address": "10.0.0.9" });),
    ]
}

#[tokio::test(start_paused = true)]
async fn rows_that_a_filter_does_not_mean_are_never_returned() {
    let mut tried = 0;
    for listed in lists() {
        for filtered in &listed.filtered {
            let rows =
                [listed.row("a", &json!({})), listed.row("b", &filtered.other), listed.row("c", &json!({}))];
            let script = listed.script([listed.page(&rows[..2], 1, 3), listed.page(&rows[2..], 2, 3)]);
            let (found, _) = (filtered.read)(&listed.client(&script)).await.unwrap();
            assert_eq!(found.len(), 2, "{}, {}: {found:?}", listed.called(), filtered.name);
            tried += 1;
        }
    }
    assert!(tried >= 25, "{tried}");
}

#[tokio::test(start_paused = true)]
async fn a_filter_that_no_row_shows_is_no_empty_list() {
    for listed in lists() {
        // Records of the log have every field, and a null in one is a value.
        for filtered in listed.filtered.iter().filter(|_| listed.known.0 != "audit.records") {
            let hidden = json!({ filtered.shown: null, "email": null });
            let script = listed.script([listed.page(&[listed.row("a", &hidden)], 1, 1)]);
            let error = (filtered.read)(&listed.client(&script)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Incomplete, "{}: {error}", listed.called());
            assert!(error.message().contains(filtered.shown), "{error}");
        }
    }
}

#[test]
fn every_filter_has_a_proof_on_each_api() {
    for listed in lists() {
        let tried: BTreeSet<_> = listed.filtered.iter().map(|filtered| filtered.name).collect();
        for filter in listed.known.1 {
            let proof = filter.proofs.on(listed.flavor).unwrap();
            match proof {
                // A name is given by the SDK alone, to find what it has deployed.
                FilterProof::Rows if filter.name == "name" => {}
                FilterProof::Rows => {
                    assert!(tried.contains(filter.name), "{}: {}", listed.called(), filter.name)
                }
                FilterProof::Server(recorded) => {
                    let path =
                        concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/contract/runtime/exchanges.jsonl");
                    let exchanges = std::fs::read_to_string(path).unwrap();
                    let named =
                        |line: &str| serde_json::from_str::<Value>(line).unwrap()["name"] == *recorded;
                    assert!(exchanges.lines().any(named), "{recorded}");
                }
                FilterProof::Path | FilterProof::Refused => {}
                _ => unreachable!("another proof"),
            }
        }
        for name in tried {
            assert!(listed.known.1.iter().any(|filter| filter.name == name), "{}: {name}", listed.called());
        }
    }
}

/// The distinct rows of what was read.
fn distinct(rows: &[Value]) -> usize {
    rows.iter().map(Value::to_string).collect::<BTreeSet<_>>().len()
}

#[tokio::test(start_paused = true)]
async fn an_order_with_ties_loses_no_row_and_gives_none_twice() {
    for listed in lists() {
        let row = |id: &str| listed.row(id, &json!({}));
        let pages = [listed.page(&[row("a"), row("b")], 1, 3), listed.page(&[row("b")], 2, 3)];
        let whole = json!({ listed.names: [row("c"), row("b"), row("a")], "page": 1, "limit": 3, "total_record": 3, "total_pages": 1 });
        let script = listed.script(pages.into_iter().chain([Answer::json(200, whole)]));
        let (rows, warnings) = (listed.read)(&listed.client(&script)).await.unwrap();
        assert_eq!((rows.len(), distinct(&rows)), (3, 3), "{}: {rows:?} {warnings:?}", listed.called());
        assert!(!warnings.contains(&"changed_while_reading".to_owned()), "{}", listed.called());
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_that_stays_incomplete_is_an_error() {
    for listed in lists() {
        let row = |id: &str| listed.row(id, &json!({}));
        let pages = || [listed.page(&[row("a"), row("b")], 1, 3), listed.page(&[row("b")], 2, 3)];
        let script = listed.script(pages().into_iter().chain(pages()));
        let error = (listed.read)(&listed.client(&script)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Incomplete, "{}: {error}", listed.called());
        assert!(error.hint().is_some() && error.cursor().is_some(), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_total_that_moves_is_a_warning() {
    for listed in lists() {
        let row = |id: &str| listed.row(id, &json!({}));
        let script = listed
            .script([listed.page(&[row("a"), row("b")], 1, 3), listed.page(&[row("b"), row("c")], 2, 4)]);
        let (rows, warnings) = (listed.read)(&listed.client(&script)).await.unwrap();
        assert_eq!((rows.len(), distinct(&rows)), (3, 3), "{}: {rows:?}", listed.called());
        assert!(warnings.contains(&"changed_while_reading".to_owned()), "{}: {warnings:?}", listed.called());
    }
}

#[test]
fn every_list_is_tried_on_each_api() {
    let tried: BTreeSet<_> = lists().iter().map(|listed| (listed.known.0, listed.flavor.as_str())).collect();
    for (id, flavor) in [("users.list", "guide"), ("audit.records", "runtime"), ("workflows.list", "runtime")]
    {
        assert!(tried.contains(&(id, flavor)));
    }
    // A list is what can be paged; the registry for other languages knows which those are.
    #[cfg(feature = "bindings")]
    for entry in bud_sdk::bindings::registry().filter(|entry| entry.kind == bud_sdk::bindings::Kind::Pages) {
        let Some(operation) = bud_sdk::operations::all().iter().find(|operation| operation.id == entry.id)
        else {
            continue;
        };
        for flavor in [Flavor::Guide, Flavor::Runtime] {
            if matches!(operation.on(flavor.as_str()), Some(bud_sdk::operations::Support::Offered(_))) {
                assert!(tried.contains(&(entry.id, flavor.as_str())), "{} on {flavor}", entry.id);
            }
        }
    }
}

fn answering(flavor: Flavor, script: &Script) -> Client {
    let builder = Client::builder().base_url("https://bud.test").bearer_token("x").flavor(flavor);
    builder.script(script).attempts(1).build().unwrap()
}

/// A server that knows neither pages nor filters answers the same forever.
#[tokio::test]
async fn a_server_that_repeats_what_is_filtered_out_is_not_asked_forever() {
    let rows = |row: fn(usize) -> Value| json!({ "users": (0..2).map(row).collect::<Vec<_>>() });
    let other = rows(|n| json!({ "id": format!("u-{n}"), "role": "developer" }));
    let silent = rows(|n| json!({ "id": format!("u-{n}") }));
    for (body, whole) in [(other, true), (silent, false)] {
        let script = Script::new().on(Method::Get, "/users", Answer::json(200, body).always());
        let bud = answering(Flavor::Guide, &script);
        let all = bud.users().list().role(Role::Admin).page_size(2).all().await;
        assert_eq!(script.requests().len(), 2);
        match all {
            Ok(all) => assert!(whole && all.is_empty() && all.warnings().is_empty()),
            Err(error) => assert!(!whole && error.kind() == ErrorKind::Incomplete, "{error}"),
        }
    }
}

/// The one row that is meant moved to the next page while the list was read.
#[tokio::test]
async fn a_row_that_moves_behind_a_filter_that_is_ignored_ends_no_list() {
    let page = |names: [&str; 2]| json!({ "users": names.map(|name| json!({ "id": name, "role": if name.starts_with('a') { "admin" } else { "developer" } })) });
    let script = Script::new()
        .on(Method::Get, "/users", Answer::json(200, page(["d-1", "a-1"])))
        .on(Method::Get, "/users", Answer::json(200, page(["a-1", "d-2"])))
        .on(Method::Get, "/users", Answer::json(200, page(["a-2", "d-3"])))
        .on(Method::Get, "/users", Answer::json(200, json!({ "users": [] })))
        .on(Method::Get, "/users", Answer::json(200, json!({ "users": [] })));
    let bud = answering(Flavor::Guide, &script);
    let all = bud.users().list().role(Role::Admin).page_size(2).all().await.unwrap();
    let ids: Vec<_> = all.iter().map(|user| user.id.as_str()).collect();
    assert_eq!(ids, ["a-1", "a-2"]);
}

/// On the platform as shipped the projects of clients are a list of their own.
#[tokio::test]
async fn a_part_that_ends_without_a_short_page_is_followed_by_the_next_one() {
    let page = |from: u32| json!({ "projects": (from..from + 2).map(|n| json!({ "project": { "id": format!("p-{n}"), "name": "P", "project_type": if n < 10 { "client_app" } else { "admin_app" } } })).collect::<Vec<_>>() });
    let script = Script::new()
        .on(Method::Get, "/projects/", Answer::json(200, page(10)))
        .on(Method::Get, "/projects/", Answer::json(404, json!({ "detail": "no such page" })))
        .on(Method::Get, "/projects/", Answer::json(200, page(0)))
        .on(Method::Get, "/projects/", Answer::json(404, json!({ "detail": "no such page" })));
    let bud = answering(Flavor::Runtime, &script);
    let all = bud.projects().list().page_size(2).all().await.unwrap();
    assert_eq!((all.len(), script.requests().len()), (4, 4));
}
