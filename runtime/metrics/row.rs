//! One agent's numbers, or those of several, as labelled samples.

use std::fmt::Error;

use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use workerd_lite_ops::statistics::{BOUNDS, Times};

/// Names and values of labels.
pub(super) type Labels = Vec<(&'static str, String)>;

/// A number that is shown.
pub(super) enum Sample<'a> {
    Counter(u64),
    Seconds(f64),
    Gauge(usize),
    Times(&'a Times),
}

impl Sample<'_> {
    fn kind(&self) -> MetricType {
        match self {
            Self::Counter(_) | Self::Seconds(_) => MetricType::Counter,
            Self::Gauge(_) => MetricType::Gauge,
            Self::Times(_) => MetricType::Histogram,
        }
    }

    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), Error> {
        match self {
            Self::Counter(count) => ConstCounter::new(*count).encode(encoder),
            Self::Seconds(seconds) => ConstCounter::new(*seconds).encode(encoder),
            Self::Gauge(count) => ConstGauge::new(i64::try_from(*count).unwrap_or(i64::MAX)).encode(encoder),
            Self::Times(times) => {
                let (sum, counts) = times.get();
                let bounds = BOUNDS.into_iter().chain(std::iter::once(f64::MAX));
                let buckets: Vec<(f64, u64)> = bounds.zip(counts).collect();
                encoder.encode_histogram::<NoLabelSet>(sum, counts.iter().sum(), &buckets, None)
            }
        }
    }
}

/// Writes one family. It has no line at all where it has no sample.
pub(super) fn family<'a>(
    encoder: &mut DescriptorEncoder<'_>,
    (name, help): (&str, &str),
    samples: impl IntoIterator<Item = (Labels, Sample<'a>)>,
) -> Result<(), Error> {
    let mut samples = samples.into_iter().peekable();
    let Some((_, first)) = samples.peek() else {
        return Ok(());
    };
    let mut family = encoder.encode_descriptor(name, help, None, first.kind())?;
    for (labels, sample) in samples {
        if labels.is_empty() {
            return sample.encode(family);
        }
        sample.encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}
