//! What an export must look like: an error page that came with a 200, or an error that was appended, is no export.

use crate::call::Inspect;
use crate::error::{Error, ErrorKind, Result};
use crate::http::mask;
use crate::operation::ServerMessage;
use crate::types::Secret;

/// Rows longer than this are not compared with the header.
const LONGEST_ROW: usize = 64 * 1024;

fn not_an_export(what: &str, found: &[u8], secrets: &[Secret]) -> Error {
    let secrets: Vec<&str> = secrets.iter().map(Secret::expose).collect();
    let said = ServerMessage::read(found, None, &|text| mask(text, &secrets).into_owned());
    let said = said.or_message(|| None).message;
    Error::new(ErrorKind::Download, format!("the answer is not {what}: {said}"))
}

/// The server ignores the format that it is asked for.
pub(super) fn not_json(found: &str) -> Error {
    let message = format!("asked for JSON, the server sent {found}");
    Error::new(ErrorKind::Download, message).with_hint("use format(Csv)")
}

fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(u8::is_ascii_whitespace)
}

/// CSV: a header, and rows with as many cells.
#[derive(Default)]
pub(super) struct Csv {
    /// What must not be shown of a body that is no export.
    secrets: Vec<Secret>,
    quoted: bool,
    /// Lines that ended, the header among them.
    lines: u64,
    header: Vec<u8>,
    /// The last whole line, and what came after it.
    last: Vec<u8>,
    rest: Vec<u8>,
}

impl Csv {
    pub(super) fn new(secrets: Vec<Secret>) -> Self {
        Self { secrets, ..Self::default() }
    }

    /// How many cells a line has: separators outside quotes, and one.
    fn cells(line: &[u8]) -> usize {
        let mut quoted = false;
        1 + line
            .iter()
            .filter(|&&b| {
                quoted ^= b == b'"';
                b == b',' && !quoted
            })
            .count()
    }

    /// A log has more than one column; a line of plain text has one.
    fn is_header(line: &[u8]) -> bool {
        let foreign = matches!(line.trim_ascii_start().first(), None | Some(b'{' | b'[' | b'<'));
        !foreign && Self::cells(line) > 1
    }

    fn keep(buffer: &mut Vec<u8>, bytes: &[u8]) {
        let room = LONGEST_ROW.saturating_sub(buffer.len());
        buffer.extend_from_slice(bytes.get(..bytes.len().min(room)).unwrap_or_default());
    }

    fn is_row(&self, line: &[u8]) -> bool {
        is_blank(line) || line.len() >= LONGEST_ROW || Self::cells(line) == Self::cells(&self.header)
    }
}

impl Inspect for Csv {
    fn feed(&mut self, chunk: &[u8]) -> Result<()> {
        let (mut from, mut before) = (0, None);
        for at in memchr::memchr2_iter(b'"', b'\n', chunk) {
            match chunk.get(at) {
                Some(b'"') => self.quoted = !self.quoted,
                _ if self.quoted => {}
                _ => {
                    self.lines += 1;
                    before = Some(from..at);
                    from = at + 1;
                    if self.lines == 1 {
                        let mut header = std::mem::take(&mut self.rest);
                        Self::keep(&mut header, chunk.get(..at).unwrap_or_default());
                        if !Self::is_header(&header) {
                            return Err(not_an_export("CSV", &header, &self.secrets));
                        }
                        self.header = header;
                        before = None;
                    }
                }
            }
        }
        if let Some(line) = before {
            let began_here = line.start > 0;
            let mut last = if began_here { Vec::new() } else { std::mem::take(&mut self.rest) };
            Self::keep(&mut last, chunk.get(line).unwrap_or_default());
            self.last = last;
        }
        if from > 0 {
            self.rest.clear();
        }
        Self::keep(&mut self.rest, chunk.get(from..).unwrap_or_default());
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        if self.lines == 0 {
            let head = std::mem::take(&mut self.rest);
            if !Self::is_header(&head) {
                return Err(not_an_export("CSV", &head, &self.secrets));
            }
            return Ok(());
        }
        if self.quoted {
            return Err(Error::new(ErrorKind::Download, "the export ends inside a quoted cell"));
        }
        for line in [&self.last, &self.rest] {
            if !self.is_row(line) {
                return Err(not_an_export("CSV to its end", line, &self.secrets));
            }
        }
        self.lines += u64::from(!is_blank(&self.rest));
        Ok(())
    }

