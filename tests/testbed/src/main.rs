//! The server as a program, for examples and for tests in other languages.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use bud_testbed::{Builder, Flavor, Testbed};

const HELP: &str = "\
A Bud API server for tests and examples, in memory, on 127.0.0.1.

Usage: bud-testbed [OPTIONS]

  --flavor NAME          which dialect of the API: guide (default), or runtime, that of the platform as shipped
  --port N               the port; 0 (default) takes a free one
  --access-ttl SECONDS   how long access tokens are good for (default 1800)
  --deploy-polls N       status polls until a deployment runs (default 3)
  --seed-users N         users to begin with, besides the administrator
  --seed-audit N         audit rows to begin with, spread over January 2026
  --help                 this text

It prints its URL, the first administrator's login and what a deployment needs: an endpoint and a cluster, with runtime
also a project and a model. It runs until Ctrl-C. If BUD_TESTBED_JOURNAL names a file, each answered request appends a
line to it: flavor METHOD path-template status.
";

#[derive(Default)]
struct Options {
    builder: Builder,
    users: usize,
    audit: u64,
}

enum Wish {
    Help,
    Serve(Box<Options>),
}

fn read(mut args: impl Iterator<Item = String>) -> Result<Wish, String> {
    fn number<T: std::str::FromStr>(flag: &str, text: &str) -> Result<T, String> {
        text.parse().map_err(|_| format!("{flag} takes a number, not `{text}`"))
    }
    let mut options = Options::default();
    while let Some(arg) = args.next() {
        if arg == "--help" || arg == "-h" {
            return Ok(Wish::Help);
        }
        let (flag, inline) = match arg.split_once('=') {
            Some((flag, value)) => (flag.to_owned(), Some(value.to_owned())),
            None => (arg, None),
        };
        let known = ["--flavor", "--port", "--access-ttl", "--deploy-polls", "--seed-users", "--seed-audit"];
        if !known.contains(&flag.as_str()) {
            return Err(format!("unknown argument `{flag}`"));
        }
        let value = inline.or_else(|| args.next()).ok_or_else(|| format!("{flag} takes a value"))?;
        let builder = options.builder;
        options.builder = match flag.as_str() {
            "--flavor" => builder.flavor(value.parse::<Flavor>().map_err(|error| error.to_string())?),
            "--port" => builder.port(number(&flag, &value)?),
            "--access-ttl" => builder.access_ttl(Duration::from_secs(number(&flag, &value)?)),
            "--deploy-polls" => builder.deploy_polls(number(&flag, &value)?),
            "--seed-users" => {
                options.users = number(&flag, &value)?;
                builder
            }
            _ => {
                options.audit = number(&flag, &value)?;
                builder
            }
        };
    }
    Ok(Wish::Serve(Box::new(options)))
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = match read(std::env::args().skip(1)) {
        Ok(Wish::Help) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Ok(Wish::Serve(options)) => options,
        Err(message) => {
            eprintln!("bud-testbed: {message}\nTry --help.");
            return ExitCode::from(2);
        }
    };
    match serve(*options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bud-testbed: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(options: Options) -> std::io::Result<()> {
    let bed = options.builder.start().await?;
    bed.seed_users(options.users);
    bed.seed_audit(options.audit);
    announce(&bed)?;
    tokio::signal::ctrl_c().await?;
    bed.shutdown().await;
    Ok(())
}

/// In one piece and at once: whoever started this waits for these lines, and may read only the first.
fn announce(bed: &Testbed) -> std::io::Result<()> {
    let endpoint = bed.endpoint_ids().into_iter().next().unwrap_or_default();
    let mut lines = format!(
        "url: {}\nemail: {}\npassword: {}\nendpoint: {endpoint}\ncluster: {}\n",
        bed.url(),
        bed.admin_email(),
        bed.admin_password(),
        bed.cluster_id()
    );
    if bed.flavor() == Flavor::Runtime {
        lines += &format!("project: {}\nmodel: {}\n", bed.project_id(), bed.local_model_id());
    }
    let mut out = std::io::stdout().lock();
    out.write_all(lines.as_bytes())?;
    out.flush()
}
