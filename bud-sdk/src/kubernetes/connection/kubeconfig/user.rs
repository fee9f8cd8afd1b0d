//! The credentials of a user: which of them count, by the rules of Kubernetes' own clients.

use http::HeaderValue;

use super::file::{Exec, Impersonated, Provider, User};
use super::{Authorization, Settings, pem, read_file};
use crate::error::{Error, Result};
use crate::types::{Secret, Timestamp};

/// Refuses what contradicts itself.
fn check(user: &User) -> Result<()> {
    let at = |why: &str| Err(Error::config(format!("{} {why}", user.place)));
    if user.token.is_some() && (user.name.is_some() || user.password.is_some()) {
        return at("has a token and a user name or password; keep one");
    }
    if user.certificate.is_some() || user.certificate_data.is_some() {
        if user.certificate.is_some() && user.certificate_data.is_some() {
            return at("has client-certificate and client-certificate-data; keep one");
        }
        match (&user.key, &user.key_data) {
            (Some(_), Some(_)) => return at("has client-key and client-key-data; keep one"),
            (None, None) => return at("has a client certificate without client-key or client-key-data"),
            _ => {}
        }
    }
    if let Some(exec) = &user.exec {
        if user.provider.is_some() {
            return at("has auth-provider and exec; keep one");
        }
        check_exec(exec)?;
    }
    Ok(())
}

fn check_exec(exec: &Exec) -> Result<()> {
    let at = |key: &str, why: &str| Err(Error::config(format!("{}.{key} {why}", exec.place)));
    if exec.command.is_none() {
        return at("command", "is missing");
    }
    let version = exec.version.as_deref().unwrap_or_default();
    if !matches!(version, "client.authentication.k8s.io/v1" | "client.authentication.k8s.io/v1beta1") {
        return at(
            "apiVersion",
            "must be client.authentication.k8s.io/v1 or client.authentication.k8s.io/v1beta1",
        );
    }
    match exec.interactive_mode.as_deref() {
        Some("Never" | "IfAvailable") => Ok(()),
        Some("Always") => at("interactiveMode", "is Always, and a program has no terminal to ask on"),
        None if version.ends_with("/v1beta1") => Ok(()),
        _ => at("interactiveMode", "must be Never, IfAvailable or Always"),
    }
}

/// In whose name requests are made.
pub(crate) fn impersonated(user: &User) -> Result<Impersonated> {
    let given = &user.impersonated;
    let at = |key: &str, why: &str| Err(Error::config(format!("{}.{key} {why}", user.place)));
    let more = given.uid.is_some() || !given.groups.is_empty() || !given.extra.is_empty();
    if given.user.is_none() && more {
        return at("as", "must be set where as-uid, as-groups or as-user-extra is");
    }
    for (key, texts) in [
        ("as", given.user.iter().collect::<Vec<_>>()),
        ("as-uid", given.uid.iter().collect()),
        ("as-groups", given.groups.iter().collect()),
        ("as-user-extra", given.extra.values().flatten().collect()),
    ] {
        if texts.into_iter().any(|text| HeaderValue::from_str(text).is_err()) {
            return at(key, "must be one line without control characters");
        }
    }
    Ok(given.clone())
}

/// Puts the credentials that count into the settings: those in the server's address, a token, user name and password, or what
/// the provider or the plugin gives; and a client certificate beside any of these.
pub(crate) fn credentials(user: &User, settings: &mut Settings) -> Result<()> {
    check(user)?;
    settings.identity = identity(user)?;
    let at = |key: &str| format!("{}.{key}", user.place);
    let plain = match (&user.token_file, &user.token, &user.name) {
        (Some(_), _, Some(_)) => {
            let message = format!("{} has tokenFile and username; keep one", user.place);
            return Err(Error::config(message));
        }
        (Some(path), inline, None) => Authorization::file(path.clone(), inline.as_ref(), &at("tokenFile"))?,
        (None, Some(token), _) => Authorization::bearer(token, &at("token"))?,
        (None, None, Some(name)) => {
            let none = Secret::new("");
            Authorization::basic(name, user.password.as_ref().unwrap_or(&none), &at("username"))?
        }
        (None, None, None) => Authorization::None,
    };
    settings.authorization = match (&settings.server.credentials, &user.provider) {
        (Some((name, password)), _) => Authorization::basic(name, password, "server")?,
        (None, Some(provider)) if plain.is_none() => provided(provider, &at("auth-provider"))?,
        _ => plain,
    };
    // A plugin is the last resort.
    if settings.authorization.is_none() && settings.identity.is_none() {
        settings.exec.clone_from(&user.exec);
    }
    Ok(())
}

fn identity(user: &User) -> Result<Option<super::Identity>> {
    let at = |key: &str| format!("{}.{key}", user.place);
    let decoded = |text: &str, key: &str| {
        pem::decoded(text).ok_or_else(|| Error::config(format!("{} must be base64", at(key))))
    };
    let certificate = match (&user.certificate, &user.certificate_data) {
        (_, Some(data)) => decoded(data, "client-certificate-data")?,
        (Some(path), None) => read_file(path, &at("client-certificate"))?,
        // A key alone is of no use, and Kubernetes' own clients ignore it.
        (None, None) => return Ok(None),
    };
    let key = match (&user.key, &user.key_data) {
        (_, Some(data)) => decoded(data.expose(), "client-key-data")?,
        (Some(path), None) => read_file(path, &at("client-key"))?,
        (None, None) => Vec::new(),
    };
    let both = pem::identity(&certificate, &key);
    both.map(Some).map_err(|why| Error::config(format!("{}: {why}", user.place)))
}

/// The token that an OIDC provider's login has left in the kubeconfig. It is not renewed: that is the work of kubectl or of a
/// credential plugin.
fn provided(provider: &Provider, place: &str) -> Result<Authorization> {
    let plugin = "use a credential plugin (exec) instead";
    if provider.name != "oidc" {
        let message = format!("{place}.name must be oidc; other providers were removed from Kubernetes");
        return Err(Error::config(message).with_hint(plugin));
    }
    for key in ["idp-issuer-url", "client-id"] {
        if !provider.config.contains_key(key) {
            return Err(Error::config(format!("{place}.config.{key} is missing")));
        }
    }
    let hint = "log in again with kubectl, or use a credential plugin such as kubelogin (exec)";
    let unusable =
        |why: &str| Error::config(format!("{place}.config.id-token {why}")).with_hint(hint.to_owned());
    let token = provider.config.get("id-token").ok_or_else(|| unusable("is missing"))?;
    match expiry(token.expose()) {
        None => Err(unusable("must be a JWT")),
        Some(seconds) if seconds <= Timestamp::now().as_seconds() as f64 => Err(unusable("has expired")),
        Some(_) => Authorization::bearer(token, &format!("{place}.config.id-token")),
    }
}

/// When a JWT ends.
fn expiry(token: &str) -> Option<f64> {
    use base64::Engine;
    let payload = token.trim().split('.').nth(1)?;
    let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).ok()?;
    serde_json::from_slice::<serde_json::Value>(&payload).ok()?.get("exp")?.as_f64()
}
