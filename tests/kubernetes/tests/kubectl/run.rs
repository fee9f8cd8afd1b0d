//! Running the cases.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use bud_kubernetes_testbed::{Binaries, Guard, Outcome};
use bud_sdk::kubernetes::Cluster;
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::cases::{self, Case, Group};
use crate::stage::{Pki, Seen, Stage};

/// Makes this program the SDK of a case.
const SDK: &str = "BUD_KUBECTL_CASE";
/// Fewer than this would not show that both agree.
const FEWEST: usize = 60;
const AT_ONCE: usize = 4;
/// Far more than either takes on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

pub(crate) fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    if let Ok(case) = std::env::var(SDK) {
        return runtime.block_on(sdk(&serde_json::from_str(&case).unwrap()));
    }
    let Some(kubectl) = kubectl() else {
        println!("skipped: there is no kubectl");
        println!("test result: ok. 0 passed; 0 failed; 1 ignored");
        let ci = std::env::var("CI").is_ok_and(|value| value == "true");
        return if ci { ExitCode::FAILURE } else { ExitCode::SUCCESS };
    };
    println!("beside {}", kubectl.display());
    let filter: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let chosen = |name: &str| filter.is_empty() || filter.iter().any(|part| name.contains(part.as_str()));
    let groups = cases::all();
    let all: usize = groups.iter().map(|group| group.cases.len()).sum();
    assert!(all >= FEWEST, "only {all} cases");
    let groups = groups.into_iter().filter(|group| chosen(group.name)).collect();
    let (passed, failed) = runtime.block_on(play(groups, &kubectl));
    let word = if failed == 0 { "ok" } else { "FAILED" };
    println!("test result: {word}. {passed} passed; {failed} failed; 0 ignored");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// That of the control plane, if it is built; else the one in PATH.
