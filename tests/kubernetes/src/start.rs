//! From programs to a cluster that is ready.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use crate::binaries::Binaries;
use crate::cluster::{Cluster, logs};
use crate::guard::Guard;
use crate::identity::{Identity, Proof};
use crate::kubelet::Kubelet;
use crate::pki::{Authority, signing_key};
use crate::{Api, Outcome, failed};

/// Many times what it takes on a busy machine.
pub(crate) const START_LIMIT: Duration = Duration::from_secs(180);
const POLL: Duration = Duration::from_millis(50);
/// Below the ports that systems give to whoever does not care which.
const PORTS: std::ops::Range<u16> = 20_000..32_000;
/// Another program may take a port between its choice and its use.
const TRIES: usize = 5;
const TAKEN: &str = "address already in use";

/// What is started besides etcd and kube-apiserver.
#[derive(Debug, Default, Clone, Copy)]
pub struct Builder {
    controllers: bool,
    scheduler: bool,
}

impl Builder {
    /// kube-controller-manager as well: Deployments get ReplicaSets, and those get Pods.
    #[must_use]
    pub fn controllers(mut self) -> Self {
        self.controllers = true;
        self
    }

    /// kube-scheduler as well: pods get nodes.
    #[must_use]
    pub fn scheduler(mut self) -> Self {
        self.scheduler = true;
        self
    }

    /// Starts it and returns when it is ready. The programs are found, or else built, which takes long.
    pub async fn start(self) -> Outcome<Cluster> {
        let binaries = tokio::task::spawn_blocking(Binaries::find_or_build).await;
        let binaries = binaries.map_err(failed("the programs"))??;
        let nothing = "there is neither KUBEBUILDER_ASSETS, nor a built control plane, nor Go to build one";
        self.start_with(&binaries.ok_or(nothing)?).await
    }

    /// Starts it from these programs and returns when it is ready.
    pub async fn start_with(self, binaries: &Binaries) -> Outcome<Cluster> {
        for _ in 1..TRIES {
            match self.attempt(binaries).await {
                Err(reason) if reason.contains(TAKEN) => {}
                outcome => return outcome,
            }
        }
        self.attempt(binaries).await
    }

    async fn attempt(self, binaries: &Binaries) -> Outcome<Cluster> {
        let guard = Guard::new()?;
        let authority = Authority::new()?;
        let background = Background::new()?;
        let kubelet = Kubelet::start(authority.serving(&["127.0.0.1"])?);
        let kubelet = background.run(kubelet).await??;
        let port = free_port()?;
        let admin = Identity {
            name: "admin".to_owned(),
            url: format!("https://127.0.0.1:{port}"),
            authority: authority.pem(),
            proof: Proof::Token(format!("{:032x}", fastrand::u128(..))),
        };
        let mut launch = Launch { builder: self, guard, binaries, admin: &admin, port };
        match launch.all(&authority).await {
            Ok(api) => Ok(Cluster {
                controllers: self.controllers,
                guard: launch.guard,
                binaries: binaries.clone(),
                authority,
                api,
                admin,
                kubelet,
                background,
            }),
            Err(reason) => Err(format!("{reason}\n{}", logs(launch.guard.folder()))),
        }
    }
}

struct Launch<'a> {
    builder: Builder,
    guard: Guard,
    binaries: &'a Binaries,
    admin: &'a Identity,
    port: u16,
}

