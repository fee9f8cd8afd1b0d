//! A real Prometheus and a real Alertmanager for tests: the programs of Debian's packages `prometheus` and
//! `prometheus-alertmanager`, on free loopback ports. They end with the process that started them.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bud_kubernetes_testbed::Guard;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What went wrong, as a sentence.
pub type Outcome<T = ()> = Result<T, String>;

/// How long a server may take to start.
const START: Duration = Duration::from_secs(60);

/// The login of the Alertmanager.
pub const USERNAME: &str = "sre";
/// The password of [`USERNAME`].
pub const PASSWORD: &str = "silence-of-the-alerts";
/// Its hash, as Alertmanager's configuration has it (bcrypt, cost 4).
const PASSWORD_HASH: &str = "$2b$04$/dC2pt2hhAJE.IgJ9FExd.GJMKRLTySRQCKUjXSRlSR4LcjUH48h6";

/// When the planted series were measured, in seconds since 1970.
pub const PLANTED_AT: i64 = 1_767_225_600;

/// Series in the text form that `promtool tsdb create-blocks-from openmetrics` reads. The time stands in the place of `$t`, and a
/// minute earlier in that of `$e`.
const SERIES: &str = r#"# TYPE planted gauge
planted{job="api",instance="a:1"} 1.5 $e
planted{job="api",instance="a:1"} 2.5 $t
planted{job="api",instance="b:1"} NaN $t
planted{job="web",instance="c:1"} +Inf $t
planted{job="web",instance="d\"quoted\\ü:1"} -12345678901234567000 $t
# TYPE small gauge
small 1.5e-09 $t
# EOF
"#;

/// A running Prometheus with planted series.
pub struct Prometheus {
    _guard: Guard,
    /// The address, with the path under which it is served.
    pub url: String,
    /// What the program says of its version: `2.42.0+ds`.
    pub version: String,
}

/// A running Alertmanager behind a login, under a path.
pub struct Alertmanager {
    _guard: Guard,
    /// The address, with the path under which it is served.
    pub url: String,
}

/// The programs that are needed, or what is missing.
///
/// # Errors
/// Names the program that is not there, and the package that has it.
pub fn programs() -> Outcome {
    for (program, package) in [
        ("prometheus", "prometheus"),
        ("promtool", "prometheus"),
        ("prometheus-alertmanager", "prometheus-alertmanager"),
        ("amtool", "prometheus-alertmanager"),
    ] {
        if find(program).is_none() {
            return Err(format!("there is no {program}; it is in Debian's package {package}"));
        }
    }
    Ok(())
}

/// Whether the tests can run. What is missing is printed, and is an error when `CI` is `true`.
///
/// # Panics
/// In that case.
#[must_use]
pub fn available() -> bool {
    let Err(missing) = programs() else { return true };
    assert!(!std::env::var("CI").is_ok_and(|value| value == "true"), "{missing}");
    println!("skipped: {missing}");
    false
}

fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

impl Prometheus {
    /// Starts it under the path `/metrics-of/prometheus`, with the series of a past moment in its database.
    ///
    /// # Errors
    /// What failed, with what the program wrote.
    pub async fn start() -> Outcome<Self> {
        let mut guard = Guard::new()?;
        let (folder, port) = (guard.folder().to_owned(), free_port()?);
        let data = folder.join("data");
        plant(&folder, &data)?;
        let config = folder.join("prometheus.yml");
        write(&config, "global:\n  scrape_interval: 1s\n")?;
        let mut command = Command::new("prometheus");
        command
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", data.display()))
            .args(["--storage.tsdb.retention.time=100y", "--web.route-prefix=/metrics-of/prometheus"])
            .arg(format!("--web.listen-address=127.0.0.1:{port}"));
        let url = format!("http://127.0.0.1:{port}/metrics-of/prometheus");
        started(&mut guard, &mut command, port, "/metrics-of/prometheus/-/ready").await?;
        let version = version()?;
        Ok(Self { _guard: guard, url, version })
    }
}

impl Alertmanager {
    /// Starts it under the path `/alerts`, where it asks for a user name and a password.
    ///
    /// # Errors
    /// What failed, with what the program wrote.
    pub async fn start() -> Outcome<Self> {
        let mut guard = Guard::new()?;
        let (folder, port) = (guard.folder().to_owned(), free_port()?);
        let (config, web) = (folder.join("alertmanager.yml"), folder.join("web.yml"));
        write(&config, "route: {receiver: none, group_wait: 0s}\nreceivers: [{name: none}]\n")?;
        write(&web, &format!("basic_auth_users: {{{USERNAME}: {PASSWORD_HASH}}}\n"))?;
        let mut command = Command::new("prometheus-alertmanager");
        command
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.path={}", folder.join("data").display()))
            .arg(format!("--web.config.file={}", web.display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            // Empty: it looks for no others.
            .args(["--web.route-prefix=/alerts", "--cluster.listen-address="]);
        let url = format!("http://127.0.0.1:{port}/alerts");
        started(&mut guard, &mut command, port, "/alerts/-/ready").await?;
        Ok(Self { _guard: guard, url })
    }
}

fn write(path: &Path, text: &str) -> Outcome {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// A port that is free now.
fn free_port() -> Outcome<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    listener.map(|address| address.port()).map_err(|error| error.to_string())
}

fn plant(folder: &Path, data: &Path) -> Outcome {
    let series = folder.join("series");
    let text = SERIES.replace("$t", &PLANTED_AT.to_string()).replace("$e", &(PLANTED_AT - 60).to_string());
    write(&series, &text)?;
    let output = Command::new("promtool")
        .args(["tsdb", "create-blocks-from", "openmetrics"])
        .args([&series, data])
        .output()
        .map_err(|error| format!("promtool: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("promtool: {}", String::from_utf8_lossy(&output.stderr)))
}

/// The version that the program itself reports.
fn version() -> Outcome<String> {
    let output = Command::new("prometheus").arg("--version").output();
    let text = output.map_err(|error| error.to_string())?;
    let text = [text.stdout, text.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    let version = text.split("version ").nth(1).and_then(|rest| rest.split([' ', ',']).next());
    version.map(str::to_owned).ok_or_else(|| format!("prometheus --version wrote {text:?}"))
}

/// Starts a server and waits until it is ready.
async fn started(guard: &mut Guard, command: &mut Command, port: u16, ready: &str) -> Outcome {
    let log = guard.folder().join("log");
    let file = fs::File::create(&log).map_err(|error| error.to_string())?;
    let output = file.try_clone().map_err(|error| error.to_string())?;
    let program = command.get_program().to_string_lossy().into_owned();
    command.current_dir(guard.folder()).stdout(Stdio::from(output)).stderr(Stdio::from(file));
    guard.start(&program, command)?;
    let began = Instant::now();
    // One that asks for a login is ready to do so.
    while !matches!(status(port, ready).await, Ok(Some(200 | 401))) {
        let ended = guard.ended();
        if ended.is_some() || began.elapsed() > START {
            let why = ended.unwrap_or_else(|| format!("{program} was not ready in time"));
            return Err(format!("{why}\n{}", fs::read_to_string(&log).unwrap_or_default()));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// The status with which a server answers.
async fn status(port: u16, path: &str) -> std::io::Result<Option<u16>> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer.split(' ').nth(1).and_then(|status| status.parse().ok()))
}
