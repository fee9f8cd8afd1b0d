//! No process and no folder is left behind, however this process ends.

use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::{Outcome, failed};

/// It reads what it is to watch. When its input ends without `done`, this process is gone, and it cleans up after it.
const WATCHDOG: &str = r#"
trap '' INT TERM HUP
pids=
while read -r word pid; do
  case $word in
    watch) pids="$pids $pid" ;;
    done) exit 0 ;;
  esac
done
[ -z "$pids" ] || kill -9 $pids 2>/dev/null
rm -rf -- "$1" 2>/dev/null || { sleep 1; rm -rf -- "$1"; }
"#;

/// Owns processes and a private temporary folder. When it is dropped, or when this process ends in whatever way, the
/// processes are killed and the folder is removed.
#[derive(Debug)]
pub struct Guard {
    folder: PathBuf,
    children: Vec<(String, Child)>,
    watchdog: Child,
}

impl Guard {
    /// With an empty folder and no processes.
    pub fn new() -> Outcome<Self> {
        let name = format!("bud-kube-{}-{:08x}", std::process::id(), fastrand::u32(..));
        let folder = std::env::temp_dir().join(name);
        // There will be keys in it.
        std::fs::DirBuilder::new().mode(0o700).create(&folder).map_err(failed(folder.display()))?;
        let watchdog = Command::new("sh")
            .args(["-c", WATCHDOG, "watchdog"])
            .arg(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            // What ends a terminal's foreground processes must not end it first.
            .process_group(0)
            .spawn();
        match watchdog {
            Ok(watchdog) => Ok(Self { folder, children: Vec::new(), watchdog }),
            Err(error) => {
                let _ = std::fs::remove_dir_all(&folder);
                Err(format!("sh could not be started: {error}"))
            }
        }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Starts a process, with nothing to read.
    pub fn start(&mut self, name: &str, command: &mut Command) -> Outcome {
        let child = command.stdin(Stdio::null()).process_group(0).spawn().map_err(failed(name))?;
        let line = format!("watch {}\n", child.id());
        self.children.push((name.to_owned(), child));
        self.tell(&line)
    }

    /// Which process has ended, and how.
    pub fn ended(&mut self) -> Option<String> {
        self.children.iter_mut().find_map(|(name, child)| match child.try_wait() {
            Ok(status) => status.map(|status| format!("{name} ended: {status}")),
            Err(error) => Some(format!("{name}: {error}")),
        })
    }

    /// The processes' numbers.
    pub fn pids(&self) -> Vec<u32> {
        self.children.iter().map(|(_, child)| child.id()).collect()
    }

    fn tell(&mut self, line: &str) -> Outcome {
        let pipe = self.watchdog.stdin.as_mut().ok_or("the watchdog has no input")?;
        pipe.write_all(line.as_bytes()).map_err(failed("the watchdog is gone"))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        for (_, child) in &mut self.children {
            let _ = child.kill();
        }
        for (_, child) in &mut self.children {
            let _ = child.wait();
        }
        let _ = std::fs::remove_dir_all(&self.folder);
        let _ = self.tell("done\n");
        // This closes its input, too.
        let _ = self.watchdog.wait();
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};
    use std::time::{Duration, Instant};

    use super::{Guard, WATCHDOG};

    fn sleeping() -> Command {
        let mut command = Command::new("sleep");
        command.arg("600");
        command
    }

    fn lives(pid: u32) -> bool {
        Command::new("kill").args(["-0", &pid.to_string()]).stderr(Stdio::null()).status().unwrap().success()
    }

    #[test]
    fn dropped_it_takes_everything_along() {
        let mut guard = Guard::new().unwrap();
        guard.start("one", &mut sleeping()).unwrap();
        guard.start("two", &mut sleeping()).unwrap();
        let (pids, folder) = (guard.pids(), guard.folder().to_owned());
        std::fs::write(folder.join("file"), "text").unwrap();
        assert!(pids.iter().all(|pid| lives(*pid)));
        assert_eq!(guard.ended(), None);
        drop(guard);
        assert!(!pids.iter().any(|pid| lives(*pid)));
        assert!(!folder.exists());
    }

    #[test]
    fn it_knows_who_ended() {
        let mut guard = Guard::new().unwrap();
        guard.start("one", &mut sleeping()).unwrap();
        guard.start("two", Command::new("sh").args(["-c", "exit 3"])).unwrap();
        let start = Instant::now();
        let ended = loop {
            match guard.ended() {
                Some(ended) => break ended,
                None => assert!(start.elapsed() < Duration::from_secs(60)),
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        assert_eq!(ended, "two ended: exit status: 3");
    }

    /// Without the process that would kill them, as after a SIGKILL.
    #[test]
    fn the_watchdog_acts_when_its_input_ends() {
        let folder = std::env::temp_dir().join(format!("bud-kube-watchdog-{}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        let mut watched: Child = sleeping().spawn().unwrap();
        let mut watchdog = Command::new("sh")
            .args(["-c", WATCHDOG, "watchdog"])
            .arg(&folder)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut pipe = watchdog.stdin.take().unwrap();
        std::io::Write::write_all(&mut pipe, format!("watch {}\n", watched.id()).as_bytes()).unwrap();
        drop(pipe);
        assert!(watchdog.wait().unwrap().success());
        assert!(!watched.wait().unwrap().success());
        assert!(!folder.exists());
    }
}
