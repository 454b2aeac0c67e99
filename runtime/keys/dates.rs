//! When certificates hold.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls_pki_types::CertificateDer;

/// Seconds.
const DAY: i64 = 24 * 60 * 60;

/// How long before its end a certificate is warned of, in seconds.
pub(crate) const WARNING: i64 = 7 * DAY;

/// Whose a certificate is, and when it holds. Times are seconds since 1970.
#[derive(Debug, Clone)]
pub struct Dates {
    /// Its subject, as RFC 4514 writes it.
    pub subject: String,
    /// From when.
    pub not_before: i64,
    /// Until when.
    pub not_after: i64,
}

/// Why a certificate does not hold now. Times are seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// Its time is over.
    #[error("has expired on {}", day(*.0))]
    Expired(i64),
    /// Its time has not come.
    #[error("is not valid yet, but from {} on", day(*.0))]
    NotYet(i64),
}

impl Dates {
    /// Reads a certificate. Fails where it is none.
    pub fn of(certificate: &CertificateDer<'_>) -> Result<Self, String> {
        let (_, certificate) = x509_parser::parse_x509_certificate(certificate)
            .map_err(|_| "it is no X.509 certificate, whatever its PEM says".to_owned())?;
        let validity = certificate.validity();
        Ok(Self {
            subject: certificate.subject().to_string(),
            not_before: validity.not_before.timestamp(),
            not_after: validity.not_after.timestamp(),
        })
    }

    /// Reads the first certificate of a chain.
    pub fn of_chain(chain: &[CertificateDer<'_>]) -> Result<Self, String> {
        Self::of(chain.first().ok_or("there is no certificate")?)
    }

    /// Whether the certificate holds now.
    pub fn check(&self) -> Result<(), Invalid> {
        if self.starts_in() > 0 {
            return Err(Invalid::NotYet(self.not_before));
        }
        // RFC 5280, section 4.1.2.5: both ends belong to the time.
        if self.left() < 0 {
            return Err(Invalid::Expired(self.not_after));
        }
        Ok(())
    }

    /// How many seconds it still holds; less than none where it has expired.
    pub fn left(&self) -> i64 {
        self.not_after.saturating_sub(now())
    }

    /// How many seconds until it holds; less than none where it does.
    pub fn starts_in(&self) -> i64 {
        self.not_before.saturating_sub(now())
    }

    /// Warns where the certificate, which is told by this name, holds for a few days only.
    pub(crate) fn warn_of_end(&self, name: &str) {
        let left = self.left();
        if (0..WARNING).contains(&left) {
            tracing::warn!("{name} expires in {} days", left / DAY);
        }
    }
}

fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok();
    now.and_then(|now| i64::try_from(now.as_secs()).ok())
        .unwrap_or(i64::MAX)
}

/// A time as the day that it is on, in UTC.
fn day(seconds: i64) -> String {
    let Ok(seconds) = u64::try_from(seconds) else {
        return "a day before 1970".to_owned();
    };
    // What lies beyond 9999 can not be written so.
    let time = UNIX_EPOCH + Duration::from_secs(seconds.min(253_402_300_799));
    humantime::format_rfc3339_seconds(time).to_string()[..10].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_holds_between_its_dates() {
        let dates = |from: i64, until: i64| Dates {
            subject: String::new(),
            not_before: now() + from,
            not_after: now() + until,
        };
        assert_eq!(dates(-10, 10).check(), Ok(()));
        assert!(matches!(dates(-20, -10).check(), Err(Invalid::Expired(_))));
        assert!(matches!(dates(10, 20).check(), Err(Invalid::NotYet(_))));
        assert_eq!(Invalid::Expired(0).to_string(), "has expired on 1970-01-01");
        assert_eq!(
            Invalid::NotYet(i64::MAX).to_string(),
            "is not valid yet, but from 9999-12-31 on"
        );
    }
}
