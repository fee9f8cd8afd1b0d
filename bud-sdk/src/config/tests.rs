//! Which layer wins, what is refused and how it is said, and where credentials may go.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::bud::KEYS;
use crate::error::ErrorKind;

/// A home folder of one test, its variables, and what the program sets.
struct Setting {
    home: PathBuf,
    variables: HashMap<String, OsString>,
    builder: Layer,
    profile: Option<&'static str>,
}

impl Setting {
    fn new(name: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let (process, count) = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let home = std::env::temp_dir().join(format!("bud-sdk-config-{name}-{process}-{count}"));
        fs::create_dir_all(home.join(".bud")).unwrap();
        Self { home, variables: HashMap::new(), builder: Layer::default(), profile: None }
    }
    fn path(&self, name: &str) -> PathBuf {
        self.home.join(".bud").join(name)
    }
    fn file(self, text: impl AsRef<[u8]>) -> Self {
        fs::write(self.path("config.toml"), text).unwrap();
        self
    }
    fn tokens(self, text: &str) -> Self {
        fs::write(self.path("tokens.json"), text).unwrap();
        self
    }
    fn set(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.variables.insert(name.to_owned(), value.into());
        self
    }
    fn base_url(mut self, url: &str) -> Self {
        self.builder.base_url = Some(Sourced::new(url.to_owned(), Place::Builder("base_url")));
        self
    }
    fn profile(mut self, name: &'static str) -> Self {
        self.profile = Some(name);
        self
    }
    fn read(&self) -> Result<Config> {
        let variable = |name: &str| self.variables.get(name).cloned();
        let around = Surroundings { variable: &variable, home: Some(self.home.clone()) };
        Config::read(&KEYS, self.builder.clone(), self.profile, &around)
    }
    /// The error, whose text must lead to `place` and show nothing secret.
    fn refused(&self, place: &str) -> Error {
        let error = self.read().and_then(|config| {
            let base = config.base_url(false)?;
            config.check_verify(&base)?;
            config.login(&base)?;
            config.ca_certificate(&base)?;
            config.cli_tokens(&base)?.map(drop).ok_or_else(|| config.no_credentials(&base))
        });
        let error = error.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        let text = format!("{error} {error:?} {:?}", std::error::Error::source(&error));
        assert!(text.contains(place) && !text.contains("canary"), "expected {place}: {text}");
        error
    }
}

impl Drop for Setting {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.home);
    }
}

fn url(config: &Config) -> Url {
    config.base_url(false).unwrap()
}

/// The secret that would be sent to the address in use.
fn secret(config: &Config) -> Option<String> {
    let login = config.login(&url(config)).unwrap()?;
    Some(match login {
        Login::Password { user, password } => format!("{user} {}", password.expose()),
        Login::Token(secret) | Login::ApiKey(secret) => secret.expose().to_owned(),
    })
}

const FILE: &str = r#"
api_url = "https://bud.test"
api_key = "flat-key"
timeout = 4
flavor = "guide"

[profiles.here]
api_url = "https://bud.test"
api_key = "profile-key"
timeout = 3.5
flavor = "runtime"
"#;

