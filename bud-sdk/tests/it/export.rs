//! The audit export: a file that is whole, or no file.

use std::sync::{Arc, Mutex};

use bud_sdk::ErrorKind;
use bud_sdk::audit::{Completeness, ExportFormat};
use bud_testbed::{Fault, Script, Testbed, Wire, respond, respond_chunked, respond_until_close};

use crate::common::{CSV, Folder, NOTHING, admin, january, millis, plain};

#[tokio::test]
async fn an_export_is_byte_for_byte_what_the_server_sent() {
    for announced in [true, false] {
        let bed = Testbed::builder().export_content_length(announced).start().await.unwrap();
        bed.seed_audit(2_000);
        let bud = admin(&bed);
        let folder = Folder::new(&format!("whole-{announced}"));
        let told = Arc::new(Mutex::new(Vec::new()));

        let path = folder.path().join("audit.csv");
        let done = bud
            .audit()
            .export(january())
            .on_progress({
                let told = told.clone();
                move |progress| told.lock().unwrap().push((progress.bytes, progress.total))
            })
            .write_to(&path)
            .await
            .unwrap();

        let file = std::fs::read(&path).unwrap();
        assert_eq!((done.rows, done.completeness), (2_000, Completeness::Proven));
        let raw = bud.raw(bud_sdk::operations::Method::Get, "/audit/export");
        let raw =
            raw.query("start_date", "2026-01-01T00:00:00Z").query("end_date", "2026-01-31T23:59:59.999999Z");
        assert_eq!(file, raw.query("format", "csv").await.unwrap().bytes());
        let told = told.lock().unwrap();
        assert_eq!(told.last().unwrap().0, done.bytes);
        assert!(told.is_sorted() && told.iter().all(|(_, total)| total.is_some() == announced));
        assert_eq!(folder.names(), ["audit.csv"]);
    }
}

#[tokio::test]
async fn an_export_as_json_is_json() {
    let bed = Testbed::builder().start().await.unwrap();
    bed.seed_audit(50);
    let folder = Folder::new("json");
    let path = folder.path().join("audit.json");
    admin(&bed).audit().export(january()).format(ExportFormat::Json).write_to(&path).await.unwrap();
    let rows: Vec<serde_json::Value> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert_eq!(rows.len(), 50);
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let bed = Testbed::builder().start().await.unwrap();
    let folder = Folder::new("mode");
    let path = folder.path().join("audit.csv");
    admin(&bed).audit().export(january()).write_to(&path).await.unwrap();
    assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
}

/// Exports from a scripted server and returns what it came to.
async fn from(answer: impl Into<Script>, format: ExportFormat) -> (bud_sdk::Error, Vec<String>) {
    let home = Wire::builder().repeat_last().start([answer.into()]).await.unwrap();
    let bud = plain(home.url()).build().unwrap();
    let folder = Folder::new(&format!("broken-{}", home.addr().port()));
    let export = bud.audit().export(january()).format(format).idle_timeout(millis(200));
    let error = export.write_to(folder.path().join("audit")).await.unwrap_err();
    assert_eq!(error.operation(), Some("audit.export"));
    (error, folder.names())
}

#[tokio::test]
async fn what_breaks_off_leaves_nothing() {
    let short =
        "HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nContent-Length: 1000\r\n\r\nid,action\r\n1,login\r\n";
    let cases = [
        ("short length", Script::answer(short)),
        (
            "no last chunk",
            Script::answer(respond_chunked(200, &CSV, ["id,action\r\n", "1,login\r\n"], false)),
        ),
        ("reset", Script::new().read_request().send(short).sleep(millis(50)).reset()),
        ("silence", Script::new().read_request().send(short).stall()),
    ];
    for (what, script) in cases {
        let (error, names) = from(script, ExportFormat::Csv).await;
        assert_eq!((error.kind(), names), (ErrorKind::Download, NOTHING.to_vec()), "{what}");
        assert!(error.message().contains("20 bytes"), "{what}: {error}");
    }
}

#[tokio::test]
async fn an_error_page_that_came_with_a_200_is_no_export() {
    let texts = [
        r#"{"detail": "the report is not ready"}"#,
        r#"{"object":"error","message":"the report is not ready"}"#,
        "<html><head><title>the report is not ready</title></head></html>",
    ];
    for text in texts {
        for (format, kind) in [(ExportFormat::Csv, "text/csv"), (ExportFormat::Json, "application/json")] {
            let answer = respond(200, &[("Content-Type", kind)], text);
            let (error, names) = from(Script::answer(answer), format).await;
            assert_eq!((error.kind(), names), (ErrorKind::Download, NOTHING.to_vec()), "{text}");
            assert!(error.message().contains("the report is not ready"), "{error}");
        }
    }
    let (error, names) = from(Script::answer(respond(200, &CSV, "")), ExportFormat::Csv).await;
    assert_eq!((error.kind(), names), (ErrorKind::Download, NOTHING.to_vec()), "not even a header");
}

