//! Faults of downloads: killed processes, full disks, hostile targets and names, sizes, and bytes that must stay as they are.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bud_sdk::{Client, ErrorKind, Timestamp};
use bud_testbed::{Fault, Script, Testbed, Wire, respond, respond_chunked, respond_json};
use bytes::Bytes;
use serde_json::json;
use tokio::process::{Child, Command};

use crate::common::files::{unnamed_files, written_by};
use crate::common::{CSV, Folder, NOTHING, admin, january, millis, plain, test_path};

const MIB: usize = 1024 * 1024;

/// Rows of 64 bytes, each another.
fn rows(bytes: usize) -> Bytes {
    let rows = (0..bytes / 64).map(|n| format!("{n:010},{}\r\n", "login-".repeat(8) + "abc"));
    let text: String =
        std::iter::once(format!("{:<10},{:<51}\r\n", "id", "action")).chain(rows.skip(1)).collect();
    assert_eq!(text.len(), bytes);
    text.into()
}

/// A server that sends this export on every connection.
async fn serving(answer: Bytes) -> Wire {
    Wire::builder().repeat_last().start([Script::answer(answer)]).await.unwrap()
}

/// A server that sends so much of the export and then holds the connection.
async fn pausing(answer: &Bytes, at: usize) -> Wire {
    let script = Script::new().read_request().send(answer.slice(..at)).stall();
    Wire::builder().repeat_last().start([script]).await.unwrap()
}

/// In a child process: makes the export that the parent asked for, and says what came of it.
async fn as_child() -> bool {
    let Ok(url) = std::env::var("BUD_TEST_EXPORT_URL") else { return false };
    let path = std::env::var("BUD_TEST_EXPORT_PATH").unwrap();
    let before = peak();
    let result = plain(&url).build().unwrap().audit().export(january()).write_to(&path).await;
    match result {
        Ok(done) => println!("\nwhole: {} bytes", done.bytes),
        Err(error) => {
            println!("\nfailed: {:?}: {error}", error.kind());
            // The error is there while the process lives: only its own clean-up can have removed the file.
            tokio::time::sleep(millis(50)).await;
        }
    }
    println!("grown: {} KiB", peak() - before);
    true
}

/// The most memory that this process has had, in KiB, without the pages of the program itself, which come as it runs.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().next().unwrap().parse::<u64>().unwrap()
    };
    field("VmHWM:") - field("RssFile:")
}

/// This test again in a process of its own, behind a shell command that prepares it.
fn child(test: &str, prepare: &str, url: &str, path: &Path) -> Command {
    let mut child = Command::new("sh");
    let test = test_path(module_path!(), test);
    child.args(["-c", &format!("{prepare}; exec \"$0\" --exact {test} --nocapture")]);
    child.arg(std::env::current_exe().unwrap());
    child.env("BUD_TEST_EXPORT_URL", url).env("BUD_TEST_EXPORT_PATH", path);
    child.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    child
}

async fn said(child: Child) -> String {
    let output = child.wait_with_output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
    text.into_owned()
}

async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let started = Instant::now();
    while !done() {
        assert!(started.elapsed() < Duration::from_secs(20), "{what}");
        tokio::time::sleep(millis(1)).await;
    }
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
}