    fn rows(&self) -> u64 {
        self.lines.saturating_sub(1)
    }
}

/// JSON: a list of records, bare or inside an object, told apart without being read.
#[derive(Default)]
pub(super) struct Json {
    /// What must not be shown of a body that is no export.
    secrets: Vec<Secret>,
    head: Vec<u8>,
    depth: u32,
    text: bool,
    escaped: bool,
    /// The last text of the outermost object: the name of what comes next.
    name: Vec<u8>,
    /// The depth of the list's brackets, once it was found, and whether it was closed.
    list: Option<u32>,
    closed: bool,
    /// Something stands behind the whole.
    surplus: bool,
    records: u64,
}

/// Names under which the records may stand, and how much of a name is looked at.
const LIST_NAMES: [&[u8]; 4] = [b"records", b"data", b"items", b"results"];
const LONGEST_NAME: usize = 16;

/// Where a record begins, or ends before.
enum Edge {
    Start(usize),
    End(usize),
}

impl Json {
    pub(super) fn new(secrets: Vec<Secret>) -> Self {
        Self { secrets, ..Self::default() }
    }

    fn scan(&mut self, chunk: &[u8], mut found: impl FnMut(Edge)) {
        for (at, &b) in chunk.iter().enumerate() {
            if self.text {
                match b {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => self.text = false,
                    b if self.depth == 1 && self.name.len() < LONGEST_NAME => self.name.push(b),
                    _ => {}
                }
                continue;
            }
            let in_list = !self.closed && self.list == Some(self.depth);
            match b {
                b'{' | b'[' => {
                    let named = self.depth == 0 || self.depth == 1 && LIST_NAMES.contains(&&*self.name);
                    if in_list && b == b'{' {
                        found(Edge::Start(at));
                    } else if b == b'[' && named && self.list.is_none() {
                        self.list = Some(self.depth + 1);
                    } else {
                        self.surplus |= in_list || (self.depth == 0 && self.closed);
                    }
                    self.depth += 1;
                }
                b'}' | b']' => {
                    self.surplus |= self.depth == 0;
                    self.closed |= in_list;
                    self.depth = self.depth.saturating_sub(1);
                    if !self.closed && self.list == Some(self.depth) {
                        self.records += 1;
                        found(Edge::End(at + 1));
                    }
                }
                b if b.is_ascii_whitespace() => {}
                b => {
                    self.text = b == b'"';
                    if self.text {
                        self.name.clear();
                    }
                    self.surplus |= self.depth == 0 || (in_list && b != b',');
                }
            }
        }
    }
}

impl Inspect for Json {
    fn feed(&mut self, chunk: &[u8]) -> Result<()> {
        if self.head.len() < 512 {
            self.head.extend_from_slice(chunk.get(..chunk.len().min(512)).unwrap_or_default());
        }
        self.scan(chunk, |_| {});
        let found = self.head.trim_ascii_start().first();
        match found {
            None | Some(b'{' | b'[') if !self.surplus => {}
            Some(b'{' | b'[' | b'<') => return Err(not_an_export("JSON", &self.head, &self.secrets)),
            // It may be the rows themselves, in another format.
            _ => return Err(not_json("text of another format")),
        }
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        if self.closed && self.depth == 0 && !self.surplus {
            return Ok(());
        }
        if self.list.is_none() {
            return Err(not_an_export("a list of records", &self.head, &self.secrets));
        }
        Err(Error::new(ErrorKind::Download, "the export ends inside the list of records"))
    }

    fn rows(&self) -> u64 {
        self.records
    }
}

/// Cuts a list of records into its records.
#[derive(Default)]
pub(super) struct Records {
    scanner: Json,
    /// The beginning of a record whose end has not come yet.
    begun: Option<Vec<u8>>,
}

/// A single record is a few kilobytes; one that does not end is none.
const LARGEST_RECORD: usize = 4 * 1024 * 1024;

