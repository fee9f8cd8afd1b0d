//! How the values of one service are named, in the environment and in the configuration file.

/// The names of all values of a service.
#[derive(Debug)]
pub(crate) struct Keys {
    /// The table of the file that holds them, also within a profile. None: they stand beside the tables.
    pub(crate) table: Option<&'static str>,
    pub(crate) url: Key,
    pub(crate) token: Key,
    pub(crate) api_key: Key,
    /// The name that belongs to the password.
    pub(crate) user: Key,
    pub(crate) password: Key,
    pub(crate) timeout: Key,
    pub(crate) ca_certificate: Key,
    pub(crate) verify: Key,
    pub(crate) flavor: Key,
    /// The names of its APIs.
    pub(crate) flavors: &'static [&'static str],
    /// The platform's command line keeps credentials for it, in `[auth]` of the file and in `tokens.json`.
    pub(crate) command_line: bool,
}

/// The names of one value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    /// The first one that is set counts.
    pub(crate) variables: &'static [&'static str],
    /// The key in the file, and the option's name in errors.
    pub(crate) file: &'static str,
}

impl Key {
    /// A value that the service does not have.
    #[cfg(any(test, feature = "monitoring", feature = "kubernetes"))]
    pub(crate) const NONE: Self = Self { variables: &[], file: "" };

    pub(crate) const fn new(variables: &'static [&'static str], file: &'static str) -> Self {
        Self { variables, file }
    }

    /// The variable that errors name.
    pub(crate) fn variable(&self) -> &'static str {
        self.variables.first().copied().unwrap_or_default()
    }
}

/// A part of credentials that can be wrong by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    User,
    Password,
    Token,
    ApiKey,
}

impl Keys {
    /// Of a service whose connection is configured elsewhere.
    #[cfg(feature = "kubernetes")]
    pub(crate) const NONE: Self = Self {
        table: None,
        url: Key::NONE,
        token: Key::NONE,
        api_key: Key::NONE,
        user: Key::NONE,
        password: Key::NONE,
        timeout: Key::NONE,
        ca_certificate: Key::NONE,
        verify: Key::NONE,
        flavor: Key::NONE,
        flavors: &[],
        command_line: false,
    };

    pub(super) fn part(&self, part: Part) -> Key {
        match part {
            Part::User => self.user,
            Part::Password => self.password,
            Part::Token => self.token,
            Part::ApiKey => self.api_key,
        }
    }
}

/// The names of a service beside the platform: `BUD_NAME_URL` and so on, and the table of that name.
#[cfg(any(test, feature = "monitoring"))]
macro_rules! service_keys {
    ($variable:literal, $table:literal) => {
        $crate::config::Keys {
            table: Some($table),
            url: $crate::config::Key::new(&[concat!("BUD_", $variable, "_URL")], "url"),
            token: $crate::config::Key::new(&[concat!("BUD_", $variable, "_TOKEN")], "token"),
            api_key: $crate::config::Key::NONE,
            user: $crate::config::Key::new(&[concat!("BUD_", $variable, "_USERNAME")], "username"),
            password: $crate::config::Key::new(&[concat!("BUD_", $variable, "_PASSWORD")], "password"),
            timeout: $crate::config::Key::new(&[concat!("BUD_", $variable, "_TIMEOUT")], "timeout"),
            ca_certificate: $crate::config::Key::new(
                &[concat!("BUD_", $variable, "_CA_CERTIFICATE")],
                "ca_certificate",
            ),
            verify: $crate::config::Key::NONE,
            flavor: $crate::config::Key::NONE,
            flavors: &[],
            command_line: false,
        }
    };
}
#[cfg(any(test, feature = "monitoring"))]
pub(crate) use service_keys;
