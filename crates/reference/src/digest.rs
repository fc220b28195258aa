use std::fmt;

use crate::error::{Excerpt, ReferenceError};

/// A digest of one of the algorithms that the OCI image specification registers, as in `sha256:6c3c…`.
///
/// The hexadecimal digits are always in lower case and complete, so that equal texts and equal bytes are the same thing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest {
    text: Box<str>,
    algorithm: Algorithm,
}

/// The algorithm of a [`Digest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// SHA-256, 32 bytes.
    Sha256,
    /// SHA-512, 64 bytes.
    Sha512,
}

impl Digest {
    /// Parses `sha256:` and 64, or `sha512:` and 128 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        let Some((algorithm, hex)) = text
            .split_once(':')
            .and_then(|(name, hex)| Some((Algorithm::named(name)?, hex)))
        else {
            return Err(ReferenceError::DigestAlgorithm {
                digest: Excerpt::of(text),
            });
        };
        if hex.len() != algorithm.hex_length() || !hex.bytes().all(is_lower_hex) {
            return Err(ReferenceError::DigestEncoding {
                digest: Excerpt::of(text),
                expected: algorithm.hex_length(),
            });
        }
        Ok(Self {
            text: text.into(),
            algorithm,
        })
    }

    /// The digest whose SHA-256 bytes these are.
    pub fn sha256(bytes: [u8; 32]) -> Self {
        Self::encode(Algorithm::Sha256, &bytes)
    }

    /// The digest whose SHA-512 bytes these are.
    pub fn sha512(bytes: [u8; 64]) -> Self {
        Self::encode(Algorithm::Sha512, &bytes)
    }

    /// Which algorithm made it.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The hexadecimal digits, without the algorithm.
    pub fn hex(&self) -> &str {
        self.text.split_once(':').map_or("", |(_, hex)| hex)
    }

    /// Algorithm and hexadecimal digits, as in `sha256:6c3c…`.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    fn encode(algorithm: Algorithm, bytes: &[u8]) -> Self {
        let nibbles = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        let digits = nibbles.filter_map(|nibble| char::from_digit(nibble.into(), 16));
        let mut text = String::with_capacity(algorithm.as_str().len() + 1 + algorithm.hex_length());
        text.push_str(algorithm.as_str());
        text.push(':');
        text.extend(digits);
        Self {
            text: text.into(),
            algorithm,
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Algorithm {
    /// The name that precedes the colon of a digest.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::Sha256, Self::Sha512]
            .into_iter()
            .find(|algorithm| algorithm.as_str() == name)
    }

    fn hex_length(self) -> usize {
        match self {
            Self::Sha256 => 64,
            Self::Sha512 => 128,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn is_lower_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_an_algorithm_and_all_its_digits() {
        for (algorithm, name, length) in [
            (Algorithm::Sha256, "sha256", 64),
            (Algorithm::Sha512, "sha512", 128),
        ] {
            let hex = "0a".repeat(length / 2);
            let digest = Digest::parse(&format!("{name}:{hex}")).unwrap();
            assert_eq!(
                (digest.algorithm(), digest.hex()),
                (algorithm, hex.as_str())
            );
            assert_eq!(digest.to_string(), format!("{name}:{hex}"));
        }
    }

    #[test]
    fn a_digest_made_of_bytes_equals_the_parsed_one() {
        let hex = "00ff".repeat(16);
        let bytes = [[0x00, 0xff]; 16].concat();
        assert_eq!(
            Digest::parse(&format!("sha256:{hex}")),
            Ok(Digest::sha256(bytes.try_into().unwrap()))
        );
        assert_eq!(
            Digest::parse(&format!("sha512:{}", "00".repeat(64))),
            Ok(Digest::sha512([0; 64]))
        );
    }

    #[test]
    fn an_unregistered_algorithm_is_refused() {
        let hex = "0".repeat(64);
        for text in [
            "",
            "sha256",
            &hex,
            &format!(":{hex}"),
            &format!("SHA256:{hex}"),
            &format!("sha384:{hex}"),
            "md5:0",
        ] {
            assert_eq!(
                Digest::parse(text),
                Err(ReferenceError::DigestAlgorithm {
                    digest: Excerpt::of(text)
                })
            );
        }
    }

    #[test]
    fn too_few_too_many_and_upper_case_digits_are_refused() {
        for hex in [
            String::new(),
            "0".repeat(63),
            "0".repeat(65),
            "0".repeat(128),
            "A".repeat(64),
            "g".repeat(64),
            ":".repeat(64),
        ] {
            let text = format!("sha256:{hex}");
            let expected = ReferenceError::DigestEncoding {
                digest: Excerpt::of(&text),
                expected: 64,
            };
            assert_eq!(Digest::parse(&text), Err(expected));
        }
    }
}
