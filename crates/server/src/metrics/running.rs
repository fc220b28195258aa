//! What is counted of the images that run.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::Raised;

/// What came of the question about an image that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunningImage {
    /// The advisor knows it.
    Known,
    /// The advisor cannot know it, or did not come to know it in time.
    Failed,
}

/// Images that run, as they are gone through.
#[derive(Clone, Debug, Default)]
pub(super) struct Running {
    images: Family<Label, Counter>,
    under_way: Gauge,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Label {
    result: &'static str,
}

impl Running {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "running_images",
            "Images of pods that run, about which the advisor was asked, by result",
            self.images.clone(),
        );
        registry.register(
            "running_images_under_way",
            "Whether the images of pods that run are being gone through",
            self.under_way.clone(),
        );
    }

    pub(super) fn begin(&self) -> Raised {
        Raised::new(&self.under_way)
    }

    pub(super) fn ended(&self, outcome: RunningImage) {
        let result = match outcome {
            RunningImage::Known => "known",
            RunningImage::Failed => "failed",
        };
        self.images.get_or_create(&Label { result }).inc();
    }
}
