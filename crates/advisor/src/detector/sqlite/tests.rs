use super::*;
use crate::detector::fixtures::{SQLITE_512, SQLITE_65536, SQLITE_DEEP, inflate};

/// The ids and blobs of the table of rpm's headers.
fn rows(content: &[u8]) -> Result<Vec<(i64, Vec<u8>)>, SqliteError> {
    let mut rows = Vec::new();
    Sqlite::open(Content::Held(content))?.rows("Packages", &mut |row: &Row<'_>| {
        rows.push((row.id, row.blob(1).unwrap_or_default().to_vec()));
        Ok::<_, SqliteError>(())
    })?;
    Ok(rows)
}

fn patched(database: &[u8], at: usize, bytes: &[u8]) -> Result<Vec<(i64, Vec<u8>)>, SqliteError> {
    let mut content = inflate(database);
    content[at..at + bytes.len()].copy_from_slice(bytes);
    rows(&content)
}

/// The root page of the table in `SQLITE_DEEP`, an interior page, by its offset.
fn root_of_deep() -> usize {
    512 * (root("Packages") - 1)
}

fn root(table: &'static str) -> usize {
    let content = inflate(SQLITE_DEEP);
    let root = Sqlite::open(Content::Held(&content))
        .unwrap()
        .root(table)
        .unwrap();
    usize::try_from(root).unwrap()
}

#[test]
fn rows_are_read_from_three_levels_of_pages_and_chains_of_overflow() {
    let expected: Vec<_> = (1..=300_usize)
        .filter(|id| id % 3 != 0)
        .map(|id| {
            (
                i64::try_from(id).unwrap(),
                format!("{id:0width$}", width = 1 + id * 37 % 1900).into_bytes(),
            )
        })
        .collect();
    assert_eq!(rows(&inflate(SQLITE_DEEP)), Ok(expected));
}

#[test]
fn a_file_that_was_cut_off_is_refused() {
    let content = inflate(SQLITE_512);
    for bytes in 0..content.len() {
        assert!(rows(&content[..bytes]).is_err(), "{bytes}");
    }
}

#[test]
fn the_header_of_the_file_must_be_in_order() {
    let table: [(usize, &[u8], SqliteError); 11] = [
        (0, b"s", SqliteError::BadHeader),
        (16, &[0, 0], SqliteError::BadHeader),
        (16, &[1, 0], SqliteError::BadHeader),
        (16, &[2, 1], SqliteError::BadHeader),
        (20, &[33], SqliteError::BadHeader),
        (21, &[65], SqliteError::BadHeader),
        (19, &[3], SqliteError::UnknownForm),
        (56, &[0, 0, 0, 2], SqliteError::UnknownForm),
        (
            28,
            &[0, 0, 0, 63],
            SqliteError::Truncated {
                found: 31_744,
                expected: 32_256,
            },
        ),
        (
            28,
            &[255; 4],
            SqliteError::Truncated {
                found: 31_744,
                expected: 2_199_023_255_040,
            },
        ),
        (
            16,
            &[0, 1],
            SqliteError::Truncated {
                found: 31_744,
                expected: 4_063_232,
            },
        ),
    ];
    for (at, bytes, expected) in table {
        assert_eq!(
            patched(SQLITE_512, at, bytes),
            Err(expected),
            "{at} {bytes:?}"
        );
    }
}

#[test]
fn a_size_in_the_header_counts_only_if_it_is_of_the_last_change() {
    let whole = rows(&inflate(SQLITE_512));
    assert!(whole.is_ok());
    let mut content = inflate(SQLITE_512);
    content[28..32].copy_from_slice(&[0, 0, 0, 99]);
    content[92..96].copy_from_slice(&[0, 0, 0, 0]);
    assert_eq!(rows(&content), whole);
    content.push(0);
    assert!(matches!(rows(&content), Err(SqliteError::Truncated { .. })));
}

#[test]
fn a_table_is_there_exactly_once() {
    let content = inflate(SQLITE_512);
    let file = Sqlite::open(Content::Held(&content)).unwrap();
    assert!(
        file.root("packages").is_ok(),
        "names are compared in any case"
    );
    assert_eq!(file.root("Package"), Err(SqliteError::NoTable("Package")));
}

#[test]
fn a_page_is_used_once() {
    let content = inflate(SQLITE_DEEP);
    let root = root_of_deep();
    let own_number = u32::try_from(root / 512 + 1).unwrap();
    assert_eq!(content[root], 5, "the root is an interior page");
    let to_itself = patched(SQLITE_DEEP, root + 8, &own_number.to_be_bytes());
    assert_eq!(to_itself, Err(SqliteError::Cycle(own_number)));
    let to_the_schema = patched(SQLITE_DEEP, root + 8, &1_u32.to_be_bytes());
    assert_eq!(to_the_schema, Err(SqliteError::OutOfOrder(1)));
    for nowhere in [0, u32::MAX] {
        assert_eq!(
            patched(SQLITE_DEEP, root + 8, &nowhere.to_be_bytes()),
            Err(SqliteError::BadPage(nowhere))
        );
    }
}

#[test]
fn a_page_of_another_kind_is_broken() {
    let root = root_of_deep();
    let number = u32::try_from(root / 512 + 1).unwrap();
    for kind in [0, 2, 10, 255] {
        assert_eq!(
            patched(SQLITE_DEEP, root, &[kind]),
            Err(SqliteError::BadPage(number)),
            "{kind}"
        );
    }
    assert_eq!(
        patched(SQLITE_DEEP, root + 3, &[255, 255]),
        Err(SqliteError::BadPage(number))
    );
}

#[test]
fn rows_come_in_order_and_do_not_overlap() {
    let content = inflate(SQLITE_65536);
    let file = Sqlite::open(Content::Held(&content)).unwrap();
    let root = 65_536 * usize::try_from(file.root("Packages").unwrap() - 1).unwrap();
    let [first, second] = [8, 10].map(|at| &content[root + at..root + at + 2]);
    assert_eq!(
        patched(SQLITE_65536, root + 8, second),
        Err(SqliteError::OutOfOrder(2))
    );
    let cell = root + usize::from(u16::from_be_bytes(first.try_into().unwrap()));
    // A payload of 2^56 - 1 bytes.
    assert_eq!(
        patched(
            SQLITE_65536,
            cell,
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 1]
        ),
        Err(SqliteError::Overlap)
    );
}

#[test]
fn a_row_has_no_more_columns_than_sqlite_gives_it() {
    // A header of two bytes of its own size and a null for each column.
    let columns = |columns: u16| {
        let [high, low] =
            [(columns + 2) >> 7, (columns + 2) & 0x7f].map(|bits| u8::try_from(bits).unwrap());
        let payload = [vec![0x80 | high, low], vec![0; usize::from(columns)]].concat();
        Row::new(1, &payload).map(|row| row.columns())
    };
    assert_eq!(columns(2000), Some(2000));
    assert_eq!(columns(2001), None);
}

#[test]
fn no_changed_byte_makes_a_panic_or_more_rows() {
    let content = inflate(SQLITE_512);
    let count = rows(&content).unwrap().len();
    for at in (0..content.len()).step_by(61) {
        let mut damaged = content.clone();
        damaged[at] = !damaged[at];
        let rows = rows(&damaged).map_or(0, |rows| rows.len());
        assert!(rows <= count, "{at}");
    }
}
