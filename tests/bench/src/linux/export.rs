//! The export of the audit log into a file, against curl: both in a process of their own, from its start to its end.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bud_sdk::Timestamp;
use rustix::fs::statvfs;
use tokio::runtime::Runtime;

use super::calls::client;
use super::measure::{Arm, Clock, Connections, peak_memory, race};
use super::report::{Ratio, Table, What, ratio};
use super::server::{Server, own};
use super::{Outcome, TOKEN};

const MIB: u64 = 1024 * 1024;
/// The export that the memory of the large one is compared with, in MiB.
const SMALL: u64 = 1;

pub(super) fn export(server: &Server, rounds: usize, mib: u64) -> Outcome<Vec<Ratio>> {
    if let Err(error) = Command::new("curl").arg("--version").stdout(Stdio::null()).status() {
        if std::env::var_os("CI").is_some() {
            return Err(format!("curl: {error}"));
        }
        println!("\nExport: skipped, there is no curl ({error})");
        return Ok(Vec::new());
    }
    let folder = Folder::new(mib)?;
    let base = base(server, mib);
    let (file, bytes) = (folder.path.join("export.csv"), mib * MIB);
    let turn = |mut command: Command| {
        let file = file.clone();
        move || {
            let status = command.status().map_err(|error| error.to_string())?;
            let written = fs::metadata(&file).map_or(0, |found| found.len());
            if !status.success() || written != bytes {
                return Err(format!("{status}, and a file of {written} bytes instead of {bytes}"));
            }
            Ok(())
        }
    };
    let mut curl = Command::new("curl");
    curl.args(["-q", "-s", "-S", "-f", "--noproxy", "*", "-H"]).arg(format!("Authorization: Bearer {TOKEN}"));
    curl.arg("-o").arg(&file).arg(format!(
        "{base}/audit/export?start_date=2026-01-01T00:00:00Z&end_date=2026-01-31T23:59:59.999999Z&format=csv"
    ));
    let mut ours = own()?;
    ours.arg("once").arg(&base).arg(&file);
    let arm = |name, command| Arm { name, connections: Connections::OneEach, run: Box::new(turn(command)) };
    let arms = vec![arm("curl -s -o", curl), arm("export().write_to(file)", ours)];
    // To give back a file's memory takes time, too; it belongs to no arm.
    let place = if folder.in_memory { "in memory" } else { "on disk" };
    let measured = race(server, Clock::Children, rounds, arms, || remove(&file))?;
    remove(&file)?;
    Table {
        title: format!("Export of {mib} MiB to a file {place}: {rounds} rounds"),
        unit: "ms",
        scale: 1e3,
        measured: &measured,
    }
    .print();
    let growth = memory(server, &folder, mib)?;
    println!("memory: {growth:.1} MiB more at its peak than for an export of {SMALL} MiB");
    let [base, ours] = measured.as_slice() else { return Ok(Vec::new()) };
    Ok(vec![("export_speed", 1.0 / ratio(ours, base, What::Wall)), ("export_memory", growth)])
}

fn base(server: &Server, mib: u64) -> String {
    format!("{}/mib/{mib}", server.url())
}

fn remove(file: &Path) -> Outcome {
    match fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(format!("{}: {error}", file.display())),
        _ => Ok(()),
    }
}

/// How much more memory the large export takes at its peak than a small one, in a process that does nothing else.
fn memory(server: &Server, folder: &Folder, mib: u64) -> Outcome<f64> {
    let mut command = own()?;
    command.arg("memory").args([base(server, SMALL), base(server, mib)]).arg(&folder.path);
    let output = command.stderr(Stdio::inherit()).output().map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    let growth: f64 = text.trim().parse().map_err(|_| format!("memory: {}", output.status))?;
    Ok(growth / 1024.0)
}

/// In a child: prints by how many KiB the peak rises from the small export to the large one.
pub(super) fn measure_memory(small: &str, large: &str, folder: &Path) -> Outcome {
    let runtime = runtime()?;
    runtime.block_on(write(small, &folder.join("small.csv")))?;
    let before = peak_memory()?;
    runtime.block_on(write(large, &folder.join("large.csv")))?;
    println!("{}", peak_memory()? - before);
    Ok(())
}

/// In a child: the export as a program would do it.
pub(super) fn once(base: &str, file: &Path) -> Outcome {
    runtime()?.block_on(write(base, file))
}

/// As `#[tokio::main]` makes it.
fn runtime() -> Outcome<Runtime> {
    Runtime::new().map_err(|error| format!("no runtime: {error}"))
}

async fn write(base: &str, file: &Path) -> Outcome {
    let failed = |error: bud_sdk::Error| error.to_string();
    let start: Timestamp = "2026-01-01T00:00:00Z".parse().map_err(failed)?;
    let end: Timestamp = "2026-02-01T00:00:00Z".parse().map_err(failed)?;
    client(base)?.audit().export(start..end).write_to(file).await.map(drop).map_err(failed)
}

/// A fresh folder, in memory if there is room, removed in the end.
struct Folder {
    path: PathBuf,
    in_memory: bool,
}

impl Folder {
    fn new(mib: u64) -> Outcome<Self> {
        let memory = Path::new("/dev/shm");
        let room = statvfs(memory).map_or(0, |found| found.f_bavail * found.f_frsize / MIB);
        // Two files at once at most, and something for others.
        let in_memory = room > 2 * mib + 64;
        let parent = if in_memory { memory.to_owned() } else { std::env::temp_dir() };
        let path = parent.join(format!("bud-bench-{}", std::process::id()));
        fs::create_dir(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self { path, in_memory })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}