#[tokio::test]
async fn a_refusal_keeps_the_servers_words_and_is_retried_like_any_read() {
    let bed = Testbed::builder().start().await.unwrap();
    let bud = admin(&bed);
    let folder = Folder::new("refused");
    bed.fault(Fault::on("GET", "/audit/export").status(503));
    bud.audit().export(january()).write_to(folder.path().join("a.csv")).await.unwrap();
    assert_eq!(bed.count("GET", "/audit/export"), 2);
    bed.fault(Fault::on("GET", "/audit/export").status(403).body(r#"{"detail":"auditors only"}"#));
    let error = bud.audit().export(january()).write_to(folder.path().join("b.csv")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert!(error.message().contains("auditors only"), "{error}");
    assert_eq!(folder.names(), ["a.csv"]);
}

#[cfg(unix)]
#[tokio::test]
async fn a_target_that_is_there_is_refused_before_any_request() {
    let bed = Testbed::builder().start().await.unwrap();
    let bud = admin(&bed);
    let folder = Folder::new("there");
    let (file, link, dir) =
        (folder.path().join("file"), folder.path().join("link"), folder.path().join("dir"));
    std::fs::write(&file, "mine").unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    std::fs::create_dir(&dir).unwrap();
    for (path, overwrite) in [(&file, false), (&link, false), (&link, true), (&dir, true)] {
        let error = bud.audit().export(january()).overwrite(overwrite).write_to(path).await.unwrap_err();
        assert_eq!((error.kind(), error.param()), (ErrorKind::InvalidArgument, Some("path")));
    }
    assert_eq!(bed.requests().len(), 0);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");

    let done = bud.audit().export(january()).overwrite(true).write_to(&file).await.unwrap();
    assert!(done.bytes > 0 && std::fs::read_to_string(&file).unwrap() != "mine");
}

#[tokio::test]
async fn a_dropped_export_leaves_nothing() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nContent-Length: 1000\r\n\r\nid,action\r\n";
    let home = Wire::start([Script::new().read_request().send(head).stall()]).await.unwrap();
    let bud = plain(home.url()).build().unwrap();
    let folder = Folder::new("dropped");
    let export = bud.audit().export(january()).write_to(folder.path().join("audit.csv"));
    assert!(tokio::time::timeout(millis(300), export).await.is_err());
    assert_eq!(folder.names(), NOTHING);
    assert_eq!(home.requests().len(), 1);
}

#[tokio::test]
async fn two_exports_to_one_name_leave_one_whole_file() {
    let bed = Testbed::builder().start().await.unwrap();
    bed.seed_audit(500);
    let bud = admin(&bed);
    bud.auth().login().await.unwrap();
    let folder = Folder::new("two");
    let path = folder.path().join("audit.csv");
    let (one, two) = tokio::join!(
        bud.audit().export(january()).write_to(&path),
        bud.audit().export(january()).write_to(&path),
    );
    let (won, lost) = if one.is_ok() { (one, two) } else { (two, one) };
    assert_eq!(std::fs::metadata(&path).unwrap().len(), won.unwrap().bytes);
    assert_eq!(lost.unwrap_err().kind(), ErrorKind::Download);
    assert_eq!(folder.names(), ["audit.csv"]);
}

#[tokio::test]
async fn an_export_goes_into_any_writer_and_as_a_stream_of_the_same_bytes() {
    let bed = Testbed::builder().start().await.unwrap();
    bed.seed_audit(300);
    let bud = admin(&bed);
    let mut written = Vec::new();
    let done = bud.audit().export(january()).write_into(&mut written).await.unwrap();
    assert_eq!((done.bytes, done.rows), (written.len() as u64, 300));

    let (mut stream, mut streamed) = (bud.audit().export(january()).bytes(), Vec::new());
    while let Some(chunk) = stream.next().await {
        streamed.extend_from_slice(&chunk.unwrap());
    }
    assert_eq!(streamed, written);
}

#[tokio::test]
async fn records_are_typed_and_all_there() {
    let bed = Testbed::builder().start().await.unwrap();
    bed.seed_audit(1_000);
    let bud = admin(&bed);
    let mut stream = bud.audit().export(january()).records();
    let mut records = Vec::new();
    while let Some(record) = stream.next().await {
        records.push(record.unwrap());
    }
    let (mut json, raw) = (Vec::new(), bud.audit().export(january()).format(ExportFormat::Json));
    raw.write_into(&mut json).await.unwrap();
    let raw: Vec<serde_json::Value> = serde_json::from_slice(&json).unwrap();
    assert_eq!(records.len(), 1_000);
    for (record, raw) in records.iter().zip(&raw) {
        assert_eq!(record.id.as_str(), raw["id"]);
        assert_eq!(record.action.as_deref(), raw["action"].as_str());
        assert_eq!(record.timestamp.unwrap(), raw["timestamp"].as_str().unwrap().parse().unwrap());
        assert!(record.extra.is_empty(), "{:?}", record.extra);
    }
    assert!(records.is_sorted_by_key(|record| record.timestamp));
}

#[tokio::test]
async fn a_stream_that_breaks_off_ends_in_one_error() {
    let row = r#"[{"id": "a-1"}, {"id": "a-2"}, {"id": "#;
    let home = Wire::builder().repeat_last();
    let broken = respond_chunked(200, &[("Content-Type", "application/json")], [row], false);
    let home = home.start([Script::answer(broken)]).await.unwrap();
    let bud = plain(home.url()).build().unwrap();
    let mut records = bud.audit().export(january()).records();
    assert_eq!(records.next().await.unwrap().unwrap().id.as_str(), "a-1");
    assert_eq!(records.next().await.unwrap().unwrap().id.as_str(), "a-2");
    let error = records.next().await.unwrap().unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::Download, Some("audit.export")));
    assert!(records.next().await.is_none());
}

