//! Plain values as V8's serialiser writes them, for calls that the host makes.

use deno_core::serde_json::Value;

/// The version of the format, which V8 still reads.
const VERSION: u8 = 13;

/// The bytes of a value.
pub fn plain(value: &Value) -> Vec<u8> {
    let mut bytes = vec![0xff, VERSION];
    write(value, &mut bytes);
    bytes
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

    use super::plain;

    #[test]
    fn values_are_written_as_v8_writes_them() {
        assert_eq!(plain(&json!([])), [0xff, 13, b'A', 0, b'$', 0, 0]);
        assert_eq!(
            plain(&json!({ "a": [true, null] })),
            [0xff, 13, b'o', b'S', 1, b'a', b'A', 2, b'T', b'0', b'$', 0, 2, b'{', 1]
        );
        let long = plain(&json!("x".repeat(300)));
        assert_eq!(long[..5], [0xff, 13, b'S', 0xac, 2]);
    }
}
