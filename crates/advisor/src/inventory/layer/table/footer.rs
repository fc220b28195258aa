//! The ends of blobs, which say where a table is.

use super::super::blob::Tail;

/// What the end of a blob says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Footer {
    /// There is a gzip member with an archive that begins with the table.
    Estargz {
        /// How many bytes come before the member.
        position: u64,
    },
    /// There is a table in a frame that decoders pass over.
    ZstdChunked {
        /// How many bytes come before the content of the frame.
        position: u64,
        /// How many bytes that has.
        length: u64,
    },
    /// The table is kept apart from the layer.
    Elsewhere,
    /// It speaks of a table, and not as tools do.
    Broken,
}

/// What eStargz's footers end their only field with.
const STARGZ: &[u8] = b"STARGZ";
/// What the footers of a layer end theirs with whose table is kept apart.
const EXTERNAL: &[u8] = b"STARGZEXTERNALTOC";
/// The end of an empty gzip member: a stored block without bytes, and the sum and size of nothing.
const EMPTY: [u8; 13] = [1, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0];
/// The header of a gzip member with a field, of no system that is known.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff];
/// The magic numbers at the end of zstd:chunked's footers, with the length of each: podman's, and that of containerd's stargz
/// snapshotter.
const ZSTD_CHUNKED: [(&[u8; 8], usize); 2] = [(b"GNUlInUx", 64), (b"GnUlInUx", 40)];

/// All that the end of a blob says: it may be taken for several footers.
pub(super) fn all(tail: &Tail) -> Vec<Footer> {
    let of_gzip = speaks_of_stargz(tail).then(|| stargz(tail).unwrap_or(Footer::Broken));
    let of_zstd = ZSTD_CHUNKED.into_iter().filter_map(|(magic, length)| {
        let is_there = tail.last(magic.len()).is_some_and(|last| last == magic);
        is_there.then(|| zstd_chunked(tail, length).unwrap_or(Footer::Broken))
    });
    of_gzip.into_iter().chain(of_zstd).collect()
}

/// Whether the word is anywhere near the end. Runtimes take a header for a footer whatever follows it.
fn speaks_of_stargz(tail: &Tail) -> bool {
    let longest = (STARGZ.len()..=64).rev().find_map(|count| tail.last(count));
    longest.is_some_and(|tail| tail.windows(STARGZ.len()).any(|word| word == STARGZ))
}

/// eStargz's footer, the one of its predecessor, or that of a layer without its table, byte by byte as they are written.
fn stargz(tail: &Tail) -> Option<Footer> {
    let at = |digits: &[u8]| {
        let is_plain = digits
            .iter()
            .all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        let text = is_plain.then(|| str::from_utf8(digits).ok())??;
        u64::from_str_radix(text, 16).ok()
    };
    let marked = member(tail, 26).and_then(|field| field.strip_prefix(b"SG\x16\0"));
    let legacy = || member(tail, 22);
    if let Some(digits) = marked
        .or_else(legacy)
        .and_then(|field| field.strip_suffix(STARGZ))
    {
        return at(digits).map(|position| Footer::Estargz { position });
    }
    let apart = member(tail, 21)?.strip_prefix(b"SG\x11\0")?;
    (apart == EXTERNAL).then_some(Footer::Elsewhere)
}

/// The field, of that length, of an empty gzip member at the end.
fn member(tail: &Tail, length: u16) -> Option<&[u8]> {
    let all = tail.last(HEADER.len() + 2 + usize::from(length) + EMPTY.len())?;
    let rest = all.strip_prefix(&HEADER)?;
    rest.strip_prefix(&length.to_le_bytes())?
        .strip_suffix(&EMPTY)
}

/// Numbers of eight bytes, the lowest first: position, length, inflated length, type; then what differs between writers.
fn zstd_chunked(tail: &Tail, length: usize) -> Option<Footer> {
    let footer = tail.last(length)?;
    let number = |at: usize| {
        let bytes = footer.get(at * 8..at * 8 + 8)?;
        Some(u64::from_le_bytes(bytes.try_into().ok()?))
    };
    (number(3)? == 1).then_some(())?;
    Some(Footer::ZstdChunked {
        position: number(0)?,
        length: number(1)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tail(bytes: &[u8]) -> Tail {
        let mut tail = Tail::new();
        tail.push(bytes);
        tail
    }

    fn gzip(field: &[u8]) -> Vec<u8> {
        let length = u16::try_from(field.len()).expect("short").to_le_bytes();
        [&HEADER, length.as_slice(), field, &EMPTY].concat()
    }

    fn zstd(numbers: &[u64], magic: &[u8]) -> Vec<u8> {
        let numbers = numbers.iter().flat_map(|number| number.to_le_bytes());
        numbers.chain(magic.iter().copied()).collect()
    }

    #[test]
    fn the_end_of_a_blob_says_where_its_table_is() {
        let estargz = Footer::Estargz { position: 0x1a2b };
        let chunked = Footer::ZstdChunked {
            position: 7,
            length: 9,
        };
        let good = gzip(b"SG\x16\x000000000000001a2bSTARGZ");
        let changed = |at: usize, byte: u8| {
            let mut footer = good.clone();
            footer[at] = byte;
            footer
        };
        let table: [(&str, Vec<u8>, &[Footer]); 13] = [
            ("nothing", Vec::new(), &[]),
            ("zeros", vec![0; 64], &[]),
            ("eStargz", good.clone(), &[estargz]),
            (
                "eStargz after an archive",
                [vec![7; 100], good.clone()].concat(),
                &[estargz],
            ),
            (
                "its predecessor",
                gzip(b"0000000000001a2bSTARGZ"),
                &[estargz],
            ),
            (
                "a table apart",
                gzip(b"SG\x11\0STARGZEXTERNALTOC"),
                &[Footer::Elsewhere],
            ),
            (
                "a sign in the number",
                gzip(b"SG\x16\0+000000000001a2bSTARGZ"),
                &[Footer::Broken],
            ),
            ("another header", changed(3, 0x0c), &[Footer::Broken]),
            ("another sum", changed(44, 1), &[Footer::Broken]),
            (
                "podman's",
                zstd(&[7, 9, 20, 1, 0, 0, 0], b"GNUlInUx"),
                &[chunked],
            ),
            ("stargz's", zstd(&[7, 9, 20, 1], b"GnUlInUx"), &[chunked]),
            (
                "of another type",
                zstd(&[7, 9, 20, 2], b"GnUlInUx"),
                &[Footer::Broken],
            ),
            ("too short", zstd(&[7], b"GnUlInUx"), &[Footer::Broken]),
        ];
        for (what, bytes, footers) in table {
            assert_eq!(all(&tail(&bytes)), footers, "{what}");
        }
    }
}
