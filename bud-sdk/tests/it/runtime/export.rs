//! The complete export from the platform as shipped, which drops all rows beyond 10,000 and does not say so.

use std::collections::HashSet;

use bud_sdk::audit::{Completeness, ExportFormat};
use bud_sdk::{Client, ErrorKind, Timestamp};
use bud_testbed::{Fault, Flavor, Testbed};

use crate::common::{Folder, january};

async fn bed() -> (Testbed, Client) {
    let bed = Testbed::builder().flavor(Flavor::Runtime).start().await.unwrap();
    let builder = Client::builder().base_url(bed.url()).password(bed.admin_email(), bed.admin_password());
    let bud = builder.build().unwrap();
    (bed, bud)
}

/// The first cells of a CSV's rows; cells may hold line ends.
fn ids(csv: &str) -> Vec<String> {
    let mut ids = Vec::new();
    let (mut quoted, mut begins) = (false, true);
    let mut cell = String::new();
    for c in csv.chars() {
        quoted ^= c == '"';
        match c {
            ',' if begins => {
                ids.push(std::mem::take(&mut cell));
                begins = false;
            }
            '\n' if !quoted => (begins, cell) = (true, String::new()),
            c if begins => cell.push(c),
            _ => {}
        }
    }
    ids
}

#[tokio::test]
async fn rows_beyond_the_silent_cut_arrive_complete_and_in_order() {
    let (bed, bud) = bed().await;
    bed.seed_audit(10_050);
    let folder = Folder::new("export-runtime");
    let file = folder.path().join("audit.csv");
    let done = bud.audit().export(january()).write_to(&file).await.unwrap();
    assert_eq!((done.rows, done.windows, done.completeness), (10_050, 2, Completeness::Proven));
    let csv = std::fs::read_to_string(&file).unwrap();
    assert_eq!(csv.len() as u64, done.bytes);
    let ids = ids(&csv);
    assert_eq!((ids[0].as_str(), ids.len()), ("ID", 10_051), "one header");
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 10_051);
    let listed = bud.audit().export(january()).records();
    let newest: Vec<String> = collect(listed).await;
    assert_eq!(newest, ids[1..], "the newest first, as typed records too");
    // One count for the whole, one for each half, and the halves.
    assert_eq!(bed.requests().iter().filter(|sent| sent.target.contains("export_csv")).count(), 2);
}

async fn collect(mut records: bud_sdk::audit::ExportStream<bud_sdk::audit::AuditRecord>) -> Vec<String> {
    let mut ids = Vec::new();
    while let Some(record) = records.next().await {
        ids.push(record.unwrap().id.as_str().to_owned());
    }
    ids
}

#[tokio::test]
async fn as_many_rows_as_the_server_gives_are_one_window() {
    for (rows, windows) in [(0, 1), (1, 1), (10_000, 1), (10_001, 2), (25_000, 4)] {
        let (bed, bud) = bed().await;
        bed.seed_audit(rows);
        let mut file = Vec::new();
        let done = bud.audit().export(january()).write_into(&mut file).await.unwrap();
        assert_eq!((done.rows, done.windows), (rows, windows), "{rows} rows");
        assert_eq!(ids(std::str::from_utf8(&file).unwrap()).len() as u64, rows + 1);
    }
}

#[tokio::test]
async fn more_rows_of_one_moment_than_the_server_gives_are_incomplete_and_no_file() {
    let (bed, bud) = bed().await;
    bed.seed_audit_at(10_001, 1_767_225_600_000_123);
    bed.seed_audit(3);
    let folder = Folder::new("export-moment");
    let file = folder.path().join("audit.csv");
    let error = bud.audit().export(january()).write_to(&file).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Incomplete);
    assert!(error.message().contains("2026-01-01T00:00:00.000123Z"), "{error}");
    assert_eq!(folder.names(), Vec::<String>::new());
    let counts = bed.requests().iter().filter(|sent| sent.target.contains("limit=1&")).count();
    assert!(counts < 2 * 45, "a month has some 2^41 microseconds: {counts} looks");
    // By hundreds they can be had.
    assert_eq!(bud.audit().records().within(january()).page_size(100).all().await.unwrap().len(), 10_004);
}

