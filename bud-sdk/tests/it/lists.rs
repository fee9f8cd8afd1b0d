//! Lists: every item once and in order, a way to go on after trouble, and an end with any server.

use std::time::Instant;

use bud_sdk::users::User;
use bud_sdk::{Client, Error, ErrorKind, Listing, Result};
use bud_testbed::{Fault, ListShape, Script, Testbed, Wire, respond};
use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::common::{admin, millis, plain, with_password};

const KEYS: [&str; 4] = ["users", "data", "items", "results"];

/// A server with 25 users, the client of its administrator, and the users' ids in order.
async fn crowd(shape: Option<ListShape>) -> (Testbed, Client, Vec<String>) {
    let builder = Testbed::builder();
    let builder = if let Some(shape) = shape { builder.list_shape(shape) } else { builder };
    let bed = builder.start().await.unwrap();
    bed.seed_users(24);
    let bud = with_password(bed.url(), bed.admin_email(), bed.admin_password()).attempts(1).build().unwrap();
    let all = ids(bud.users().list().page_size(1000).all().await.unwrap());
    assert_eq!(all.len(), 25);
    bed.clear_requests();
    (bed, bud, all)
}

fn ids(users: impl IntoIterator<Item = User>) -> Vec<String> {
    users.into_iter().map(|user| user.id.to_string()).collect()
}

/// The ids up to the end or the error that ends them, and nothing behind it.
async fn collect(
    mut items: bud_sdk::Items<impl bud_sdk::operations::Paged<Item = User>>,
) -> (Vec<String>, Option<Error>) {
    let mut seen = Vec::new();
    while let Some(user) = items.next().await {
        match user {
            Ok(user) => seen.push(user.id.to_string()),
            Err(error) => {
                assert!(
                    items.next().await.is_none() && items.next().await.is_none(),
                    "nothing behind an error"
                );
                assert!(items.cursor().is_some(), "a list that broke off has not ended");
                return (seen, Some(error));
            }
        }
    }
    assert!(items.next().await.is_none() && items.cursor().is_none(), "the end is the end");
    (seen, None)
}

fn users(range: std::ops::Range<u32>) -> Value {
    range.map(|n| json!({ "id": format!("u-{n}") })).collect()
}

/// A page without any count.
fn wrap(range: std::ops::Range<u32>) -> Value {
    json!({ "users": users(range) })
}

/// A server that gives these answers in order, and then hangs up.
async fn served(answers: impl IntoIterator<Item = Value>) -> (Wire, Client) {
    let answers = answers.into_iter().map(|body| {
        let headers = [("content-type", "application/json"), ("connection", "close")];
        Script::answer(respond(200, &headers, body.to_string()))
    });
    let wire = Wire::start(answers).await.unwrap();
    let bud = plain(wire.url()).attempts(1).build().unwrap();
    (wire, bud)
}

/// What a list of ten per page makes of these answers: how many items, which error, how many requests.
async fn outcome(answers: impl IntoIterator<Item = Value>) -> (usize, Option<Error>, usize) {
    let (wire, bud) = served(answers).await;
    let (seen, error) = collect(bud.users().list().page_size(10).items()).await;
    (seen.len(), error, wire.requests().len())
}

#[tokio::test]
async fn every_shape_of_a_list_gives_every_item_once_and_in_order() {
    let shapes = KEYS.map(|key| Some(ListShape::Key(key)));
    for shape in shapes.into_iter().chain([None, Some(ListShape::Envelope), Some(ListShape::Bare)]) {
        let (bed, bud, all) = crowd(shape).await;
        let requests = if shape == Some(ListShape::Bare) { 1 } else { 3 };
        assert_eq!(collect(bud.users().list().page_size(10).items()).await.0, all, "{shape:?}");
        assert_eq!(bed.count("GET", "/users"), requests, "{shape:?}");
        let mut pages = bud.users().list().page_size(10).pages();
        let mut sizes = Vec::new();
        while let Some(page) = pages.next().await {
            sizes.push(page.unwrap().items.len());
        }
        assert!(pages.cursor().is_none());
        assert_eq!(sizes, if requests == 1 { vec![25] } else { vec![10, 10, 5] }, "{shape:?}");
        let streamed: Vec<Result<User>> = bud.users().list().page_size(10).items().collect().await;
        assert_eq!(ids(streamed.into_iter().map(Result::unwrap)), all, "{shape:?}");
        assert_eq!(ids(bud.users().list().page_size(10).all().await.unwrap()), all, "{shape:?}");
        assert_eq!(bed.count("GET", "/users"), 4 * requests, "{shape:?}");
    }
}

