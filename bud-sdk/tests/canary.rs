//! Secrets that went through everything are looked for everywhere: errors, Debug, logs at TRACE, files.

mod common;

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bud_sdk::{ApiKeyValue, Client, Flavor, Secret, Timestamp};
use bud_testbed::{Fault, Testbed};
use common::{Folder, with_password};
use serde_json::json;

/// Collects what is logged, by this crate and by those below it.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn record() -> Log {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .init();
    log
}

/// Everything that a person could see of an error.
fn renderings(error: &bud_sdk::Error) -> String {
    let mut text = format!("{error} {error:#} {error:?} {error:#?} {:?} {:?}", error.fields(), error.hint());
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(&format!("{cause} {cause:?}"));
        source = cause.source();
    }
    text
}

#[tokio::test]
async fn no_secret_is_seen_anywhere() {
    let log = record();
    let bed = Testbed::builder().start().await.unwrap();
    let password = bed.admin_password().to_owned();
    let mut seen = Vec::new();
    let handed_out = Arc::new(Mutex::new(Vec::new()));
    for path in ["/auth/login", "/auth/refresh"] {
        let handed_out = handed_out.clone();
        bed.fault(Fault::on("POST", path).times(2).edit(move |answer| {
            let token = |name: &str| answer[name].as_str().unwrap().to_owned();
            handed_out.lock().unwrap().extend([token("access_token"), token("refresh_token")]);
        }));
    }

    let builder = with_password(bed.url(), bed.admin_email(), &password);
    seen.push(format!("{builder:?}"));
    let bud = builder.build().unwrap();
    let sign_in = bud.auth().login().await.unwrap();
    bed.expire_tokens();
    let created = bud.credentials().create("canary", bed.project_id()).await.unwrap();
    let ApiKeyValue::Plain(key) = &created.key else { panic!() };
    seen.push(format!("{bud:?} {:?} {sign_in:?} {created:?} {created:#?}", bud.auth()));
    seen.push(serde_json::to_string(&created.credential).unwrap());
    let listed = bud.credentials().list().all().await.unwrap();
    seen.push(format!("{listed:?}"));

    // A server that echoes what it was sent, in each error shape, to the calls that carry secrets.
    let tokens = handed_out.lock().unwrap().clone();
    assert_eq!(tokens.len(), 4, "a login and a refresh");
    bed.clear_faults();
    let held = || tokens[2..].iter().chain([&password]);
    for body in held().flat_map(|secret| echoes(secret)) {
        bed.fault(Fault::on("GET", "/clusters").status(400).body(body));
        seen.push(renderings(&bud.clusters().list().all().await.unwrap_err()));
    }
    for body in echoes(&password) {
        let fresh = with_password(bed.url(), bed.admin_email(), &password).build().unwrap();
        bed.fault(Fault::on("POST", "/auth/login").status(422).body(body.clone()));
        seen.push(renderings(&fresh.auth().login().await.unwrap_err()));
        bed.fault(Fault::on("POST", "/auth/login").wrong_body(body));
        seen.push(renderings(&fresh.auth().login().await.unwrap_err()));
    }
    // An export that is none, and says what it was sent.
    for body in held().flat_map(|secret| echoes(secret)) {
        bed.fault(Fault::on("GET", "/audit/export").wrong_body(body));
        let export = bud.audit().export(Timestamp::now() - Duration::from_secs(60)..Timestamp::now());
        if let Err(error) = export.write_into(&mut Vec::new()).await {
            seen.push(renderings(&error));
        }
    }
    // A success of the wrong shape, with a secret where another type is expected.
    bed.fault(Fault::on("POST", "/credentials").edit(|answer| answer["created_at"] = answer["key"].clone()));
    seen.push(format!("{:?}", bud.credentials().create("odd time", bed.project_id()).await.unwrap()));
    bed.fault(Fault::on("POST", "/credentials").edit(|answer| answer["id"] = json!([answer["key"]])));
    seen.push(renderings(&bud.credentials().create("odd", bed.project_id()).await.unwrap_err()));
    bed.fault(Fault::on("POST", "/auth/login").edit(|answer| {
        answer["access_token"] = json!({ "inner": answer["access_token"] });
    }));
    let fresh = with_password(bed.url(), bed.admin_email(), &password).build().unwrap();
    seen.push(renderings(&fresh.auth().login().await.unwrap_err()));
    // Values given by hand.
    let given = Client::builder().base_url(bed.url()).bearer_token(tokens[0].as_str()).flavor(Flavor::Guide);
    seen.push(format!("{given:?} {:?}", Secret::new(password.as_str())));
    let given = given.build().unwrap();
    seen.push(renderings(&given.auth().logout().await.unwrap_err()));
    let folder = Folder::new("canary");
    let day = Timestamp::now() - Duration::from_secs(86_400)..Timestamp::now() + Duration::from_secs(60);
    bud.audit().export(day).write_to(folder.path().join("audit.csv")).await.unwrap();
    seen.push(std::fs::read_to_string(folder.path().join("audit.csv")).unwrap());
    bud.auth().logout().await.unwrap();

    let log = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(log.contains("bud.call") && log.contains("answered"), "the log has our events");
    assert!(log.contains("hyper") || log.contains("reqwest"), "and those of the crates below");
    seen.push(log);
    let mut secrets = tokens;
    secrets.extend([password, key.expose().to_owned()]);
    assert!(secrets.len() >= 5, "the scan looks for tokens, refresh tokens, password and key");
    for text in &seen {
        for secret in &secrets {
            assert!(!text.contains(secret.as_str()), "{secret} is seen in: {}", excerpt(text, secret));
        }
    }
}

/// What a careless server may answer: what it was sent, in each error shape.
fn echoes(secret: &str) -> Vec<String> {
    let bodies = [
        json!({ "detail": format!("cannot take {secret}") }),
        json!({ "detail": [{ "loc": ["body", secret], "msg": format!("bad {secret}"), "input": secret, "type": "x" }] }),
        json!({ "object": "error", "message": secret, "param": secret, "type": secret, "code": 400 }),
        json!({ "title": secret, "detail": secret }),
        json!({ "error": { "message": secret } }),
        json!({ "unknown": secret }),
        json!({ secret: "unknown" }),
    ];
    let text = format!("<html><title>{secret}</title></html>");
    bodies.iter().map(ToString::to_string).chain([secret.to_owned(), text]).collect()
}

fn excerpt(text: &str, secret: &str) -> String {
    let at = text.find(secret).unwrap_or_default();
    text[at.saturating_sub(80)..].chars().take(300).collect()
}
