//! Exports a month of the audit log into a file, and counts who did what. Guide section 9.1.
//!
//! ```sh
//! export BUD_BASE_URL=https://api.bud.example.com BUD_EMAIL=admin@example.com BUD_PASSWORD=...
//! cargo run --example export_audit -- 2026-01-01T00:00:00Z 2026-02-01T00:00:00Z
//! ```
//!
//! Without `BUD_BASE_URL` it runs on an embedded test server, and needs no arguments.

mod support;

use std::collections::BTreeMap;

use bud_sdk::Timestamp;
use bud_sdk::audit::Completeness;

#[tokio::main]
async fn main() -> support::Result<()> {
    let platform = support::connect().await?;
    let start = platform.argument(1, "the first moment", |_| "2026-01-01T00:00:00Z".to_owned())?;
    let end = platform.argument(2, "the moment behind the last", |_| "2026-02-01T00:00:00Z".to_owned())?;
    let range = start.parse::<Timestamp>()?..end.parse::<Timestamp>()?;
    let audit = platform.bud.audit();

    // The file appears under its name only when it is whole and on disk.
    let export = audit.export(range.clone()).overwrite(true).write_to("audit_export.csv");
    let done = support::spin("exporting", Box::pin(export)).await?;
    let whole = if done.completeness == Completeness::Proven { "proven whole" } else { "perhaps cut" };
    println!("audit_export.csv: {} rows, {} bytes, {whole}", done.rows, done.bytes);

    // The same as typed records, one at a time: no file, and no more memory for a year than for a day.
    let mut records = audit.export(range).records();
    let mut counts = BTreeMap::new();
    while let Some(record) = records.next().await {
        *counts.entry(record?.action.unwrap_or_default()).or_insert(0) += 1;
    }
    for (action, count) in counts {
        println!("{count:>8}  {action}");
    }
    Ok(())
}
