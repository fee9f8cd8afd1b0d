//! Files, contexts, texts.

use super::{ASKS, CLUSTER, Case, TOKEN, given, kubeconfig, text};

fn whole() -> String {
    kubeconfig(CLUSTER, TOKEN)
}

/// Two clusters, users and contexts.
const TWO: &str = "
apiVersion: v1
kind: Config
current-context: one
clusters:
- name: one
  cluster: {server: 'https://127.0.0.1:{one}', certificate-authority-data: {ca}}
- name: two
  cluster: {server: 'https://127.0.0.1:{two}', certificate-authority-data: {ca}}
- name: plain
  cluster: {server: 'http://127.0.0.1:{plain}'}
users:
- name: one
  user: {token: canary-one}
- name: two
  user: {token: canary-two}
contexts:
- name: one
  context: {cluster: one, user: one, namespace: space-one}
- name: two
  context: {cluster: two, user: two}
- name: crossed
  context: {cluster: two, user: one, namespace: ''}
- name: without-user
  context: {cluster: one}
- name: without-cluster
  context: {user: one}
- name: wrong-user
  context: {cluster: one, user: canary}
- name: wrong-cluster
  context: {cluster: canary, user: one}
- name: odd-space
  context: {cluster: one, user: one, namespace: 'Not.Allowed'}
- name: plain
  context: {cluster: plain}
- name: plain-wrong-user
  context: {cluster: plain, user: canary}
";

pub(crate) fn contexts_and_namespaces() -> Vec<Case> {
    let of = |name| text(name, TWO);
    vec![
        of("the current context").sees("canary-one").namespace("space-one"),
        of("another context").context("two").sees("canary-two").namespace("default"),
        of("a mixed context").context("crossed").sees("canary-one").namespace("default"),
        of("an unknown context").context("three").refused(),
        of("no user").context("without-user").refused().but(ASKS),
        of("no cluster").context("without-cluster").refused(),
        of("an unknown user").context("wrong-user").refused(),
        of("an unknown cluster").context("wrong-cluster").refused(),
        of("a namespace that is none").context("odd-space").namespace("Not.Allowed"),
        of("no user, in clear text").context("plain").sees("[(\"host\", \"127.0.0.1:{plain}\")]"),
        of("an unknown user, in clear text")
            .context("plain-wrong-user")
            .but("kubectl looks at the user only for https; the SDK names what is wrong"),
        text("no current context", TWO.replace("current-context: one", "")).refused(),
        text("an empty current context", TWO.replace("current-context: one", "current-context: ''"))
            .refused(),
        text("an unknown current context", TWO.replace("current-context: one", "current-context: canary"))
            .refused(),
        text("no current context, but one given", TWO.replace("current-context: one", "")).context("two"),
    ]
}

