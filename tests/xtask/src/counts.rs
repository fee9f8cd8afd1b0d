//! Instructions per call, counted by valgrind and compared with those that are committed. Unlike times they are the same on a
//! busy machine.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Stdio;

use crate::tally::Tally;
use crate::test::Step;
use crate::workspace::{Outcome, Workspace, clean, output, run};

type Counts = BTreeMap<String, u64>;

/// Without Kubernetes and the bindings, which would take as long again to optimize.
const OPTIMIZED: &str = "build --release -p bud-bench --features counts";
/// As the parts before this one have built it.
const UNOPTIMIZED: &str = "build --workspace --all-features --bin bud-bench";
/// The path through the bindings.
const BINDINGS: &str = "bindings";
const AGAIN: &str = "cargo xtask test --only counts";
const FILE: &str = "tests/bench/instructions.json";
/// How far a count may be from the committed one, in percent.
const TOLERANCE: u64 = 5;
/// How often a path is taken, and how often the second time: the difference is free of what is done once.
const TIMES: [u64; 2] = [100, 200];

/// The steps; none where nothing can be counted.
pub fn steps(workspace: &Workspace) -> Vec<Step<'_>> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        println!("==> counts: skipped, {FILE} is of Linux on x86_64");
        return Vec::new();
    }
    let there = clean("valgrind").arg("--version").stdout(Stdio::null()).status();
    if let Err(error) = there {
        if std::env::var_os("CI").is_none() {
            println!("==> counts: skipped, there is no valgrind ({error})");
            return Vec::new();
        }
        return vec![Step::new("valgrind", "valgrind --version", move |_| Err(format!("valgrind: {error}")))];
    }
    vec![
        Step::cargo(workspace, OPTIMIZED),
        Step::cargo(workspace, UNOPTIMIZED),
        Step::new("instructions per call", AGAIN, |tally| counted(workspace, tally)),
    ]
}

/// Counts all paths, and compares them or, if asked to, keeps them.
fn counted(workspace: &Workspace, tally: &mut Tally) -> Outcome {
    let folder = workspace.target.join("callgrind");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let count = |program: &Path, path: &str| {
        let [once, twice] = TIMES.map(|times| instructions(program, &folder, path, times));
        per_call(once?, twice?)
    };
    let [optimized, unoptimized] =
        ["release", "debug"].map(|profile| workspace.target.join(profile).join("bud-bench"));
    let mut counts = Counts::new();
    for path in output(clean(&optimized).arg("counts"))?.lines() {
        counts.insert(path.to_owned(), count(&optimized, path)?);
    }
    counts.insert(format!("{BINDINGS}, unoptimized"), count(&unoptimized, BINDINGS)?);
    let file = workspace.root.join(FILE);
    if std::env::var("BUD_COUNTS").is_ok_and(|wanted| wanted == "write") {
        fs::write(&file, written(&counts)).map_err(|error| format!("{FILE}: {error}"))?;
    }
    let text = fs::read_to_string(&file).map_err(|error| format!("{FILE}: {error}"))?;
    let compared = compare(&read(&text)?, &counts);
    for (line, held) in &compared {
        println!("    {line}");
        *if *held { &mut tally.passed } else { &mut tally.failed } += 1;
    }
    let off: Vec<&str> = compared.iter().filter(|(_, held)| !held).map(|(line, _)| line.as_str()).collect();
    if off.is_empty() {
        return Ok(());
    }
    Err(format!(
        "instructions per call are further than {TOLERANCE} % from {FILE}: {}. `callgrind_annotate` tells where they are spent, of \
         the files in {}. If they are meant to be so, keep them with: BUD_COUNTS=write {AGAIN}",
        off.join("; "),
        folder.display()
    ))
}