#[tokio::test]
async fn a_log_that_changes_between_count_and_answer_is_noticed() {
    for (announced, kind) in [(7, None), (12, Some(ErrorKind::Incomplete))] {
        let (bed, bud) = bed().await;
        bed.seed_audit(10);
        let say = move |body: &mut serde_json::Value| body["total_record"] = announced.into();
        bed.fault(Fault::on("GET", "/audit/records").edit(say));
        let mut file = Vec::new();
        let result = bud.audit().export(january()).write_into(&mut file).await;
        assert_eq!(result.as_ref().err().map(bud_sdk::Error::kind), kind, "{announced}: {result:?}");
    }
}

#[tokio::test]
async fn a_window_that_breaks_off_leaves_no_file() {
    let (bed, bud) = bed().await;
    bed.seed_audit(10_050);
    // The counts of the whole and of the newer half, that half, the count of the other: then it breaks.
    bed.fault(Fault::on("GET", "/audit/records").nth(5).cut_after(100_000));
    let folder = Folder::new("export-cut");
    let error = bud.audit().export(january()).write_to(folder.path().join("audit.csv")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Download, "{error}");
    assert_eq!(folder.names(), Vec::<String>::new());
}

#[tokio::test]
async fn what_happens_after_the_call_began_is_not_in_it() {
    let (bed, bud) = bed().await;
    bed.seed_audit(5);
    let open = "2026-01-01T00:00:00Z".parse().unwrap().."2999-01-01T00:00:00Z".parse().unwrap();
    let mut file = Vec::new();
    bud.audit().export(open).write_into(&mut file).await.unwrap();
    let asked = bed.requests().into_iter().find(|sent| sent.target.contains("export_csv")).unwrap();
    assert!(!asked.target.contains("2999"), "the end is now at the latest: {}", asked.target);
}

#[tokio::test]
async fn as_json_it_is_one_list() {
    let (bed, bud) = bed().await;
    bed.seed_audit(250);
    let mut file = Vec::new();
    let export = bud.audit().export(january()).format(ExportFormat::Json);
    let done = export.write_into(&mut file).await.unwrap();
    assert_eq!((done.rows, done.bytes), (250, file.len() as u64));
    let list: Vec<serde_json::Value> = serde_json::from_slice(&file).unwrap();
    assert_eq!(list.len(), 250);
    assert_eq!(list[0]["details"]["success"], true);
    let empty = "2025-01-01T00:00:00Z".parse().unwrap().."2025-01-02T00:00:00Z".parse().unwrap();
    let mut file = Vec::new();
    bud.audit().export(empty).format(ExportFormat::Json).write_into(&mut file).await.unwrap();
    assert_eq!(file, b"[]");
}

#[tokio::test]
async fn a_record_that_there_is_not_is_not_found_and_a_changed_one_is_told() {
    let (bed, bud) = bed().await;
    bed.seed_audit(3);
    let unknown = "00000000-0000-4000-8000-000000000000";
    let error = bud.audit().verify(unknown).await.unwrap_err();
    assert!(error.is_not_found() && error.message().contains("not found"), "{error}");
    let records = bud.audit().records().within(january()).all().await.unwrap();
    let id = records[0].id.clone();
    assert_eq!(bud.audit().verify(id.as_str()).await.unwrap().is_valid, Some(true));
    bed.tamper_audit(id.as_str());
    assert_eq!(bud.audit().verify(id.as_str()).await.unwrap().is_valid, Some(false));
    let many = bud.audit().verify_many([id.as_str(), records[1].id.as_str()]).await.unwrap();
    assert_eq!(many.summary.unwrap().invalid_count, Some(1));
    let found = bud.audit().find_tampered().limit(1000).await.unwrap();
    assert_eq!((found.tampered_count, found.tampered_records[0].id.as_ref()), (Some(1), Some(&id)));
    assert!(found.records_checked.is_some_and(|checked| checked >= 3), "{found:?}");
    let limit = bud.audit().find_tampered().limit(1001).await.unwrap_err();
    assert_eq!(limit.param(), Some("limit"));
    assert_eq!(bud.audit().records().page_size(101).all().await.unwrap_err().param(), Some("page_size"));
    let used = bud.quotas().history(january()).await.unwrap();
    assert_eq!((used[0].tokens, used[0].requests, used[0].extra.is_empty()), (Some(1000), Some(10), true));
    bed.metrics_down(true);
    let history = bud.quotas().history(january()).await.unwrap_err();
    assert_eq!((history.kind(), history.status()), (ErrorKind::Server, Some(200)));
    assert!(history.message().contains("404 Not Found"), "{history}");
}

