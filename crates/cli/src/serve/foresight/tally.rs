//! How far it is, and what came of it.

use std::fmt;

use cise_admission::{Foreseen, Prospect};
use cise_server::Metrics;
use cise_server::metrics::RunningImage;

/// After how many images it is told how far it is.
const TELLS_EVERY: u64 = 100;

/// How many images were asked about, by what came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    known: u64,
    failed: u64,
}

impl Tally {
    /// One more. The first that fails is named, the others are counted.
    pub(super) fn with(mut self, image: &Prospect, foreseen: &Foreseen, metrics: &Metrics) -> Self {
        let why = match foreseen {
            Foreseen::Unasked => return self,
            Foreseen::Known => None,
            Foreseen::Pending => Some("it is not indexed in the time for one image"),
            Foreseen::Unattended(why) | Foreseen::Failed(why) => Some(why.as_str()),
        };
        match why {
            None => self.known += 1,
            Some(why) => {
                if self.failed == 0 {
                    tracing::warn!("{image}, which runs, is not known to the advisor: {why}");
                }
                self.failed += 1;
            }
        }
        metrics.running_image(why.map_or(RunningImage::Known, |_| RunningImage::Failed));
        if (self.known + self.failed).is_multiple_of(TELLS_EVERY) {
            tracing::info!("the images that run are being looked at: {self} so far");
        }
        self
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { known, failed } = self;
        write!(f, "{known} known to the advisor, {failed} not")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_is_asked_about_does_not_count_and_everything_else_does_once() {
        let pod = r#"{"metadata": {"namespace": "team"}, "spec": {"containers": [{"image": "icr.io/a"}]}}"#;
        let image = Prospect::all_of(pod).unwrap().pop_first().unwrap();
        let metrics = Metrics::new();
        let why = || "no".to_owned();
        let all = [
            Foreseen::Unasked,
            Foreseen::Known,
            Foreseen::Pending,
            Foreseen::Known,
            Foreseen::Failed(why()),
            Foreseen::Known,
        ];
        let tally = all.iter().fold(Tally::default(), |tally, foreseen| {
            tally.with(&image, foreseen, &metrics)
        });
        assert_eq!(tally.to_string(), "3 known to the advisor, 2 not");
        let text = metrics.text();
        for line in [
            r#"cise_running_images_total{result="known"} 3"#,
            r#"cise_running_images_total{result="failed"} 2"#,
        ] {
            assert!(text.contains(line), "{text}");
        }
    }
}