/// All instructions of one run, without those of the processes that it starts.
fn instructions(program: &Path, folder: &Path, path: &str, times: u64) -> Outcome<u64> {
    let out = folder.join(format!("{}.{times}", path.replace([' ', ','], "_")));
    let mut command = clean("valgrind");
    command.args(["--tool=callgrind", "--quiet"]).arg(format!("--callgrind-out-file={}", out.display()));
    run(command.arg(program).args(["counts", path, &times.to_string()]))?;
    let text = fs::read_to_string(&out).map_err(|error| format!("{}: {error}", out.display()))?;
    total(&text).ok_or_else(|| format!("{} has no total", out.display()))
}

/// The sum over all functions, at the end of what callgrind writes.
fn total(text: &str) -> Option<u64> {
    text.lines().rev().find_map(|line| line.strip_prefix("totals: "))?.trim().parse().ok()
}

fn per_call(once: u64, twice: u64) -> Outcome<u64> {
    let more = twice.checked_sub(once).filter(|more| *more > 0);
    let more = more.ok_or_else(|| format!("{twice} instructions where half of the calls took {once}"))?;
    Ok(more / (TIMES[1] - TIMES[0]))
}

fn read(text: &str) -> Outcome<Counts> {
    serde_json::from_str(text).map_err(|error| format!("{FILE}: {error}"))
}

fn written(counts: &Counts) -> String {
    format!("{}\n", serde_json::to_string_pretty(counts).unwrap_or_default())
}

/// A line for each path, and whether it is as it was.
fn compare(committed: &Counts, counted: &Counts) -> Vec<(String, bool)> {
    let gone = committed.keys().filter(|path| !counted.contains_key(*path));
    let gone = gone.map(|path| (format!("{path}: no longer counted"), false));
    let found = counted.iter().map(|(path, new)| {
        let Some(old) = committed.get(path) else {
            return (format!("{path}: {new}, and none before"), false);
        };
        let percent = (*new as f64 / *old as f64 - 1.0) * 100.0;
        (format!("{path}: {new}, {percent:+.1} % from {old}"), 100 * old.abs_diff(*new) <= TOLERANCE * old)
    });
    gone.chain(found).collect()
}

#[cfg(test)]
mod tests {
    use super::{Counts, TIMES, compare, per_call, read, total, written};

    fn counts(all: &[(&str, u64)]) -> Counts {
        all.iter().map(|(path, count)| ((*path).to_owned(), *count)).collect()
    }

    #[test]
    fn what_callgrind_writes() {
        let text = "version: 1\ncreator: callgrind-3.19.0\nevents: Ir\nsummary: 12\n\nfn=(1) main\n0 7\n\ntotals: 12345\n";
        assert_eq!(total(text), Some(12_345));
        assert_eq!(total("version: 1\nevents: Ir\n"), None);
    }

    #[test]
    fn what_is_done_once_is_not_of_a_call() {
        let taken = |times: u64| 1_000_000 + times * 1234;
        assert_eq!(per_call(taken(TIMES[0]), taken(TIMES[1])), Ok(1234));
        assert!(per_call(2, 2).is_err() && per_call(3, 2).is_err());
    }

    #[test]
    fn five_percent_either_way_are_nothing() {
        let old = counts(&[("same", 1000), ("more", 1000), ("less", 1000), ("gone", 1)]);
        let new = counts(&[("same", 1050), ("more", 1051), ("less", 949), ("fresh", 7)]);
        let lines = compare(&old, &new);
        let expected = [
            ("gone: no longer counted", false),
            ("fresh: 7, and none before", false),
            ("less: 949, -5.1 % from 1000", false),
            ("more: 1051, +5.1 % from 1000", false),
            ("same: 1050, +5.0 % from 1000", true),
        ];
        assert_eq!(lines, expected.map(|(line, held)| (line.to_owned(), held)));
    }

    #[test]
    fn counts_are_read_as_they_were_written() {
        let counts = counts(&[("users.get", 31_000), ("users.list, 100", 600_000)]);
        let text = written(&counts);
        assert_eq!(text, "{\n  \"users.get\": 31000,\n  \"users.list, 100\": 600000\n}\n");
        assert_eq!(read(&text).unwrap(), counts);
        assert!(read("{\"users.get\": -1}").is_err());
    }
}