#[tokio::test]
async fn errors_of_an_export_name_the_export() {
    let (bed, bud) = bed().await;
    bed.seed_audit(5);
    bed.fault(Fault::on("GET", "/audit/records").status(403).always());
    let export = || bud.audit().export(january());
    let mut errors = Vec::new();
    for format in [ExportFormat::Csv, ExportFormat::Json] {
        errors.push(export().format(format).write_into(&mut Vec::new()).await.unwrap_err());
        errors.push(export().format(format).bytes().next().await.unwrap().unwrap_err());
    }
    errors.push(export().records().next().await.unwrap().unwrap_err());
    for error in errors {
        assert_eq!((error.kind(), error.operation()), (ErrorKind::PermissionDenied, Some("audit.export")));
        assert!(error.to_string().contains("GET /audit/records answered 403"), "what was asked: {error}");
    }
}

#[tokio::test]
async fn a_search_of_all_records_looks_at_each_and_says_how_many() {
    let (bed, bud) = bed().await;
    bed.seed_audit(3_500);
    let records = bud.audit().records().within(january()).page_size(100);
    let oldest = records.cursor("page=35;page_size=100;skip=0").pages().next().await.unwrap().unwrap();
    let oldest = oldest.items.last().unwrap().id.clone();
    bed.tamper_audit(oldest.as_str());
    let newest = bud.audit().find_tampered().within(january()).limit(1000).await.unwrap();
    assert_eq!((newest.tampered_count, newest.records_checked), (Some(0), Some(1000)), "the newest alone");

    bed.clear_requests();
    let all = bud.audit().find_tampered().within(january()).all().await.unwrap();
    assert_eq!((all.tampered_count, all.records_checked), (Some(1), Some(3_500)));
    assert_eq!(all.tampered_records[0].id.as_ref(), Some(&oldest));
    let looks = bed.count("GET", "/audit/find-tampered");
    assert!((5..=9).contains(&looks), "{looks}");
    // Everything there is, what was written by the logins of this test included.
    let whole = bud.audit().find_tampered().all().await.unwrap();
    assert!(whole.records_checked.unwrap() > 3_500 && whole.tampered_count == Some(1), "{whole:?}");
    // A short log needs no more than one look.
    let day = "2026-01-01T00:00:00Z".parse().unwrap().."2026-01-02T00:00:00Z".parse().unwrap();
    bed.clear_requests();
    let short = bud.audit().find_tampered().within(day).all().await.unwrap();
    assert!(short.records_checked.is_some_and(|checked| (100..130).contains(&checked)), "{short:?}");
    assert_eq!((bed.count("GET", "/audit/find-tampered"), bed.count("GET", "/audit/records")), (1, 1));

    bed.seed_audit_at(1_001, 1_790_000_000_000_000);
    let at: Timestamp = "2026-09-21T00:00:00Z".parse().unwrap();
    let day = at..at + std::time::Duration::from_secs(86_400);
    let error = bud.audit().find_tampered().within(day).all().await.unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::Incomplete, Some("audit.find_tampered")));
    assert!(error.hint().unwrap().contains("verify_many"), "{error}");
    let both = bud.audit().find_tampered().limit(5).all().await.unwrap_err();
    assert_eq!((both.kind(), both.param()), (ErrorKind::InvalidArgument, Some("limit")));
}
