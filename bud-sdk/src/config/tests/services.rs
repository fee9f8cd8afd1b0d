//! Services beside the platform: the same layers under names of their own, and nothing of one for another.

use super::*;

static PROMETHEUS: Keys = service_keys!("PROMETHEUS", "prometheus");

const BOTH: &str = r#"
api_url = "https://bud.test"
api_key = "canary-of-bud"

[prometheus]
url = "https://metrics.test/flat"
token = "flat-token"
timeout = 4

[profiles.here]
api_url = "https://bud.test"

[profiles.here.prometheus]
url = "https://metrics.test/profile"
username = "profile-user"
password = "profile-password"
"#;

fn read(setting: &Setting) -> Result<Config> {
    let variable = |name: &str| setting.variables.get(name).cloned();
    let around = Surroundings { variable: &variable, home: Some(setting.home.clone()) };
    Config::read(&PROMETHEUS, setting.builder.clone(), setting.profile, &around)
}

#[test]
fn the_strongest_layer_that_has_a_value_wins_for_every_service() {
    let everything = || {
        Setting::new("services")
            .file(BOTH)
            .profile("here")
            .set("BUD_PROMETHEUS_URL", "https://metrics.test/env")
            .set("BUD_PROMETHEUS_TOKEN", "env-token\n")
            .set("BUD_PROMETHEUS_USERNAME", "env-user")
            .set("BUD_PROMETHEUS_PASSWORD", "env-password")
            .set("BUD_PROMETHEUS_TIMEOUT", "2")
            // Those of the platform are for the platform.
            .set("BUD_BASE_URL", "https://bud.test/env")
            .set("BUD_API_KEY", "canary-of-bud")
            .set("BUD_TIMEOUT", "1")
    };
    let seen = |setting: &Setting| {
        let config = read(setting).unwrap();
        let path = url(&config).path().to_owned();
        (path, secret(&config), config.timeout().map(|time| time.as_secs()))
    };
    let is = |path: &str, secret: &str, time| (path.to_owned(), Some(secret.to_owned()), time);
    let mut setting = everything();
    assert_eq!(seen(&setting), is("/env", "env-token", Some(2)));
    setting.variables.remove("BUD_PROMETHEUS_TOKEN");
    assert_eq!(seen(&setting), is("/env", "env-user env-password", Some(2)));
    for variable in ["URL", "USERNAME", "PASSWORD", "TIMEOUT"] {
        setting.variables.remove(&format!("BUD_PROMETHEUS_{variable}"));
    }
    assert_eq!(seen(&setting), is("/profile", "profile-user profile-password", Some(4)));
    setting.profile = None;
    assert_eq!(seen(&setting), is("/flat", "flat-token", Some(4)));
}

#[test]
fn credentials_of_one_service_are_for_no_other() {
    // Without a table of its own a service has nothing, whatever the file holds for the platform.
    let setting = Setting::new("services").file(FILE).set("BUD_TOKEN", "canary-of-bud");
    let error = read(&setting).unwrap().base_url(false).unwrap_err();
    assert!(error.to_string().contains("BUD_PROMETHEUS_URL"), "{error}");
    let setting = setting.base_url("https://bud.test");
    assert_eq!(secret(&read(&setting).unwrap()), None);
    // What a file holds is for the file's own address.
    let elsewhere = Setting::new("services").file(BOTH).base_url("https://metrics.test/other");
    assert_eq!(secret(&read(&elsewhere).unwrap()), None);
    let there = Setting::new("services").file(BOTH).base_url("https://metrics.test/flat/");
    assert_eq!(secret(&read(&there).unwrap()).as_deref(), Some("flat-token"));
    // A session of the platform's command line is none of theirs.
    let tokens = Setting::new("services").file(BOTH).tokens(r#"{"access_token": "canary"}"#);
    let config = read(&tokens).unwrap();
    assert!(config.cli_tokens(&url(&config)).unwrap().is_none());
}

#[test]
fn errors_name_the_variable_or_key_of_the_service() {
    let refused = |setting: Setting| {
        let error = read(&setting).and_then(|config| {
            let base = config.base_url(false)?;
            config.login(&base)
        });
        let error = format!("{:?}", error.unwrap_err());
        assert!(!error.contains("canary"), "{error}");
        error
    };
    let at = |setting: Setting| setting.set("BUD_PROMETHEUS_URL", "https://metrics.test");
    let half = refused(at(Setting::new("services")).set("BUD_PROMETHEUS_USERNAME", "canary"));
    assert!(half.contains("BUD_PROMETHEUS_USERNAME is set, but BUD_PROMETHEUS_PASSWORD is not"), "{half}");
    let token = refused(at(Setting::new("services")).set("BUD_PROMETHEUS_TOKEN", "canary canary"));
    assert!(token.contains("BUD_PROMETHEUS_TOKEN"), "{token}");
    let time = refused(at(Setting::new("services")).set("BUD_PROMETHEUS_TIMEOUT", "canary"));
    assert!(time.contains("BUD_PROMETHEUS_TIMEOUT"), "{time}");
    for (text, key) in [
        ("[prometheus]\nurl = 7", "`prometheus.url`"),
        ("[prometheus]\nurl = \"https://metrics.test\"\npassword = \"canary\"", "`prometheus.username`"),
        ("prometheus = \"canary\"", "`prometheus`"),
    ] {
        let error = refused(Setting::new("services").file(text));
        assert!(error.contains(key), "{key}: {error}");
    }
    let profile = "[profiles.here.prometheus]\nurl = \"https://metrics.test\"\ntoken = \"canary canary\"";
    let error = refused(Setting::new("services").file(profile).profile("here"));
    assert!(error.contains("`profiles.here.prometheus.token`"), "{error}");
}
