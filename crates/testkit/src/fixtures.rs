//! Recorded and hand-made input with the answer that it must get.

pub mod notary;
pub mod packages;
