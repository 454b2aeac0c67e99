//! Messages that no process of ours sends, and floods.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use super::{LIMIT, Sleeper, begin, parent, run};
use crate::host::processes::link::Link;

/// A frame: `kind` with its flags, the call, and what it carries.
pub(super) fn frame(kind: u8, call: u32, carried: &[u8]) -> Vec<u8> {
    let mut frame = u32::try_from(carried.len()).unwrap().to_le_bytes().to_vec();
    frame.push(kind);
    frame.extend(call.to_le_bytes());
    frame.extend(carried);
    frame
}

pub(super) fn text(text: &[u8]) -> Vec<u8> {
    [&u32::try_from(text.len()).unwrap().to_le_bytes()[..], text].concat()
}

/// A request's head without a body.
pub(super) fn head(event: u32, method: &str, url: &str, fields: &[(&[u8], &[u8])]) -> Vec<u8> {
    let mut head = vec![1, 0, 0, 0, 0, 0];
    head.extend(event.to_le_bytes());
    for part in ["", "", method, url] {
        head.extend(text(part.as_bytes()));
    }
    head.extend(u32::try_from(fields.len()).unwrap().to_le_bytes());
    for (name, value) in fields {
        head.extend(text(name));
        head.extend(text(value));
    }
    head
}

pub(super) const ENDS: u8 = 0x40;
const ANSWERS: u8 = 0x80;
pub(super) const DATA: u8 = 1;

/// Writes this as a process does whose event has just begun. Gives whether that was killed.
pub(super) async fn says(said: &[u8], link: &Link, mut socket: UnixStream, mut sleeper: Sleeper) -> bool {
    tokio::time::sleep(Duration::from_millis(5)).await;
    let (mut read, mut write) = socket.split();
    let mut nothing = Vec::new();
    let reading = tokio::time::timeout(Duration::from_millis(100), read.read_to_end(&mut nothing));
    let _ = tokio::join!(reading, write.write_all(said));
    let killed = !link.child.is_open();
    assert!(!killed || sleeper.is_killed());
    killed
}

/// Writes this as a process does that has one event, the first. Gives whether that was killed, and how many requests came to the way out.
pub(super) async fn told(said: &[u8]) -> (bool, usize) {
    let (link, socket, noted, sleeper) = parent();
    let event = begin(&link);
    let killed = says(said, &link, socket, sleeper).await;
    event.abort();
    let noted = noted.0.borrow().len();
    (killed, noted)
}