#[tokio::test]
async fn a_list_asks_for_nothing_until_it_is_polled_and_for_no_page_too_many() {
    let (bed, bud, all) = crowd(None).await;
    let mut items = bud.users().list().page_size(5).items();
    assert_eq!(bed.requests().len(), 0);
    assert_eq!(items.next().await.unwrap().unwrap().id.as_str(), all[0]);
    assert_eq!(bed.count("GET", "/users"), 1);
    drop(items);
    let (seen, error) = collect(bud.users().list().page_size(5).items()).await;
    assert!(error.is_none() && seen == all);
    let queries: Vec<_> = bed.requests().into_iter().map(|seen| seen.query).collect();
    assert!(
        queries[1..].iter().zip(1..).all(|(query, page)| *query == format!("page={page}&limit=5")),
        "{queries:?}"
    );
    // A full last page is followed by one look behind it, since totals may be wrong.
    assert_eq!(queries.len(), 1 + 6, "{queries:?}");
}

/// The most requests that were under way at once while `list` ran.
async fn most_at_once(
    bed: &Testbed,
    list: impl Future<Output = Result<Listing<User>>>,
) -> (Vec<String>, usize) {
    let mut most = 0;
    let watch = async {
        loop {
            most = most.max(bed.requests().iter().filter(|seen| seen.status.is_none()).count());
            tokio::time::sleep(millis(2)).await;
        }
    };
    let users = tokio::select! {
        users = list => users.unwrap(),
        () = watch => unreachable!(),
    };
    (ids(users), most)
}

#[tokio::test]
async fn pages_in_flight_keep_the_order_and_are_really_in_flight() {
    let (bed, bud, all) = crowd(None).await;
    bed.fault(Fault::on("GET", "/users").delay(millis(60)).always());
    let started = Instant::now();
    let (seen, most) = most_at_once(&bed, bud.users().list().page_size(2).concurrency(4).all()).await;
    let together = started.elapsed();
    assert_eq!(seen, all);
    assert_eq!(most, 4);
    assert_eq!(bed.count("GET", "/users"), 13, "13 pages of 2");
    let started = Instant::now();
    let (seen, most) = most_at_once(&bed, bud.users().list().page_size(4).all()).await;
    assert_eq!((seen, most), (all, 1));
    // 1 + 3 rounds for 13 pages, and 7 rounds for 7 pages.
    assert!(together < started.elapsed(), "{together:?}");
}

