//! A client of a hundred lines: it shows what really came over the socket.

use bud_testbed::Testbed;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Whether the body was whole, by its own framing.
    pub(crate) complete: bool,
    /// Whether the connection ended with a reset.
    pub(crate) reset: bool,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }
}

pub(crate) fn parse(raw: &[u8], reset: bool) -> Reply {
    let Some(end) = raw.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Reply { status: 0, headers: Vec::new(), body: raw.to_vec(), complete: false, reset };
    };
    let head = String::from_utf8_lossy(&raw[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let rest = &raw[end + 4..];
    let find = |name: &str| headers.iter().find(|(key, _)| key == name).map(|(_, value)| value);
    let (body, complete) = if find("transfer-encoding").is_some() {
        dechunk(rest)
    } else if let Some(length) = find("content-length") {
        (rest.to_vec(), rest.len() == length.parse::<usize>().unwrap())
    } else {
        (rest.to_vec(), true)
    };
    Reply { status, headers, body, complete, reset }
}

fn dechunk(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    loop {
        let Some(at) = rest.windows(2).position(|two| two == b"\r\n") else {
            return (body, false);
        };
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..at]).unwrap(), 16).unwrap();
        rest = &rest[at + 2..];
        if size == 0 {
            return (body, true);
        }
        if rest.len() < size + 2 {
            body.extend_from_slice(&rest[..rest.len().min(size)]);
            return (body, false);
        }
        body.extend_from_slice(&rest[..size]);
        rest = &rest[size + 2..];
    }
}

fn address(url: &str) -> &str {
    url.strip_prefix("http://").unwrap()
}

/// Opens a connection.
pub(crate) async fn connect(url: &str) -> TcpStream {
    TcpStream::connect(address(url)).await.unwrap()
}

/// The bytes of a request that ends its connection.
pub(crate) fn request_bytes(method: &str, target: &str, token: Option<&str>, body: Option<&Value>) -> String {
    let mut text = format!("{method} {target} HTTP/1.1\r\nhost: bed\r\nconnection: close\r\n");
    if let Some(token) = token {
        text.push_str(&format!("authorization: Bearer {token}\r\n"));
    }
    let body = body.map(Value::to_string).unwrap_or_default();
    if !body.is_empty() {
        text.push_str("content-type: application/json\r\n");
    }
    text.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
    text
}

/// Reads until the connection ends, however it ends.
pub(crate) async fn drain(stream: &mut TcpStream) -> (Vec<u8>, bool) {
    let mut raw = Vec::new();
    let mut chunk = vec![0; 256 * 1024];
    loop {
        match stream.read(&mut chunk).await {
            Ok(0) => return (raw, false),
            Ok(count) => raw.extend_from_slice(&chunk[..count]),
            Err(error) => return (raw, error.kind() == std::io::ErrorKind::ConnectionReset),
        }
    }
}

pub(crate) async fn raw(url: &str, request: &str) -> Reply {
    let mut stream = connect(url).await;
    stream.write_all(request.as_bytes()).await.unwrap();
    let (raw, reset) = drain(&mut stream).await;
    parse(&raw, reset)
}

/// Somebody's requests.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) url: String,
    pub(crate) token: Option<String>,
}

impl Client {
    pub(crate) fn nobody(bed: &Testbed) -> Self {
        Self { url: bed.url().to_owned(), token: None }
    }

    pub(crate) async fn admin(bed: &Testbed) -> Self {
        Self::login(bed, bed.admin_email(), bed.admin_password()).await
    }

    pub(crate) async fn login(bed: &Testbed, email: &str, password: &str) -> Self {
        let mut client = Self::nobody(bed);
        let body = json!({"email": email, "password": password});
        let reply = client.post("/auth/login", body).await.is(200);
        client.token = reply.json()["access_token"].as_str().map(ToOwned::to_owned);
        client
    }

    pub(crate) fn with_token(bed: &Testbed, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..Self::nobody(bed) }
    }

    pub(crate) async fn call(&self, method: &str, target: &str, body: Option<Value>) -> Reply {
        raw(&self.url, &request_bytes(method, target, self.token.as_deref(), body.as_ref())).await
    }

    pub(crate) async fn get(&self, target: &str) -> Reply {
        self.call("GET", target, None).await
    }

    pub(crate) async fn delete(&self, target: &str) -> Reply {
        self.call("DELETE", target, None).await
    }

    pub(crate) async fn post(&self, target: &str, body: Value) -> Reply {
        self.call("POST", target, Some(body)).await
    }

    pub(crate) async fn patch(&self, target: &str, body: Value) -> Reply {
        self.call("PATCH", target, Some(body)).await
    }

    /// As somebody whose right comes from a project.
    pub(crate) async fn get_in(&self, project: &str, target: &str) -> Reply {
        let scope = format!("x-resource-type: project\r\nx-entity-id: {project}\r\n\r\n");
        let request = request_bytes("GET", target, self.token.as_deref(), None);
        raw(&self.url, &format!("{}{scope}", request.trim_end_matches("\r\n").to_owned() + "\r\n")).await
    }

    pub(crate) async fn put(&self, target: &str, body: Value) -> Reply {
        self.call("PUT", target, Some(body)).await
    }
}
