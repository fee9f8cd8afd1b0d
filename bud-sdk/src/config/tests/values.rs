//! Values that are blank, badly ended, in the wrong place or written by another user.

use super::*;

#[test]
fn blank_variables_count_as_unset() {
    for blank in ["", " ", "\n", "\t \r\n"] {
        let mut setting = Setting::new("blank").file(FILE);
        let file = read_all(&setting);
        for name in [
            "BUD_BASE_URL",
            "BUD_API_URL",
            "BUD_API_KEY",
            "BUD_TOKEN",
            "BUD_EMAIL",
            "BUD_PASSWORD",
            "BUD_API_FLAVOR",
            "BUD_TIMEOUT",
            "BUD_VERIFY_SSL",
            "BUD_CA_CERTIFICATE",
            "BUD_CONFIG",
            "BUD_PROFILE",
        ] {
            setting = setting.set(name, blank);
        }
        assert_eq!(read_all(&setting), file, "{blank:?}");
        let setting = setting.set("BUD_EMAIL", "a@example.com").set("BUD_PASSWORD", "p");
        assert_eq!(secret(&setting.read().unwrap()).unwrap(), "a@example.com p", "{blank:?}");
    }
}

fn read_all(setting: &Setting) -> (String, Option<String>, Option<Duration>) {
    let config = setting.read().unwrap();
    let base = url(&config);
    assert!(config.ca_certificate(&base).unwrap().is_none());
    (base.to_string(), secret(&config), config.timeout())
}

#[test]
fn tokens_are_trimmed_and_what_cannot_be_sent_is_refused_by_its_place() {
    let address = || Setting::new("trim").set("BUD_BASE_URL", "https://bud.test");
    for (name, value, expected) in [("BUD_TOKEN", " token\n", "token"), ("BUD_API_KEY", "key\r\n", "key")] {
        assert_eq!(secret(&address().set(name, value).read().unwrap()).unwrap(), expected);
    }
    let file = "api_url='https://bud.test'\napi_key = 'key '\n";
    assert_eq!(secret(&Setting::new("trim").file(file).read().unwrap()).unwrap(), "key");
    for (name, value) in [
        ("BUD_TOKEN", "canary\ntoken"),
        ("BUD_TOKEN", "canary token"),
        ("BUD_API_KEY", "canary\u{e9}"),
        ("BUD_PASSWORD", "canary\n"),
        ("BUD_PASSWORD", "can\0canary"),
        ("BUD_EMAIL", "canary@example.com\r"),
        ("BUD_EMAIL", "canary@example.com\r\nBcc: x"),
    ] {
        let setting = match name {
            "BUD_PASSWORD" => address().set("BUD_EMAIL", "a@example.com"),
            "BUD_EMAIL" => address().set("BUD_PASSWORD", "canary"),
            _ => address(),
        };
        setting.set(name, value).refused(&format!("environment variable {name}: "));
    }
    for (text, key) in [
        (
            r#"email="a@example.com"
password="canary\n""#,
            "`password`",
        ),
        (
            r#"email="canary@example.com\r"
password="canary""#,
            "`email`",
        ),
        (r#"api_key="canary key""#, "`api_key`"),
        (
            r#"[auth]
type='jwt'
email='a@example.com'
password="canary\t""#,
            "`auth.password`",
        ),
        (
            r#"[auth]
type='api_key'
api_key="canary\u0007""#,
            "`auth.api_key`",
        ),
    ] {
        Setting::new("control").file(format!("api_url='https://bud.test'\n{text}")).refused(key);
    }
}

#[test]
fn pem_text_is_taken_in_the_place_of_its_path() {
    let pem = r"-----BEGIN CERTIFICATE-----\ncanary\n-----END CERTIFICATE-----";
    let setting = Setting::new("text").set("BUD_BASE_URL", "https://bud.test").set("BUD_CA_CERTIFICATE", pem);
    let config = setting.read().unwrap();
    assert_eq!(config.ca_certificate(&url(&config)).unwrap().unwrap().value, pem.as_bytes());
    assert!(!format!("{config:?}").contains("canary"));
    let file = format!("api_url='https://bud.test'\nca_certificate='{pem}'");
    let config = Setting::new("text").file(file).read().unwrap();
    assert_eq!(config.ca_certificate(&url(&config)).unwrap().unwrap().value, pem.as_bytes());
}

#[test]
fn a_program_that_does_not_read_its_environment_hears_how_to() {
    let setting =
        Setting::new("unread").set("BUD_BASE_URL", "https://canary.test").set("BUD_EMAIL", "canary@x.y");
    let setting = setting.set("BUD_PASSWORD", "canary");
    let variable = |name: &str| setting.variables.get(name).cloned();
    let around = Surroundings { variable: &variable, home: None };
    let config = Config::of_builder(&KEYS, Layer::default()).beside(&around);
    let error = config.base_url(false).unwrap_err().to_string();
    assert!(error.contains("BUD_BASE_URL is set, but not read: use builder.env"), "{error}");
    let base = Url::parse("https://bud.test").unwrap();
    let error = config.no_credentials(&base).to_string();
    assert!(error.contains("BUD_EMAIL and BUD_PASSWORD are set, but not read: use builder.env"), "{error}");
    assert!(!error.contains("canary"), "{error}");
    assert!(config.login(&base).unwrap().is_none(), "nothing is taken from it");
}

#[cfg(unix)]
#[test]
fn a_file_that_another_user_could_have_written_is_refused() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
    let chmod = |path: PathBuf, mode| fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    for name in ["config.toml", "tokens.json"] {
        let setting = || {
            let setting = Setting::new("owner").file("api_url='https://evil.test'").tokens(TOKENS);
            match name {
                "config.toml" => setting.set("BUD_EMAIL", "a@example.com").set("BUD_PASSWORD", "canary"),
                _ => setting,
            }
        };
        for bits in [0o620, 0o602, 0o666, 0o777] {
            let setting = setting();
            chmod(setting.path(name), bits);
            let error = setting.refused("others than its owner may write it");
            assert!(error.to_string().contains(name) && error.hint().is_some(), "{error}");
        }
        for bits in [0o600, 0o644, 0o400] {
            let setting = setting();
            chmod(setting.path(name), bits);
            assert!(setting.read().is_ok());
        }
        // Only root can give files away.
        let setting = setting();
        if fs::metadata(setting.path(name)).unwrap().uid() == 0 {
            chown(setting.path(name), Some(1000), None).unwrap();
            setting.refused("belongs to another user");
        }
    }
    let named = Setting::new("owner");
    let other = named.home.join("other.toml");
    fs::write(&other, "api_url='https://evil.test'").unwrap();
    chmod(other.clone(), 0o666);
    named.set("BUD_CONFIG", other).refused("others than its owner may write it");
}

