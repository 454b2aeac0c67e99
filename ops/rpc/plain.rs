//! Plain values as V8's serialiser writes them, for calls that the host makes.

use deno_core::serde_json::{Map, Value};

/// The version of the format, which V8 still reads.
const VERSION: u8 = 13;

/// The bytes of a value.
pub fn plain(value: &Value) -> Vec<u8> {
    let mut bytes = vec![0xff, VERSION];
    write(value, &mut bytes);
    bytes
}

/// The value of bytes that [`plain`] gave, and of no other message.
pub fn read_plain(bytes: &[u8]) -> Option<Value> {
    let mut rest = bytes.strip_prefix(&[0xff, VERSION])?;
    let value = read(&mut rest, DEEPEST)?;
    rest.is_empty().then_some(value)
}

/// How deep such a message may be.
const DEEPEST: u32 = 64;

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(count)?;
    *rest = left;
    Some(taken)
}

fn byte(rest: &mut &[u8]) -> Option<u8> {
    take(rest, 1)?.first().copied()
}

fn length(rest: &mut &[u8]) -> Option<usize> {
    let mut length = 0_u64;
    for shift in (0..35).step_by(7) {
        let part = byte(rest)?;
        length |= u64::from(part & 0x7f) << shift;
        if part & 0x80 == 0 {
            return usize::try_from(length).ok();
        }
    }
    None
}

fn read(rest: &mut &[u8], depth: u32) -> Option<Value> {
    let depth = depth.checked_sub(1)?;
    Some(match byte(rest)? {
        b'0' => Value::Null,
        b'T' => Value::Bool(true),
        b'F' => Value::Bool(false),
        b'N' => f64::from_ne_bytes(take(rest, 8)?.try_into().ok()?).into(),
        b'S' => {
            let length = length(rest)?;
            Value::String(std::str::from_utf8(take(rest, length)?).ok()?.to_owned())
        }
        b'A' => {
            // Nothing is made of a length that somebody has only said.
            let mut items = Vec::new();
            for _ in 0..length(rest)? {
                items.push(read(rest, depth)?);
            }
            let ends = (byte(rest)? == b'$', length(rest)?, length(rest)?);
            (ends == (true, 0, items.len())).then_some(Value::Array(items))?
        }
        b'o' => {
            let mut members = Map::new();
            loop {
                if rest.first() == Some(&b'{') {
                    byte(rest)?;
                    break;
                }
                let Value::String(name) = read(rest, depth)? else {
                    return None;
                };
                members.insert(name, read(rest, depth)?);
            }
            (length(rest)? == members.len()).then_some(Value::Object(members))?
        }
        _ => return None,
    })
}

fn varint(mut number: usize, bytes: &mut Vec<u8>) {
    while number >= 0x80 {
        bytes.push(u8::try_from(number & 0x7f).unwrap_or_default() | 0x80);
        number >>= 7;
    }
    bytes.push(u8::try_from(number).unwrap_or_default());
}

fn text(text: &str, bytes: &mut Vec<u8>) {
    bytes.push(b'S');
    varint(text.len(), bytes);
    bytes.extend(text.as_bytes());
}

fn write(value: &Value, bytes: &mut Vec<u8>) {
    match value {
        Value::Null => bytes.push(b'0'),
        Value::Bool(true) => bytes.push(b'T'),
        Value::Bool(false) => bytes.push(b'F'),
        Value::Number(number) => {
            bytes.push(b'N');
            bytes.extend(number.as_f64().unwrap_or(f64::NAN).to_ne_bytes());
        }
        Value::String(string) => text(string, bytes),
        Value::Array(items) => {
            bytes.push(b'A');
            varint(items.len(), bytes);
            for item in items {
                write(item, bytes);
            }
            bytes.push(b'$');
            varint(0, bytes);
            varint(items.len(), bytes);
        }
        Value::Object(members) => {
            bytes.push(b'o');
            for (name, value) in members {
                text(name, bytes);
                write(value, bytes);
            }
            bytes.push(b'{');
            varint(members.len(), bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use deno_core::serde_json::json;

    use super::{plain, read_plain};

    #[test]
    fn values_are_written_as_v8_writes_them() {
        assert_eq!(plain(&json!([])), [0xff, 13, b'A', 0, b'$', 0, 0]);
        assert_eq!(
            plain(&json!({ "a": [true, null] })),
            [0xff, 13, b'o', b'S', 1, b'a', b'A', 2, b'T', b'0', b'$', 0, 2, b'{', 1]
        );
        let value = json!([[{ "a": ["x", null, true, { "b": 1.5, "ä": [] }], "n": -3.0 }], false]);
        assert_eq!(read_plain(&plain(&value)), Some(value.clone()));
        let bytes = plain(&value);
        for end in 0..bytes.len() {
            assert_eq!(read_plain(&bytes[..end]), None, "{end}");
        }
        let deep = [0xff, 13]
            .into_iter()
            .chain([b'A', 1].repeat(1_000))
            .collect::<Vec<_>>();
        assert_eq!(read_plain(&deep), None);
        assert_eq!(read_plain(&[0xff, 13, b'A', 0xff, 0xff, 0xff, 0xff, 0x0f]), None);
        assert_eq!(read_plain(&[0xff, 15, b'0']), None, "what a script writes");
        let long = plain(&json!("x".repeat(300)));
        assert_eq!(long[..5], [0xff, 13, b'S', 0xac, 2]);
    }
}
