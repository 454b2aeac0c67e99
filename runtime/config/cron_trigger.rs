//! Cron triggers: <https://developers.cloudflare.com/workers/configuration/cron-triggers/>.

use chrono::{DateTime, Utc};
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};

/// When an agent's handler is called, in UTC.
#[derive(Debug, Clone)]
pub struct CronTrigger {
    text: String,
    cron: Box<Cron>,
}

impl CronTrigger {
    /// Five fields, as Cloudflare has them: days of the week are 1 to 7 from Sunday on. Fails with what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parser = CronParser::builder()
            .seconds(Seconds::Disallowed)
            .year(Year::Disallowed)
            .alternative_weekdays(true)
            .build();
        let cron = parser
            .parse(text)
            .map_err(|error| format!("{text:?} is no cron expression: {error}"))?;
        Ok(Self {
            text: text.to_owned(),
            cron: Box::new(cron),
        })
    }

    /// As it is written.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it names this minute, whose first second this is.
    pub(crate) fn is_due(&self, minute: DateTime<Utc>) -> bool {
        self.cron.is_time_matching(&minute).unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::CronTrigger;

    #[test]
    fn triggers_name_minutes() {
        for (text, time, expected) in [
            ("* * * * *", "2026-11-27T12:34:00Z", true),
            ("*/5 * * * *", "2026-11-27T12:34:00Z", false),
            ("*/5 * * * *", "2026-11-27T12:35:00Z", true),
            // A Friday.
            ("0 9 * * 6", "2026-11-27T09:00:00Z", true),
            ("0 9 * * 5", "2026-11-27T09:00:00Z", false),
            ("0 9 * * FRI", "2026-11-27T09:00:00Z", true),
            ("0 9 * * MON-FRI", "2026-11-29T09:00:00Z", false),
            ("0 0 L * *", "2026-11-30T00:00:00Z", true),
            ("0 0 L * *", "2026-11-29T00:00:00Z", false),
        ] {
            let minute = DateTime::parse_from_rfc3339(time).unwrap().to_utc();
            assert_eq!(
                CronTrigger::parse(text).unwrap().is_due(minute),
                expected,
                "{text} {time}"
            );
        }
        for text in ["", "* * * *", "* * * * * *", "60 * * * *", "x * * * *", "@daily *"] {
            assert!(CronTrigger::parse(text).is_err(), "{text}");
        }
    }
}