#[tokio::test]
async fn after_an_error_the_items_so_far_stay_and_the_cursor_goes_on() {
    for concurrency in [1, 4] {
        let (bed, bud, all) = crowd(None).await;
        bed.fault(Fault::on("GET", "/users").nth(3).status(500).body(r#"{"detail":"Database is gone"}"#));
        let (mut seen, error) =
            collect(bud.users().list().page_size(5).concurrency(concurrency).items()).await;
        let error = error.unwrap();
        assert_eq!((error.kind(), error.operation()), (ErrorKind::Server, Some("users.list")));
        assert!(error.to_string().contains("Database is gone"), "{error}");
        // Which of the pages under way met the fault is up to the network.
        assert!(seen.len().is_multiple_of(5) && seen.len() >= 5 && seen.len() < 25, "{}", seen.len());
        let page = seen.len() / 5 + 1;
        assert_eq!(error.cursor(), Some(format!("page={page};page_size=5;skip=0").as_str()));
        bed.clear_faults();
        let rest = bud.users().list().cursor(error.cursor().unwrap()).concurrency(concurrency);
        seen.extend(collect(rest.items()).await.0);
        assert_eq!(seen, all);
    }
}

#[tokio::test]
async fn a_list_goes_on_from_any_item_without_loss_or_repeat() {
    for shape in [None, Some(ListShape::Bare)] {
        let (_bed, bud, all) = crowd(shape).await;
        for taken in 0..=all.len() {
            let mut items = bud.users().list().page_size(10).items();
            let mut seen = Vec::new();
            for _ in 0..taken {
                seen.push(items.next().await.unwrap().unwrap().id.to_string());
            }
            let cursor = items.cursor().unwrap();
            // The cursor's own limit counts: another one would shift the pages.
            let rest = bud.users().list().page_size(7).cursor(&cursor);
            seen.extend(collect(rest.items()).await.0);
            assert_eq!(seen, all, "{shape:?} {taken} {cursor}");
        }
        let mut pages = bud.users().list().page_size(10).pages();
        let mut seen = ids(pages.next().await.unwrap().unwrap().items);
        if let Some(cursor) = pages.cursor() {
            assert_eq!(cursor, "page=2;page_size=10;skip=0");
            seen.extend(ids(bud.users().list().cursor(&cursor).all().await.unwrap()));
        }
        assert_eq!(seen, all, "{shape:?}");
    }
}

#[tokio::test]
async fn a_page_that_comes_again_is_an_error_and_not_an_endless_list() {
    let page = |n: u32| json!({ "users": users(0..10), "page": n, "total_pages": 9, "total_record": 90 });
    let (seen, error, requests) = outcome([page(1), page(2), page(3)]).await;
    let error = error.unwrap();
    assert_eq!((seen, error.kind(), requests), (10, ErrorKind::Protocol, 2));
    assert!(error.message().contains("page 2") && error.message().contains("repeats"), "{error}");
    // Also when it comes again later, and when only totals tell that there are pages.
    let page = |range| json!({ "users": users(range), "total_record": 90 });
    let (seen, error, requests) = outcome([page(0..10), page(10..20), page(0..10), page(10..20)]).await;
    assert_eq!((seen, error.unwrap().kind(), requests), (20, ErrorKind::Protocol, 3));
}

#[tokio::test]
async fn a_page_that_comes_again_in_another_order_is_noticed_too() {
    let turned = |by: u32| {
        users(by..10)
            .as_array()
            .unwrap()
            .iter()
            .chain(users(0..by).as_array().unwrap())
            .cloned()
            .collect::<Value>()
    };
    let answers = (0..8).map(|by| json!({ "users": turned(by) }));
    let (seen, error, requests) = outcome(answers).await;
    assert_eq!((seen, requests), (10, 2), "{error:?}");
}

#[tokio::test]
async fn another_page_than_asked_for_is_an_error() {
    let page = |n: u32, range| json!({ "users": users(range), "page": n, "total_pages": 3 });
    let (seen, error, requests) = outcome([page(1, 0..10), page(3, 20..30)]).await;
    let error = error.unwrap();
    assert_eq!((seen, error.kind(), requests), (10, ErrorKind::Protocol, 2));
    assert!(error.message().contains("page 2") && error.message().contains("page 3"), "{error}");
    assert_eq!(error.cursor(), Some("page=2;page_size=10;skip=0"));
    let (seen, error, requests) = outcome([page(0, 0..10)]).await;
    assert_eq!((seen, error.unwrap().kind(), requests), (0, ErrorKind::Protocol, 1));
}

#[tokio::test]
async fn a_server_without_pages_is_asked_once_or_twice() {
    let ends = |(seen, error, requests): (usize, Option<Error>, usize)| {
        assert!(error.is_none(), "{error:?}");
        (seen, requests)
    };
    // A bare list is whole, be it shorter than a page, as long or longer.
    for count in [0, 9, 10, 11, 100] {
        assert_eq!(ends(outcome([users(0..count), users(0..count)]).await), (count as usize, 1));
    }
    // An envelope without paging may be a first page: if it is full, one more look tells.
    for (count, requests) in [(0, 1), (9, 1), (10, 2), (11, 2), (100, 2)] {
        let body = json!({ "data": users(0..count) });
        assert_eq!(ends(outcome([body.clone(), body]).await), (count as usize, requests));
    }
    for key in KEYS {
        let page = |range| json!({ key: users(range) });
        assert_eq!(ends(outcome([page(0..10), page(10..20), page(20..23)]).await), (23, 3));
        assert_eq!(ends(outcome([page(0..10), page(10..20), page(0..0)]).await), (20, 3));
    }
}

#[tokio::test]
async fn wrong_totals_neither_lose_items_nor_ask_forever() {
    let page = |range, total_pages: Value| json!({ "users": users(range), "total_pages": total_pages, "total_record": 7 });
    let ends = |(seen, error, requests): (usize, Option<Error>, usize)| {
        assert!(error.is_none(), "{error:?}");
        (seen, requests)
    };
    // More pages than there are, and fewer.
    for much in [json!(5), json!("5"), json!(u32::MAX)] {
        assert_eq!(ends(outcome([page(0..10, much.clone()), page(0..0, much)]).await), (10, 2));
    }
    for few in [json!(1), json!(0), json!(null), json!(-1), json!("many"), json!(u64::MAX), json!([])] {
        let answers = [page(0..10, few.clone()), page(10..20, few.clone()), page(20..21, few.clone())];
        assert_eq!(ends(outcome(answers).await), (21, 3), "{few}");
    }
    // A short page in the middle does not end it while there are said to be more; an empty one does.
    let three = || json!(3);
    assert_eq!(
        ends(outcome([page(0..4, three()), page(10..20, three()), page(20..21, three())]).await),
        (15, 3)
    );
    assert_eq!(ends(outcome([page(0..4, json!(1)), page(10..20, json!(1))]).await), (4, 1));
    assert_eq!(ends(outcome([page(0..0, three()), page(10..20, three())]).await), (0, 1));
    // Without a number of pages their total says it.
    let only_total = |range| json!({ "users": users(range), "total_record": 7 });
    assert_eq!(ends(outcome([only_total(0..4), only_total(4..6), only_total(6..7)]).await), (7, 3));
    assert_eq!(ends(outcome([only_total(0..4), only_total(4..6), only_total(0..0)]).await), (6, 3));
    let other = json!({ "data": { "count": 1 }, "users": users(0..2) });
    assert_eq!(ends(outcome([other]).await), (2, 1), "a general name may hold something else");
    assert_eq!(
        ends(outcome([page(0..10, three()), page(0..0, three()), page(20..30, three())]).await),
        (10, 2)
    );
    // A server that gives fewer per page than asked for, and says so.
    let small = |range, page: u32| json!({ "users": users(range), "limit": 3, "page": page });
    assert_eq!(ends(outcome([small(0..3, 1), small(3..6, 2), small(6..7, 3)]).await), (7, 3));
}

#[tokio::test]
async fn many_promised_pages_are_not_all_asked_for() {
    for concurrency in [1, 4, 16] {
        let first = json!({ "users": users(0..10), "total_pages": u32::MAX });
        let empty = json!({ "users": [], "total_pages": u32::MAX });
        let (wire, bud) = served(std::iter::once(first).chain(vec![empty; 40])).await;
        let (seen, error) = collect(bud.users().list().page_size(10).concurrency(concurrency).items()).await;
        assert!(error.is_none() && seen.len() == 10, "{error:?}");
        assert!(wire.requests().len() <= 1 + concurrency, "{}", wire.requests().len());
    }
    // Behind the last number there is no page.
    let (wire, bud) = served([json!({ "users": users(0..10), "total_pages": u32::MAX })]).await;
    let last = format!("page={};page_size=10;skip=4", u32::MAX);
    let (seen, error) = collect(bud.users().list().cursor(&last).concurrency(4).items()).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!((seen.len(), wire.requests().len()), (6, 1));
}

#[tokio::test]
async fn a_list_without_its_items_is_an_error_and_never_an_empty_list() {
    let mut wrong = vec![json!({}), json!(null), json!("canary"), json!(8675309), json!(true), json!([[]])];
    wrong.push(json!({ "page": 1, "limit": 10, "total_record": 0, "total_pages": 0 }));
    wrong.extend([json!({ "message": "canary", "rows": [] })]);
    let mut wrong: Vec<_> = wrong.into_iter().map(|body| (body, ".".to_owned())).collect();
    wrong[5].1 = ".[0]".to_owned();
    for key in KEYS {
        let none = json!(null);
        // A list without items is null in some languages.
        let nulls = if key == "users" { vec![] } else { vec![none] };
        for items in
            nulls.into_iter().chain([json!({}), json!("canary"), json!(8675309), json!({ "canary": [] })])
        {
            // Something else may stand under a general name; it is the list that is then missing.
            let place = if key == "users" { ".users" } else { "." };
            wrong.push((json!({ "page": 1, key: items }), place.to_owned()));
        }
        wrong.push((json!({ key: [null] }), format!(".{key}[0]")));
    }
    for (body, place) in wrong {
        let (seen, error, requests) = outcome([body.clone()]).await;
        let error = error.unwrap_or_else(|| panic!("{body} is read as an empty list"));
        assert_eq!((seen, error.kind(), requests), (0, ErrorKind::Decode, 1), "{body}: {error}");
        assert_eq!(error.path(), Some(place.as_str()), "{body}: {error}");
        assert!(!error.to_string().contains("canary") && !error.to_string().contains("8675309"), "{error}");
    }
    for empty in KEYS.map(|key| json!({ key: [] })).into_iter().chain([
        json!([]),
        json!({ "total_pages": 0, "users": [] }),
        json!({ "users": null }),
    ]) {
        let (seen, error, requests) = outcome([empty]).await;
        assert!(error.is_none() && seen == 0 && requests == 1, "{error:?}");
    }
}

#[tokio::test]
async fn rows_that_cannot_be_read_are_left_out_and_reported() {
    let page = |n: u32, items: Value| json!({ "users": items, "page": n, "total_pages": 2 });
    let odd =
        json!([{ "id": "u-10" }, { "email": "x" }, null, { "id": 11, "role": 5, "created_at": "never" }]);
    let (wire, bud) = served([page(1, users(0..10)), page(2, odd)]).await;
    let users = bud.users().list().page_size(10).all().await.unwrap();
    assert_eq!((users.len(), wire.requests().len()), (12, 2));
    let codes: Vec<_> = users.warnings().iter().map(|warning| (warning.code(), warning.message())).collect();
    assert_eq!(codes, [("unreadable_rows", "rows that cannot be read were left out: 2")]);
    let last = users.last().unwrap();
    assert_eq!((last.id.as_str(), &last.role, last.created_at), ("11", &None, None));
    assert_eq!(last.extra.get("role"), Some(&json!(5)));
    assert_eq!(last.extra.get("created_at"), Some(&json!("never")));
}

#[tokio::test]
async fn what_no_list_can_be_asked_for_is_refused_without_a_request() {
    let (wire, bud) = served([users(0..1)]).await;
    let list = || bud.users().list();
    let good = "page=1;page_size=10;skip=0";
    let mut refused = vec![
        (list().page_size(0), "page_size"),
        (list().page_size(1001), "page_size"),
        (list().page_size(1_000_000_000), "page_size"),
        (list().concurrency(0), "concurrency"),
        (list().concurrency(17), "concurrency"),
        (list().page_size(0).cursor(good), "page_size"),
    ];
    for bad in [
        "",
        "canary",
        "2",
        "page=0;page_size=10;skip=0",
        "page=1;page_size=0;skip=0",
        "page=1;page_size=1001;skip=0",
        "page=1;page_size=10",
        "page=1;page_size=10;skip=0;",
        "page=1;page_size=10;skip=0;canary=1",
        "page=-1;page_size=10;skip=0",
        "limit=10;page=1;skip=0",
        "page=99999999999;page_size=10;skip=0",
        "page=1;page_size=10;skip=",
        " page=1;page_size=10;skip=0",
    ] {
        refused.push((list().cursor(bad), "cursor"));
    }
    for (list, param) in refused {
        let error = list.clone().all().await.unwrap_err();
        assert_eq!((error.kind(), error.param()), (ErrorKind::InvalidArgument, Some(param)), "{error}");
        assert_eq!((error.operation(), error.attempts()), (Some("users.list"), 0), "{error}");
        assert!(!error.to_string().contains("canary"), "{error}");
        let mut pages = list.pages();
        assert!(pages.next().await.unwrap().is_err() && pages.next().await.is_none());
    }
    assert_eq!(wire.connections(), 0);
    assert_eq!(list().page_size(1000).concurrency(16).all().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_list_has_a_deadline_per_page_and_headers_of_its_own() {
    let bed = Testbed::builder().start().await.unwrap();
    let bud = admin(&bed);
    bud.auth().login().await.unwrap();
    bed.fault(Fault::on("GET", "/users").delay(millis(300)));
    let error = bud.users().list().timeout(millis(60)).all().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    assert_eq!(error.cursor(), Some("page=1;page_size=100;skip=0"));
    bud.users().list().header("x-tenant", "blue").all().await.unwrap();
    assert_eq!(bed.requests().last().unwrap().header("x-tenant"), Some("blue"));
}

/// Without totals nothing tells a list that changed from an order with ties: it is read again before it is returned.
#[tokio::test]
async fn items_that_come_twice_without_a_total_are_read_again() {
    // Page sizes of 10, then of 8.
    let twice = || [wrap(0..10), wrap(9..12)];
    let (wire, bud) = served(twice().into_iter().chain([wrap(0..8), wrap(8..13)])).await;
    let all = bud.users().list().page_size(10).all().await.unwrap();
    assert_eq!(
        (all.len(), wire.requests().len()),
        (13, 4),
        "the second reading brings what the first one missed"
    );
    assert!(all.warnings().is_empty(), "{:?}", all.warnings());

    let (wire, bud) = served(twice().into_iter().chain([wrap(0..8), wrap(7..12)])).await;
    let all = bud.users().list().page_size(10).all().await.unwrap();
    assert_eq!((all.len(), wire.requests().len()), (12, 4));
    let codes: Vec<_> = all.warnings().iter().map(|warning| warning.code()).collect();
    assert_eq!(codes, ["changed_while_reading"]);
}

/// A 404 behind the last page is an end like any other.
#[tokio::test]
async fn a_list_that_ends_with_a_404_is_judged_too() {
    let answer = |status, body: &Value| {
        let headers = [("content-type", "application/json"), ("connection", "close")];
        Script::answer(respond(status, &headers, body.to_string()))
    };
    let gone = json!({ "detail": "no such page" });
    let pages = [(200, wrap(0..10)), (200, wrap(9..19)), (404, gone.clone())];
    let again = [(200, wrap(0..8)), (200, wrap(8..16)), (200, wrap(16..20))];
    let wire =
        Wire::start(pages.iter().chain(&again).map(|(status, body)| answer(*status, body))).await.unwrap();
    let bud = plain(wire.url()).attempts(1).build().unwrap();
    let (seen, error) = collect(bud.users().list().page_size(10).items()).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!((seen.len(), wire.requests().len()), (20, 6));
}
