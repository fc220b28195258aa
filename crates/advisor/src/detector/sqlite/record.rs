//! The format of a row (file format, §2.1).

/// A value of a row, as far as a reader of rpm's database has a use for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Integer(i64),
    Text(&'a [u8]),
    Blob(&'a [u8]),
    /// Null, or a number with a fraction.
    Other,
}

/// The values of a row, one after the other; an error ends it.
pub(super) struct Record<'a> {
    types: &'a [u8],
    values: &'a [u8],
}

impl<'a> Record<'a> {
    pub(super) fn new(payload: &'a [u8]) -> Option<Self> {
        let (header_bytes, rest) = varint(payload)?;
        let own_bytes = payload.len() - rest.len();
        let types = usize::try_from(header_bytes).ok()?.checked_sub(own_bytes)?;
        let (types, values) = rest.split_at_checked(types)?;
        Some(Self { types, values })
    }

    /// The next value, where there is one and it is in order.
    pub(super) fn next(&mut self) -> Option<Value<'a>> {
        let (kind, rest) = varint(self.types)?;
        self.types = rest;
        let bytes = match kind {
            0 | 8 | 9 | 12 | 13 => 0,
            1..=4 => kind,
            5 => 6,
            6 | 7 => 8,
            10 | 11 => return None,
            12.. => (kind - 12) / 2,
        };
        let (value, rest) = self.values.split_at_checked(usize::try_from(bytes).ok()?)?;
        self.values = rest;
        Some(match kind {
            1..=6 => Value::Integer(integer(value)),
            8 => Value::Integer(0),
            9 => Value::Integer(1),
            0 | 7 => Value::Other,
            even if even % 2 == 0 => Value::Blob(value),
            _ => Value::Text(value),
        })
    }

    /// Whether all of the row was read: no value and no byte is left.
    pub(super) fn is_at_end(&self) -> bool {
        self.types.is_empty() && self.values.is_empty()
    }
}

/// A number in two's complement, the highest byte first.
fn integer(bytes: &[u8]) -> i64 {
    let sign = bytes
        .first()
        .map_or(0, |first| if first & 0x80 == 0 { 0 } else { -1 });
    bytes
        .iter()
        .fold(sign, |number, byte| number << 8 | i64::from(*byte))
}

/// A number of seven bits a byte, of which the highest says whether more follow; all of the ninth counts (file format, §1.6).
pub(super) fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0_u64;
    for (index, byte) in bytes.iter().take(9).enumerate() {
        let rest = bytes.get(index + 1..)?;
        if index == 8 {
            return Some((number << 8 | u64::from(*byte), rest));
        }
        number = number << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((number, rest));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_varint_has_one_to_nine_bytes() {
        let table: [(&[u8], Option<u64>); 9] = [
            (&[0], Some(0)),
            (&[0x7f], Some(127)),
            (&[0x81, 0], Some(128)),
            (&[0x82, 0x80, 1], Some(0x8001)),
            (&[0xff; 9], Some(u64::MAX)),
            (&[0x80; 9], Some(0x80)),
            (&[], None),
            (&[0x80], None),
            (&[0xff; 8], None),
        ];
        for (bytes, expected) in table {
            assert_eq!(
                varint(bytes).map(|(number, rest)| (number, rest.len())),
                expected.map(|number| (number, 0)),
                "{bytes:x?}"
            );
        }
        assert_eq!(varint(&[1, 2]), Some((1, &[2][..])));
    }

    #[test]
    fn each_type_of_value_has_its_width() {
        let payload = [
            &[12, 0, 1, 2, 5, 6, 7, 8, 9, 16, 17, 12][..],
            &[0xff],
            &[0x01, 0x00],
            &[0, 0, 0, 0, 1, 0],
            &[0xff; 8],
            &[0x3f, 0xf0, 0, 0, 0, 0, 0, 0],
            b"abcd",
        ];
        let payload = payload.concat();
        let mut record = Record::new(&payload).unwrap();
        let expected = [
            Value::Other,
            Value::Integer(-1),
            Value::Integer(256),
            Value::Integer(256),
            Value::Integer(-1),
            Value::Other,
            Value::Integer(0),
            Value::Integer(1),
            Value::Blob(b"ab"),
            Value::Text(b"cd"),
            Value::Blob(b""),
        ];
        for value in expected {
            assert!(!record.is_at_end());
            assert_eq!(record.next(), Some(value));
        }
        assert!(record.is_at_end());
    }

    #[test]
    fn a_row_that_is_not_in_order_is_refused() {
        let table: [&[u8]; 6] = [&[], &[0x80], &[0], &[3, 1], &[2, 10], &[2, 18, b'a']];
        for payload in table {
            let value = Record::new(payload).and_then(|mut record| record.next());
            assert_eq!(value, None, "{payload:x?}");
        }
        let mut left_over = Record::new(&[2, 1, 5, 6]).unwrap();
        assert_eq!(left_over.next(), Some(Value::Integer(5)));
        assert!(!left_over.is_at_end());
    }
}
