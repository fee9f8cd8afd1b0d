//! The command line, and what is measured in which order.

mod calls;
#[cfg(feature = "counts")]
mod counts;
mod export;
mod measure;
mod plain;
mod report;
mod serve;
mod server;

use std::path::Path;
use std::process::ExitCode;

use measure::{load, pin, processors};
use report::{Ratio, hand_over};
use server::Server;

/// A failure is one line for people.
type Outcome<T = ()> = Result<T, String>;

/// The size of a user on the wire.
const USER_BYTES: usize = 355;
/// Of the length that tokens have.
const TOKEN: &str = "bench-token-0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0123456789\
                     abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrst";

const USAGE: &str = "\
Usage: bud-bench [calls|pages|export]... [OPTIONS]

  --quick       few rounds: for a first look, not for numbers to be quoted
  --rounds N    rounds of calls and pages (default 21; export: a third, at least 5)
  --mib N       size of the export in MiB (default 1024; quick: 256)
  --spread      let the system choose processors, instead of one for the server and the others for the client

A run with an option is a look at it: only one without is judged and kept.
";

struct Options {
    /// None: all of them.
    only: Vec<String>,
    rounds: usize,
    /// Rounds of the export.
    exports: usize,
    mib: u64,
    spread: bool,
}

impl Options {
    fn read(args: &[String]) -> Outcome<Self> {
        let mut options = Self { only: Vec::new(), rounds: 21, exports: 7, mib: 1024, spread: false };
        if args.iter().any(|arg| arg == "--quick") {
            (options.rounds, options.exports, options.mib) = (3, 3, 256);
        }
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut number = || {
                let value =
                    args.next().and_then(|value| value.parse::<u32>().ok()).filter(|value| *value > 0);
                value.ok_or_else(|| format!("{arg} takes a number"))
            };
            match arg.as_str() {
                "--quick" => {}
                "--rounds" => {
                    options.rounds = number()? as usize;
                    options.exports = options.rounds.div_ceil(3).max(5);
                }
                "--mib" => options.mib = number()?.into(),
                "--spread" => options.spread = true,
                "calls" | "pages" | "export" => options.only.push(arg.clone()),
                _ => return Err(format!("unknown argument `{arg}`\n\n{USAGE}")),
            }
        }
        Ok(options)
    }

    fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == name)
    }
}

pub(crate) fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["--help" | "-h"] => {
            print!("{USAGE}");
            Ok(())
        }
        #[cfg(feature = "counts")]
        ["counts"] => {
            counts::names();
            Ok(())
        }
        #[cfg(feature = "counts")]
        ["counts", path, times] => times
            .parse()
            .map_err(|_| format!("{times} is no number"))
            .and_then(|times| counts::take(path, times)),
        // What this program runs of itself.
        ["serve"] => serve::serve(None),
        ["serve", cpu] => serve::serve(cpu.parse().ok()),
        ["once", base, file] => export::once(base, Path::new(file)),
        ["memory", small, large, folder] => export::measure_memory(small, large, Path::new(folder)),
        _ => Options::read(&args).and_then(|options| run(&options)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("error: {reason}");
            ExitCode::FAILURE
        }
    }
}

/// Measures.
fn run(options: &Options) -> Outcome {
    if cfg!(debug_assertions) {
        return Err("a debug build measures nothing: cargo run --release -p bud-bench".into());
    }
    let cpus = processors()?;
    let server = match cpus.as_slice() {
        [first, others @ ..] if !others.is_empty() && !options.spread => {
            pin(others)?;
            Server::start(Some(*first))?
        }
        _ => Server::start(None)?,
    };
    let before = load();
    let mut ratios: Vec<Ratio> = Vec::new();
    if options.wants("calls") {
        ratios.extend(calls::calls(&server, options.rounds)?);
    }
    if options.wants("pages") {
        ratios.extend(calls::pages(&server, options.rounds)?);
    }
    if options.wants("export") {
        ratios.extend(export::export(&server, options.exports, options.mib)?);
    }
    println!("\nload of the machine: {before} before, {} after\n", load());
    hand_over(&ratios)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(args: &[&str]) -> Outcome<Options> {
        Options::read(&args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn arguments() {
        let options = read(&["pages", "--mib", "64", "--quick"]).unwrap();
        assert!(options.wants("pages") && !options.wants("calls"));
        assert_eq!((options.mib, options.rounds, options.exports), (64, 3, 3));
        assert!(read(&["--rounds", "0"]).is_err() && read(&["--strict"]).is_err());
    }
}
