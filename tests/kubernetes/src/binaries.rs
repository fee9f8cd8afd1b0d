//! The programs of the control plane: given, cached, or built once.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use crate::{Outcome, failed};

/// The Go module of which all of them are built.
const MODULE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/control-plane");
const NAMES: [&str; 5] = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl"];
/// Four times what a build from nothing takes on two busy cores.
const BUILD_LIMIT: Duration = Duration::from_secs(2 * 60 * 60);
const POLL: Duration = Duration::from_millis(200);

/// A folder with `etcd` and `kube-apiserver`, and maybe `kube-controller-manager`, `kube-scheduler` and `kubectl`.
#[derive(Debug, Clone)]
pub struct Binaries {
    folder: PathBuf,
}

impl Binaries {
    /// The folder that `KUBEBUILDER_ASSETS` names, or else the cached build of the module beside this crate. If that is
    /// not there yet and Go is, it is built, which takes ten minutes of processor time and 3 GB of Go's build cache. Neither
    /// is `None`.
    pub fn find_or_build() -> Outcome<Option<Self>> {
        if let Some(found) = Self::find()? {
            return Ok(Some(found));
        }
        let plan = Plan::read()?;
        match Command::new("go").arg("version").stdin(Stdio::null()).output() {
            Ok(output) if output.status.success() => plan.build().map(Some),
            _ => Ok(None),
        }
    }

    /// The same, without building anything.
    pub fn find() -> Outcome<Option<Self>> {
        if let Some(folder) = std::env::var_os("KUBEBUILDER_ASSETS").filter(|folder| !folder.is_empty()) {
            return Self::given(PathBuf::from(folder)).map(Some);
        }
        Ok(Plan::read()?.built())
    }

    fn given(folder: PathBuf) -> Outcome<Self> {
        let binaries = Self { folder };
        match ["etcd", "kube-apiserver"].into_iter().find(|name| binaries.program(name).is_none()) {
            Some(name) => {
                Err(format!("KUBEBUILDER_ASSETS: there is no {name} in {}", binaries.folder.display()))
            }
            None => Ok(binaries),
        }
    }

    /// Where the programs are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A program's path, if it is there.
    pub fn program(&self, name: &str) -> Option<PathBuf> {
        let path = self.folder.join(name);
        path.is_file().then_some(path)
    }

    /// What each program says of its version, a line each.
    pub fn versions(&self) -> Outcome<String> {
        let mut lines = String::new();
        for name in NAMES {
            let Some(program) = self.program(name) else { continue };
            let args: &[&str] = if name == "kubectl" { &["version", "--client"] } else { &["--version"] };
            let output = Command::new(program).args(args).stdin(Stdio::null()).output();
            let output = output.map_err(failed(name))?;
            let said = String::from_utf8_lossy(&output.stdout);
            let said = said.lines().next().unwrap_or_default();
            if !output.status.success() || said.is_empty() {
                return Err(format!(
                    "{name} does not run: {}",
                    String::from_utf8_lossy(&output.stderr).trim()
                ));
            }
            lines += &format!("{name}: {said}\n");
        }
        Ok(lines)
    }
}

/// What is built, and where it goes.
struct Plan {
    /// Of Kubernetes, such as `v1.36.3`.
    version: String,
    cache: PathBuf,
    /// `kube-<version>-<hash>`; the hash is of everything that the outcome depends on.
    name: String,
}

impl Plan {
    fn read() -> Outcome<Self> {
        let mut files = Vec::new();
        for entry in fs::read_dir(MODULE).map_err(failed(MODULE))? {
            let path = entry.map_err(failed(MODULE))?.path();
            if path.extension().is_some_and(|end| end == "go" || end == "mod" || end == "sum") {
                files.push(path);
            }
        }
        files.sort();
        let mut hash = Sha256::new();
        let mut version = None;
        for path in files {
            let text = fs::read_to_string(&path).map_err(failed(path.display()))?;
            if path.ends_with("go.mod") {
                version = kubernetes_version(&text);
            }
            hash.update(path.file_name().unwrap_or_default().as_encoded_bytes());
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        }
        let version = version.ok_or("go.mod: it does not require k8s.io/kubernetes")?;
        hash.update(linker_flags(&version));
        let hash: String = hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        let name = format!("kube-{version}-{hash}");
        Ok(Self { version, cache: cache_folder()?, name })
    }

    fn built(&self) -> Option<Binaries> {
        let binaries = Binaries { folder: self.cache.join(&self.name) };
        binaries.program("kube-apiserver").map(|_| binaries)
    }