impl Records {
    /// The records that end in `chunk`.
    pub(super) fn feed(&mut self, chunk: &[u8]) -> Result<Vec<Vec<u8>>> {
        let mut records = Vec::new();
        let mut begun = self.begun.take();
        let mut from = 0;
        self.scanner.scan(chunk, |edge| match edge {
            Edge::Start(at) => (begun, from) = (Some(Vec::new()), at),
            Edge::End(at) => {
                let mut record = begun.take().unwrap_or_default();
                record.extend_from_slice(chunk.get(from..at).unwrap_or_default());
                records.push(record);
            }
        });
        if let Some(record) = &mut begun {
            record.extend_from_slice(chunk.get(from..).unwrap_or_default());
            if record.len() > LARGEST_RECORD {
                return Err(Error::new(ErrorKind::Download, "a record does not end within 4 MiB"));
            }
        }
        self.begun = begun;
        Ok(records)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `text` in pieces of each size, which must make no difference.
    fn every_way<T: Default, R: PartialEq + std::fmt::Debug>(
        text: &str,
        read: impl Fn(&mut T, Vec<&[u8]>) -> R,
    ) -> R {
        let whole = read(&mut T::default(), vec![text.as_bytes()]);
        for size in 1..text.len() {
            assert_eq!(
                read(&mut T::default(), text.as_bytes().chunks(size).collect()),
                whole,
                "in pieces of {size}"
            );
        }
        whole
    }

    fn inspected<T: Default + Inspect>(text: &str) -> Result<u64, String> {
        every_way(text, |inspect: &mut T, chunks| {
            let fed = chunks.into_iter().try_for_each(|chunk| inspect.feed(chunk));
            // In small pieces an error comes earlier, with less of the server's words.
            fed.and_then(|()| inspect.end()).map(|()| inspect.rows()).map_err(|error| error.code().to_owned())
        })
    }

    #[test]
    fn csv_rows_are_counted_and_foreign_ends_refused() {
        assert_eq!(inspected::<Csv>("id,name\r\n"), Ok(0));
        assert_eq!(inspected::<Csv>("id,name"), Ok(0));
        assert_eq!(inspected::<Csv>("id,name\r\n1,a\r\n2,\"b\nc, \"\"d\"\"\"\r\n3,e"), Ok(3));
        for bad in [
            "{\"detail\":\"no\"}",
            "<html>",
            "",
            " \n",
            "id,name\n1,a\n{\"detail\": \"boom\"}",
            "id,name\n1,a\nInternal Server Error\n",
            "id,name\n1,a\n2,\"b",
            "id,name\n1,a\n2",
        ] {
            assert_eq!(inspected::<Csv>(bad), Err("download".to_owned()), "{bad:?}");
        }
    }

    #[test]
    fn json_records_are_counted_and_foreign_ends_refused() {
        assert_eq!(inspected::<Json>("[]"), Ok(0));
        assert_eq!(inspected::<Json>(" [ {\"a\": [1, {}]}, {\"b\": \"]}{[\\\"\"} ] \n"), Ok(2));
        assert_eq!(
            inspected::<Json>("{\"page\": 1, \"tags\": [], \"data\": [{}, {}, {}], \"more\": [1]}"),
            Ok(3)
        );
        for bad in [
            "",
            "{}",
            "[",
            "[{}",
            "[{}]]",
            "[{}]{}",
            "[{}] x",
            "[1]",
            "[\"a\"]",
            "[[]]",
            "<html>",
            "{\"detail\": \"no\"}",
            "{\"detail\": [{\"msg\": \"no\"}]}",
        ] {
            assert_eq!(inspected::<Json>(bad), Err("download".to_owned()), "{bad:?}");
        }
    }

    #[test]
    fn records_are_cut_out_whole() {
        let text = "{\"total\": 2, \"data\": [ {\"a\": {\"b\": \"}]\"}} ,\n{\"c\": []}]}";
        let records = every_way(text, |records: &mut Records, chunks| {
            let cut = chunks.into_iter().flat_map(|chunk| records.feed(chunk).unwrap());
            cut.map(|record| String::from_utf8(record).unwrap()).collect::<Vec<_>>()
        });
        assert_eq!(records, ["{\"a\": {\"b\": \"}]\"}}", "{\"c\": []}"]);
    }
}
