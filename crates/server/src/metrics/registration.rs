use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::gauge::ConstGauge;

/// What the API server was told about the webhooks, as the replica sees it that takes care of that.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registration {
    /// The configuration of the webhooks that may change objects.
    pub mutating: RegistrationState,
    /// The configuration of those that see what is stored.
    pub validating: RegistrationState,
    /// The namespaces for which no webhook is called.
    pub left_out: BTreeSet<String>,
}

/// Whether the API server calls the webhooks of a configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RegistrationState {
    /// Another replica takes care of that.
    #[default]
    Unknown,
    /// It does.
    Registered,
    /// The configuration was deleted: the enforcement is off.
    Deleted,
    /// The configuration cannot be read or written.
    Failed,
}

impl RegistrationState {
    const ALL: [Self; 4] = [Self::Unknown, Self::Registered, Self::Deleted, Self::Failed];

    fn label(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Registered => "registered",
            Self::Deleted => "deleted",
            Self::Failed => "failed",
        }
    }
}

type Ask = Box<dyn Fn() -> Registration + Send + Sync>;

/// A registration that is asked for at each scrape, once there is somebody to ask.
#[derive(Clone, Default)]
pub(super) struct Asked(Arc<Mutex<Option<Ask>>>);

impl Asked {
    pub(super) fn ask(&self, registration: impl Fn() -> Registration + Send + Sync + 'static) {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *asked = Some(Box::new(registration));
    }
}

impl Collector for Asked {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(registration) = asked.as_ref().map(|ask| ask()) else {
            return Ok(());
        };
        encode_states(&mut encoder, &registration)?;
        encode_left_out(&mut encoder, &registration.left_out)
    }
}

/// Each state has its line, 1 or 0, so that none of them lasts longer than it holds.
fn encode_states(encoder: &mut DescriptorEncoder<'_>, registration: &Registration) -> fmt::Result {
    let mut family = encoder.encode_descriptor(
        "webhook_registration",
        "Whether the API server calls the webhooks of a configuration.",
        None,
        ConstGauge::new(0_u64).metric_type(),
    )?;
    let configurations = [
        ("mutating", registration.mutating),
        ("validating", registration.validating),
    ];
    for (configuration, found) in configurations {
        for state in RegistrationState::ALL {
            let labels = [("configuration", configuration), ("state", state.label())];
            let gauge = ConstGauge::new(u64::from(found == state));
            gauge.encode(family.encode_family(&labels)?)?;
        }
    }
    Ok(())
}

fn encode_left_out(
    encoder: &mut DescriptorEncoder<'_>,
    left_out: &BTreeSet<String>,
) -> fmt::Result {
    let gauge = ConstGauge::new(1_u64);
    let mut family = encoder.encode_descriptor(
        "namespace_left_out",
        "Namespaces for which no webhook is called, since their policies admit everything.",
        None,
        gauge.metric_type(),
    )?;
    // Whoever scrapes has a label `namespace` of its own, for where this program is.
    for namespace in left_out {
        let labels = [("name", namespace.as_str())];
        gauge.encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asked").finish_non_exhaustive()
    }
}