pub(crate) fn lists_of_files() -> Vec<Case> {
    let list = |name| text(name, "apiVersion: v1\nkind: Config\n");
    const CLUSTERS: &str = "clusters:\n- name: c\n  cluster: {server: 'https://127.0.0.1:{one}', certificate-authority: ca.crt}\n";
    const USERS: &str = "users:\n- name: u\n  user: {tokenFile: token}\n";
    const CONTEXTS: &str = "current-context: c\ncontexts:\n- name: c\n  context: {cluster: c, user: u}\n";
    let other = |server: &str, token: &str| {
        kubeconfig(
            &format!("server: https://127.0.0.1:{server}\ncertificate-authority-data: {{ca}}"),
            &format!("token: {token}"),
        )
    };
    vec![
        list("one file of three is there")
            .file("b", whole())
            .set("KUBECONFIG", "{folder}/missing:{folder}/b:{folder}/gone"),
        list("parts in several folders")
            .file("a/config", CLUSTERS)
            .file("a/ca.crt", "{ca-pem}")
            .file("b/config", USERS)
            .file("b/token", "canary-b\n")
            .file("c/config", CONTEXTS)
            .set("KUBECONFIG", "{folder}/a/config:{folder}/b/config:{folder}/c/config")
            .sees("canary-b"),
        list("the first file wins")
            .file("a", other("{two}", "canary-a"))
            .file("b", other("{one}", "canary-b"))
            .set("KUBECONFIG", "{folder}/a:{folder}/b")
            .sees("canary-a"),
        list("the first current context wins")
            .file("a", "current-context: two\n")
            .file("b", TWO)
            .set("KUBECONFIG", "{folder}/a:{folder}/b")
            .sees("canary-two"),
        list("a user is one whole")
            .file("a", "users:\n- name: u\n  user: {as: someone}\n")
            .file("b", whole())
            .set("KUBECONFIG", "{folder}/a:{folder}/b")
            .refused()
            .but(ASKS),
        list("the same file twice, and empty names")
            .file("a", whole())
            .set("KUBECONFIG", ":{folder}/a::{folder}/a:"),
        list("a relative name").file("sub/a", whole()).set("KUBECONFIG", "sub/a"),
        list("relative paths in a relative file")
            .file("sub/a", format!("{CLUSTERS}{USERS}{CONTEXTS}"))
            .file("sub/ca.crt", "{ca-pem}")
            .file("sub/token", "canary")
            .set("KUBECONFIG", "sub/a"),
        list("no file is there").set("KUBECONFIG", "{folder}/missing:{folder}/gone").refused(),
        list("a file that cannot be parsed")
            .file("a", whole())
            .file("b", "users: [canary")
            .set("KUBECONFIG", "{folder}/a:{folder}/b")
            .refused(),
        list("a folder").set("KUBECONFIG", "{folder}").refused(),
        list("the file at home").file("home/.kube/config", whole()).set("KUBECONFIG", ""),
        list("no file at home").set("KUBECONFIG", "").refused(),
        text("an empty file", "").refused(),
        text("a comment", "# nothing\n").refused(),
    ]
}

pub(crate) fn texts_of_files() -> Vec<Case> {
    let json = |tab: &str| {
        format!(
            "{{\n{tab}\"current-context\": \"c\",\n{tab}\"clusters\": [{{\"name\": \"c\", \"cluster\": {{\"server\": \"https://127.0.0.1:{{one}}\", \"certificate-authority-data\": \"{{ca}}\"}}}}],\n{tab}\"users\": [{{\"name\": \"u\", \"user\": {{\"token\": \"canary\"}}}}],\n{tab}\"contexts\": [{{\"name\": \"c\", \"context\": {{\"cluster\": \"c\", \"user\": \"u\"}}}}]\n}}\n"
        )
    };
    let changed = |name, from: &str, to: &str| {
        let new = whole().replace(from, to);
        assert_ne!(new, whole(), "{name}");
        text(name, new)
    };
    vec![
        text("JSON", json("  ")),
        text("JSON with tabs", json("\t")),
        text("JSON with a byte order mark", format!("\u{feff}{}", json("  "))),
        text("a byte order mark", format!("\u{feff}{}", whole())),
        text("UTF-16", "").file("config.utf16", whole()).set("KUBECONFIG", "{folder}/config.utf16"),
        text("Windows line ends", whole().replace('\n', "\r\n")),
        text("a start of a document", format!("---\n{}", whole())),
        text("an end of a document", format!("{}...\n", whole())),
        text("a second document", format!("{}---\nkind: Other\n", whole())),
        text("a second document that cannot be parsed", format!("{}---\nx: [canary\n", whole())),
        text(
            "comments and blank lines",
            format!("# one\n\n{}\n# two\n", whole().replace("users:", "users: # three")),
        ),
        text("unknown keys", format!("{}preferences: {{colors: true}}\nx-more: [1, {{a: b}}]\n", whole())),
        changed("a duplicate key", "    token:", "    token: canary-first\n    token:").sees("canary-token"),
        changed("a duplicate list", "users:", "users: []\nusers:"),
        changed(
            "an anchor",
            "  user:\n    token: canary-token",
            "  user: &u\n    token: canary-token\n- name: v\n  user: *u",
        ),
        changed("a merge", "    token: canary-token", "    <<: {token: canary-merged}"),
        changed("a key in quotes", "    token:", "    \"token\":"),
        changed("a flow", "  user:\n    token: canary-token", "  user: {token: canary-token, }"),
        changed("a tab before a key", "    token:", "\ttoken:").refused(),
        changed("a tab behind a key", "token: ", "token:\t"),
        changed("a tab at the end", "canary-token", "canary-token\t"),
        changed("a quote that does not end", "canary-token", "\"canary-token").refused(),
        changed("text behind a quote", "canary-token", "\"canary\"-token").refused(),
        changed("a colon in a value", "canary-token", "canary: token").refused(),
        changed("a colon without a blank", "canary-token", "canary:token"),
        changed("a hash in a value", "canary-token", "canary#token").sees("canary#token"),
        changed("an at sign at the start", "canary-token", "@canary").refused(),
        changed("a percent sign at the start", "canary-token", "%canary").refused(),
        changed("an alias of nothing", "canary-token", "*canary").refused(),
        changed("indentation that does not fit", "    token:", "   token: x\n    token:").refused(),
        changed("an unclosed brace", "canary-token", "{canary").refused(),
        text("text", "canary").refused(),
        text("a list", "- canary\n").refused(),
        text("a null byte", whole().replace("canary-token", "canary\u{0}token")).refused(),
    ]
}

