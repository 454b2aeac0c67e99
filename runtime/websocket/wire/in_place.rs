//! Messages that are whole where they were read: one frame each, as nearly all are. They are looked at in their place, and need no memory
//! of their own. What is anything else is the [`Decoder`](super::decoder::Decoder)'s.

use tokio_tungstenite::tungstenite::protocol::Role;

use super::mask;

/// Gives messages at the start of these bytes, for the side of `role`, as long as each is whole, in one frame, in order, not compressed, and
/// no longer than `most`. Gives how many bytes they were. The bytes behind them are as they were.
pub(super) fn pass(bytes: &mut [u8], role: Role, most: usize, take: &mut impl FnMut(bool, &[u8])) -> usize {
    let mut at = 0;
    while let Some((is_text, head, length, mask)) = head(&bytes[at..], role).filter(|(.., length, _)| *length <= most) {
        let Some(content) = bytes.get_mut(at + head..).and_then(|rest| rest.get_mut(..length)) else {
            break;
        };
        if let Some(mask) = mask {
            mask::apply(content, mask);
        }
        if is_text && std::str::from_utf8(content).is_err() {
            if let Some(mask) = mask {
                mask::apply(content, mask);
            }
            break;
        }
        take(is_text, content);
        at += head + length;
    }
    at
}

/// Whether a frame is text, the length of its head and of its content, and its mask.
type Head = (bool, usize, usize, Option<[u8; 4]>);

/// The head at the start of these bytes, where it is whole and of a whole message.
fn head(bytes: &[u8], role: Role) -> Option<Head> {
    let (&[first, second], rest) = bytes.split_first_chunk::<2>()?;
    // The last frame, and no bit that somebody would have had to ask for.
    let is_text = match first {
        0x81 => true,
        0x82 => false,
        _ => return None,
    };
    if (second & 0x80 != 0) != (role == Role::Server) {
        return None;
    }
    let (length, wide) = match second & 0x7f {
        126 => (u64::from(u16::from_be_bytes(*rest.first_chunk()?)), 2),
        127 => (u64::from_be_bytes(*rest.first_chunk()?), 8),
        short => (u64::from(short), 0),
    };
    let length = usize::try_from(length).ok()?;
    if role == Role::Client {
        return Some((is_text, 2 + wide, length, None));
    }
    let mask = *rest.get(wide..)?.first_chunk()?;
    Some((is_text, 6 + wide, length, Some(mask)))
}

#[cfg(test)]
mod tests {
    use super::super::decoder::{Decoded, Decoder};
    use super::super::encoder::Encoder;
    use super::*;
    use tokio_tungstenite::tungstenite::protocol::frame::coding::Data;

    /// All messages of these bytes, those first that are taken in place.
    fn all(bytes: &[u8], role: Role, in_place: bool) -> Vec<(bool, Vec<u8>)> {
        let (mut bytes, mut messages) = (bytes.to_vec(), Vec::new());
        let mut used = 0;
        if in_place {
            used = pass(&mut bytes, role, 70_000, &mut |is_text, content| {
                messages.push((is_text, content.to_vec()));
            });
        }
        let mut decoder = Decoder::new(role, 70_000, false);
        decoder.push(&bytes[used..]);
        while let Ok(Some(decoded)) = decoder.next() {
            match decoded {
                Decoded::Text(text) => messages.push((true, text.to_vec())),
                Decoded::Binary(bytes) => messages.push((false, bytes.to_vec())),
                _ => {}
            }
        }
        messages
    }

    #[test]
    fn messages_are_those_of_the_decoder() {
        for (sender, reader) in [(Role::Client, Role::Server), (Role::Server, Role::Client)] {
            let mut encoder = Encoder::new(sender, false);
            let sent: Vec<_> = [0, 1, 7, 64, 125, 126, 127, 1000, 65_535, 65_536, 69_999]
                .into_iter()
                .map(|length| (length % 2 == 0, vec![b'x'; length]))
                .collect();
            for (is_text, content) in &sent {
                encoder.data(if *is_text { Data::Text } else { Data::Binary }, content);
            }
            let bytes = encoder.pending().to_vec();
            for in_place in [true, false] {
                assert_eq!(all(&bytes, reader, in_place), sent);
            }
            for cut in (0..600).chain([bytes.len() - 70_000, bytes.len() - 1]) {
                let whole = all(&bytes[..cut], reader, false);
                assert_eq!(all(&bytes[..cut], reader, true), whole, "{cut}");
            }
            // Those of the other side are not taken.
            assert_eq!(pass(&mut bytes.clone(), sender, 70_000, &mut |_, _| panic!()), 0);
            // Nor what is too long.
            assert_eq!(pass(&mut bytes[2..].to_vec(), reader, 0, &mut |_, _| panic!()), 0);
        }
    }

    #[test]
    fn what_is_no_plain_message_stays_as_it_was() {
        let odd = [
            &[0x81, 0x82, 1, 2, 3, 4, 0xc3 ^ 1, 0x28 ^ 2][..],
            &[0x01, 0x81, 1, 2, 3, 4, 5],
            &[0xc1, 0x81, 1, 2, 3, 4, 5],
            &[0x89, 0x80, 1, 2, 3, 4],
            &[0x88, 0x80, 1, 2, 3, 4],
            &[0x81, 0xff, 255, 255, 255, 255, 255, 255, 255, 255, 1, 2, 3, 4, 5],
            &[0x81, 0x81, 1, 2, 3],
        ];
        for odd in odd {
            let good = [0x81, 0x81, 1, 2, 3, 4, b'a' ^ 1];
            let mut bytes = [&good[..], odd].concat();
            let mut taken = Vec::new();
            let used = pass(&mut bytes, Role::Server, 1000, &mut |is_text, content| {
                taken.push((is_text, content.to_vec()));
            });
            assert_eq!((used, &*taken), (good.len(), &[(true, b"a".to_vec())][..]));
            assert_eq!(&bytes[used..], odd);
        }
    }
}