fn kubectl() -> Option<PathBuf> {
    let built = Binaries::find().ok().flatten().and_then(|binaries| binaries.program("kubectl"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = std::env::split_paths(&path);
    built.or_else(|| folders.find_map(|folder| Some(folder.join("kubectl")).filter(|path| path.is_file())))
}

/// What the SDK does in a case.
async fn sdk(case: &Value) -> ExitCode {
    let mut builder =
        Cluster::builder().request_timeout(Duration::from_secs(10)).connect_timeout(Duration::from_secs(10));
    if let Some(context) = case["context"].as_str() {
        builder = builder.context(context);
    }
    if case["allow_insecure_tls"] == true {
        builder = builder.allow_insecure_tls();
    }
    let connected = async {
        let cluster = builder.connect().await?;
        println!("namespace: {}", cluster.default_namespace());
        cluster.nodes().await
    };
    match connected.await {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{:?}: {error}", error.kind());
            ExitCode::FAILURE
        }
    }
}

async fn play(groups: Vec<Group>, kubectl: &Path) -> (usize, usize) {
    let (pki, guard) = (Pki::new(), Guard::new().unwrap());
    let (mut passed, mut failed, mut at) = (0, 0, 0);
    for Group { name, cases } in groups {
        let (start, count) = (Instant::now(), cases.len());
        let numbered: Vec<(usize, Case)> = cases
            .into_iter()
            .map(|case| {
                at += 1;
                (at, case)
            })
            .collect();
        let played = numbered.into_iter().map(async |(at, case)| {
            let folder = guard.folder().join(at.to_string());
            let outcome = one(&case, &folder, &pki, kubectl).await;
            outcome.map_err(|reason| format!("  {}: {reason}", case.name))
        });
        let outcomes: Vec<Outcome> =
            futures_util::stream::iter(played).buffer_unordered(AT_ONCE).collect().await;
        let reasons: Vec<String> = outcomes.into_iter().filter_map(Result::err).collect();
        let seconds = start.elapsed().as_secs_f32();
        if reasons.is_empty() {
            passed += 1;
            println!("test {name} ... ok ({count} cases, {seconds:.1} s)");
        } else {
            failed += 1;
            println!("test {name} ... FAILED ({} of {count} cases)\n{}", reasons.len(), reasons.join("\n"));
        }
    }
    (passed, failed)
}

/// What one of the two did.
struct Did {
    connected: bool,
    seen: Vec<Seen>,
    said: String,
}

async fn one(case: &Case, folder: &Path, pki: &Pki, kubectl: &Path) -> Outcome {
    let stage = Stage::new(pki).await;
    let words = words(&stage, folder, pki);
    write(case, folder, &words)?;
    let environment = environment(case, folder, &words);
    let mut command = Command::new(kubectl);
    command.args(["get", "--raw", "/api/v1/nodes?limit=500"]);
    if let Some(context) = case.context {
        command.args(["--context", context]);
    }
    let theirs = run(command, folder, &environment, &stage).await?;
    let mut command = Command::new(std::env::current_exe().map_err(|error| error.to_string())?);
    let given = json!({ "context": case.context, "allow_insecure_tls": case.allow_insecure_tls });
    command.env(SDK, given.to_string());
    let ours = run(command, folder, &environment, &stage).await?;
    drop(stage);

    if ours.said.contains("panicked") {
        return Err(format!("the SDK panics: {}", ours.said));
    }
    if !ours.connected && ours.said.contains("canary") {
        return Err(format!("the SDK's error shows a secret: {}", ours.said));
    }
    let (theirs_did, ours_did) = (shown(&theirs), shown(&ours));
    if theirs.connected != case.connects {
        return Err(format!(
            "kubectl was expected to {}: {theirs_did}",
            if case.connects { "connect" } else { "refuse" }
        ));
    }
    let same = if case.also_sends.is_some() {
        ours.seen != theirs.seen && anonymous(&ours.seen) == theirs.seen
    } else {
        ours.seen == theirs.seen
    };
    match case.differs {
        None if theirs.connected == ours.connected && (!theirs.connected || same) => {}
        None => return Err(format!("they differ\n    kubectl: {theirs_did}\n    SDK: {ours_did}")),
        Some((_, connects)) if ours.connected == connects && connects != theirs.connected => {}
        Some((why, _)) => {
            return Err(format!("the difference is another one than: {why}\n    SDK: {ours_did}"));
        }
    }
    if let Some(expected) = case.sees {
        let all = format!("{:?}", ours.seen);
        let expected = filled(expected, &words);
        if !all.contains(&expected) {
            return Err(format!("{expected} is not in {all}"));
        }
    }
    match case.namespace {
        Some(namespace) if !ours.said.contains(&format!("namespace: {namespace}\n")) => {
            Err(format!("the namespace is not {namespace}: {}", ours.said))
        }
        _ => Ok(()),
    }
}

/// What was seen, without credentials.
fn anonymous(seen: &[Seen]) -> Vec<Seen> {
    let mut seen = seen.to_vec();
    for one in &mut seen {
        one.headers.retain(|(name, _)| name != "authorization");
        one.certificate = None;
    }
    seen
}

fn shown(did: &Did) -> String {
    let word = if did.connected { "connected" } else { "refused" };
    format!("{word}, {:?}, {}", did.seen, did.said.trim())
}

async fn run(
    mut command: Command,
    folder: &Path,
    environment: &BTreeMap<String, OsString>,
    stage: &Stage,
) -> Outcome<Did> {
    let kept = command.as_std().get_envs().map(|(name, value)| (name.to_owned(), value.map(OsString::from)));
    let kept: Vec<_> = kept.collect();
    command.env_clear().envs(environment).current_dir(folder).stdin(Stdio::null()).kill_on_drop(true);
    command.envs(kept.into_iter().filter_map(|(name, value)| Some((name, value?))));
    let output = tokio::time::timeout(LIMIT, command.output()).await.map_err(|_| "it does not end")?;
    let output = output.map_err(|error| error.to_string())?;
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Ok(Did { connected: output.status.success(), seen: stage.take(), said })
}

/// What stands in braces in the texts of cases.
fn words(stage: &Stage, folder: &Path, pki: &Pki) -> BTreeMap<String, String> {
    let base64 = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
    let mut words: BTreeMap<String, String> =
        stage.ports.iter().map(|(name, port)| ((*name).to_owned(), port.to_string())).collect();
    let mut add = |name: &str, text: String| words.insert(name.to_owned(), text);
    let [one, two] = &pki.client;
    for (name, pem) in [
        ("ca", &pki.authority),
        ("other-ca", &pki.other_authority),
        ("cert", &one.0),
        ("key", &one.1),
        ("cert-two", &two.0),
        ("key-two", &two.1),
        ("cert-v1", &cases::of_version_1(&one.0)),
    ] {
        add(name, base64(pem));
        add(&format!("{name}-pem"), pem.clone());
        let lines = pem.replace('\n', "\\n");
        add(&format!("{name}-json"), lines);
    }
    let wrapped: Vec<String> = base64(&pki.authority)
        .as_bytes()
        .chunks(76)
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect();
    // As deep as it stands in a cluster.
    add("ca-lines", wrapped.join("\n      "));
    add("folder", folder.display().to_string());
    words
}

fn filled(text: &str, words: &BTreeMap<String, String>) -> String {
    let mut text = text.to_owned();
    for (name, word) in words {
        text = text.replace(&format!("{{{name}}}"), word);
    }
    text
}

fn write(case: &Case, folder: &Path, words: &BTreeMap<String, String>) -> Outcome {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    for file in &case.files {
        let path = folder.join(file.name);
        fs::create_dir_all(path.parent().unwrap_or(folder)).map_err(failed)?;
        let text = filled(&file.text, words);
        let bytes = match file.name.ends_with(".utf16") {
            true => [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect(),
            false => text.into_bytes(),
        };
        fs::write(&path, bytes).map_err(failed)?;
        if file.program {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).map_err(failed)?;
        }
    }
    Ok(())
}

fn environment(case: &Case, folder: &Path, words: &BTreeMap<String, String>) -> BTreeMap<String, OsString> {
    let mut environment = BTreeMap::new();
    environment.insert("HOME".to_owned(), folder.join("home").into());
    environment.insert("KUBECONFIG".to_owned(), folder.join("config").into());
    // Plugins are scripts.
    environment.insert("PATH".to_owned(), std::env::var_os("PATH").unwrap_or_default());
    for (name, value) in &case.environment {
        environment.insert((*name).to_owned(), filled(value, words).into());
    }
    environment
}
