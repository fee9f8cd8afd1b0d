//! Credential plugins.

use super::{CLUSTER, Case, LOOPBACK, given};

const V1: &str = "client.authentication.k8s.io/v1";
const BETA: &str = "client.authentication.k8s.io/v1beta1";

/// A plugin that runs a script.
fn plugin(name: &'static str, version: &str, more: &str, script: &str) -> Case {
    let user = format!("exec:\n  apiVersion: {version}\n  command: ./plugin\n{more}");
    given(name, CLUSTER, &user).program("plugin", script)
}

fn prints(name: &'static str, version: &str, printed: &str) -> Case {
    plugin(name, version, "  interactiveMode: Never", &format!("cat <<'END'\n{printed}\nEND"))
}

fn credential(version: &str, status: &str) -> String {
    format!(r#"{{"apiVersion": "{version}", "kind": "ExecCredential", "status": {status}}}"#)
}

pub(crate) fn what_plugins_print() -> Vec<Case> {
    let of = |name, status: &str| prints(name, V1, &credential(V1, status));
    let pair = r#""clientCertificateData": "{cert-json}", "clientKeyData": "{key-json}""#;
    vec![
        of("a token", r#"{"token": "canary-exec"}"#).sees("\"Bearer canary-exec\""),
        prints("a token, v1beta1", BETA, &credential(BETA, r#"{"token": "canary-exec"}"#))
            .sees("\"Bearer canary-exec\""),
        prints(
            "a token in YAML",
            V1,
            &format!("apiVersion: {V1}\nkind: ExecCredential\nstatus:\n  token: canary-exec"),
        )
        .sees("canary-exec"),
        prints(
            "a token in YAML with a time",
            V1,
            &format!(
                "apiVersion: {V1}\nkind: ExecCredential\nstatus:\n  token: canary-exec\n  expirationTimestamp: 2099-01-01T00:00:00Z"
            ),
        ),
        of("a token with a line end", r#"{"token": "canary-exec\n"}"#)
            .refused()
            .but("white space around a token is never part of it; kubectl refuses what HTTP does not take"),
        of("a token with a line end inside", r#"{"token": "canary\nexec"}"#).refused(),
        of("a token that ends", r#"{"token": "canary-exec", "expirationTimestamp": "2099-01-01T00:00:00Z"}"#),
        of("a time that is none", r#"{"token": "canary-exec", "expirationTimestamp": "canary"}"#).refused(),
        of("a certificate", &format!("{{{pair}}}")).sees("certificate: Some(\"client-one\")"),
        of("a certificate and a token", &format!(r#"{{{pair}, "token": "canary-exec"}}"#))
            .sees("canary-exec"),
        of("a certificate without its key", r#"{"clientCertificateData": "{cert-json}"}"#).refused(),
        of("a certificate that is none", r#"{"clientCertificateData": "canary", "clientKeyData": "canary"}"#)
            .refused(),
        of("nothing", "{}").refused(),
        of("an empty token", r#"{"token": ""}"#).refused(),
        of("a number", r#"{"token": 7}"#).refused(),
        prints("no status", V1, &format!(r#"{{"apiVersion": "{V1}", "kind": "ExecCredential"}}"#)).refused(),
        prints("another version", V1, &credential(BETA, r#"{"token": "canary-exec"}"#)).refused(),
        prints(
            "another kind",
            V1,
            &format!(r#"{{"apiVersion": "{V1}", "kind": "Pod", "status": {{"token": "canary"}}}}"#),
        )
        .refused(),
        prints("neither kind nor version", V1, r#"{"status": {"token": "canary"}}"#).refused(),
        prints("text", V1, "canary").refused(),
        prints("nothing at all", V1, "").refused(),
    ]
}

pub(crate) fn how_plugins_are_run() -> Vec<Case> {
    let print = |token: &str| {
        format!("echo '{}' | sed \"s|TOKEN|{token}|\"", credential(V1, r#"{"token": "TOKEN"}"#))
    };
    let good = print("canary-exec");
    let never = "  interactiveMode: Never";
    let user = |text: &str| format!("exec:\n  apiVersion: {V1}\n  interactiveMode: Never\n{text}");
    let in_path = |name| given(name, CLUSTER, &user("  command: bud-test-plugin"));
    vec![
        plugin("if a terminal is there", V1, "  interactiveMode: IfAvailable", &good),
        plugin("always on a terminal", V1, "  interactiveMode: Always", &good).refused(),
        plugin("no mode in v1", V1, "", &good).refused(),
        plugin("no mode in v1beta1", BETA, "", &good.replace("/v1\"", "/v1beta1\"")),
        plugin("an unknown mode", V1, "  interactiveMode: canary", &good).refused(),
        plugin("an old version", "client.authentication.k8s.io/v1alpha1", never, &good).refused(),
        plugin("an unknown version", "canary/v1", never, &good).refused(),
        plugin("arguments", V1, "  interactiveMode: Never\n  args: [one, 'two three']", &print("$1-$2-$#")).sees("Bearer one-two three-2"),
        plugin("variables", V1, "  interactiveMode: Never\n  env:\n  - {name: GIVEN, value: by-config}", &print("$GIVEN-$HAD"))
            .set("HAD", "by-env")
            .sees("by-config-by-env"),
        plugin("a variable without a name", V1, "  interactiveMode: Never\n  env:\n  - {value: canary}", &good).refused(),
        plugin(
            "information about the cluster",
            V1,
            "  interactiveMode: Never\n  provideClusterInfo: true",
            &print("$(printf %s \\\"$KUBERNETES_EXEC_INFO\\\" | sed 's/.*\\\"server\\\":\\\"\\([^\\\"]*\\)\\\".*/\\1/')"),
        )
        .sees("Bearer https://127.0.0.1:{one}"),
        plugin("information about the call", V1, never, &print("$(printf %s \\\"$KUBERNETES_EXEC_INFO\\\" | tr -cd a-z | fold -w1 | sort | tr -d '\n')")),
        plugin("a failure", V1, never, "echo 'log in first' >&2; exit 3").refused(),
        plugin("a failure after a token", V1, never, &format!("{good}; exit 1")).refused(),
        plugin("a token beside it", V1, "  interactiveMode: Never\ntoken: canary-token", "exit 1").sees("canary-token"),
        plugin("a provider beside it", V1, "  interactiveMode: Never\nauth-provider: {name: oidc}", &good).refused(),
        in_path("a program in PATH").program("bin/bud-test-plugin", &good).set("PATH", "/usr/bin:/bin:{folder}/bin"),
        in_path("no such program").refused(),
        in_path("a program in the current folder").program("bud-test-plugin", &good).set("PATH", "/usr/bin:/bin:.").refused(),
        in_path("a program that may not be run").file("bin/bud-test-plugin", "x").set("PATH", "/usr/bin:/bin:{folder}/bin").refused(),
        given("no program", CLUSTER, &user("  args: []")).refused(),
        given("a whole path", CLUSTER, &user("  command: '{folder}/deep/plugin'")).program("deep/plugin", &good),
        given("clear text", "server: http://127.0.0.1:{plain}", &user("  command: ./plugin"))
            .program("plugin", &good)
            .also_sends(LOOPBACK),
    ]
}
