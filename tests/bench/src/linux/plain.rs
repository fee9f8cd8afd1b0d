//! What one would write without the SDK: reqwest and serde, with the same settings and the same fields.

use std::time::Duration;

use http::header::{ACCEPT, AUTHORIZATION};
use http::{HeaderMap, HeaderValue};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Outcome, TOKEN};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Role {
    User,
    ProjectAdmin,
    Admin,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Status {
    Active,
    Inactive,
    Invited,
}

/// The fields of `bud_sdk::users::User`.
#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "they are read from the wire and counted, not used")]
pub(super) struct User {
    pub(super) id: String,
    email: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    name: Option<String>,
    role: Option<Role>,
    status: Option<Status>,
    user_type: Option<String>,
    color: Option<String>,
    company: Option<String>,
    purpose: Option<String>,
    created_at: Option<jiff::Timestamp>,
    #[serde(alias = "modified_at")]
    updated_at: Option<jiff::Timestamp>,
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "they are read from the wire, not used")]
pub(super) struct Page {
    users: Vec<User>,
    page: u32,
    limit: u32,
    total_record: u64,
    total_pages: u32,
}

pub(super) struct Plain {
    http: reqwest::Client,
    base: String,
}

impl Plain {
    pub(super) fn new(base: &str) -> Outcome<Self> {
        let mut bearer =
            HeaderValue::try_from(format!("Bearer {TOKEN}")).map_err(|error| error.to_string())?;
        bearer.set_sensitive(true);
        let json = HeaderValue::from_static("application/json");
        let headers: HeaderMap = [(AUTHORIZATION, bearer), (ACCEPT, json)].into_iter().collect();
        // The SDK brings its own; plain reqwest takes the process's.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .tcp_nodelay(true)
            .no_proxy()
            .connect_timeout(Duration::from_secs(10))
            .timeout(Duration::from_secs(30))
            .user_agent("plain/1")
            .default_headers(headers)
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self { http, base: base.to_owned() })
    }

    pub(super) async fn user(&self, id: &str) -> Outcome<User> {
        self.get(format!("{}/users/{id}", self.base)).await
    }

    /// Until a page is not full, as the SDK does it: the platform's totals are not always right.
    pub(super) async fn users(&self, limit: usize) -> Outcome<Vec<User>> {
        let (mut all, mut number) = (Vec::new(), 1);
        loop {
            let page: Page = self.get(format!("{}/users?page={number}&limit={limit}", self.base)).await?;
            let full = page.users.len() >= limit;
            all.extend(page.users);
            if !full {
                return Ok(all);
            }
            number += 1;
        }
    }

    async fn get<T: DeserializeOwned>(&self, url: String) -> Outcome<T> {
        let fetched = async { self.http.get(url).send().await?.error_for_status()?.bytes().await };
        let body = fetched.await.map_err(|error| error.to_string())?;
        serde_json::from_slice(&body).map_err(|error| error.to_string())
    }
}
