use cise_signature::attestation::TrustedKeys;

/// Whose VEX counts. Without any key nothing that is attached to images is asked for.
#[derive(Clone, Debug, Default)]
pub struct VexKeys(TrustedKeys);

impl VexKeys {
    /// Documents count that one of these keys has signed.
    pub fn new(keys: TrustedKeys) -> Self {
        Self(keys)
    }

    /// Does nobody's count?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn trusted(&self) -> &TrustedKeys {
        &self.0
    }
}
