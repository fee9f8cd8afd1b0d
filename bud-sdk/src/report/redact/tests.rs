use super::*;

#[test]
fn what_looks_like_a_secret_is_gone() {
    let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl";
    let pem = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\nabc=\n-----END RSA PRIVATE KEY-----";
    let line = "MIIEpAIBAAKCAQEA0123456789abcdefMIIEpAIBAAKCAQEA";
    for (text, expected) in [
        ("Authorization: Bearer abc", "Authorization: Bearer [redacted]"),
        ("authorization: Basic dXNlcjpwYXNz", "authorization: Basic [redacted]"),
        (r#"{"Authorization":"Bearer abc.def"}"#, r#"{"Authorization":"Bearer [redacted]"}"#),
        ("sent bearer 0123abcdEF== twice", "sent bearer [redacted] twice"),
        (&format!("got {jwt}."), "got [redacted]."),
        (&format!("é{jwt}é"), "é[redacted]é"),
        ("password=hunter2 user=me", "password=[redacted] user=me"),
        ("PGPASSWORD=hunter2&x=1", "PGPASSWORD=[redacted]&x=1"),
        ("passwd=a,secret=b;token=c", "passwd=[redacted],secret=[redacted];token=[redacted]"),
        ("api_key=k1 apikey=k2 api-key: k3", "api_key=[redacted] apikey=[redacted] api-key: [redacted]"),
        ("X-Api-Key: abcdef1", "X-Api-Key: [redacted]"),
        ("password = \"with two words\" end", "password = \"[redacted]\" end"),
        (r#"{"password": "hun\"ter2", "a": 1}"#, r#"{"password": "[redacted]", "a": 1}"#),
        (r#"{"user_token":"x","b":"y"}"#, r#"{"user_token":"[redacted]","b":"y"}"#),
        (r#"msg="{\"clientSecret\":\"abc\",\"n\":1}""#, r#"msg="{\"clientSecret\":\"[redacted]\",\"n\":1}""#),
        ("{'password': 'hunter'}", "{'password': '[redacted]'}"),
        ("db:\n  password: hunter\n  user: me", "db:\n  password: [redacted]\n  user: me"),
        ("{user: me, password: hunter}", "{user: me, password: [redacted]}"),
        ("login with password: hunter2 failed", "login with password: [redacted] failed"),
        ("password:hunter2", "password:[redacted]"),
        ("{Token:0123456789abcdef}", "{Token:[redacted]}"),
        ("password=pässwörd!", "password=[redacted]"),
        ("password=\"never closed", "password=\"[redacted] closed"),
        ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG", "aws_secret_access_key = [redacted]"),
        ("id AKIAIOSFODNN7EXAMPLE, ASIAIOSFODNN7EXAMPLE", "id [redacted], [redacted]"),
        ("postgres://bud:hunter2@db:5432/bud", "postgres://bud:[redacted]@db:5432/bud"),
        ("amqp://u:p@ssw@h/v@w", "amqp://u:[redacted]@h/v@w"),
        ("amqp://u:p/ssw@h/v", "amqp://u:[redacted]@h/v"),
        ("redis://:hunter2@redis:6379", "redis://:[redacted]@redis:6379"),
        (
            "\"mongodb://a:b@h1,h2/x\" https://c:d@e",
            "\"mongodb://a:[redacted]@h1,h2/x\" https://c:[redacted]@e",
        ),
        ("hf_abcdefghijklmnopqrstuvwxyz", "[redacted]"),
        ("key sk-abcdefghijklmnop1234, sk-proj-Ab1_c-deFgHiJkLmNoP", "key [redacted], [redacted]"),
        ("ghp_0123456789abcdefghij github_pat_11ABC_0123456789", "[redacted] [redacted]"),
        (pem, "[redacted]"),
        (&format!("x {pem} y"), "x [redacted] y"),
        ("-----BEGIN PRIVATE KEY----- MIIE and it was cut", "[redacted]"),
        (&format!("the key is {line}\n{line}\nabc=\n-----END PRIVATE KEY----- y"), "the key is [redacted] y"),
        ("Authorization: Bearer Bearer abc", "Authorization: Bearer [redacted] [redacted]"),
        ("Bearer word/bearer 0123abcdEF", "Bearer word/bearer [redacted]"),
        ("AKIAIOSFODNN7EXAMPLE_x glpat-0123456789abcdefgh", "[redacted]_x [redacted]"),
    ] {
        assert_eq!(redact(text), expected, "{text}");
    }
}

#[test]
fn messages_of_kubernetes_stay_readable() {
    let digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    for text in [
        "",
        "secret \"bud-db\" not found",
        "MountVolume.SetUp failed for volume \"api-token\" : secret \"api-token\" not found",
        "couldn't find key password in Secret bud-system/bud-db",
        "token expired",
        "the token has expired; Unauthorized: invalid bearer token",
        "Unable to authenticate the request: invalid bearer token, token lookup failed",
        "failed to fetch anonymous token: unexpected status from GET request to https://ghcr.io/token?scope=repository%3Abud&service=ghcr.io: 403 Forbidden",
        "failed to fetch oauth token: Post \"https://auth.docker.io/token\": dial tcp 10.0.0.1:443: i/o timeout",
        "failed to fetch oauth token: x509: certificate signed by unknown authority",
        "failed to fetch token: 401 Unauthorized",
        "Www-Authenticate: Bearer realm=\"https://ghcr.io/token\",service=\"ghcr.io\"",
        "automountServiceAccountToken=false password: null token=<nil>",
        "Back-off pulling image \"ghcr.io/bud/vault-secret:v1.2.3-20240101\"",
        "Failed to pull image \"token:latest\"",
        &format!("docker-pullable://nginx:1.25@{digest} https://reg.io:5000/a/b@{digest}"),
        "Get \"https://10.0.0.1:6443/api/v1/namespaces/x/secrets/y?timeout=5s\": EOF",
        "http://someone@example.com/ and http://[::1]:8080/a@b",
        "task-sk-1 sk-learn-server-7f9c6d4b8-x2x9z task-sk-abcdefghijklmnop1234 disk-abcdefghijklmnopqrstuvwxyz",
        "hf_hub_download hf_transfer eyJust a word",
        "FATAL: password authentication failed for user \"bud\"",
        "max_tokens=4096 num_tokens: 12 eos_token_id=2",
        "SyntaxError: Unexpected token: } at 3",
        "-----BEGIN CERTIFICATE----- MIIE -----END CERTIFICATE-----",
        "volumes: secret:\n  secretName: bud-db",
        "AKIAs are keys, AKIAIOSFODNN7EXAMPLE1234 is none",
    ] {
        assert_eq!(redact(text), text);
    }
}

/// Texts of pieces that mean something to the finders, one after the other as chance has it.
fn texts(count: usize) -> impl Iterator<Item = String> {
    const PIECES: [&str; 50] = [
        "password",
        "token",
        "secret",
        "api_key",
        "Authorization",
        "Bearer ",
        "basic ",
        "=",
        ":",
        ": ",
        "\"",
        "'",
        "\\",
        " ",
        "\n",
        "&",
        ",",
        ";",
        "@",
        "/",
        "://",
        "u:p@h",
        "eyJhbGciOiJI",
        ".",
        "eyJ",
        "abcdefgh",
        "0123456789abcdef",
        "AKIA",
        "IOSFODNN7EXAMPLE",
        "hf_",
        "sk-",
        "ghp_",
        "-----",
        "-----BEGIN ",
        "-----END ",
        "PRIVATE KEY-----",
        "é",
        "\u{1F600}",
        "{",
        "}",
        "[",
        "]",
        "[redacted]",
        "null",
        "?",
        "<",
        ">",
        "-",
        "_",
        "https://",
    ];
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap()
    };
    (0..count).map(move |_| (0..next() % 14).map(|_| PIECES[next() % PIECES.len()]).collect())
}

#[test]
fn what_was_redacted_stays_as_it_is() {
    for text in texts(40_000) {
        let once = redact(&text);
        assert_eq!(redact(&once), once, "{text:?}");
    }
}

#[test]
fn a_text_made_to_be_slow_is_not() {
    let begun = std::time::Instant::now();
    for piece in [
        "token:",
        "token: ",
        "token=[redacted]",
        "password=\"",
        "password='\\'",
        "token:x://",
        "secret:{",
        "://",
        "://u:",
        "a@",
        "eyJ",
        "eyJ.",
        "eyJabcdefghij.",
        "AKIA",
        "hf_",
        "sk-",
        "\\nsk-",
        "Bearer ",
        "authorization",
        "-----",
        "-----BEGIN ",
        "-----END PRIVATE KEY-----",
        "\\",
        "\"",
        "token",
        "-",
        " ",
        "A",
    ] {
        let text = piece.repeat(100_000 / piece.len());
        assert!(redact(&text).len() <= 2 * text.len());
    }
    // Each takes milliseconds; one that takes the square of the length would take minutes.
    assert!(begun.elapsed().as_secs() < 30, "{:?}", begun.elapsed());
}

#[test]
fn every_format_is_a_pattern() {
    assert_eq!((SET.len(), REGEXES.len()), (FORMATS.len(), FORMATS.len()));
}
