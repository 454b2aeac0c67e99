//! How much of a message's head HTTP's parsers take: all that `headers_kb` allows, which is judged afterwards.

use workerd_lite_ops::head::MAX_FIELDS;

/// hyper's buffer by default, in bytes.
const BUFFER: usize = 8192 + 4096 * 100;

/// The longest request target that hyper takes, and the rest of a first line, in bytes.
const FIRST_LINE: usize = 72 << 10;

/// What parsers take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HeadLimits {
    /// HTTP/1: fields.
    pub(crate) fields: usize,
    /// HTTP/1: bytes of a head.
    pub(crate) buffer: usize,
    /// HTTP/2: `SETTINGS_MAX_HEADER_LIST_SIZE`, in its bytes.
    pub(crate) list: u32,
}

impl HeadLimits {
    /// For so many bytes of names and values, each field counted as two bytes more.
    pub(crate) fn of(headers: usize) -> Self {
        // A field has a name: on the wire it is not twice as long as it is counted.
        let buffer = headers.saturating_mul(2).saturating_add(FIRST_LINE);
        // RFC 9113, section 6.5.2, counts 32 bytes with each field.
        let list = headers.saturating_add(MAX_FIELDS * 30).saturating_add(FIRST_LINE);
        Self {
            fields: MAX_FIELDS,
            buffer: buffer.max(BUFFER),
            list: u32::try_from(list).unwrap_or(u32::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_allowed_is_taken() {
        for headers in [1 << 10, 128 << 10, 4 << 20] {
            let limits = HeadLimits::of(headers);
            for name in [1, 2, 10, 1000] {
                let fields = (headers / (name + 2)).min(MAX_FIELDS);
                assert!(fields * (name + 4) <= limits.buffer, "{headers} {name}");
                assert!(fields * (name + 32) <= limits.list as usize, "{headers} {name}");
            }
        }
        assert_eq!(HeadLimits::of(usize::MAX).list, u32::MAX);
    }
}