#[test]
fn the_strongest_layer_that_has_a_value_wins() {
    let everything = || {
        let mut setting = Setting::new("layers").file(FILE).base_url("https://bud.test/builder");
        setting.builder.login = Some(Ok(Login::Token("builder-token".into())));
        setting.builder.timeout = Some(Duration::from_secs(1));
        setting.builder.flavor = Some(Sourced::new("guide".to_owned(), Place::Builder("flavor")));
        setting
            .profile("here")
            .set("BUD_BASE_URL", "https://bud.test/env")
            .set("BUD_API_URL", "https://bud.test/cli")
            .set("BUD_TIMEOUT", " 2 ")
            .set("BUD_API_FLAVOR", "runtime")
            .set("BUD_API_KEY", "env-key")
            .set("BUD_TOKEN", "env-token")
            .set("BUD_EMAIL", "env@example.com")
            .set("BUD_PASSWORD", "env-password")
    };
    let seen = |setting: &Setting| {
        let config = setting.read().unwrap();
        let base = url(&config);
        let time = config.timeout().unwrap().as_secs_f64();
        (base.path().to_owned(), secret(&config).unwrap(), time, config.flavor(&base).unwrap().to_owned())
    };
    let is = |path: &str, secret: &str, time, flavor: &str| {
        (path.to_owned(), secret.to_owned(), time, flavor.to_owned())
    };
    let mut setting = everything();
    assert_eq!(seen(&setting), is("/builder", "builder-token", 1.0, "guide"));
    setting.builder = Layer::default();
    assert_eq!(seen(&setting), is("/env", "env-key", 2.0, "runtime"));
    for (variable, expected) in [
        ("BUD_BASE_URL", is("/cli", "env-key", 2.0, "runtime")),
        ("BUD_API_KEY", is("/cli", "env-token", 2.0, "runtime")),
        ("BUD_TOKEN", is("/cli", "env@example.com env-password", 2.0, "runtime")),
        ("BUD_TIMEOUT", is("/cli", "env@example.com env-password", 3.5, "runtime")),
        ("BUD_API_URL", is("/", "env@example.com env-password", 3.5, "runtime")),
    ] {
        setting.variables.remove(variable);
        assert_eq!(seen(&setting), expected, "without {variable}");
    }
    setting.variables.clear();
    assert_eq!(seen(&setting), is("/", "profile-key", 3.5, "runtime"));
    setting.profile = None;
    assert_eq!(seen(&setting), is("/", "flat-key", 4.0, "guide"));
    // BUD_PROFILE chooses as the builder does, and the builder wins.
    let setting = setting.set("BUD_PROFILE", "here");
    assert_eq!(seen(&setting), is("/", "profile-key", 3.5, "runtime"));
    setting.profile("nowhere").refused("builder.profile");
}

#[test]
fn a_file_as_the_command_line_writes_it() {
    let after_login = "api_url = \"https://bud.test\"\n[auth]\ntype = \"jwt\"\nemail = \"a@example.com\"\n";
    let config = Setting::new("cli").file(after_login).read().unwrap();
    assert_eq!((url(&config).host_str(), secret(&config)), (Some("bud.test"), None));

    for (auth, expected) in [
        ("type='jwt'\nemail='a@example.com'\npassword='p'\napi_key='k'", "a@example.com p"),
        ("type='api_key'\nemail='a@example.com'\npassword='p'\napi_key='k'", "k"),
        ("email='a@example.com'\npassword='p'", "a@example.com p"),
        ("api_key='k'", "k"),
    ] {
        let text = format!("api_url='https://bud.test'\nmax_retries='x'\ndebug=true\n[auth]\n{auth}");
        assert_eq!(secret(&Setting::new("auth").file(text).read().unwrap()).unwrap(), expected, "{auth}");
    }
}

#[test]
fn another_file_and_profiles_that_inherit_the_address() {
    let setting = Setting::new("other").file(FILE);
    let text = "api_url='https://other.test'\n[profiles.x]\nemail='a@example.com'\npassword='p'";
    fs::write(setting.home.join("other.toml"), text).unwrap();
    let setting = setting.profile("x");
    let other = setting.home.join("other.toml");
    let setting = setting.set("BUD_CONFIG", other);
    let config = setting.read().unwrap();
    assert_eq!(url(&config).host_str(), Some("other.test"));
    assert_eq!(secret(&config).unwrap(), "a@example.com p");
}

#[test]
fn no_file_is_fine_unless_it_was_named() {
    let setting = Setting::new("none").set("BUD_API_URL", "https://bud.test");
    assert_eq!(secret(&setting.read().unwrap()), None);
    fs::remove_dir_all(setting.path("")).unwrap();
    assert!(setting.read().is_ok());
    fs::write(setting.home.join(".bud"), "no folder").unwrap();
    assert!(setting.read().is_ok());
    let variable = |_: &str| None;
    assert!(
        Config::read(&KEYS, Layer::default(), None, &Surroundings { variable: &variable, home: None })
            .is_ok()
    );
    let lost =
        Config::read(&KEYS, Layer::default(), Some("x"), &Surroundings { variable: &variable, home: None });
    assert!(lost.unwrap_err().to_string().contains("builder.profile"));

    let missing = setting.home.join("missing.toml");
    setting.set("BUD_CONFIG", missing).refused("BUD_CONFIG");
}

