//! The service account of the pod that the program runs in.

use super::{Authorization, Settings, Surroundings, pem, read_file, server};
use crate::error::{Error, Result};

/// What errors call the whole.
const PLACE: &str = "the pod's service account";

pub(crate) fn settings(around: &Surroundings<'_>) -> Result<Settings> {
    let variable = |name: &str| {
        let text = (around.variable)(name).and_then(|text| text.into_string().ok());
        text.filter(|text| !text.is_empty())
    };
    let needed =
        |name: &str| variable(name).ok_or_else(|| Error::config(format!("not in a pod: {name} is not set")));
    let (host, port) = (needed("KUBERNETES_SERVICE_HOST")?, needed("KUBERNETES_SERVICE_PORT")?);
    if port.parse::<u16>().is_err() {
        return Err(Error::config("KUBERNETES_SERVICE_PORT must be a port"));
    }
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    let server = server::parse(&format!("https://{host}:{port}"))
        .ok()
        .filter(|server| server.url.path() == "/" && server.credentials.is_none())
        .ok_or_else(|| Error::config("KUBERNETES_SERVICE_HOST must be a host name or an IP address"))?;
    let file = |name: &str| around.service_account.join(name);
    let place = |name: &str| format!("{PLACE}: {name}");
    let authority_file = file("ca.crt");
    let authorities = read_file(&authority_file, &place("ca.crt"))?;
    let authorities =
        pem::authorities(&authorities).map_err(|why| Error::config(format!("{} {why}", place("ca.crt"))))?;
    // Not every pod has the file; Kubernetes' own clients then take `default`, too.
    let namespace = variable("POD_NAMESPACE").or_else(|| {
        let text = std::fs::read_to_string(file("namespace")).ok()?;
        Some(text.trim().to_owned())
    });
    Ok(Settings {
        place: PLACE.to_owned(),
        server,
        namespace: namespace.filter(|name| !name.is_empty()).unwrap_or_else(|| "default".to_owned()),
        authorities: Some(authorities),
        authority_file: Some(authority_file),
        insecure: false,
        server_name: None,
        disable_compression: false,
        proxy: None,
        authorization: Authorization::file(file("token"), None, &place("token"))?,
        identity: None,
        exec: None,
        cluster_info: None,
        impersonated: super::Impersonated::default(),
    })
}
