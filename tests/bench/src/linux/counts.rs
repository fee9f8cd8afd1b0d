//! One path, taken so many times: what instructions are counted of. Two runs that differ in nothing but the number of times
//! differ by those times alone, so that what a program does once does not count.

use std::hint::black_box;

use bud_sdk::Client;
#[cfg(feature = "bindings")]
use bud_sdk::bindings::{Target, Task};
use bud_sdk::operations::Method;
use bud_sdk::report::Report;
use bud_sdk::testing::{Answer, Script};
use bud_sdk::users::Role;
#[cfg(feature = "bindings")]
use serde_json::Map;
use serde_json::{Value, json};

use super::Outcome;
use super::calls::{ID, client, exactly, runtime};
use super::serve::{PER_PAGE, page, user};
use super::server::Server;

/// The paths, by name.
const PATHS: &[&str] = &[
    "users.get",
    "users.get, by HTTP",
    "users.list, 100",
    "users.set_role",
    #[cfg(feature = "bindings")]
    "bindings",
    "report.parse",
    "report.text",
];
const FINDINGS: usize = 50;

/// Prints the names.
pub(super) fn names() {
    PATHS.iter().for_each(|path| println!("{path}"));
}

/// Takes the path. Only the one by HTTP has a server, in a process of its own; the others are answered by a script, so that
/// they are ours from end to end.
pub(super) fn take(path: &str, times: usize) -> Outcome {
    match path {
        "users.get" => get(&scripted(Method::Get, user(0)), times),
        "users.get, by HTTP" => {
            let server = Server::start(None)?;
            get(&client(server.url())?, times)
        }
        "users.list, 100" => list(&scripted(Method::Get, page(1)), times),
        "users.set_role" => set_role(&scripted(Method::Put, user(0)), times),
        #[cfg(feature = "bindings")]
        "bindings" => bindings(&scripted(Method::Get, user(0)), times),
        "report.parse" => {
            let json = report();
            (0..times).try_for_each(|_| parsed(&json).map(|report| drop(black_box(report))))
        }
        "report.text" => {
            let report = parsed(&report())?;
            (0..times).for_each(|_| drop(black_box(report.to_text().to_string())));
            Ok(())
        }
        _ => Err(format!("there is no path {path}")),
    }
}

fn scripted(method: Method, body: String) -> Client {
    let answer =
        || Answer::status(200).header("content-type", "application/json").body(body.clone()).always();
    Script::new()
        .on(method, "/users", answer())
        .on(method, "/users/{id}", answer())
        .on(method, "/users/{id}/role", answer())
        .client()
}

fn failed(error: bud_sdk::Error) -> String {
    error.to_string()
}

fn get(bud: &Client, times: usize) -> Outcome {
    runtime()?.block_on(async {
        for _ in 0..times {
            let user = black_box(bud.users().get(ID).await.map_err(failed)?);
            exactly(ID.len(), user.id.as_str().len())?;
        }
        Ok(())
    })
}

fn set_role(bud: &Client, times: usize) -> Outcome {
    runtime()?.block_on(async {
        for _ in 0..times {
            black_box(bud.users().set_role(ID, Role::User).await.map_err(failed)?);
        }
        Ok(())
    })
}

fn list(bud: &Client, times: usize) -> Outcome {
    runtime()?.block_on(async {
        for _ in 0..times {
            let mut pages = bud.users().list().page_size(PER_PAGE as u32).pages();
            let page = pages.next().await.ok_or("no page")?.map_err(failed)?;
            exactly(PER_PAGE, black_box(page).items.len())?;
        }
        Ok(())
    })
}

/// As a binding makes a call: arguments in JSON, the result in JSON.
#[cfg(feature = "bindings")]
fn bindings(bud: &Client, times: usize) -> Outcome {
    let args = json!({ "id": ID }).to_string();
    let target = Target::from(bud.clone());
    runtime()?.block_on(async {
        for _ in 0..times {
            let args: Map<String, Value> = serde_json::from_str(&args).map_err(|error| error.to_string())?;
            let Task::Call(call) = target.begin("users.get", args, Map::new()).map_err(failed)? else {
                return Err("users.get is no call".to_owned());
            };
            black_box(call.await.map_err(failed)?.value.to_json().map_err(failed)?);
        }
        Ok(())
    })
}

fn parsed(json: &str) -> Outcome<Report> {
    serde_json::from_str(json).map_err(|error| error.to_string())
}

/// A node that is down, and what it explains.
fn report() -> String {
    let subject = |kind: &str, name: &str| json!({ "kind": kind, "namespace": "bud", "name": name });
    let findings: Vec<Value> = (0..FINDINGS)
        .map(|number| {
            let cause = (number > 0).then_some("NODE_NOT_READY/0");
            json!({
                "code": if number == 0 { "NODE_NOT_READY" } else { "POD_NOT_READY" },
                "severity": "ERROR", "section": "pods", "title": "it is not ready",
                "subject": subject("Pod", &format!("app-{number}")), "owner": subject("Deployment", "app"),
                "container": "main", "since": "2026-01-31T11:55:00Z", "count": 3,
                "samples": ["app-0", "app-1", "app-2"],
                "evidence": [
                    { "kind": "CONDITION", "at": "2026-01-31T11:55:00Z", "text": "Ready is Unknown: Kubelet stopped posting" },
                    { "kind": "EVENT", "at": null, "text": "NodeNotReady" },
                ],
                "remedy": "See whether the machine runs.", "commands": ["kubectl describe node n7"],
                "caused_by": cause, "fingerprint": format!("NODE_NOT_READY/{number}"),
            })
        })
        .collect();
    let section = json!({
        "name": "pods", "status": "FINDINGS", "reason": null, "detail": null, "missing_permission": null, "objects": 150,
    });
    let report = json!({
        "schema": "bud.diagnostics/v1", "server": "https://10.0.0.1:6443", "version": "v1.33.1",
        "started_at": "2026-01-31T11:59:58Z", "finished_at": "2026-01-31T12:00:00Z", "namespaces": ["bud"],
        "verdict": "DEGRADED", "summary": { "critical": 0, "error": 1, "warning": 0, "info": 0 },
        "sections": [section], "findings": findings,
    });
    report.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_can_be_taken_but_that_which_starts_this_program() {
        for path in PATHS.iter().filter(|path| !path.ends_with("by HTTP")) {
            take(path, 2).unwrap_or_else(|reason| panic!("{path}: {reason}"));
        }
        assert!(take("users.set", 1).is_err());
    }
}
