//! How a secret may be written: itself, its base64 and its hexadecimal digits, in the bytes of UTF-8 and UTF-16. Escapes are
//! taken off before ([`super::escapes`]).

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};

/// Shorter secrets have no other forms: those would be everywhere.
const SHORT: usize = 6;

/// One form, with what is known of it after so many bytes have matched (Knuth, Morris and Pratt).
#[derive(Debug)]
pub(super) struct Form {
    pub(super) bytes: Vec<u8>,
    /// For each count of matched bytes, the longest count below it that matches as well.
    shorter: Vec<usize>,
}

impl Form {
    fn new(bytes: Vec<u8>) -> Self {
        let mut shorter = vec![0; bytes.len() + 1];
        let mut matched = 0;
        for at in 1..bytes.len() {
            while matched > 0 && bytes[matched] != bytes[at] {
                matched = shorter[matched];
            }
            if bytes[matched] == bytes[at] {
                matched += 1;
            }
            shorter[at + 1] = matched;
        }
        Self { bytes, shorter }
    }

    /// How many bytes match with one more, where so many did, and not all. All of them: it is there.
    pub(super) fn step(&self, mut matched: usize, byte: u8) -> usize {
        while matched > 0 && self.bytes[matched] != byte {
            matched = self.shorter[matched];
        }
        matched + usize::from(self.bytes[matched] == byte)
    }

    /// How many bytes still match of another one, after all have.
    pub(super) fn rest(&self) -> usize {
        self.shorter[self.bytes.len()]
    }
}

/// The forms of several secrets.
#[derive(Debug)]
pub(super) struct Forms {
    pub(super) all: Vec<Form>,
    pub(super) longest: usize,
    /// For each byte, the forms that begin with it.
    pub(super) begin: Vec<Vec<usize>>,
    /// The secrets as header names would have them.
    pub(super) names: Vec<String>,
}

impl Forms {
    /// Gives nothing where there is nothing to look for.
    pub(super) fn new(secrets: &[String]) -> Option<Self> {
        let mut all: Vec<Vec<u8>> = secrets
            .iter()
            .filter(|secret| !secret.is_empty())
            .flat_map(|secret| forms(secret))
            .filter(|form| !form.is_empty())
            .collect();
        all.sort();
        all.dedup();
        let longest = all.iter().map(Vec::len).max()?;
        let mut begin = vec![Vec::new(); 256];
        for (index, form) in all.iter().enumerate() {
            begin[usize::from(form[0])].push(index);
        }
        let long = secrets.iter().filter(|secret| secret.len() >= SHORT);
        Some(Self {
            longest,
            begin,
            names: long.map(|secret| secret.to_ascii_lowercase()).collect(),
            all: all.into_iter().map(Form::new).collect(),
        })
    }
}

fn forms(secret: &str) -> Vec<Vec<u8>> {
    let mut forms = vec![secret.as_bytes().to_vec()];
    if secret.contains(' ') {
        // As forms have it.
        forms.push(secret.replace(' ', "+").into_bytes());
    }
    if secret.len() < SHORT {
        return forms;
    }
    for shift in 0..3 {
        let mut shifted = vec![0; shift];
        shifted.extend_from_slice(secret.as_bytes());
        // Six bits a digit: the first digits hold bits of what stands before, the last of what comes after.
        let first = (shift * 8).div_ceil(6);
        let last = shifted.len() * 8 / 6;
        for engine in [BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD] {
            let digits = engine.encode(&shifted).into_bytes();
            forms.extend(digits.get(first..last).map(<[u8]>::to_vec));
        }
    }
    let digits = hex::encode(secret);
    forms.push(digits.to_ascii_uppercase().into_bytes());
    forms.push(digits.into_bytes());
    let units = || secret.encode_utf16();
    forms.push(units().flat_map(u16::to_le_bytes).collect());
    forms.push(units().flat_map(u16::to_be_bytes).collect());
    forms
}
