//! The handle of a running control plane.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::binaries::{Binaries, tail};
use crate::clock;
use crate::guard::Guard;
use crate::identity::{Identity, Proof};
use crate::kubelet::Kubelet;
use crate::metrics::{self, Metrics};
use crate::pki::Authority;
use crate::pods::{self, Running};
use crate::start::{Background, Builder, START_LIMIT};
use crate::{Api, Outcome, failed};

const KUBECTL_LIMIT: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(50);
/// What is shown of a program's log.
const LOG_END: usize = 3000;

/// A running control plane. It stops when it is dropped, or when this process ends in whatever way.
pub struct Cluster {
    pub(crate) guard: Guard,
    pub(crate) binaries: Binaries,
    pub(crate) authority: Authority,
    pub(crate) admin: Identity,
    pub(crate) api: Api,
    pub(crate) kubelet: Kubelet,
    pub(crate) controllers: bool,
    pub(crate) background: Background,
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster")
            .field("url", &self.url())
            .field("folder", &self.folder())
            .finish_non_exhaustive()
    }
}

/// What a program printed, and how it ended.
#[derive(Debug, Clone)]
pub struct Printed {
    /// The exit code; `None` after a signal.
    pub code: Option<i32>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Cluster {
    /// Options before the start.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Where the API server is.
    pub fn url(&self) -> &str {
        &self.admin.url
    }

    /// The authority to trust, as PEM.
    pub fn authority(&self) -> &str {
        &self.admin.authority
    }

    /// Who may do everything, with a bearer token.
    pub fn admin(&self) -> &Identity {
        &self.admin
    }

    /// The administrator's kubeconfig, as a file that is there as long as the cluster.
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder().join("kubeconfig")
    }

    /// A client with the administrator's rights.
    pub fn api(&self) -> &Api {
        &self.api
    }

    /// What answers for the kubelets of all nodes.
    pub fn kubelet(&self) -> &Kubelet {
        &self.kubelet
    }

    /// Where its files are: certificates, logs, the store.
    pub fn folder(&self) -> &Path {
        self.guard.folder()
    }

    /// The numbers of its processes.
    pub fn pids(&self) -> Vec<u32> {
        self.guard.pids()
    }

    /// The end of what each of its programs logged.
    pub fn logs(&self) -> String {
        logs(self.folder())
    }

    /// Another user, by client certificate. It has no rights but those of its name and group.
    pub fn user(&self, name: &str, group: Option<&str>) -> Outcome<Identity> {
        let proof = Proof::Certificate(self.authority.client(name, group)?);
        Ok(Identity { name: name.to_owned(), proof, ..self.admin.clone() })
    }

    /// A kubeconfig of the administrator by which the API server's clock is so much later: whatever it has is older then. It is
    /// read there as everywhere else; only the Date of its answers is moved.
    pub async fn later(&self, by: Duration) -> Outcome<PathBuf> {
        let port = self.background.run(clock::serve(self.admin.clone(), by)).await??;
        let admin = Identity { url: format!("http://127.0.0.1:{port}"), ..self.admin.clone() };
        let file = self.folder().join(format!("later-{}.kubeconfig", by.as_secs()));
        fs::write(&file, admin.kubeconfig()).map_err(failed(file.display()))?;
        Ok(file)
    }

