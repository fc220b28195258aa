//! One header block.

use super::TarError;

/// The size of a block.
pub(super) const BLOCK: usize = 512;

/// A header whose checksum holds.
pub(super) struct Header {
    block: [u8; BLOCK],
    layout: Layout,
}

/// Where a header has what.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// The oldest, which has a path, a link and a size.
    Oldest,
    /// GNU's, whose path has no second part.
    Gnu,
    /// POSIX's, whose path may begin in a field of 155 bytes.
    Ustar,
    /// Schilling's, which has 131 bytes there.
    Star,
}

impl Header {
    pub(super) fn new(block: &[u8; BLOCK]) -> Result<Self, TarError> {
        let layout = match (field(block, 257, 6), field(block, 508, 4)) {
            (b"ustar\0", b"tar\0") => Layout::Star,
            (b"ustar\0", _) => Layout::Ustar,
            (b"ustar ", _) => Layout::Gnu,
            _ => Layout::Oldest,
        };
        let header = Self {
            block: *block,
            layout,
        };
        let said = octal(header.field(148, 8)).ok_or(TarError::Checksum)?;
        // Some old programs summed up signed bytes.
        if said == header.sum(u64::from)
            || said == header.sum(|byte| i64::from(byte.cast_signed()).cast_unsigned())
        {
            Ok(header)
        } else {
            Err(TarError::Checksum)
        }
    }

    /// The kind, as the letter that stands for it.
    pub(super) fn kind(&self) -> u8 {
        self.field(156, 1).first().copied().unwrap_or_default()
    }

    /// How long the content is.
    pub(super) fn size(&self) -> Result<u64, TarError> {
        number(self.field(124, 12)).ok_or(TarError::Number)
    }

    pub(super) fn path(&self) -> String {
        let name = text(self.field(0, 100));
        let prefix = match self.layout {
            Layout::Oldest | Layout::Gnu => String::new(),
            Layout::Ustar => text(self.field(345, 155)),
            Layout::Star => text(self.field(345, 131)),
        };
        match prefix.as_str() {
            "" => name,
            prefix => format!("{prefix}/{name}"),
        }
    }

    pub(super) fn link(&self) -> String {
        text(self.field(157, 100))
    }

    /// The numbers of a device, major and minor.
    pub(super) fn device(&self) -> Result<(u64, u64), TarError> {
        let number = |start| match self.layout {
            Layout::Oldest => Ok(0),
            _ => number(self.field(start, 8)).ok_or(TarError::Number),
        };
        Ok((number(329)?, number(337)?))
    }

    /// Whether the map of a sparse file of GNU's goes on in the next block.
    pub(super) fn sparse_map_goes_on(&self) -> bool {
        self.field(482, 1) != [0]
    }

    /// The sum of all bytes, those of the sum itself taken as spaces.
    fn sum(&self, value: impl Fn(u8) -> u64) -> u64 {
        let bytes = self.block.iter().enumerate();
        let values = bytes.map(|(at, byte)| match at {
            148..156 => u64::from(b' '),
            _ => value(*byte),
        });
        values.fold(0, u64::wrapping_add)
    }

    fn field(&self, start: usize, length: usize) -> &[u8] {
        field(&self.block, start, length)
    }
}

/// Whether a block of a sparse map is followed by another.
pub(super) fn extended_map_goes_on(block: &[u8; BLOCK]) -> bool {
    field(block, 504, 1) != [0]
}

/// The text before the first NUL.
pub(super) fn text(bytes: &[u8]) -> String {
    let end = bytes
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(bytes.len());
    String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
}

fn field(block: &[u8; BLOCK], start: usize, length: usize) -> &[u8] {
    block.get(start..start + length).unwrap_or_default()
}

/// A number in octal, or in base 256 where the first bit is set; negative sizes are none.
fn number(field: &[u8]) -> Option<u64> {
    match field {
        [first, rest @ ..] if first & 0x80 != 0 => {
            let start = u64::from(first & 0x7f);
            rest.iter().try_fold(start, |value, byte| {
                value.checked_mul(256)?.checked_add(u64::from(*byte))
            })
        }
        field => octal(field),
    }
}

/// Octal digits between spaces and NULs; none at all are zero.
fn octal(field: &[u8]) -> Option<u64> {
    let is_filler = |byte: &u8| matches!(byte, b' ' | 0);
    let start = field
        .iter()
        .position(|byte| !is_filler(byte))
        .unwrap_or(field.len());
    let digits = field
        .get(start..)?
        .iter()
        .take_while(|byte| !is_filler(byte));
    digits.copied().try_fold(0_u64, |value, digit| match digit {
        b'0'..=b'7' => value.checked_mul(8)?.checked_add(u64::from(digit - b'0')),
        _ => None,
    })
}
