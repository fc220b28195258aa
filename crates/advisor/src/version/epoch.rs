use super::Fault;

/// The number before the `:` of a version.
pub(super) fn parse(text: &str) -> Result<u32, Fault> {
    // A sign, which the number's own parser takes, is no part of an epoch.
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.then(|| text.parse().ok()).flatten();
    number.ok_or(Fault::Epoch)
}