    /// Creates a service account, without any rights; it calls with a token.
    pub async fn service_account(&self, namespace: &str, name: &str) -> Outcome<Identity> {
        let account = json!({
            "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"namespace": namespace, "name": name},
        });
        self.api.create(&account).await?;
        let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token");
        let request = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}});
        let answer =
            self.api.send("POST", &path, "application/json", Some(("application/json", &request))).await?;
        let token = answer.body["status"]["token"].as_str();
        let token = token.ok_or_else(|| format!("no token: {} {}", answer.status, answer.text))?;
        let name = format!("system:serviceaccount:{namespace}:{name}");
        Ok(Identity { name, proof: Proof::Token(token.to_owned()), ..self.admin.clone() })
    }

    /// Creates a namespace and returns when pods can be created in it.
    pub async fn add_namespace(&self, name: &str) -> Outcome {
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        self.api.create(&namespace).await?;
        if self.controllers {
            let path = format!("/api/v1/namespaces/{name}/serviceaccounts/default");
            self.until("its service account", || async { self.api.get(&path).await }).await?;
        }
        Ok(())
    }

    /// Creates a node that is ready, with 32 cores, 256 GiB, room for 110 pods, and these resources on top.
    pub async fn add_node(&self, name: &str, resources: Value) -> Outcome<Value> {
        let mut capacity = json!({"cpu": "32", "memory": "256Gi", "pods": "110", "ephemeral-storage": "1Ti"});
        for (name, quantity) in resources.as_object().into_iter().flatten() {
            capacity[name] = quantity.clone();
        }
        let now = format!("{:.0}", jiff::Timestamp::now());
        let condition = |kind: &str, status: &str, reason: &str| {
            json!({
                "type": kind, "status": status, "reason": reason, "message": "as the stand-in says",
                "lastHeartbeatTime": now, "lastTransitionTime": now,
            })
        };
        let node = json!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": {"name": name, "labels": {
                "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
            }},
            "status": {
                "capacity": capacity, "allocatable": capacity,
                "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}, {"type": "Hostname", "address": name}],
                "daemonEndpoints": {"kubeletEndpoint": {"Port": self.kubelet.port()}},
                // Without it the API server would speak SPDY to the kubelet.
                "declaredFeatures": ["ExtendWebSocketsToKubelet"],
                "conditions": [
                    condition("MemoryPressure", "False", "KubeletHasSufficientMemory"),
                    condition("DiskPressure", "False", "KubeletHasNoDiskPressure"),
                    condition("PIDPressure", "False", "KubeletHasSufficientPID"),
                    condition("Ready", "True", "KubeletReady"),
                ],
                "nodeInfo": {
                    "kubeletVersion": "v1.36.0", "kubeProxyVersion": "", "osImage": "none", "kernelVersion": "none",
                    "containerRuntimeVersion": "stand-in://1", "operatingSystem": "linux", "architecture": "amd64",
                    "machineID": name, "systemUUID": name, "bootID": name,
                },
            },
        });
        self.api.create(&node).await?;
        // A new node is tainted as not ready, until a controller sees that it is.
        self.api.patch(&format!("/api/v1/nodes/{name}"), &json!({"spec": {"taints": null}})).await
    }

    /// Lets scheduled pods of a namespace start and become ready, and deleted ones go, as long as the answer is kept.
    pub fn run_pods(&self, namespace: &str) -> Outcome<Running> {
        self.background.spawn(pods::run(self.api.clone(), namespace.to_owned())).map(Running::new)
    }

    /// Installs metrics.k8s.io and returns when the API server serves it.
    pub async fn add_metrics(&self) -> Outcome<Metrics> {
        let (service, namespace) = (metrics::SERVICE, metrics::NAMESPACE);
        let config = self.authority.serving(&[&format!("{service}.{namespace}.svc")])?;
        let (metrics, port) = self.background.run(Metrics::start(config)).await??;
        self.api
            .create(&json!({
                "apiVersion": "v1", "kind": "Service", "metadata": {"namespace": namespace, "name": service},
                "spec": {"type": "ExternalName", "externalName": "localhost", "ports": [{"port": port}]},
            }))
            .await?;
        self.api
            .create(&json!({
                "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
                "metadata": {"name": "v1beta1.metrics.k8s.io"},
                "spec": {
                    "group": "metrics.k8s.io", "version": "v1beta1",
                    "groupPriorityMinimum": 100, "versionPriority": 100,
                    "service": {"namespace": namespace, "name": service, "port": port},
                    "caBundle": base64::Engine::encode(
                        &base64::engine::general_purpose::STANDARD, self.authority(),
                    ),
                },
            }))
            .await?;
        self.until("metrics.k8s.io is served", || async {
            self.api.get("/apis/metrics.k8s.io/v1beta1/nodes").await
        })
        .await?;
        Ok(metrics)
    }

    /// Installs cert-manager's certificates, without anything that would issue them, and returns when they can be created.
    pub async fn add_certificates(&self) -> Outcome {
        let open = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
        let version = json!({
            "name": "v1", "served": true, "storage": true,
            "schema": {"openAPIV3Schema": open}, "subresources": {"status": {}},
        });
        self.api
            .create(&json!({
                "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
                "metadata": {"name": "certificates.cert-manager.io"},
                "spec": {
                    "group": "cert-manager.io", "scope": "Namespaced", "versions": [version],
                    "names": {
                        "plural": "certificates", "singular": "certificate",
                        "kind": "Certificate", "listKind": "CertificateList",
                    },
                },
            }))
            .await?;
        let path = "/apis/cert-manager.io/v1/certificates";
        self.until("certificates are served", || async { self.api.get(path).await }).await.map(drop)
    }

    /// Runs kubectl as the administrator.
    pub async fn kubectl(&self, arguments: &[&str]) -> Outcome<Printed> {
        let folder = self.binaries.folder().display();
        let program =
            self.binaries.program("kubectl").ok_or_else(|| format!("there is no kubectl in {folder}"))?;
        let output = tokio::process::Command::new(program)
            .args(arguments)
            .env_clear()
            .env("HOME", self.folder())
            .env("KUBECONFIG", self.kubeconfig())
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = tokio::time::timeout(KUBECTL_LIMIT, output).await;
        let output = output.map_err(|_| format!("kubectl {}: it did not end", arguments.join(" ")))?;
        let output = output.map_err(failed("kubectl"))?;
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        Ok(Printed { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) })
    }

    /// Tries it until it works, but not forever.
    pub async fn until<T, F>(&self, what: &str, mut probe: impl FnMut() -> F) -> Outcome<T>
    where
        F: Future<Output = Outcome<T>>,
    {
        let start = Instant::now();
        loop {
            match probe().await {
                Ok(value) => return Ok(value),
                Err(reason) if start.elapsed() > START_LIMIT => {
                    return Err(format!("{what}: not within {} s: {reason}", START_LIMIT.as_secs()));
                }
                Err(_) => tokio::time::sleep(POLL).await,
            }
        }
    }
}

/// The end of each log in a folder.
pub(crate) fn logs(folder: &Path) -> String {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "log"));
    paths.sort();
    let shown = paths.iter().map(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        format!("--- the end of {name}:\n{}\n", tail(path, LOG_END).trim_end())
    });
    shown.collect()
}