/// Kills an export that has been sent so many bytes, and makes it again. Returns what the killed one left.
async fn killed(answer: &Bytes, body: &[u8], at: usize, after: Duration) -> Vec<String> {
    let folder = Folder::new(&format!("killed-{at}-{}", after.as_micros()));
    let path = folder.path().join("audit.csv");
    let home = pausing(answer, at).await;
    let test = "d13_an_export_killed_anywhere_leaves_no_file";
    let mut child = child(test, ":", home.url(), &path).spawn().unwrap();
    until("the child asks", || home.bytes_written() >= at as u64).await;
    tokio::time::sleep(after).await;
    child.kill().await.unwrap();
    let names = folder.names();
    for name in &names {
        let left = folder.path().join(name);
        assert_eq!(mode(&left), 0o600, "{name}");
        let part = name.starts_with("audit.csv.") && name.ends_with(".part") && !unnamed_files();
        assert!(part || at == answer.len(), "{names:?} after {at} bytes");
        if !part {
            assert_eq!(name, "audit.csv");
            assert!(fs::read(&left).unwrap() == body, "a file under its name is whole");
        }
    }
    let home = serving(answer.clone()).await;
    let export = plain(home.url()).build().unwrap().audit().export(january()).overwrite(true);
    export.write_to(&path).await.unwrap();
    assert!(fs::read(&path).unwrap() == body, "after {at} bytes");
    names
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d13_an_export_killed_anywhere_leaves_no_file() {
    if as_child().await {
        return;
    }
    let body = rows(4 * MIB);
    let answer = respond(200, &CSV, &body);
    let mut offsets: Vec<_> = (0..26).map(|_| random(answer.len())).collect();
    offsets.extend([answer.len() - body.len(), answer.len() - 1]);
    // These are sent whole: they are killed around the moment in which the file gets its name.
    offsets.extend([answer.len(); 8]);
    let mut tasks = tokio::task::JoinSet::new();
    let mut left = Vec::new();
    for (turn, at) in offsets.into_iter().enumerate() {
        if turn >= 4 {
            left.extend(tasks.join_next().await.unwrap().unwrap());
        }
        let (answer, body) = (answer.clone(), body.clone());
        // Told apart by the turn, too: their folders are named by it.
        let after = Duration::from_micros((random(12_000) + turn) as u64);
        tasks.spawn(async move { killed(&answer, &body, at, after).await });
    }
    while let Some(done) = tasks.join_next().await {
        left.extend(done.unwrap());
    }
    let parts = left.iter().filter(|name| name.ends_with(".part")).count();
    if unnamed_files() {
        assert_eq!(parts, 0, "{left:?}");
        assert!(left.len() < 26, "most were killed while they were writing: {left:?}");
    } else {
        assert!(parts > 10, "most were killed while they were writing: {left:?}");
    }
}

/// A number below the limit; the standard library's only source of chance is enough here.
fn random(limit: usize) -> usize {
    use std::hash::{BuildHasher, RandomState};
    (RandomState::new().hash_one(0) % limit as u64) as usize
}

#[tokio::test]
async fn d7_a_full_disk_is_an_error_that_names_the_file() {
    if as_child().await {
        return;
    }
    let answer = respond(200, &CSV, rows(4 * MIB));
    // What is written while it arrives, and only what is written at its end.
    for (size, limit) in [(answer.len(), 2048), (answer.len() / 8, 100)] {
        let home = pausing(&answer, size).await;
        let short = respond(200, &CSV, rows(MIB / 2));
        let home = if limit == 100 { serving(short).await } else { home };
        let folder = Folder::new(&format!("full-{limit}"));
        let path = folder.path().join("audit.csv");
        let full = format!("trap '' XFSZ; ulimit -f {limit}");
        let test = "d7_a_full_disk_is_an_error_that_names_the_file";
        let text = said(child(test, &full, home.url(), &path).spawn().unwrap()).await;
        assert!(text.contains("failed: Download") && text.contains("audit.csv"), "{text}");
        assert!(text.contains("File too large"), "{text}");
        assert_eq!(folder.names(), NOTHING);
        assert_eq!(home.requests().len(), 1, "a full disk is no reason to ask again");
    }
}

#[tokio::test]
async fn d7_a_failing_disk_ends_the_export_at_once_though_more_would_come() {
    // The server never ends, so only a dropped connection lets its script end.
    let row = rows(MIB);
    let home = Wire::builder().repeat_last();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/csv\r\ncontent-length: 99999999999\r\n\r\n";
    let home = home.start([Script::new().read_request().send(head).endless(row)]).await.unwrap();
    let bud = plain(home.url()).build().unwrap();
    let mut full = tokio::fs::File::options().write(true).open("/dev/full").await.unwrap();
    let export = bud.audit().export(january()).write_into(&mut full);
    let error = tokio::time::timeout(Duration::from_secs(5), export).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Download);
    assert!(error.message().contains("No space left"), "{error}");
    settled(&home).await;
    assert_eq!(home.requests().len(), 1);
}

/// Waits until the server sends no more, and returns how much it has sent.
async fn settled(home: &Wire) -> u64 {
    let mut before = u64::MAX;
    for _ in 0..50 {
        let now = home.bytes_written();
        if now == before {
            return now;
        }
        before = now;
        tokio::time::sleep(millis(150)).await;
    }
    panic!("the server goes on sending: {before} bytes");
}

