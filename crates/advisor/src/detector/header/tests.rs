use super::*;
use crate::detector::fixtures::RPM_HEADER;

/// A header of entries (tag, type, offset, count) and a store.
fn header(entries: &[[u32; 4]], store: &[u8]) -> Vec<u8> {
    let lengths = [entries.len(), store.len()].map(|length| u32::try_from(length).unwrap());
    let words = lengths.into_iter().chain(entries.iter().flatten().copied());
    let mut bytes: Vec<u8> = words.flat_map(u32::to_be_bytes).collect();
    bytes.extend(store);
    bytes
}

fn name(entries: &[[u32; 4]], store: &[u8]) -> Result<Option<Vec<u8>>, HeaderError> {
    let header = header(entries, store);
    Header::parse(&header)?
        .string(Tag::Name)
        .map(|name| name.map(<[u8]>::to_vec))
}

fn epoch(entries: &[[u32; 4]], store: &[u8]) -> Result<Option<u32>, HeaderError> {
    Header::parse(&header(entries, store))?.number(Tag::Epoch)
}

#[test]
fn a_header_of_rpm_is_read() {
    let header = Header::parse(RPM_HEADER).unwrap();
    let texts = [
        (Tag::Name, Some("epochal")),
        (Tag::Version, Some("2.0~rc1")),
        (Tag::Release, Some("1.el9_4.2")),
        (Tag::Vendor, Some("Fixture Makers")),
        (Tag::Arch, Some("x86_64")),
        (Tag::SourceRpm, Some("epochal-2.0~rc1-1.el9_4.2.src.rpm")),
        (Tag::ModularityLabel, None),
    ];
    for (tag, expected) in texts {
        assert_eq!(header.string(tag), Ok(expected.map(str::as_bytes)), "{tag}");
    }
    assert_eq!(header.number(Tag::Epoch), Ok(Some(3)));
}

#[test]
fn a_header_fills_its_row() {
    for bytes in 0..RPM_HEADER.len() {
        assert_eq!(
            Header::parse(&RPM_HEADER[..bytes]).err(),
            Some(HeaderError::Lengths),
            "{bytes}"
        );
    }
    let longer = [RPM_HEADER, &[0]].concat();
    assert_eq!(Header::parse(&longer).err(), Some(HeaderError::Lengths));
    assert_eq!(
        Header::parse(&header(&[], b"")).err(),
        Some(HeaderError::Lengths)
    );
    let huge = [[0xff; 8].as_slice(), RPM_HEADER].concat();
    assert_eq!(Header::parse(&huge).err(), Some(HeaderError::Lengths));
}

#[test]
fn a_string_lies_within_the_store_and_has_an_end() {
    let ok = |text: &str| Ok(Some(text.as_bytes().to_vec()));
    let err = |fault: HeaderFault| Err(fault.of(Tag::Name));
    let table: [(&[[u32; 4]], _); 11] = [
        (&[[1000, 6, 0, 1]], ok("ab")),
        (&[[1000, 6, 1, 1]], ok("b")),
        (&[[1000, 6, 2, 1]], ok("")),
        (&[[1001, 6, 0, 1]], Ok(None)),
        (&[[1000, 6, 3, 1]], err(HeaderFault::OutOfBounds)),
        (&[[1000, 6, 4, 1]], err(HeaderFault::OutOfBounds)),
        (&[[1000, 6, 5, 1]], err(HeaderFault::OutOfBounds)),
        (&[[1000, 6, u32::MAX, 1]], err(HeaderFault::OutOfBounds)),
        (&[[1000, 8, 0, 1]], err(HeaderFault::WrongType)),
        (&[[1000, 6, 0, 2]], err(HeaderFault::WrongType)),
        (
            &[[1000, 6, 0, 1], [1000, 6, 1, 1]],
            err(HeaderFault::Repeated),
        ),
    ];
    for (entries, expected) in table {
        assert_eq!(name(entries, b"ab\0c"), expected, "{entries:?}");
    }
}

#[test]
fn a_number_lies_within_the_store() {
    let err = |fault: HeaderFault| Err(fault.of(Tag::Epoch));
    let table: [(&[[u32; 4]], _); 6] = [
        (&[[1003, 4, 0, 1]], Ok(Some(0x0102_0304))),
        (&[[1003, 4, 1, 1]], err(HeaderFault::OutOfBounds)),
        (&[[1003, 4, u32::MAX, 1]], err(HeaderFault::OutOfBounds)),
        (&[[1003, 4, 0, 0]], err(HeaderFault::WrongType)),
        (&[[1003, 6, 0, 1]], err(HeaderFault::WrongType)),
        (
            &[[1003, 4, 0, 1], [1003, 4, 0, 1]],
            err(HeaderFault::Repeated),
        ),
    ];
    for (entries, expected) in table {
        assert_eq!(epoch(entries, &[1, 2, 3, 4]), expected, "{entries:?}");
    }
}

#[test]
fn a_broken_tag_is_told_by_name() {
    assert_eq!(
        HeaderFault::Missing.of(Tag::SourceRpm).to_string(),
        "its tag SOURCERPM is missing"
    );
}
