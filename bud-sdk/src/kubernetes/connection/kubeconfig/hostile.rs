//! Random bytes, and kubeconfigs with random changes: none panics, and no error shows what was planted.

use std::path::Path;

use super::{Selection, file, resolve};

/// Planted where secrets are. No error may hold any eight bytes of it.
const CANARY: &str = "zQ7xK9vB3nM5wP2rT8yL4hD6";
const CASES: u64 = 4000;

const SEED: &str = r#"apiVersion: v1
kind: Config
current-context: one
clusters:
- name: one
  cluster:
    server: https://CANARY:CANARY@api.example.com:6443/CANARY
    certificate-authority-data: CANARY
    proxy-url: http://CANARY:CANARY@proxy:3128
    tls-server-name: CANARY
- name: two
  cluster: {server: "http://127.0.0.1:1/", insecure-skip-tls-verify: false}
users:
- name: one
  user:
    token: "CANARY"
    tokenFile: CANARY
    client-certificate-data: CANARY
    client-key-data: |
      CANARY
      CANARY
    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: CANARY
      interactiveMode: Never
      env: [{name: CANARY, value: 'CANARY'}]
- name: two
  user:
    username: CANARY
    password: >-
      CANARY
    as: CANARY
    as-user-extra: {CANARY: [CANARY]}
    auth-provider: {name: oidc, config: {id-token: CANARY, refresh-token: CANARY}}
contexts:
- name: one
  context: {cluster: one, user: one, namespace: CANARY}
- name: two
  context:
    cluster: two
    user: two
"#;

/// What is put in, over and between.
const PIECES: [&str; 24] = [
    "\t",
    "\n",
    ":",
    "- ",
    "[",
    "]",
    "{",
    "}",
    "\"",
    "'",
    "|",
    ">",
    "&a ",
    "*a",
    "!!binary ",
    "---\n",
    "\u{0}",
    "\u{feff}",
    "?",
    "%",
    "<<: ",
    "null",
    "@",
    "\u{1f600}",
];

fn changed(random: &mut fastrand::Rng, seed: &str) -> Vec<u8> {
    let mut bytes = seed.replace("CANARY", CANARY).into_bytes();
    for _ in 0..random.usize(1..6) {
        if bytes.is_empty() {
            break;
        }
        let at = random.usize(..bytes.len());
        let end = (at + random.usize(1..40)).min(bytes.len());
        match random.u8(..6) {
            0 => bytes[at] = random.u8(..),
            1 => drop(bytes.drain(at..end)),
            2 => bytes.truncate(at.max(1)),
            3 => {
                let part = bytes[at..end].to_vec();
                let to = random.usize(..bytes.len());
                bytes.splice(to..to, part);
            }
            _ => {
                let piece = random.choice(PIECES).unwrap_or_default();
                bytes.splice(at..at, piece.bytes());
            }
        }
    }
    bytes
}

fn shows_the_canary(text: &str) -> bool {
    CANARY.as_bytes().windows(8).any(|part| memchr::memmem::find(text.as_bytes(), part).is_some())
}

fn check(bytes: &[u8]) {
    let errors = match file::parse(bytes, "kubeconfig", Path::new("/nowhere")) {
        Err(error) => vec![error],
        Ok(merged) => [None, Some("one"), Some("two")]
            .into_iter()
            .flat_map(|context| {
                [false, true].map(|allowed| {
                    let selection = Selection {
                        context: context.map(str::to_owned),
                        allow_http: allowed,
                        allow_insecure_tls: allowed,
                        ..Selection::default()
                    };
                    resolve(&merged, "kubeconfig".to_owned(), &selection).err()
                })
            })
            .flatten()
            .collect(),
    };
    for error in errors {
        let shown = format!("{error} {error:?} {}", error.hint().unwrap_or_default());
        assert!(!shows_the_canary(&shown), "{shown}\nfor\n{}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn changed_kubeconfigs_neither_panic_nor_show_a_secret() {
    let json = serde_json::to_string(&super::tree(SEED.as_bytes()).unwrap()).unwrap();
    for case in 0..CASES {
        let mut random = fastrand::Rng::with_seed(case);
        check(&changed(&mut random, if case % 4 == 0 { &json } else { SEED }));
    }
}

#[test]
fn random_bytes_do_not_panic() {
    for case in 0..CASES {
        let mut random = fastrand::Rng::with_seed(case);
        let count = random.usize(..300);
        let bytes: Vec<u8> = match case % 2 {
            0 => std::iter::repeat_with(|| random.u8(..)).take(count).collect(),
            _ => {
                let pieces = std::iter::repeat_with(|| random.choice(PIECES).unwrap_or_default());
                pieces.take(count / 5).collect::<String>().into_bytes()
            }
        };
        check(&bytes);
    }
}
