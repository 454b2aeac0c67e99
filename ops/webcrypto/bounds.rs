//! What `crypto.subtle` is not asked for: what would take a thread for long. The bounds are on the very values that the work is done
//! with: an algorithm is an object of plain data that has no prototype, or it is refused.

use deno_core::v8;
use deno_error::JsErrorBox;

/// workerd's limit on iterations of PBKDF2, and on the bits of an RSA modulus.
const AGENTS: Most = Most {
    iterations: 100_000.0,
    modulus: 4096.0,
};

/// What an owner's own scripts may ask for.
const OWNERS: Most = Most {
    iterations: 10_000_000.0,
    modulus: 16_384.0,
};

/// The longest HMAC key, in bits.
const KEY_BITS: f64 = 65_536.0;

/// The longest salt of RSA-PSS, in bytes.
const SALT: f64 = 2048.0;

/// The longest output of a hash with a length of its own, in bits.
const OUTPUT: f64 = 65_536.0;

/// The most memory (KiB) and passes of a password hash.
const ARGON: (f64, f64) = (65_536.0, 10.0);

struct Most {
    iterations: f64,
    modulus: f64,
}

/// Which arguments are algorithms, by the method.
const ALGORITHMS: &[(&str, &[usize])] = &[
    ("decapsulateBits", &[0]),
    ("decrypt", &[0]),
    ("deriveBits", &[0]),
    ("deriveKey", &[0, 2]),
    ("digest", &[0]),
    ("encapsulateBits", &[0]),
    ("encrypt", &[0]),
    ("exportKey", &[]),
    ("generateKey", &[0]),
    ("op_crypto_aes_gcm", &[]),
    ("sign", &[0]),
    ("verify", &[0]),
    ("wrapKey", &[3]),
];

fn unsupported(message: String) -> JsErrorBox {
    JsErrorBox::new("DOMExceptionNotSupportedError", message)
}

/// Refuses what would take too long. Gives how many bytes the work needs, apart from its inputs.
pub(super) fn check<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    name: &str,
    arguments: &[v8::Local<'s, v8::Value>],
    trusted: bool,
) -> Result<usize, JsErrorBox> {
    let most = if trusted { OWNERS } else { AGENTS };
    let (_, places) = ALGORITHMS
        .iter()
        .find(|(known, _)| *known == name)
        .ok_or_else(|| JsErrorBox::type_error("there is no such method"))?;
    let mut algorithms = Vec::new();
    let mut needed = 0;
    for place in *places {
        let algorithm = arguments.get(*place).filter(|argument| argument.is_object());
        algorithms.extend(algorithm.map(|algorithm| Plain::of(scope, *algorithm)).transpose()?);
    }
    for algorithm in &algorithms {
        at_most(
            algorithm.iterations(scope)?,
            most.iterations,
            "Pbkdf2 failed: iteration counts",
        )?;
        at_most(
            algorithm.number(scope, "modulusLength")?,
            most.modulus,
            "Moduli of a key",
        )?;
        at_most(algorithm.number(scope, "saltLength")?, SALT, "Lengths of a salt")?;
        at_most(algorithm.number(scope, "outputLength")?, OUTPUT, "Lengths of an output")?;
        let memory = algorithm.number(scope, "memory")?;
        at_most(memory, ARGON.0, "Amounts of memory")?;
        needed = kibibytes(memory).max(needed);
        at_most(algorithm.number(scope, "passes")?, ARGON.1, "Numbers of passes")?;
        if name == "generateKey" || name == "deriveKey" {
            at_most(algorithm.number(scope, "length")?, KEY_BITS, "Lengths of a key")?;
        }
        if name == "generateKey" {
            exponent(algorithm.get(scope, "publicExponent"))?;
        }
    }
    // Each 160 bits cost all of the iterations, with the shortest hash.
    let iterations = match algorithms.first() {
        Some(algorithm) => algorithm.iterations(scope)?,
        None => 0.0,
    };
    let bits = match name {
        "deriveBits" => arguments.get(2).map_or(0.0, |bits| number(*bits)),
        "deriveKey" => match algorithms.get(1) {
            // A hash's own block is the length that is not said.
            Some(key) => key.number(scope, "length")?.max(1024.0),
            None => 0.0,
        },
        _ => 0.0,
    };
    if iterations * (bits / 160.0).ceil() > most.iterations * 10.0 {
        return Err(unsupported(
            "Pbkdf2 failed: so many bits of so many iterations are not supported.".into(),
        ));
    }
    Ok(needed)
}

