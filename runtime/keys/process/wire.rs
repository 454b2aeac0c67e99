//! What goes over a link to the process that holds keys: one question, and its answer. Each is a head in JSON with bytes behind it; a
//! question may bring an open file.

use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::io::{IoSlice, IoSliceMut};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::keys::public::{KeyKind, PublicKey};
use crate::keys::remote::Way;

/// The most bytes of a head or of what is behind it.
const MOST: usize = 1 << 20;

/// What is asked. Keys are known by numbers that are never given twice.
#[derive(Debug, Deserialize, Serialize)]
pub(super) enum Question {
    /// Take in the key of the file that comes with this. Its path is for words.
    Load { path: String },
    /// Make a key, and write it as PEM into the file that comes with this, if any.
    Make { kind: KeyKind },
    /// Sign the bytes behind this.
    Sign { key: u64, way: Way },
    /// Nobody has this key any longer.
    Forget { key: u64 },
}

/// What comes of it.
#[derive(Debug, Deserialize, Serialize)]
pub(super) enum Answer {
    /// It has the key.
    Has { key: u64, public: PublicKey },
    /// The signature is behind this, or there was nothing to tell.
    Done,
    /// It does not, and why.
    Failed(String),
}

fn frame(head: &impl Serialize, body: &[u8]) -> io::Result<Vec<u8>> {
    let head = serde_json::to_vec(head)?;
    let length = |bytes: &[u8]| {
        let length = u32::try_from(bytes.len()).ok().filter(|_| bytes.len() <= MOST);
        length.ok_or(io::ErrorKind::InvalidInput)
    };
    let mut frame = Vec::with_capacity(8 + head.len() + body.len());
    frame.extend(length(&head)?.to_le_bytes());
    frame.extend(length(body)?.to_le_bytes());
    frame.extend(head);
    frame.extend_from_slice(body);
    Ok(frame)
}

/// Sends a question, with a file.
pub(super) fn ask(
    mut link: &UnixStream,
    question: &Question,
    body: &[u8],
    file: Option<BorrowedFd<'_>>,
) -> io::Result<()> {
    let frame = frame(question, body)?;
    let mut sent = 0;
    if let Some(file) = file {
        let files = [file];
        let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut beside = SendAncillaryBuffer::new(&mut space);
        beside.push(SendAncillaryMessage::ScmRights(&files));
        sent = sendmsg(link.as_fd(), &[IoSlice::new(&frame)], &mut beside, SendFlags::NOSIGNAL)?;
    }
    link.write_all(&frame[sent..])
}

/// Sends an answer.
pub(super) fn answer(mut link: &UnixStream, answer: &Answer, body: &[u8]) -> io::Result<()> {
    link.write_all(&frame(answer, body)?)
}

/// Waits for an answer. A file that came with it would be closed.
pub(super) fn answered(mut link: &UnixStream) -> io::Result<(Answer, Vec<u8>)> {
    let mut lengths = [0; 8];
    link.read_exact(&mut lengths)?;
    rest(link, lengths)
}

/// Waits for a question, and the file that comes with it.
pub(super) fn asked(link: &UnixStream) -> io::Result<(Question, Vec<u8>, Option<OwnedFd>)> {
    let mut lengths = [0; 8];
    let (mut came, mut file) = (0, None);
    while came < lengths.len() {
        let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut beside = RecvAncillaryBuffer::new(&mut space);
        let received = recvmsg(
            link.as_fd(),
            &mut [IoSliceMut::new(&mut lengths[came..])],
            &mut beside,
            RecvFlags::CMSG_CLOEXEC,
        )?;
        if received.bytes == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        came += received.bytes;
        for message in beside.drain() {
            if let RecvAncillaryMessage::ScmRights(mut files) = message {
                file = files.next().or(file);
            }
        }
    }
    let (question, body) = rest(link, lengths)?;
    Ok((question, body, file))
}

fn rest<T: DeserializeOwned>(mut link: &UnixStream, lengths: [u8; 8]) -> io::Result<(T, Vec<u8>)> {
    let [a, b, c, d, body @ ..] = lengths;
    let part = |length: [u8; 4]| {
        let length = u32::from_le_bytes(length) as usize;
        if length > MOST {
            return Err(io::Error::from(io::ErrorKind::InvalidData));
        }
        Ok(vec![0; length])
    };
    let (mut head, mut body) = (part([a, b, c, d])?, part(body)?);
    link.read_exact(&mut head)?;
    link.read_exact(&mut body)?;
    Ok((serde_json::from_slice(&head)?, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_come_as_they_were_asked_with_their_files() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let file = tempfile::tempfile().unwrap();
        (&file).write_all(b"content").unwrap();
        let load = Question::Load { path: "a".into() };
        ask(&ours, &load, b"body", Some(file.as_fd())).unwrap();
        ask(&ours, &Question::Forget { key: 7 }, &[], None).unwrap();
        let (question, body, came) = asked(&theirs).unwrap();
        assert!(matches!(question, Question::Load { path } if path == "a"));
        assert_eq!(body, b"body");
        assert_eq!(std::fs::File::from(came.unwrap()).metadata().unwrap().len(), 7);
        let (question, body, came) = asked(&theirs).unwrap();
        assert!(matches!(question, Question::Forget { key: 7 }) && body.is_empty() && came.is_none());
        answer(&theirs, &Answer::Failed("no".into()), &[1]).unwrap();
        let (told, body) = answered(&ours).unwrap();
        assert!(matches!(told, Answer::Failed(why) if why == "no") && body == [1]);
    }

    #[test]
    fn lengths_are_judged_before_memory_is_taken() {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        ours.write_all(&[0xff; 8]).unwrap();
        assert_eq!(answered(&theirs).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
