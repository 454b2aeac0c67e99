//! `run_worker_first`: which requests are the script's before files are looked for.

use regex::Regex;

use super::pattern::glob;

/// The most rules, and the most letters of one: <https://developers.cloudflare.com/workers/static-assets/routing/worker-script/>.
const MOST: usize = 100;

/// Which requests are the script's before files are looked for.
#[derive(Debug, Default)]
pub enum WorkerFirst {
    /// None: the script is asked where there is no file.
    #[default]
    Never,
    /// All.
    Always,
    /// Those that a rule names, unless another names them for files.
    Rules {
        /// For the script.
        worker: Vec<Regex>,
        /// For files.
        assets: Vec<Regex>,
    },
}

/// Where a request goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Worker,
    Assets,
    /// Files first, then the script.
    Undecided,
}

impl WorkerFirst {
    /// Rules such as `/api/*` and `!/api/docs/*`. Fails with what is wrong with one.
    pub fn rules(written: &[String]) -> Result<Self, String> {
        if written.is_empty() || written.len() > MOST {
            return Err(format!("expected 1 to {MOST} rules, found {}", written.len()));
        }
        let (mut worker, mut assets) = (Vec::new(), Vec::new());
        for rule in written {
            if rule.len() > MOST {
                return Err(format!("{rule:?} has more than {MOST} letters"));
            }
            match rule.strip_prefix('!') {
                Some(path) if path.starts_with('/') => assets.push(glob(path)?),
                None if rule.starts_with('/') => worker.push(glob(rule)?),
                _ => return Err(format!("{rule:?} begins with neither \"/\" nor \"!/\"")),
            }
        }
        if worker.is_empty() {
            return Err("all rules begin with \"!\": none is for the script".to_owned());
        }
        Ok(Self::Rules { worker, assets })
    }

    pub(super) fn way(&self, path: &str) -> Way {
        let any = |rules: &[Regex]| rules.iter().any(|rule| rule.is_match(path));
        match self {
            Self::Never => Way::Undecided,
            Self::Always => Way::Worker,
            Self::Rules { assets, .. } if any(assets) => Way::Assets,
            Self::Rules { worker, .. } if any(worker) => Way::Worker,
            Self::Rules { .. } => Way::Undecided,
        }
    }
}