#[tokio::test]
async fn d7_a_folder_that_takes_no_file_is_an_error_before_the_body_is_read() {
    let body = rows(64 * MIB);
    let home = serving(respond(200, &CSV, body)).await;
    let bud = plain(home.url()).build().unwrap();
    // Even root can make no file there.
    let error = bud.audit().export(january()).write_to("/proc/audit.csv").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Download);
    assert!(error.message().contains("/proc/audit.csv"), "{error}");
    assert!(settled(&home).await < 32 * MIB as u64, "the rest was not wanted");
    assert_eq!(home.requests().len(), 1);
}

#[tokio::test]
async fn d8_what_is_no_regular_file_is_neither_written_nor_replaced() {
    let home = serving(respond(200, &CSV, rows(4096))).await;
    let bud = plain(home.url()).build().unwrap();
    let folder = Folder::new("targets");
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("dir")).unwrap();
    fs::write(at("file"), "mine").unwrap();
    symlink(at("file"), at("link")).unwrap();
    symlink(at("nowhere"), at("dangling")).unwrap();
    symlink(at("loop"), at("loop")).unwrap();
    assert!(Command::new("mkfifo").arg(at("fifo")).status().await.unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
    let before = folder.names().len();
    let mut paths = vec!["/dev/null".into(), "/dev/full".into(), "/".into(), "..".into(), "".into()];
    paths.extend(["dir", "link", "dangling", "loop", "fifo", "socket"].map(at));
    for path in paths {
        for overwrite in [false, true] {
            let export = bud.audit().export(january()).overwrite(overwrite).write_to(&path);
            let error = tokio::time::timeout(Duration::from_secs(5), export).await.unwrap().unwrap_err();
            assert_eq!((error.kind(), error.param()), (ErrorKind::InvalidArgument, Some("path")), "{path:?}");
        }
    }
    assert_eq!((folder.names().len(), home.connections()), (before, 0));
    assert_eq!(fs::read_to_string(at("file")).unwrap(), "mine");
}

#[tokio::test]
async fn d8_a_target_or_folder_that_is_swapped_meanwhile_is_not_followed() {
    let body = rows(4096);
    let answer = respond(200, &CSV, &body);
    let begun = answer.slice(..answer.len() / 2);
    let rest = answer.slice(answer.len() / 2..);
    let script = || Script::new().read_request().send(begun.clone()).sleep(millis(300)).send(rest.clone());
    let home = Wire::start([script(), script(), script()]).await.unwrap();
    let bud = plain(home.url()).build().unwrap();
    let folder = Folder::new("swapped");
    let (dir, evil) = (folder.path().join("dir"), folder.path().join("evil"));
    let path = dir.join("audit.csv");
    fs::create_dir(&dir).unwrap();
    fs::create_dir(&evil).unwrap();
    let victim = evil.join("victim");
    fs::write(&victim, "mine").unwrap();
    let begins = |path: &Path, overwrite| {
        let (export, path) = (bud.audit().export(january()).overwrite(overwrite), path.to_owned());
        tokio::spawn(async move { export.write_to(path).await })
    };
    let writing = || written_by(std::process::id(), &dir).is_some();

    // A link that appears under the target's name: it is refused, or replaced if that was allowed.
    let export = begins(&path, false);
    until("it has begun", writing).await;
    symlink(&victim, &path).unwrap();
    assert_eq!(export.await.unwrap().unwrap_err().kind(), ErrorKind::Download);
    assert!(fs::symlink_metadata(&path).unwrap().is_symlink() && !writing());
    fs::remove_file(&path).unwrap();
    let export = begins(&path, true);
    until("it has begun", writing).await;
    symlink(&victim, &path).unwrap();
    export.await.unwrap().unwrap();
    assert!(fs::symlink_metadata(&path).unwrap().is_file());
    assert!(fs::read(&path).unwrap() == body);
    fs::remove_file(&path).unwrap();

    // The folder itself becomes a link elsewhere.
    let export = begins(&path, false);
    until("it has begun", writing).await;
    fs::rename(&dir, folder.path().join("moved")).unwrap();
    symlink(&evil, &dir).unwrap();
    assert_eq!(export.await.unwrap().unwrap_err().kind(), ErrorKind::Download);
    assert_eq!(fs::read_to_string(&victim).unwrap(), "mine");
    assert_eq!(fs::read_dir(&evil).unwrap().count(), 1, "nothing was written there");
}

