//! One call after the other, and a list page by page.

use std::hint::black_box;

use bud_sdk::{Client, Flavor};
use tokio::runtime::Runtime;

use super::measure::{Arm, Clock, Connections, race};
use super::plain::Plain;
use super::report::{Ratio, Table, What, ratio};
use super::serve::{PAGES, PER_PAGE};
use super::server::Server;
use super::{Outcome, TOKEN};

const CALLS: usize = 2_000;
/// Passes over the whole list in a round.
const PASSES: usize = 4;
pub(super) const ID: &str = "8f14e45f-ceea-467f-a0e6-000000000000";
const PLAIN: &str = "plain reqwest + serde";

/// The SDK's client for these benchmarks.
pub(super) fn client(base: &str) -> Outcome<Client> {
    let builder = Client::builder().base_url(base).bearer_token(TOKEN).flavor(Flavor::Guide).no_proxy();
    builder.build().map_err(|error| error.to_string())
}

pub(super) fn runtime() -> Outcome<Runtime> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| format!("no runtime: {error}"))
}

pub(super) fn exactly(wanted: usize, found: usize) -> Outcome {
    if wanted == found { Ok(()) } else { Err(format!("{found} users, not {wanted}")) }
}

/// One user, again and again.
pub(super) fn calls(server: &Server, rounds: usize) -> Outcome<Vec<Ratio>> {
    let (plain, bud) = (Plain::new(server.url())?, client(server.url())?);
    let (plain_runtime, bud_runtime) = (runtime()?, runtime()?);
    let arms = vec![
        Arm {
            name: PLAIN,
            connections: Connections::One,
            run: Box::new(|| {
                plain_runtime.block_on(async {
                    for _ in 0..CALLS {
                        let user = black_box(plain.user(ID).await?);
                        exactly(ID.len(), user.id.len())?;
                    }
                    Ok(())
                })
            }),
        },
        Arm {
            name: "users().get(id)",
            connections: Connections::One,
            run: Box::new(|| {
                bud_runtime.block_on(async {
                    for _ in 0..CALLS {
                        let user = black_box(bud.users().get(ID).await.map_err(|error| error.to_string())?);
                        exactly(ID.len(), user.id.as_str().len())?;
                    }
                    Ok(())
                })
            }),
        },
    ];
    let measured = race(server, Clock::Own, rounds, arms, || Ok(()))?;
    Table {
        title: format!("One call: {CALLS} sequential calls a round, {rounds} rounds"),
        unit: "us a call",
        scale: 1e6 / CALLS as f64,
        measured: &measured,
    }
    .print();
    let [base, ours] = measured.as_slice() else { return Ok(Vec::new()) };
    Ok(vec![("call_cpu", ratio(ours, base, What::Cpu))])
}

/// The whole list of users.
pub(super) fn pages(server: &Server, rounds: usize) -> Outcome<Vec<Ratio>> {
    let users = PAGES * PER_PAGE;
    let plain = Plain::new(server.url())?;
    let plain_runtime = runtime()?;
    let mut arms = vec![Arm {
        name: PLAIN,
        connections: Connections::One,
        run: Box::new(|| {
            plain_runtime.block_on(async {
                for _ in 0..PASSES {
                    exactly(users, black_box(plain.users(PER_PAGE).await?).len())?;
                }
                Ok(())
            })
        }),
    }];
    for (name, concurrency, connections) in
        [("users().list()", 1, Connections::One), ("list().concurrency(8)", 8, Connections::UpTo(16))]
    {
        let (bud, runtime) = (client(server.url())?, runtime()?);
        let run = move || {
            runtime.block_on(async {
                for _ in 0..PASSES {
                    let list = bud.users().list().page_size(PER_PAGE as u32).concurrency(concurrency);
                    let all = list.all().await.map_err(|error| error.to_string())?;
                    exactly(users, black_box(all).len())?;
                }
                Ok(())
            })
        };
        arms.push(Arm { name, connections, run: Box::new(run) });
    }
    let measured = race(server, Clock::Own, rounds, arms, || Ok(()))?;
    Table {
        title: format!("{users} typed users in {PAGES} pages: {PASSES} passes a round, {rounds} rounds"),
        unit: "ms a pass",
        scale: 1e3 / PASSES as f64,
        measured: &measured,
    }
    .print();
    let [base, ours, ahead] = measured.as_slice() else { return Ok(Vec::new()) };
    Ok(vec![
        ("users_cpu", ratio(ours, base, What::Cpu)),
        ("users_time", ratio(ours, base, What::Wall)),
        ("users_concurrent_time", ratio(ahead, base, What::Wall)),
    ])
}