#[test]
fn a_missing_profile_lists_those_that_exist() {
    let error = Setting::new("profiles")
        .file("[profiles.prod]\n[profiles.staging]\n")
        .set("BUD_PROFILE", "canary")
        .refused("BUD_PROFILE");
    assert!(error.to_string().contains("it has: prod, staging"), "{error}");
    Setting::new("profiles").file("").profile("x").refused("it has no profiles");
    Setting::new("profiles").profile("x").refused("there is no file");
}

#[test]
fn a_wrong_variable_is_named_and_its_value_is_not_shown() {
    for (name, value) in [
        ("BUD_TIMEOUT", "canary"),
        ("BUD_TIMEOUT", "-1"),
        ("BUD_TIMEOUT", "0"),
        ("BUD_TIMEOUT", "NaN"),
        ("BUD_TIMEOUT", "inf"),
        ("BUD_TIMEOUT", "1e300"),
        ("BUD_TIMEOUT", "1e-300"),
        ("BUD_API_FLAVOR", "canary"),
        ("BUD_VERIFY_SSL", "flase"),
        ("BUD_BASE_URL", "https://user:canary@bud.test"),
        ("BUD_CONFIG", "/no/such/canary.toml"),
        ("BUD_CONFIG", "canary\n"),
        ("BUD_CA_CERTIFICATE", "/no/such/canary.pem"),
        ("BUD_CA_CERTIFICATE", "canary"),
        ("BUD_EMAIL", "canary@example.com"),
        ("BUD_PASSWORD", "canary"),
    ] {
        Setting::new("variables").file("api_url='https://bud.test'").set(name, value).refused(name);
    }
    let error = Setting::new("variables").set("BUD_VERIFY_SSL", "False").refused("BUD_VERIFY_SSL");
    assert!(error.hint().unwrap().contains("BUD_CA_CERTIFICATE"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_no_text_is_refused() {
    use std::os::unix::ffi::OsStringExt;
    let bytes = OsString::from_vec(b"canary\xff".to_vec());
    Setting::new("bytes").set("BUD_PASSWORD", bytes).refused("BUD_PASSWORD");
}

#[test]
fn a_wrong_value_in_a_file_names_file_and_key() {
    for (text, key) in [
        ("api_url = 1", "`api_url`"),
        ("api_url = ''", "`api_url`"),
        ("api_url = 'canary'", "`api_url`"),
        ("api_url = 'http://canary.example.com'", "`api_url`"),
        ("timeout = 'canary'", "`timeout`"),
        ("timeout = 0", "`timeout`"),
        ("timeout = -1.5", "`timeout`"),
        ("timeout = nan", "`timeout`"),
        ("timeout = 9223372036854775807", "`timeout`"),
        ("timeout = true", "`timeout`"),
        ("flavor = 'canary'", "`flavor`"),
        ("verify_ssl = 'canary'", "`verify_ssl`"),
        ("verify_ssl = false", "`verify_ssl`"),
        ("api_key = 1979-05-27", "`api_key`"),
        ("password = 'canary'", "`email`"),
        ("ca_certificate = 'missing.pem'", "`ca_certificate`"),
        ("auth = 'canary'", "`auth`"),
        ("[auth]\ntype = 'canary'", "`auth.type`"),
        ("[auth]\ntype = 1", "`auth.type`"),
        ("[auth]\ntype = 'dapr'\ntoken = 'canary'", "`auth.type`"),
        ("[auth]\ntype = 'api_key'", "`auth.api_key`"),
        ("[auth]\npassword = ['canary']", "`auth.password`"),
        ("profiles = 1", "`profiles`"),
        ("profiles.x = 'canary'", "`profiles.x`"),
        ("[profiles.x]\ntimeout = 'canary'", "`profiles.x.timeout`"),
        ("[profiles.x.auth]\ntype = 'canary'", "`profiles.x.auth.type`"),
    ] {
        let address = if text.starts_with("api_url") { "" } else { "api_url = 'https://bud.test'\n" };
        let setting = Setting::new("values").file(format!("{address}{text}"));
        let setting = if text.contains("profiles") { setting.profile("x") } else { setting };
        let error = setting.refused(key);
        assert!(error.to_string().contains("config.toml"), "{error}");
    }
    let error = Setting::new("values").file("api_url='https://bud.test'\nverify_ssl=false").refused("verify");
    assert!(error.hint().unwrap().contains("BUD_CA_CERTIFICATE"), "{error}");
}

#[test]
fn what_nobody_would_use_disturbs_nobody() {
    let text = "api_url='https://bud.test'\nverify_ssl=false\n[auth]\ntype='dapr'";
    let setting = Setting::new("unused").file(text).set("BUD_API_KEY", "k").set("BUD_VERIFY_SSL", "true");
    let config = setting.read().unwrap();
    assert_eq!(secret(&config).unwrap(), "k");
    config.check_verify(&url(&config)).unwrap();
}

#[test]
fn a_file_that_cannot_be_a_configuration_is_refused_unread() {
    let named = |setting: &Setting| setting.path("config.toml").display().to_string();
    for (bytes, why) in [
        (b"password = 'canary\xff'".to_vec(), "UTF-8"),
        (b"a = 1\npassword = 'canary".to_vec(), "line 2, column"),
        (b"canary = 'canary'\ncanary = 'canary'".to_vec(), "line 2, column 1"),
        (b"a = [[[[".repeat(20_000), "not TOML"),
        (vec![b' '; 1024 * 1024 + 1], "1 MiB"),
    ] {
        let setting = Setting::new("broken").file(bytes);
        let error = setting.refused(why);
        assert!(error.to_string().contains(&named(&setting)), "{error}");
    }
    let setting = Setting::new("broken");
    fs::create_dir(setting.path("config.toml")).unwrap();
    setting.refused("regular file");
}

#[cfg(unix)]
#[test]
fn a_fifo_or_a_device_is_never_opened() {
    let setting = Setting::new("fifo");
    let made = std::process::Command::new("mkfifo").arg(setting.path("config.toml")).status().unwrap();
    assert!(made.success());
    setting.refused("regular file");
    let fifo = setting.path("config.toml");
    Setting::new("device").set("BUD_CONFIG", "/dev/zero").refused("regular file");
    Setting::new("device")
        .set("BUD_BASE_URL", "https://bud.test")
        .set("BUD_CA_CERTIFICATE", fifo)
        .refused("regular file");
    std::os::unix::fs::symlink("config.toml", setting.path("loop")).unwrap();
    fs::remove_file(setting.path("config.toml")).unwrap();
    std::os::unix::fs::symlink("loop", setting.path("config.toml")).unwrap();
    setting.refused("cannot be read");
}

#[test]
fn credentials_of_a_file_go_to_its_own_address_only() {
    let file = "api_url='https://bud.test'\napi_key='canary-flat'\nflavor='runtime'\nverify_ssl=false\n\
                ca_certificate='missing.pem'\n\
                [profiles.own]\napi_url='https://own.test'\n\
                [profiles.key]\napi_key='canary-profile'\n";
    let elsewhere = [
        Setting::new("bound").file(file).base_url("https://evil.test"),
        Setting::new("bound").file(file).base_url("http://127.0.0.1"),
        Setting::new("bound").file(file).base_url("https://bud.test:8443"),
        Setting::new("bound").file(file).set("BUD_BASE_URL", "https://evil.test"),
        Setting::new("bound").file(file).set("BUD_API_URL", "https://bud.test.evil.test"),
        Setting::new("bound").file(file).profile("own"),
        Setting::new("bound").file(file).profile("key").set("BUD_BASE_URL", "https://evil.test"),
        // A file that names no address says nothing of any.
        Setting::new("bound").file("api_key='canary'").set("BUD_BASE_URL", "https://bud.test"),
    ];
    for setting in elsewhere {
        let config = setting.read().unwrap();
        let base = url(&config);
        assert_eq!((secret(&config), config.flavor(&base)), (None, None), "{base}");
        assert!(config.check_verify(&base).is_ok() && config.ca_certificate(&base).unwrap().is_none());
        setting.refused("config.toml are not for its address");
    }
    let config = Setting::new("bound").file(file).base_url("https://BUD.test:443/").read().unwrap();
    assert_eq!(secret(&config).unwrap(), "canary-flat");
    // One host may serve several deployments under paths of their own.
    for (other, file) in [
        ("https://bud.test/v1", file.to_owned()),
        ("https://bud.test", file.replace("https://bud.test", "https://bud.test/a")),
        ("https://bud.test/b", file.replace("https://bud.test", "https://bud.test/a")),
    ] {
        let setting = Setting::new("paths").file(file).set("BUD_BASE_URL", other);
        assert_eq!(secret(&setting.read().unwrap()), None, "{other}");
        setting.refused("config.toml are not for its address");
    }
}

#[test]
fn credentials_of_the_environment_are_bound_to_its_address_if_it_names_one() {
    let setting = Setting::new("env").set("BUD_API_KEY", "k");
    let setting = setting.base_url("https://bud.test");
    assert_eq!(secret(&setting.read().unwrap()).unwrap(), "k");
    let setting = setting.set("BUD_API_URL", "https://other.test");
    assert_eq!(secret(&setting.read().unwrap()), None);
    setting.refused("the environment are not for its address");
    // An address from below is the one that they are meant for.
    let setting = Setting::new("env").file(FILE).set("BUD_API_KEY", "k");
    assert_eq!(secret(&setting.read().unwrap()).unwrap(), "k");
}

const TOKENS: &str =
    r#"{"access_token": "canary-a", "refresh_token": "canary-r", "expires_at": 1795380813.578}"#;

#[test]
fn tokens_of_the_command_line_belong_to_the_file_beside_them() {
    let read = |setting: &Setting| {
        let config = setting.read().unwrap();
        config.cli_tokens(&url(&config)).unwrap()
    };
    let setting = Setting::new("tokens").file("api_url='https://bud.test'").tokens(TOKENS);
    let tokens = read(&setting).unwrap();
    assert_eq!(tokens.access_token.as_ref().unwrap().expose(), "canary-a");
    assert_eq!(tokens.expires_at, Some(1_795_380_813.578));
    assert!(!format!("{tokens:?}").contains("canary"));
    let setting = setting.set("BUD_BASE_URL", "https://evil.test");
    assert!(read(&setting).is_none());
    let setting = setting.set("BUD_BASE_URL", "https://bud.test/v1");
    assert!(read(&setting).is_none());
    let setting = setting.set("BUD_BASE_URL", "HTTPS://Bud.test:443/");
    assert!(read(&setting).is_some());
    // Another file is not beside them.
    let other = setting.home.join("other.toml");
    fs::write(&other, "api_url='https://bud.test'").unwrap();
    assert!(read(&setting.set("BUD_CONFIG", other)).is_none());
    let alone = Setting::new("tokens").tokens(TOKENS).set("BUD_BASE_URL", "https://bud.test");
    assert!(read(&alone).is_none());

    for absent in ["{}", r#"{"access_token": "", "refresh_token": null}"#] {
        let setting = Setting::new("tokens").file("api_url='https://bud.test'").tokens(absent);
        assert!(read(&setting).is_none());
        setting.refused("no credentials");
    }
    for broken in ["", "[]", "{\"access_token\": \"canary", r#"{"expires_at": "canary"}"#] {
        let error =
            Setting::new("tokens").file("api_url='https://bud.test'").tokens(broken).refused("tokens.json");
        assert!(error.hint().unwrap().contains("bud auth login"), "{error}");
    }
}

#[test]
fn a_program_that_asks_for_nothing_gets_nothing() {
    let config = Config::of_builder(&KEYS, Layer::default());
    assert!(config.base_url(false).unwrap_err().to_string().contains("no base URL"));
    assert!(config.timeout().is_none());
}

mod services;
mod values;