#[tokio::test]
async fn d9_a_name_that_the_server_chooses_is_no_path() {
    let long = format!("attachment; filename={}", "x".repeat(3000));
    let names = [
        "attachment; filename=\"../../../../tmp/evil.csv\"",
        "attachment; filename=/etc/evil.csv",
        "attachment; filename*=UTF-8''..%2f..%2fevil%00.csv",
        "attachment; filename=CON",
        "attachment; filename=",
        &long,
    ];
    for (turn, name) in names.into_iter().enumerate() {
        let headers = [CSV[0], ("Content-Disposition", name), ("Content-Location", "/etc/evil.csv")];
        let home = serving(respond(200, &headers, rows(4096))).await;
        let folder = Folder::new(&format!("named-{turn}"));
        let bud = plain(home.url()).build().unwrap();
        bud.audit().export(january()).write_to(folder.path().join("mine.csv")).await.unwrap();
        assert_eq!(folder.names(), ["mine.csv"], "{name:.60}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d12_a_large_export_needs_little_memory() {
    if as_child().await {
        return;
    }
    let (piece, pieces) = (rows(MIB), 256);
    let mut script = Script::new().read_request();
    let head =
        format!("HTTP/1.1 200 OK\r\ncontent-type: text/csv\r\ncontent-length: {}\r\n\r\n", pieces * MIB);
    script = script.send(head);
    for _ in 0..pieces {
        script = script.send(piece.clone());
    }
    let home = Wire::start([script]).await.unwrap();
    let folder = Folder::new("large");
    let path = folder.path().join("audit.csv");
    let child = child("d12_a_large_export_needs_little_memory", ":", home.url(), &path).spawn().unwrap();
    let text = said(child).await;
    assert!(text.contains(&format!("whole: {} bytes", pieces * MIB)), "{text}");
    let grown = text.split("grown: ").nth(1).and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
    assert!(grown.is_some_and(|grown| grown <= 16 * 1024), "{text}");
}

#[tokio::test]
async fn d12_a_reader_that_stops_stops_the_server() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/csv\r\ncontent-length: 99999999999\r\n\r\n";
    let script = Script::new().read_request().send(head).endless(rows(MIB));
    let home = Wire::start([script]).await.unwrap();
    let mut pieces = plain(home.url()).build().unwrap().audit().export(january()).bytes();
    let mut read = 0;
    while read < 2 * MIB as u64 {
        read += pieces.next().await.unwrap().unwrap().len() as u64;
    }
    let sent = settled(&home).await;
    // What two sockets of this machine hold, and no more.
    assert!(sent - read < 24 * MIB as u64, "{sent} bytes were sent and {read} read");
    pieces.next().await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d14_of_two_processes_with_one_name_one_wins() {
    if as_child().await {
        return;
    }
    // Each is sent something else, at the same time.
    let bodies = [rows(2 * MIB), rows(MIB)];
    let answers = bodies.clone().map(|body| respond(200, &CSV, body));
    let script = |answer: &Bytes| {
        let half = answer.len() / 2;
        Script::new().read_request().send(answer.slice(..half)).sleep(millis(400)).send(answer.slice(half..))
    };
    let home = Wire::start([script(&answers[0]), script(&answers[1])]).await.unwrap();
    let folder = Folder::new("processes");
    let path = folder.path().join("audit.csv");
    let test = "d14_of_two_processes_with_one_name_one_wins";
    let run = || said(child(test, ":", home.url(), &path).spawn().unwrap());
    let (one, two) = tokio::join!(run(), run());
    let both = format!("{one}{two}");
    assert_eq!(both.matches("whole: ").count(), 1, "{both}");
    assert_eq!(both.matches("failed: Download").count(), 1, "{both}");
    assert_eq!(folder.names(), ["audit.csv"]);
    let file = fs::read(&path).unwrap();
    assert!(bodies.iter().any(|body| *body == file), "it is one of the two, whole");
}

#[tokio::test]
async fn d15_a_token_that_expires_does_not_end_the_stream() {
    let bed = Testbed::builder().start().await.unwrap();
    bed.seed_audit(20_000);
    let bud = admin(&bed);
    let mut whole = Vec::new();
    bud.audit().export(january()).write_into(&mut whole).await.unwrap();
    let (mut pieces, mut bytes) = (bud.audit().export(january()).bytes(), Vec::new());
    bytes.extend_from_slice(&pieces.next().await.unwrap().unwrap());
    bed.expire_tokens();
    bed.revoke_refresh_tokens();
    while let Some(piece) = pieces.next().await {
        bytes.extend_from_slice(&piece.unwrap());
    }
    assert!(bytes == whole && bed.count("POST", "/auth/refresh") == 0);
    bud.audit().export(january()).write_into(&mut Vec::new()).await.unwrap();
    assert_eq!((bed.count("POST", "/auth/refresh"), bed.count("POST", "/auth/login")), (1, 2));
}

#[tokio::test]
async fn d16_the_file_is_private_from_its_first_byte_whatever_the_umask() {
    if as_child().await {
        return;
    }
    let answer = respond(200, &CSV, rows(2 * MIB));
    let half = answer.slice(..answer.len() / 2);
    let script = Script::new().read_request().send(half).sleep(millis(500));
    let home = Wire::start([script.send(answer.slice(answer.len() / 2..))]).await.unwrap();
    let folder = Folder::new("umask");
    let path = folder.path().join("audit.csv");
    let test = "d16_the_file_is_private_from_its_first_byte_whatever_the_umask";
    let child = child(test, "umask 000", home.url(), &path).spawn().unwrap();
    let process = child.id().unwrap();
    until("it has begun", || written_by(process, folder.path()).is_some()).await;
    let names = if unnamed_files() { 0 } else { 1 };
    assert_eq!(written_by(process, folder.path()), Some((0o600, names)));
    assert_eq!(folder.names().len() as u64, names);
    assert!(said(child).await.contains("whole: "));
    assert_eq!((mode(&path), folder.names().len()), (0o600, 1));
}

#[tokio::test]
async fn d17_cells_are_written_byte_for_byte() {
    let cells: [&[u8]; 14] = [
        b"=cmd|' /C calc'!A0",
        b"+1+1",
        b"-2+3",
        b"@SUM(A1)",
        b"\tTAB",
        b"\rCR",
        b"\"a \"\"quote\"\"\"",
        b"\"two\r\nlines\"",
        b"\"a,comma\"",
        b"NUL\0inside",
        b"\xff\xfe\xc3\x28 invalid",
        "\u{202e}rtl \u{feff}bom é 😀".as_bytes(),
        b"\"unix\nline\"",
        b"  spaces  ",
    ];
    for begin in [&b""[..], b"\xef\xbb\xbf"] {
        for end in [&b"\r\n"[..], b"\n"] {
            let mut body = [begin, b"id,cell", end].concat();
            for cell in cells {
                body.extend([b"1,", cell, end].concat());
            }
            for last in [&b""[..], end] {
                let mut body = body.clone();
                body.extend([b"2,last", last].concat());
                // In one piece, byte by byte, and in chunks that cut everywhere.
                let pieces: Vec<_> = body.chunks(3).collect();
                for answer in [respond(200, &CSV, &body), respond_chunked(200, &CSV, pieces, true)] {
                    let home = serving(answer).await;
                    let bud = plain(home.url()).build().unwrap();
                    let folder = Folder::new(&format!("exact-{}", home.addr().port()));
                    let path = folder.path().join("audit.csv");
                    let done = bud.audit().export(january()).write_to(&path).await.unwrap();
                    assert_eq!(fs::read(&path).unwrap(), body);
                    assert_eq!((done.rows, done.bytes), (cells.len() as u64 + 1, body.len() as u64));
                }
            }
        }
    }
}

async fn asked(bud: &Client, home: &Wire, start: &str, end: &str) -> String {
    let range = start.parse().unwrap()..end.parse().unwrap();
    bud.audit().export(range).write_into(&mut Vec::new()).await.unwrap();
    home.requests().last().unwrap().query.clone()
}

#[tokio::test]
async fn d18_time_ranges_are_sent_exactly_or_refused() {
    let home = serving(respond(200, &CSV, rows(4096))).await;
    let bud = plain(home.url()).build().unwrap();
    let cases = [
        // Offsets of both sides of a change to summer time: the zone is sent as UTC, so no plus can be lost.
        (
            "2026-03-29T01:59:59+01:00",
            "2026-03-29T03:00:00+02:00",
            "2026-03-29T00:59:59Z",
            "2026-03-29T00:59:59.999999Z",
        ),
        (
            "2026-01-01T05:30:00+05:30",
            "2026-01-01T05:30:00.000001+05:30",
            "2026-01-01T00:00:00Z",
            "2026-01-01T00:00:00Z",
        ),
        // A leap second, and the last day that there is.
        (
            "2016-12-31T23:59:60Z",
            "2017-01-01T00:00:01Z",
            "2016-12-31T23:59:59Z",
            "2017-01-01T00:00:00.999999Z",
        ),
        (
            "1969-12-31T23:59:59Z",
            "9999-12-30T00:00:00Z",
            "1969-12-31T23:59:59Z",
            "9999-12-29T23:59:59.999999Z",
        ),
    ];
    for (start, end, sent_start, sent_end) in cases {
        let query = asked(&bud, &home, start, end).await.replace("%3A", ":");
        assert_eq!(query, format!("start_date={sent_start}&end_date={sent_end}&format=csv"));
    }
    let asked = home.connections();
    let time = |text: &str| text.parse::<Timestamp>();
    for wrong in
        ["2026-01-01T00:00:00", "10000-01-01T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-01T25:00:00Z"]
    {
        assert_eq!(time(wrong).unwrap_err().kind(), ErrorKind::InvalidArgument, "{wrong}");
    }
    let (one, two) = (time("2026-01-01T00:00:00Z").unwrap(), time("2026-01-02T00:00:00Z").unwrap());
    for range in [one..one, two..one] {
        let error = bud.audit().export(range).write_into(&mut Vec::new()).await.unwrap_err();
        assert_eq!((error.kind(), error.param()), (ErrorKind::InvalidArgument, Some("range")));
    }
    assert_eq!(home.connections(), asked);
}

#[tokio::test]
async fn d10_a_stall_ends_the_export_and_the_next_one_is_whole() {
    let body = rows(8192);
    let answer = respond(200, &CSV, &body);
    let stalls = Script::new().read_request().send(answer.slice(..answer.len() / 2)).stall();
    let home = Wire::start([stalls, Script::answer(answer)]).await.unwrap();
    let bud = plain(home.url()).build().unwrap();
    let export = || bud.audit().export(january()).idle_timeout(millis(150));
    let started = Instant::now();
    let mut written = Vec::new();
    let error = export().write_into(&mut written).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Download);
    assert!(started.elapsed() < millis(900) && error.message().contains("silent"), "{error}");
    written.clear();
    export().write_into(&mut written).await.unwrap();
    assert!(written == body);
}

/// C8 for downloads: the panic is the caller's own, and nothing of the export stays.
#[tokio::test]
async fn c8_a_panicking_progress_callback_leaves_no_file_and_a_usable_client() {
    let bed = Testbed::builder().start().await.unwrap();
    bed.seed_audit(2_000);
    let bud = admin(&bed);
    let folder = Folder::new("panics");
    let told = Arc::new(Mutex::new(0));
    let export = bud.audit().export(january()).on_progress({
        let told = told.clone();
        move |_| {
            *told.lock().unwrap() += 1;
            panic!("the caller's own");
        }
    });
    let path = folder.path().join("audit.csv");
    let task = tokio::spawn(async move { export.write_to(path).await });
    assert!(task.await.unwrap_err().is_panic());
    assert_eq!(folder.names(), NOTHING);
    bud.audit().export(january()).write_to(folder.path().join("audit.csv")).await.unwrap();
    assert_eq!(folder.names(), ["audit.csv"]);
}

#[tokio::test]
async fn d3_a_server_error_after_a_login_leaves_no_file_and_is_in_its_words() {
    let bed = Testbed::builder().start().await.unwrap();
    let bud = admin(&bed);
    let folder = Folder::new("proxy");
    let page = json!({ "detail": "the upstream is gone" }).to_string();
    bed.fault(Fault::on("GET", "/audit/export").wrong_body(page));
    let error = bud.audit().export(january()).write_to(folder.path().join("a.csv")).await.unwrap_err();
    assert_eq!((error.kind(), folder.names()), (ErrorKind::Download, NOTHING.to_vec()));
    assert!(error.message().contains("the upstream is gone"), "{error}");
    let wrong = Wire::start([Script::answer(respond_json(200, &json!([])))]).await.unwrap();
    let bud = plain(wrong.url()).build().unwrap();
    let error = bud.audit().export(january()).write_into(&mut Vec::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Download, "a JSON list is no CSV");
}