/// So many KiB in bytes, which are few.
fn kibibytes(number: f64) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is within its bound"
    )]
    let whole = number.max(0.0) as usize;
    whole.saturating_mul(1024)
}

fn at_most(value: f64, most: f64, what: &str) -> Result<(), JsErrorBox> {
    if value > most {
        return Err(unsupported(format!(
            "{what} above {most} are not supported (requested {value})."
        )));
    }
    Ok(())
}

/// As workerd: 3 and 65537. Others make keys hard to find, or weak.
fn exponent(value: Option<v8::Local<'_, v8::Value>>) -> Result<(), JsErrorBox> {
    let Some(view) = value.and_then(|value| v8::Local::<v8::Uint8Array>::try_from(value).ok()) else {
        return Ok(());
    };
    let mut bytes = vec![0; view.byte_length().min(64)];
    view.copy_contents(&mut bytes);
    let value = bytes.iter().fold(0_u64, |value, byte| {
        value.saturating_mul(256).saturating_add(u64::from(*byte))
    });
    if view.byte_length() > 64 || !matches!(value, 3 | 65_537) {
        return Err(super::operation("The publicExponent must be either 3 or 65537"));
    }
    Ok(())
}

/// Bytes of the buffers that are given.
pub(super) fn inputs(arguments: &[v8::Local<'_, v8::Value>]) -> usize {
    let bytes = arguments.iter().map(|argument| {
        if let Ok(view) = v8::Local::<v8::ArrayBufferView>::try_from(*argument) {
            return view.byte_length();
        }
        v8::Local::<v8::ArrayBuffer>::try_from(*argument).map_or(0, |buffer| buffer.byte_length())
    });
    bytes.fold(0, usize::saturating_add)
}

/// A number, or 0 where it is none.
fn number(value: v8::Local<'_, v8::Value>) -> f64 {
    v8::Local::<v8::Number>::try_from(value).map_or(0.0, |number| number.value())
}

/// An object of plain data.
struct Plain<'s>(v8::Local<'s, v8::Object>);

impl<'s> Plain<'s> {
    fn of(scope: &mut v8::PinScope<'s, '_>, value: v8::Local<'s, v8::Value>) -> Result<Self, JsErrorBox> {
        let object = v8::Local::<v8::Object>::try_from(value)
            .ok()
            .filter(|object| !object.is_proxy());
        let plain = object.filter(|object| object.get_prototype(scope).is_some_and(|prototype| prototype.is_null()));
        plain
            .map(Self)
            .ok_or_else(|| JsErrorBox::type_error("the algorithm is not plain"))
    }

    fn get(&self, scope: &mut v8::PinScope<'s, '_>, member: &str) -> Option<v8::Local<'s, v8::Value>> {
        let key = v8::String::new(scope, member)?;
        let value = self.0.get(scope, key.into())?;
        Some(value).filter(|value| !value.is_undefined())
    }

    /// Iterations of PBKDF2. Others have none, whatever members are there.
    fn iterations(&self, scope: &mut v8::PinScope<'s, '_>) -> Result<f64, JsErrorBox> {
        let name = self.get(scope, "name");
        let is_iterated = name.is_some_and(|name| name.to_rust_string_lossy(scope).eq_ignore_ascii_case("PBKDF2"));
        if is_iterated {
            self.number(scope, "iterations")
        } else {
            Ok(0.0)
        }
    }

    /// A member that is a number, or 0 where there is none.
    fn number(&self, scope: &mut v8::PinScope<'s, '_>, member: &str) -> Result<f64, JsErrorBox> {
        let Some(value) = self.get(scope, member) else {
            return Ok(0.0);
        };
        if !value.is_number() {
            return Err(JsErrorBox::type_error(format!("the algorithm's {member} is no number")));
        }
        Ok(number(value))
    }
}