    /// Builds, unless somebody else is at it: then it waits for them.
    fn build(&self) -> Outcome<Binaries> {
        fs::create_dir_all(&self.cache).map_err(failed(self.cache.display()))?;
        let path = self.cache.join(format!("{}.lock", self.name));
        let lock = File::create(&path).map_err(failed(path.display()))?;
        let start = Instant::now();
        let mut told = false;
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if start.elapsed() < BUILD_LIMIT => {}
                Err(error) => return Err(format!("{}: {error}", path.display())),
            }
            if !told {
                eprintln!("another process is building the Kubernetes control plane; waiting for it");
                told = true;
            }
            std::thread::sleep(POLL);
        }
        match self.built() {
            Some(built) => Ok(built),
            None => self.build_alone(&lock),
        }
    }

    fn build_alone(&self, lock: &File) -> Outcome<Binaries> {
        let log = self.cache.join(format!("{}.log", self.name));
        eprintln!(
            "building the Kubernetes control plane {}, once; this takes long (log: {})",
            self.version,
            log.display()
        );
        let start = Instant::now();
        let rough = self.cache.join(format!("{}.rough", self.name));
        remove(&rough)?;
        fs::create_dir(&rough).map_err(failed(rough.display()))?;
        let program = rough.join("control-plane");
        let output = File::create(&log).map_err(failed(log.display()))?;
        self.compile(&program, output, lock)
            .map_err(|reason| format!("go build: {reason}\n{}", tail(&log, 4000)))?;
        for name in NAMES {
            symlink("control-plane", rough.join(name)).map_err(failed(name))?;
        }
        let folder = self.cache.join(&self.name);
        fs::rename(&rough, &folder).map_err(failed(folder.display()))?;
        eprintln!("built in {} s: {}", start.elapsed().as_secs(), folder.display());
        Ok(Binaries { folder })
    }

    fn compile(&self, program: &Path, log: File, lock: &File) -> Outcome {
        let errors = log.try_clone().map_err(|error| error.to_string())?;
        // Should this process be killed, the build goes on, and so it is to hold the lock as well.
        let lock = lock.try_clone().map_err(|error| error.to_string())?;
        // Whatever else runs on this machine goes first. GOFLAGS of the environment may say more, such as `-p=1`.
        let mut build = Command::new("nice")
            .args(["-n", "19", "go", "build", "-mod=readonly", "-trimpath", "-ldflags"])
            .arg(linker_flags(&self.version))
            .arg("-o")
            .arg(program)
            .arg(".")
            .current_dir(MODULE)
            .env("CGO_ENABLED", "0")
            .env("GOWORK", "off")
            .stdin(lock)
            .stdout(log)
            .stderr(errors)
            .spawn()
            .map_err(failed("it could not be started"))?;
        let start = Instant::now();
        loop {
            if let Some(status) = build.try_wait().map_err(|error| error.to_string())? {
                return if status.success() { Ok(()) } else { Err(status.to_string()) };
            }
            if start.elapsed() > BUILD_LIMIT {
                let _ = build.kill();
                let _ = build.wait();
                return Err(format!("it took longer than {} minutes", BUILD_LIMIT.as_secs() / 60));
            }
            std::thread::sleep(POLL);
        }
    }
}

/// Without them the server would not know which version it is.
fn linker_flags(version: &str) -> String {
    let mut numbers = version.trim_start_matches('v').split('.');
    let mut number = || numbers.next().unwrap_or_default();
    let (major, minor) = (number(), number());
    let mut flags = "-s -w".to_owned();
    for package in ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"] {
        for (name, value) in [("gitVersion", version), ("gitMajor", major), ("gitMinor", minor)] {
            flags += &format!(" -X {package}.{name}={value}");
        }
    }
    flags
}

fn kubernetes_version(go_mod: &str) -> Option<String> {
    go_mod.lines().find_map(|line| line.trim().strip_prefix("k8s.io/kubernetes ")).map(str::to_owned)
}

fn cache_folder() -> Outcome<PathBuf> {
    // A relative path there is to be ignored, says the standard of it.
    let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let base = base.or_else(|| std::env::home_dir().map(|home| home.join(".cache")));
    Ok(base.ok_or("there is neither XDG_CACHE_HOME nor a home directory")?.join("bud-sdk"))
}

fn remove(folder: &Path) -> Outcome {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(format!("{}: {error}", folder.display())),
        _ => Ok(()),
    }
}

/// The end of a file, at most so many bytes.
pub(crate) fn tail(path: &Path, most: usize) -> String {
    let bytes = fs::read(path).unwrap_or_default();
    String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(most)..]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{Plan, kubernetes_version, linker_flags};

    #[test]
    fn the_version_is_that_of_the_module() {
        let text = "require (\n\tk8s.io/kubectl v0.36.3\n\tk8s.io/kubernetes v1.36.3\n)\n";
        assert_eq!(kubernetes_version(text).unwrap(), "v1.36.3");
        assert_eq!(kubernetes_version("module k8s.io/kubernetes"), None);
        let flags = linker_flags("v1.36.3");
        for flag in ["version.gitVersion=v1.36.3", "version.gitMajor=1", "version.gitMinor=36"] {
            assert!(flags.contains(flag), "{flags}");
        }
    }

    #[test]
    fn the_cache_is_keyed_by_what_is_built() {
        let plan = Plan::read().unwrap();
        assert!(plan.name.starts_with(&format!("kube-{}-", plan.version)), "{}", plan.name);
        assert_eq!(plan.name, Plan::read().unwrap().name);
    }
}