/// A configuration file in any state: read or refused by path, never a panic and never a value.
#[test]
fn any_file_is_read_or_refused_without_being_shown() {
    const PIECES: &[&str] = &[
        "api_url",
        "api_key",
        "email",
        "password",
        "timeout",
        "flavor",
        "verify_ssl",
        "ca_certificate",
        "auth",
        "type",
        "profiles",
        "[",
        "]",
        "[[",
        "]]",
        "=",
        "\n",
        "'",
        "\"",
        "\"\"\"",
        "{",
        "}",
        ",",
        ".",
        "#",
        " ",
        "\0",
        "\\u",
        "é",
        "1",
        "-1",
        "nan",
        "true",
        "1979-05-27",
        "'https://bud.test'",
        "'jwt'",
    ];
    let mut random = fastrand::Rng::with_seed(14);
    let whole = "api_url = 'https://bud.test'\n[auth]\ntype = 'jwt'\nemail = 'a@b.c'\npassword = 'canary'\n";
    let (setting, mut refused) = (Setting::new("any"), 0);
    for turn in 0..3_000 {
        let mut text = if turn % 2 == 0 { whole.to_owned() } else { String::new() };
        for _ in 0..random.usize(1..10) {
            let at = text.char_indices().map(|(at, _)| at).nth(random.usize(0..80)).unwrap_or(text.len());
            text.insert_str(at, PIECES[random.usize(0..PIECES.len())]);
        }
        text.push_str("canary");
        fs::write(setting.path("config.toml"), &text).unwrap();
        let result = setting.read().and_then(|config| {
            let base = config.base_url(false)?;
            config.check_verify(&base)?;
            config.ca_certificate(&base)?;
            config.login(&base).map(drop)
        });
        if let Err(error) = result {
            refused += 1;
            let shown = format!("{error} {error:?} {:?}", std::error::Error::source(&error));
            assert!(!shown.contains("canary"), "{text}: {shown}");
        }
    }
    assert!(refused > 1000, "{refused}");
}
