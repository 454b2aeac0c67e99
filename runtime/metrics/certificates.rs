//! Until when certificates hold.

use std::collections::BTreeMap;
use std::fmt::Error;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;

/// The ends of a project's certificates, by their names in the configuration: seconds since 1970.
#[derive(Debug, Clone, Default)]
pub struct CertificateEnds(Arc<Mutex<BTreeMap<String, i64>>>);

impl CertificateEnds {
    /// A certificate, or another in its place, holds until then.
    pub(crate) fn set(&self, name: &str, end: i64) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(name.to_owned(), end);
    }
}

/// Those of the project that is served.
static SERVED: Mutex<Option<CertificateEnds>> = Mutex::new(None);

/// These are shown from now on.
pub(crate) fn certificates(ends: CertificateEnds) {
    *SERVED.lock().unwrap_or_else(PoisonError::into_inner) = Some(ends);
}

#[derive(Debug)]
pub(super) struct Certificates;

impl Collector for Certificates {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let served = SERVED.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(CertificateEnds(ends)) = served else {
            return Ok(());
        };
        let ends = ends.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if ends.is_empty() {
            return Ok(());
        }
        let mut family = encoder.encode_descriptor(
            "certificate_not_after_timestamp_seconds",
            "Until when a certificate of the configuration holds, in seconds since 1970",
            None,
            MetricType::Gauge,
        )?;
        for (name, end) in ends {
            ConstGauge::new(end).encode(family.encode_family(&[("certificate", name)])?)?;
        }
        Ok(())
    }
}
