//! What stands between scripts and libraries: a panic ends a call and no more, and an error has the code that Node gives it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use deno_error::{JsErrorBox, PropertyValue};

/// An error as Node has it of OpenSSL.
#[derive(Debug, thiserror::Error, deno_error::JsError)]
enum Coded {
    #[class(generic)]
    #[property("library" = self.part(2))]
    #[property("reason" = self.part(4))]
    #[property("code" = self.code())]
    #[error("{message}")]
    OpenSsl { code: &'static str, message: String },
    #[class(generic)]
    #[property("code" = self.code())]
    #[error("{message}")]
    Plain { code: &'static str, message: String },
    #[class(range)]
    #[property("code" = self.code())]
    #[error("{message}")]
    Range { code: &'static str, message: String },
    #[class(type)]
    #[property("code" = self.code())]
    #[error("{message}")]
    Type { code: &'static str, message: String },
}

impl Coded {
    fn code(&self) -> PropertyValue {
        let (Self::OpenSsl { code, .. }
        | Self::Plain { code, .. }
        | Self::Range { code, .. }
        | Self::Type { code, .. }) = self;
        PropertyValue::from((*code).to_owned())
    }

    /// What is between colons: `error:number:library:function:reason`.
    fn part(&self, number: usize) -> PropertyValue {
        let (Self::OpenSsl { message, .. }
        | Self::Plain { message, .. }
        | Self::Range { message, .. }
        | Self::Type { message, .. }) = self;
        PropertyValue::from(message.split(':').nth(number).unwrap_or_default().to_owned())
    }
}

/// An `Error` with a code.
pub(super) fn coded(code: &'static str, message: impl Into<String>) -> JsErrorBox {
    let message = message.into();
    JsErrorBox::from_err(if message.starts_with("error:") {
        Coded::OpenSsl { code, message }
    } else {
        Coded::Plain { code, message }
    })
}

/// A `RangeError` with a code.
pub(super) fn range(code: &'static str, message: impl Into<String>) -> JsErrorBox {
    let message = message.into();
    JsErrorBox::from_err(Coded::Range { code, message })
}

/// A `TypeError` with a code.
pub(super) fn kind(code: &'static str, message: impl Into<String>) -> JsErrorBox {
    let message = message.into();
    JsErrorBox::from_err(Coded::Type { code, message })
}

/// What is more than this module computes with.
pub(super) fn refused(what: impl Into<String>) -> JsErrorBox {
    coded("ERR_FEATURE_UNAVAILABLE_ON_PLATFORM", what)
}

/// Runs what a library may panic in: it takes numbers that nobody has proved, such as primes that are none.
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T, JsErrorBox>) -> Result<T, JsErrorBox> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(coded(
            "ERR_CRYPTO_OPERATION_FAILED",
            "Operation failed: the numbers of this key or of these data can not be computed with",
        ))
    })
}
