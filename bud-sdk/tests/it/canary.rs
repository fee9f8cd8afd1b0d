//! Secrets that went through everything are looked for everywhere: errors, Debug, logs at TRACE, files.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bud_sdk::credentials::ApiKeyValue;
use bud_sdk::{Client, Flavor, Secret, Timestamp};
use bud_testbed::{Fault, Testbed};
use serde_json::json;

use crate::common::{Folder, alone, test_path, with_password};

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
    // The log is the process's: what other tests do would stand in it as well.
    if !alone(module_path!(), "no_secret_is_seen_anywhere") {
        return;
    }
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
    assert!(log.contains("bud_sdk.call") && log.contains("answered"), "the log has our events");
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

/// A server, or what stands before it, that gives back what it was sent where one looks last: in the id of the request, in
/// the target of a redirect, escaped, encoded, or cut.
#[tokio::test]
async fn echoed_secrets_are_masked_in_every_place_and_form() {
    let password = r#"Canary"Pass'w0rd</&!"#;
    let halves = ["Canary\"Pass", "Canary%22Pass", "Q2FuYXJ5I", "Canary&quot;Pass", r#"Canary\"Pass"#];
    let encoded = "Q2FuYXJ5IlBhc3MndzByZDwvJiE";
    let json = |text: &str| json!({ "detail": text }).to_string();
    let bodies = [
        json(password),
        // JSON inside JSON.
        json(&json(password)),
        json("at /login?password=Canary%22Pass%27w0rd%3C%2F%26%21&x=1"),
        json("at /login?password=Canary%22Pass%27w0rd%3c%2f%26%21"),
        "<title>no: Canary&quot;Pass&#x27;w0rd&lt;/&amp;!</title>".to_owned(),
        "<title>no: Canary&#34;Pass&#39;w0rd&lt;/&amp;!</title>".to_owned(),
        json(&format!("Basic YWRtaW46{encoded}")),
        json(r#"Canary"Pass\'w0rd</&!"#),
        "you sent Canary\"Pass'w0".to_owned(),
        "you sent Canary%22Pass%27w".to_owned(),
    ];
    let check = |error: bud_sdk::Error, what: &str| {
        let text = renderings(&error) + error.request_id().unwrap_or_default();
        assert!(text.contains("***"), "{what}: {text}");
        for half in halves {
            assert!(!text.contains(half), "{what}: {text}");
        }
    };
    let answer = |status, headers: &[(&str, &str)], body: &str| {
        bud_testbed::Script::answer(bud_testbed::respond(status, headers, body))
    };
    let scripts = bodies
        .iter()
        .map(|body| answer(400, &[], body))
        .chain([
            answer(503, &[("x-request-id", encoded)], "{}"),
            answer(422, &[("x-correlation-id", "id-Canary%22Pass%27w0rd%3C%2F%26%21")], "{}"),
            answer(302, &[("location", "/login/Canary%22Pass'w0rd%3C/&!/next")], ""),
            answer(302, &[("location", "/a/Canary%22Pass%27w0rd%3C%2F%26%21")], ""),
        ])
        .collect::<Vec<_>>();
    let count = scripts.len();
    let wire = bud_testbed::Wire::start(scripts).await.unwrap();
    for turn in 0..count {
        let bud = with_password(wire.url(), "admin@example.com", password).build().unwrap();
        let error = bud.auth().login().await.unwrap_err();
        check(error, bodies.get(turn).map_or("a header", String::as_str));
    }
}

const HOSTILE: &str = "Canary-in-a-value-0123456789";

/// The other process: a client from its environment, one call, and everything that a person could see of it.
#[tokio::test]
async fn hostile_probe() {
    if std::env::var_os("BUD_TEST_HOSTILE").is_none() {
        return;
    }
    let log = record();
    let outcome = match configured().build() {
        Ok(bud) => bud.clusters().get("c-1").attempts(1).await.map(drop),
        Err(error) => Err(error),
    };
    let shown = outcome.map_or_else(|error| renderings(&error), |()| "worked".to_owned());
    let log = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    println!("outcome: {shown}\nlog: {log}");
}

fn configured() -> bud_sdk::ClientBuilder {
    match std::env::var("BUD_TEST_PEM") {
        Ok(pem) => Client::builder().env().ca_certificate(pem),
        Err(_) => Client::builder().env(),
    }
}

/// Secrets in places where none belongs: PEM text, proxies, variables and files that cannot be read.
#[tokio::test]
async fn no_value_is_seen_in_an_error_about_it() {
    let key = rcgen::KeyPair::generate().unwrap().serialize_pem();
    let certificate = rcgen::generate_simple_self_signed(vec!["bud.test".to_owned()]).unwrap().cert.pem();
    let bundle = format!("{certificate}{key}");
    let planted: Vec<&str> =
        key.lines().filter(|line| line.len() > 40).map(|line| &line[..20]).chain([HOSTILE]).collect();
    let one_line = bundle.replace('\n', "\\n");
    let pems = [
        one_line[..one_line.len() - 90].to_owned(),
        bundle.replace('\n', ""),
        bundle.replace("CERTIFICATE", "CERTIFICAT"),
        bundle.replacen("MII", "M!I", 1),
        key.clone(),
        key.replace('\n', "\\n"),
        HOSTILE.to_owned(),
        format!("/etc/{HOSTILE}.pem"),
    ];
    let url = format!("http://user:{HOSTILE}@");
    let proxies = ["[", "proxy", "proxy:99999", "proxy:x", "proxy:1/y", "pro\"xy:1", "127.0.0.1:1"]
        .map(|rest| format!("{url}{rest}"));
    let proxies = proxies.into_iter().chain([
        format!("ftp://u:{HOSTILE}@proxy"),
        format!("socks5://u:{HOSTILE}@127.0.0.1:1"),
        format!("http://u:12#{HOSTILE}@proxy:1"),
        format!("\"{HOSTILE}\""),
        format!("{HOSTILE}\n"),
    ]);
    let mut cases: Vec<(&str, String)> = Vec::new();
    cases.extend(
        pems.iter().flat_map(|pem| [("BUD_TEST_PEM", pem.clone()), ("BUD_CA_CERTIFICATE", pem.clone())]),
    );
    cases.extend(proxies.flat_map(|proxy| [("HTTPS_PROXY", proxy.clone()), ("all_proxy", proxy)]));
    for name in [
        "BUD_CONFIG",
        "BUD_PROFILE",
        "BUD_API_FLAVOR",
        "BUD_TIMEOUT",
        "BUD_VERIFY_SSL",
        "BUD_TOKEN",
        "BUD_API_KEY",
    ] {
        cases.push((name, format!("{HOSTILE} \u{7} x")));
        cases.push((name, HOSTILE.to_owned()));
    }
    cases.push(("BUD_PASSWORD", format!("{HOSTILE}\n")));
    cases.push(("BUD_BASE_URL", format!("https://user:{HOSTILE}@bud.test")));
    cases.push(("BUD_BASE_URL", format!("https://bud.test/?key={HOSTILE}")));
    for file in [
        format!("password = {HOSTILE}"),
        format!("password = ['{HOSTILE}']"),
        format!("api_url = 'https://bud.test'\npassword = '{HOSTILE}"),
        format!("api_url = 'https://u:{HOSTILE}@bud.test'"),
        format!("api_url = 'https://bud.test'\n{HOSTILE} = {HOSTILE}"),
        format!("api_url = 'https://bud.test'\nca_certificate = '{HOSTILE}'"),
    ] {
        cases.push(("file", file));
    }
    let home = Folder::new("canary-values");
    std::fs::create_dir_all(home.path().join(".bud")).unwrap();
    let mut refused = 0;
    for (name, value) in &cases {
        let file = if *name == "file" { value.as_str() } else { "" };
        std::fs::write(home.path().join(".bud/config.toml"), file).unwrap();
        let mut child = tokio::process::Command::new(std::env::current_exe().unwrap());
        child
            .args(["--exact", &test_path(module_path!(), "hostile_probe"), "--nocapture"])
            .env("BUD_TEST_HOSTILE", "1");
        child.env("HOME", home.path()).env_remove("NO_PROXY").env_remove("no_proxy");
        if *name != "file" {
            child.env("BUD_BASE_URL", "https://api.bud.test");
        }
        child
            .env("BUD_EMAIL", "a@example.com")
            .env("BUD_PASSWORD", "another-password")
            .env("BUD_TIMEOUT", "5");
        child.env(name, value);
        let output = child.output().await.unwrap();
        let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && text.contains("outcome: "), "{name}: {text}");
        refused += usize::from(!text.contains("outcome: worked"));
        for secret in &planted {
            assert!(
                !text.contains(secret),
                "{secret} is seen for {name}={value}: {}",
                excerpt(&text, secret)
            );
        }
        let (shown, _) = text.split_once("outcome: ").unwrap().1.split_once("\nlog: ").unwrap();
        assert!(shown.len() < 5_000, "{name}: {} bytes", shown.len());
    }
    assert_eq!(refused, cases.len());
}