#[test]
fn messages_that_no_process_sends_end_it() {
    let fine = head(1, "POST", "http://out.test/x", &[(b"x-a", b"1")]);
    assert_eq!(run(told(&frame(ENDS, 9, &fine))), (false, 1), "a whole one is answered");
    let asks = |head: &[u8]| frame(ENDS, 9, head);
    let with = |fields: &[(&[u8], &[u8])]| asks(&head(1, "POST", "http://out.test/x", fields));
    let to = |url: &str| asks(&head(1, "POST", url, &[]));
    let by = |method: &str| asks(&head(1, method, "http://out.test/x", &[]));
    let opened = frame(0, 9, &fine);
    let and = |more: &[u8]| [&opened, more].concat();
    let answers = |kind: u8, carried: &[u8]| frame(ANSWERS | kind, 1, carried);
    let cut = fine.len() - 1;
    let broken: &[(&str, Vec<u8>)] = &[
        ("a scheme", to("file:///etc/passwd")),
        ("a password", to("http://user:secret@out.test/")),
        ("no URL", to("out.test")),
        ("a URL that is read otherwise", to("http://out.test/a b")),
        ("CONNECT", by("CONNECT")),
        ("TRACE", by("TRACE")),
        ("no method", by("A B")),
        ("an end of a line in a value", with(&[(b"x-a", b"1\r\nx-b: 2")])),
        ("an end of a line in a name", with(&[(b"x-a: 1\r\nx-b", b"2")])),
        ("no name", with(&[(b"", b"2")])),
        ("large fields", with(&[(b"x-a", &vec![b'a'; 200_000])])),
        ("more fields than there are", asks(&[&fine[..], b"x"].concat())),
        ("a cut head", asks(&fine[..cut])),
        ("an empty head", asks(&[])),
        (
            "a text that is none",
            asks(&[&[1][..], &[0; 9], &text(b"\xff")].concat()),
        ),
        ("an event of the parent's", asks(&[&[0][..], &fine[1..]].concat())),
        ("a request for nobody", asks(&[&[99][..], &fine[1..]].concat())),
        ("a huge length", [&u32::MAX.to_le_bytes()[..], &[0; 5]].concat()),
        ("a kind that is none", frame(0x3f, 9, &[])),
        ("bytes of no call", frame(DATA, 9, b"x")),
        ("no bytes", and(&frame(DATA, 9, b""))),
        ("bytes behind the end", [asks(&fine), frame(DATA, 9, b"x")].concat()),
        ("too many bytes", and(&frame(DATA, 9, &vec![0; 65536]).repeat(2))),
        ("too many at once", and(&frame(DATA, 9, &vec![0; 65537]))),
        ("the same call again", and(&opened)),
        ("an end of no call", frame(2, 9, &[])),
        ("two ends", and(&frame(2, 9, &[]).repeat(2))),
        (
            "more credit than there was",
            and(&frame(4 | ANSWERS, 1, &65536_u32.to_le_bytes())),
        ),
        ("no credit", frame(5, 0, &0_u32.to_le_bytes())),
        ("credit in all", frame(5, 0, &u32::MAX.to_le_bytes())),
        ("a ping", frame(6, 0, &[])),
        ("a pong that nobody asked for", frame(7, 0, &[])),
        ("an answer to nothing", frame(ANSWERS, 9, &[0; 15])),
        ("bytes before an answer", answers(DATA, b"x")),
        ("a status that is none", answers(0, &[0; 15])),
        (
            "a switch that nobody asked for",
            answers(0, &[&[4][..], &[0; 8], &101_u16.to_le_bytes(), &[0; 4]].concat()),
        ),
        (
            "a switch to nothing",
            answers(0, &[&[0][..], &[0; 8], &101_u16.to_le_bytes(), &[0; 4]].concat()),
        ),
        (
            "a failure that nobody knows",
            answers(0, &[&[16][..], &[0; 8], &text(b"odd"), &[0; 8]].concat()),
        ),
        (
            "two answers",
            answers(0, &[&[0][..], &[0; 8], &200_u16.to_le_bytes(), &[0; 4]].concat()).repeat(2),
        ),
    ];
    for (what, said) in broken {
        let (killed, noted) = run(told(said));
        assert!(killed && noted <= 1, "{what}: {killed} {noted}");
    }
    // What names no event of this link is refused, and so is more than an event may ask for.
    for event in [0, 2, u32::MAX] {
        let said = asks(&head(event, "POST", "http://out.test/x", &[]));
        assert_eq!(run(told(&said)), (false, 0), "{event}");
    }
}

/// What costs the parent something and is for nothing is not done for ever.
#[test]
fn floods_end_the_process() {
    let stray = head(77, "GET", "http://out.test/x", &[]);
    let mut strays = Vec::new();
    for call in 0..3000 {
        strays.extend(frame(ENDS, call, &stray));
    }
    let mut open = Vec::new();
    for call in 0..5000 {
        open.extend(frame(0, call, &head(1, "POST", "http://out.test/x", &[])));
    }
    let floods = [
        ("requests in nobody's name", strays),
        ("calls that stay open", open),
        ("ends of no event", frame(8, 77, &[0; 8]).repeat(3000)),
        ("stops of no call", frame(3, 77, &[]).repeat(3000)),
        ("credit for no call", frame(4, 77, &1_u32.to_le_bytes()).repeat(3000)),
    ];
    for (what, said) in floods {
        let (killed, noted) = run(told(&said));
        assert!(killed && noted <= 1000, "{what}: {killed} {noted}");
    }
}

/// One that asks and asks and never reads an answer costs no more than so much.
#[test]
fn answers_that_nobody_reads_do_not_pile_up() {
    run(async {
        let (link, mut socket, _noted, mut sleeper) = parent();
        let stray = frame(ENDS, 5, &head(77, "GET", "http://out.test/x", &[]));
        let writing = async {
            while link.child.is_open() {
                if socket.write_all(&stray).await.is_err() {
                    break;
                }
            }
        };
        tokio::time::timeout(LIMIT, writing).await.expect("it is ended");
        assert!(sleeper.is_killed());
    });
}
