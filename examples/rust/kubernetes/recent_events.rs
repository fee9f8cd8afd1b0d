//! Shows what happened in a namespace lately, the newest last. Guide section 2.2.
//!
//! ```sh
//! cargo run --example recent_events --features kubernetes -- 20 --namespace bud-system --context NAME
//! ```
//!
//! The cluster is that of `KUBECONFIG`, else of `~/.kube/config`, by its current context unless `--context` names
//! another.

mod support;

#[tokio::main]
async fn main() -> support::Result<()> {
    let cluster = support::connect().await?;
    let wanted: usize = support::argument(1, "20").parse()?;
    let events = cluster.events(support::namespace("bud-system")).await?;
    let older = events.len().saturating_sub(wanted);
    for event in events.into_iter().skip(older) {
        let (age, kind, reason, on) = (event.age, event.event_type, event.reason, event.regarding);
        println!("{age:<8} {kind:<8} {reason:<20} {on}: {} (x{})", event.message, event.count);
    }
    Ok(())
}