#[tokio::test]
async fn an_error_appended_to_the_rows_is_noticed() {
    for appended in ["{\"detail\": \"out of memory\"}", "Internal Server Error: out of memory\n"] {
        let text = format!("id,action\r\n1,login\r\n{appended}");
        let (error, names) = from(Script::answer(respond(200, &CSV, text)), ExportFormat::Csv).await;
        assert_eq!((error.kind(), names), (ErrorKind::Download, NOTHING.to_vec()));
        assert!(error.message().contains("out of memory"), "{error}");
    }
}

#[tokio::test]
async fn an_unmarked_end_is_taken_only_when_allowed_and_never_called_proven() {
    let home = Wire::builder().repeat_last();
    let home = home
        .start([Script::answer(respond_until_close(200, &CSV, "id,action\r\n1,login\r\n"))])
        .await
        .unwrap();
    let bud = plain(home.url()).build().unwrap();
    let mut written = Vec::new();
    let error = bud.audit().export(january()).write_into(&mut written).await.unwrap_err();
    assert_eq!((error.kind(), written.len()), (ErrorKind::Download, 0));
    let done =
        bud.audit().export(january()).accept_unmarked_end(true).write_into(&mut written).await.unwrap();
    assert_eq!((done.completeness, done.rows), (Completeness::Unknown, 1));
}

#[tokio::test]
async fn a_trickle_is_stopped_and_a_slow_reader_is_not() {
    let text = format!("id,action\r\n{}", "1,login\r\n".repeat(200));
    let trickle = Script::new().read_request().drip(respond(200, &CSV, &text), millis(5));
    let home = Wire::start([trickle, Script::answer(respond(200, &CSV, &text))]).await.unwrap();
    let bud = plain(home.url()).build().unwrap();
    let export = || bud.audit().export(january()).min_throughput(10_000, millis(100));
    let error = export().write_into(&mut Vec::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Download);
    assert!(error.message().contains("too slow"), "{error}");

    let (mut pieces, mut bytes) = (export().bytes(), 0);
    while let Some(piece) = pieces.next().await {
        tokio::time::sleep(millis(150)).await;
        bytes += piece.unwrap().len();
    }
    assert_eq!(bytes, text.len());
}

#[tokio::test]
async fn limits_without_time_are_refused_before_any_request() {
    let bed = Testbed::builder().start().await.unwrap();
    let bud = admin(&bed);
    let export = || bud.audit().export(january());
    let none = std::time::Duration::ZERO;
    for (export, param) in
        [(export().idle_timeout(none), "idle_timeout"), (export().min_throughput(1, none), "min_throughput")]
    {
        assert_eq!(export.write_into(&mut Vec::new()).await.unwrap_err().param(), Some(param));
    }
    assert_eq!(bed.requests(), []);
}

#[tokio::test]
async fn a_server_that_thinks_before_it_sends_is_no_trickle() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nContent-Length: 20\r\n\r\n";
    let thinks = Script::new().read_request().send(head).sleep(millis(300)).send("id,action\r\n1,login\r\n");
    let home = Wire::start([thinks]).await.unwrap();
    let bud = plain(home.url()).build().unwrap();
    let export = bud.audit().export(january()).min_throughput(10_000, millis(100));
    assert_eq!(export.write_into(&mut Vec::new()).await.unwrap().rows, 1);
}

#[tokio::test]
async fn a_target_that_is_no_path_of_a_file_is_refused_before_anything_is_sent() {
    let wire = Wire::start([Script::new().stall()]).await.unwrap();
    let bud = plain(wire.url()).build().unwrap();
    let folder = Folder::new("no-file");
    let here = folder.path().display().to_string();
    std::fs::write(folder.path().join("file"), "x").unwrap();
    for path in
        ["/new/", "/new//", "/new/.", "/", "", "/..", "/.", "/missing/audit.csv", "/file/audit.csv", "/file/"]
    {
        for overwrite in [false, true] {
            let export = bud.audit().export(january()).overwrite(overwrite);
            let error = export.write_to(format!("{here}{path}")).await.unwrap_err();
            assert_eq!(
                (error.kind(), error.param()),
                (ErrorKind::InvalidArgument, Some("path")),
                "{path}: {error}"
            );
        }
    }
    assert_eq!((wire.connections(), folder.names()), (0, vec!["file".to_owned()]));
}