pub(crate) fn types_of_values() -> Vec<Case> {
    let changed = |name, from: &str, to: &str| {
        let new = whole().replace(from, to);
        assert_ne!(new, whole(), "{name}");
        text(name, new)
    };
    vec![
        changed("another kind", "kind: Config", "kind: Pod").refused(),
        changed("another version", "apiVersion: v1", "apiVersion: v2").refused(),
        changed("neither kind nor version", "apiVersion: v1\nkind: Config\n", ""),
        changed("an empty kind", "kind: Config", "kind: ''"),
        changed("a number as a name", "- name: u", "- name: 7").refused(),
        changed("a user without a name", "- name: u\n  user:", "- user:").refused(),
        changed("two users of one name", "users:", "users:\n- name: u\n  user: {token: canary}").refused(),
        changed(
            "two clusters of one name",
            "clusters:",
            "clusters:\n- name: c\n  cluster: {server: 'https://h'}",
        )
        .refused(),
        changed(
            "users that are no list",
            "users:\n- name: u\n  user:\n    token: canary-token",
            "users: {canary: canary}",
        )
        .refused(),
        changed("users that are null", "users:\n- name: u\n  user:\n    token: canary-token", "users: null")
            .refused(),
        changed("a user that is text", "  user:\n    token: canary-token", "  user: canary").refused(),
        changed("a token that is a truth value", "canary-token", "true").refused(),
        changed("a token that is an older truth value", "canary-token", "yes").refused(),
        changed("a token that is a number in quotes", "canary-token", "'12345'").sees("Bearer 12345"),
        changed("a token that is a date", "canary-token", "2030-01-01").sees("Bearer 2030-01-01"),
        changed("a token that looks like a version", "canary-token", "1.2.3").sees("Bearer 1.2.3"),
        changed("an unused user that is wrong", "users:", "users:\n- name: other\n  user: {token: [canary]}")
            .refused(),
        changed(
            "an unused cluster without an address",
            "clusters:",
            "clusters:\n- name: other\n  cluster: {}",
        ),
        given("a switch in quotes", &format!("{CLUSTER}\ninsecure-skip-tls-verify: 'false'"), TOKEN)
            .refused(),
        given("a switch that is null", &format!("{CLUSTER}\ninsecure-skip-tls-verify: null"), TOKEN),
    ]
}
