//! One header block.

use super::TarError;
use super::text::text;

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
        let layout = match (field(block, 257, 8), field(block, 508, 4)) {
            (b"ustar  \0", _) => Layout::Gnu,
            (magic, b"tar\0") if magic.starts_with(b"ustar\0") => Layout::Star,
            (magic, _) if magic.starts_with(b"ustar\0") => Layout::Ustar,
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
            header.check_prefix()?;
            Ok(header)
        } else {
            Err(TarError::Checksum)
        }
    }

    /// GNU's layout has times where POSIX's has the first part of the path, and Go takes what is no time for that part, since its
    /// own early versions wrote such headers.
    fn check_prefix(&self) -> Result<(), TarError> {
        let is_time = |start| {
            let time = self.field(start, 12);
            time.first() == Some(&0) || number(time).is_some()
        };
        if self.layout == Layout::Gnu && !(is_time(345) && is_time(357)) {
            return Err(TarError::Name);
        }
        Ok(())
    }

    /// Whether it is of GNU's layout, which alone has sparse files of the kind `S`.
    pub(super) fn is_gnu(&self) -> bool {
        self.layout == Layout::Gnu
    }

    /// The kind, as the letter that stands for it.
    pub(super) fn kind(&self) -> u8 {
        self.field(156, 1).first().copied().unwrap_or_default()
    }

    /// How long the content is.
    pub(super) fn size(&self) -> Result<u64, TarError> {
        unsigned(self.field(124, 12)).ok_or(TarError::Number)
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
            _ => unsigned(self.field(start, 8)).ok_or(TarError::Number),
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

fn field(block: &[u8; BLOCK], start: usize, length: usize) -> &[u8] {
    block.get(start..start + length).unwrap_or_default()
}

/// A number that is not negative.
fn unsigned(field: &[u8]) -> Option<u64> {
    u64::try_from(number(field)?).ok()
}

/// A number in octal digits, or in binary where the first bit is set.
fn number(field: &[u8]) -> Option<i64> {
    match field {
        [first, ..] if first & 0x80 != 0 => binary(field),
        field => i64::try_from(octal(field)?).ok(),
    }
}

/// The complement of two in the bits after the first, the highest first.
fn binary(field: &[u8]) -> Option<i64> {
    let is_negative = field.first()? & 0x40 != 0;
    let invert = if is_negative { 0xff } else { 0 };
    let bytes = field.iter().enumerate().map(|(at, byte)| match at {
        0 => (byte ^ invert) & 0x7f,
        _ => byte ^ invert,
    });
    let value = bytes.map(u64::from).try_fold(0_u64, |value, byte| {
        value.checked_mul(256)?.checked_add(byte)
    })?;
    let value = i64::try_from(value).ok()?;
    Some(if is_negative { !value } else { value })
}

/// Octal digits between spaces and NULs, up to a NUL; none at all are zero.
fn octal(field: &[u8]) -> Option<u64> {
    let is_filler = |byte: &u8| matches!(byte, b' ' | 0);
    let Some(start) = field.iter().position(|byte| !is_filler(byte)) else {
        return Some(0);
    };
    let end = field.iter().rposition(|byte| !is_filler(byte))?;
    let mut digits = field
        .get(start..=end)?
        .iter()
        .take_while(|byte| **byte != 0);
    digits.try_fold(0_u64, |value, digit| match digit {
        b'0'..=b'7' => value.checked_mul(8)?.checked_add(u64::from(digit - b'0')),
        _ => None,
    })
}