impl Launch<'_> {
    async fn all(&mut self, authority: &Authority) -> Outcome<Api> {
        self.write_files(authority)?;
        let store = free_port()?;
        self.start("etcd", &etcd_arguments(self.guard.folder(), store))?;
        self.until("etcd listens", || async move {
            let connected = tokio::net::TcpStream::connect(("127.0.0.1", store)).await;
            connected.map(drop).map_err(|error| error.to_string())
        })
        .await?;
        self.start("kube-apiserver", &self.server_arguments(store))?;
        let api = self.admin.api()?;
        self.until("kube-apiserver is ready", || api.get("/readyz")).await?;
        let kubeconfig = format!("--kubeconfig={}", self.file("kubeconfig"));
        if self.builder.controllers {
            self.start("kube-controller-manager", &self.controller_arguments(&kubeconfig))?;
        }
        if self.builder.scheduler {
            self.start(
                "kube-scheduler",
                &[&kubeconfig, "--leader-elect=false", "--secure-port=0"].map(String::from),
            )?;
        }
        // They come soon after the server is ready.
        self.until("kube-system is there", || api.get("/api/v1/namespaces/kube-system")).await?;
        if self.builder.controllers {
            let account = "/api/v1/namespaces/default/serviceaccounts/default";
            self.until("the controllers work", || api.get(account)).await?;
        }
        Ok(api)
    }

    fn file(&self, name: &str) -> String {
        self.guard.folder().join(name).display().to_string()
    }

    fn write_files(&self, authority: &Authority) -> Outcome {
        let server = authority.server(&["127.0.0.1", "localhost", "kubernetes.default.svc"])?;
        let kubelet_client = authority.client("kube-apiserver", None)?;
        let front_proxy = authority.client("front-proxy", None)?;
        let accounts = signing_key()?;
        let token = self.admin.token().unwrap_or_default();
        for (name, text) in [
            ("authority.pem", &authority.pem()),
            ("server.pem", &server.certificate),
            ("server.key", &server.key),
            ("kubelet-client.pem", &kubelet_client.certificate),
            ("kubelet-client.key", &kubelet_client.key),
            ("front-proxy.pem", &front_proxy.certificate),
            ("front-proxy.key", &front_proxy.key),
            ("accounts.key", &accounts.0),
            ("accounts.pub", &accounts.1),
            ("tokens.csv", &format!("{token},admin,admin,system:masters\n")),
            ("kubeconfig", &self.admin.kubeconfig()),
        ] {
            fs::write(self.file(name), text).map_err(failed(name))?;
        }
        Ok(())
    }

    fn start(&mut self, name: &str, arguments: &[String]) -> Outcome {
        let program = self
            .binaries
            .program(name)
            .ok_or_else(|| format!("there is no {name} in {}", self.binaries.folder().display()))?;
        let path = self.guard.folder().join(format!("{name}.log"));
        let log = File::create(&path).map_err(failed(path.display()))?;
        let errors = log.try_clone().map_err(failed(path.display()))?;
        let mut command = Command::new(program);
        // Nothing of the environment: no proxy, and no settings that would make one run differ from another.
        command.args(arguments).env_clear().env("HOME", self.guard.folder()).stdout(log).stderr(errors);
        self.guard.start(name, &mut command)
    }

    fn server_arguments(&self, store: u16) -> Vec<String> {
        let mut arguments: Vec<String> = [
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            // Nobody comes by the address of its Service.
            "--endpoint-reconciler-type=none",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--authorization-mode=RBAC",
            "--allow-privileged=true",
            "--profiling=false",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--kubelet-preferred-address-types=InternalIP",
            "--requestheader-allowed-names=front-proxy",
            "--requestheader-username-headers=X-Remote-User",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        ]
        .map(String::from)
        .into();
        arguments.push(format!("--secure-port={}", self.port));
        arguments.push(format!("--etcd-servers=http://127.0.0.1:{store}"));
        arguments.push(format!("--cert-dir={}", self.guard.folder().display()));
        for (flag, file) in [
            ("tls-cert-file", "server.pem"),
            ("tls-private-key-file", "server.key"),
            ("client-ca-file", "authority.pem"),
            ("requestheader-client-ca-file", "authority.pem"),
            ("token-auth-file", "tokens.csv"),
            ("service-account-signing-key-file", "accounts.key"),
            ("service-account-key-file", "accounts.pub"),
            ("kubelet-certificate-authority", "authority.pem"),
            ("kubelet-client-certificate", "kubelet-client.pem"),
            ("kubelet-client-key", "kubelet-client.key"),
            ("proxy-client-cert-file", "front-proxy.pem"),
            ("proxy-client-key-file", "front-proxy.key"),
        ] {
            arguments.push(format!("--{flag}={}", self.file(file)));
        }
        if !self.builder.controllers {
            // Nobody makes the accounts that it would ask for.
            arguments.push("--disable-admission-plugins=ServiceAccount".to_owned());
        }
        arguments
    }

    fn controller_arguments(&self, kubeconfig: &str) -> Vec<String> {
        vec![
            kubeconfig.to_owned(),
            "--leader-elect=false".to_owned(),
            "--secure-port=0".to_owned(),
            // No node of a test sends signs of life.
            "--node-monitor-grace-period=24h".to_owned(),
            format!("--service-account-private-key-file={}", self.file("accounts.key")),
            format!("--root-ca-file={}", self.file("authority.pem")),
        ]
    }

    /// Tries it until it works, unless a program ends or it takes too long.
    async fn until<T, F>(&mut self, what: &str, mut probe: impl FnMut() -> F) -> Outcome<T>
    where
        F: Future<Output = Outcome<T>>,
    {
        let start = Instant::now();
        loop {
            let reason = match probe().await {
                Ok(value) => return Ok(value),
                Err(reason) => reason,
            };
            if let Some(ended) = self.guard.ended() {
                return Err(format!("before {what}: {ended}"));
            }
            if start.elapsed() > START_LIMIT {
                return Err(format!("{what}: not within {} s: {reason}", START_LIMIT.as_secs()));
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

fn etcd_arguments(folder: &Path, port: u16) -> Vec<String> {
    let url = format!("http://127.0.0.1:{port}");
    vec![
        format!("--data-dir={}", folder.join("etcd").display()),
        format!("--listen-client-urls={url}"),
        format!("--advertise-client-urls={url}"),
        "--listen-peer-urls=http://127.0.0.1:0".to_owned(),
        "--unsafe-no-fsync".to_owned(),
        "--log-level=warn".to_owned(),
    ]
}

fn free_port() -> Outcome<u16> {
    for _ in 0..100 {
        let port = fastrand::u16(PORTS);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    Err("no free port was found".to_owned())
}

/// A runtime for the stand-ins, which must not end with that of the test that started them.
#[derive(Debug)]
pub(crate) struct Background(Option<Runtime>);

impl Background {
    fn new() -> Outcome<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        Ok(Self(Some(runtime.map_err(failed("a runtime"))?)))
    }

    pub(crate) fn spawn<F>(&self, task: F) -> Outcome<tokio::task::JoinHandle<F::Output>>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        Ok(self.0.as_ref().ok_or("the stand-ins have stopped")?.spawn(task))
    }

    pub(crate) async fn run<F>(&self, task: F) -> Outcome<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.spawn(task)?.await.map_err(failed("a stand-in"))
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            // An ordinary drop is not allowed in async code.
            runtime.shutdown_background();
        }
    }
}
