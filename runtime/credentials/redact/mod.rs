//! Secrets that come back in a response are replaced: what is written of them, in base64 and hexadecimal digits too, whatever
//! escapes of JSON, URLs, HTML and mail stand between. An upstream that transforms them otherwise is not noticed.

mod escapes;
mod forms;
mod scan;

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use futures_util::stream;
use http::{HeaderMap, HeaderValue};
use workerd_lite_ops::{BodyError, ByteStream};

use forms::Forms;
use scan::Scan;

const MASK: &[u8] = b"[redacted]";

/// How much of a body may be held back, in bytes, because a secret may have begun there. A body that wants more ends with an error.
const HELD: usize = 1 << 20;

/// Finds a request's secrets.
#[derive(Debug, Clone)]
pub(crate) struct Redactor(Arc<Forms>);

impl Redactor {
    /// Gives nothing where there is nothing to look for.
    pub(crate) fn new(secrets: &[String]) -> Option<Self> {
        Some(Self(Arc::new(Forms::new(secrets)?)))
    }

    /// The same bytes without them, where one of them is in there.
    fn clean(&self, scan: &mut Scan, bytes: &[u8]) -> Option<BytesMut> {
        scan.reset();
        scan.push(&self.0, bytes);
        scan.end(&self.0);
        if scan.found.is_empty() {
            return None;
        }
        let mut held = BytesMut::from(bytes);
        Some(release(&mut scan.found, &mut held, 0, bytes.len() as u64))
    }

    /// Whether one of them is in there.
    pub(crate) fn finds(&self, bytes: &[u8]) -> bool {
        self.clean(&mut Scan::new(), bytes).is_some()
    }

    /// Replaces them in header values, and takes away headers that are named by one.
    pub(crate) fn headers(&self, headers: &mut HeaderMap) {
        let named: Vec<_> = headers
            .keys()
            .filter(|name| self.0.names.iter().any(|secret| name.as_str().contains(&**secret)))
            .cloned()
            .collect();
        for name in named {
            headers.remove(name);
        }
        let mut scan = Scan::new();
        headers.values_mut().for_each(|value| self.one(&mut scan, value));
    }

    /// Replaces them in one header's value.
    pub(crate) fn value(&self, value: &mut HeaderValue) {
        self.one(&mut Scan::new(), value);
    }

    fn one(&self, scan: &mut Scan, value: &mut HeaderValue) {
        if let Some(clean) = self.clean(scan, value.as_bytes()) {
            *value = HeaderValue::from_bytes(&clean).unwrap_or(HeaderValue::from_static("[redacted]"));
        }
    }

    /// The same bytes without them; nothing where none of them is in there.
    pub(crate) fn whole(&self, bytes: &[u8]) -> Option<Bytes> {
        self.clean(&mut Scan::new(), bytes).map(BytesMut::freeze)
    }

    /// Replaces them in text.
    pub(crate) fn text(&self, text: &str) -> String {
        match self.clean(&mut Scan::new(), text.as_bytes()) {
            Some(clean) => String::from_utf8_lossy(&clean).into_owned(),
            None => text.to_owned(),
        }
    }

    /// Replaces them in a body, across chunks. It holds back no more than what may be the beginning of one.
    pub(crate) fn body(self, body: ByteStream) -> ByteStream {
        let state = Passing {
            scan: Scan::new(),
            forms: self.0,
            held: BytesMut::new(),
            released: 0,
            ended: false,
        };
        stream::try_unfold((body, state), |(mut body, mut state)| async move {
            while !state.ended {
                let chunk = body.next().await.transpose()?;
                let clean = state.pass(chunk)?;
                if !clean.is_empty() {
                    return Ok(Some((clean, (body, state))));
                }
                // All of a chunk may be held back, and the next be there already.
                tokio::task::yield_now().await;
            }
            Ok(None)
        })
        .boxed_local()
    }
}

/// A body on its way through.
struct Passing {
    forms: Arc<Forms>,
    scan: Scan,
    held: BytesMut,
    /// How many bytes are no longer held.
    released: u64,
    ended: bool,
}

impl Passing {
    /// Takes the next chunk, or the end. Gives what can be handed on.
    fn pass(&mut self, chunk: Option<Bytes>) -> Result<Bytes, BodyError> {
        if let Some(chunk) = &chunk {
            self.scan.push(&self.forms, chunk);
            self.held.extend_from_slice(chunk);
        } else {
            self.ended = true;
            self.scan.end(&self.forms);
        }
        let all = self.released.saturating_add(self.held.len() as u64);
        let mut until = if self.ended { all } else { self.scan.undecided() };
        merge(&mut self.scan.found);
        // What was found is replaced whole, and once.
        let straddles = |(start, end): &&(u64, u64)| *start < until && *end > until;
        if let Some((start, _)) = self.scan.found.iter().find(straddles) {
            until = *start;
        }
        let clean = release(&mut self.scan.found, &mut self.held, self.released, until);
        self.released = until.max(self.released);
        if self.held.len() > HELD {
            return Err(BodyError::Cut);
        }
        Ok(clean.freeze())
    }
}

/// Makes one of those that overlap, as one mask stands for them: an upstream chooses how many there are.
fn merge(found: &mut Vec<(u64, u64)>) {
    found.sort_unstable();
    found.dedup_by(|next, last| {
        let overlaps = next.0 < last.1;
        if overlaps {
            last.1 = last.1.max(next.1);
        }
        overlaps
    });
}

/// Takes bytes off `held`, which begins at the place `from`, up to another, and puts masks where secrets were found.
fn release(found: &mut Vec<(u64, u64)>, held: &mut BytesMut, from: u64, until: u64) -> BytesMut {
    let length = usize::try_from(until.saturating_sub(from)).unwrap_or(usize::MAX);
    let bytes = held.split_to(length.min(held.len()));
    let (mut now, later): (Vec<_>, Vec<_>) = found.drain(..).partition(|(_, end)| *end <= until);
    *found = later;
    now.sort_unstable();
    let mut clean = BytesMut::with_capacity(bytes.len());
    let mut place = from;
    let mut masked = None;
    for (start, end) in now {
        if masked.is_none_or(|masked| start >= masked) {
            let before = piece(&bytes, from, place, start);
            clean.extend_from_slice(before);
            clean.extend_from_slice(MASK);
        }
        masked = masked.max(Some(end));
        place = place.max(end);
    }
    clean.extend_from_slice(piece(&bytes, from, place, until));
    clean
}

/// The bytes between two places.
fn piece(bytes: &[u8], from: u64, start: u64, end: u64) -> &[u8] {
    let at = |place: u64| {
        usize::try_from(place.saturating_sub(from))
            .unwrap_or(usize::MAX)
            .min(bytes.len())
    };
    bytes.get(at(start)..at(end)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
