mod differences;
mod readers;

use std::io::Read as _;

use proptest::prelude::*;

use super::*;

/// Bytes that come in pieces of some size.
struct Pieces<'a> {
    bytes: &'a [u8],
    piece: usize,
}

impl Input for Pieces<'_> {
    type Error = TarError;

    fn fill(&mut self) -> Result<&[u8], TarError> {
        Ok(&self.bytes[..self.bytes.len().min(self.piece)])
    }

    fn consume(&mut self, amount: usize) {
        self.bytes = &self.bytes[amount..];
    }
}

type Read = (String, Kind, Vec<u8>);

fn read_in(bytes: &[u8], piece: usize) -> Result<Vec<Read>, TarError> {
    let mut archive = Archive::new(Pieces { bytes, piece });
    let mut entries = Vec::new();
    while let Some(entry) = archive.next()? {
        let content = if entry.size < 10_000 {
            archive.content()?
        } else {
            Vec::new()
        };
        entries.push((entry.path, entry.kind, content));
    }
    archive.finish()?;
    Ok(entries)
}

fn read(bytes: &[u8]) -> Result<Vec<Read>, TarError> {
    read_in(bytes, 512)
}

fn paths(bytes: &[u8]) -> Vec<String> {
    let entries = read(bytes).expect("an archive");
    entries.into_iter().map(|(path, ..)| path).collect()
}

/// A block with that path, kind and size, its checksum right; then the content.
fn entry(path: &str, kind: u8, content: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    header.as_old_mut().linkflag = [kind];
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
    bytes
}

/// The magic of GNU's layout.
const GNU: &[u8; 8] = b"ustar  \0";

/// An entry whose header is changed, its checksum right again.
fn with(mut bytes: Vec<u8>, change: impl FnOnce(&mut [u8])) -> Vec<u8> {
    change(&mut bytes[..BLOCK]);
    let mut header = tar::Header::from_byte_slice(&bytes[..BLOCK]).clone();
    header.set_cksum();
    bytes[..BLOCK].copy_from_slice(header.as_bytes());
    bytes
}

fn record(key: &str, value: &str) -> Vec<u8> {
    let rest = format!(" {key}={value}\n");
    let mut length = rest.len();
    while length != rest.len() + length.to_string().len() {
        length = rest.len() + length.to_string().len();
    }
    format!("{length}{rest}").into_bytes()
}

fn archive(parts: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = parts.concat();
    bytes.resize(bytes.len() + 2 * BLOCK, 0);
    bytes
}

#[test]
fn entries_are_read_as_an_archiver_wrote_them() {
    let long = format!("{}/file", "folder".repeat(40));
    let mut builder = tar::Builder::new(Vec::new());
    let mut append = |kind: tar::EntryType, path: &str, link: &str, content: &str| {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        let done = match link {
            "" => builder.append_data(&mut header, path, content.as_bytes()),
            link => builder.append_link(&mut header, path, link),
        };
        done.expect("room");
    };
    append(tar::EntryType::Directory, "etc/", "", "");
    append(tar::EntryType::Regular, "etc/motd", "", "hello");
    append(tar::EntryType::Symlink, "etc/link", "motd", "");
    append(tar::EntryType::Link, "etc/hard", "etc/motd", "");
    append(tar::EntryType::Fifo, "etc/pipe", "", "");
    append(tar::EntryType::Regular, &long, "", "deep");
    append(tar::EntryType::Symlink, "etc/far", &long, "");
    let bytes = builder.into_inner().expect("an archive");
    let expected = [
        ("etc/", Kind::Directory, ""),
        ("etc/motd", Kind::File, "hello"),
        ("etc/link", Kind::Symlink("motd".into()), ""),
        ("etc/hard", Kind::HardLink("etc/motd".into()), ""),
        ("etc/pipe", Kind::Pipe, ""),
        (&long, Kind::File, "deep"),
        ("etc/far", Kind::Symlink(long.clone()), ""),
    ];
    let expected: Vec<Read> = expected
        .into_iter()
        .map(|(path, kind, content)| (path.to_owned(), kind, content.into()))
        .collect();
    for piece in [1, 7, 512, 100_000] {
        assert_eq!(
            read_in(&bytes, piece),
            Ok(expected.clone()),
            "pieces of {piece}"
        );
    }
}

#[test]
fn names_come_from_where_go_looks_for_them() {
    let pax = |records: &[Vec<u8>]| entry("x", b'x', &records.concat());
    let global = |key| entry("pax_global_header", b'g', &record(key, "other"));
    let file = || entry("short", b'0', b"1");
    let named = |path: &str| entry(&"././@LongLink"[..13], b'L', path.as_bytes());
    let mut split = tar::Header::new_ustar();
    split
        .set_path(format!("{}/{}", "p".repeat(150), "n".repeat(90)))
        .expect("it fits");
    split.set_size(0);
    split.set_cksum();
    let mut star = split.clone();
    star.as_mut_bytes()[508..512].copy_from_slice(b"tar\0");
    star.set_cksum();
    let table = [
        ("PAX", vec![pax(&[record("path", "long")]), file()], "long"),
        (
            "an empty value takes it back",
            vec![pax(&[record("path", "long"), record("path", "")]), file()],
            "short",
        ),
        ("GNU's long name", vec![named("long\0"), file()], "long"),
        (
            "GNU's long name up to a NUL",
            vec![named("long\0junk"), file()],
            "long",
        ),
        (
            "GNU's and PAX's, which are the same",
            vec![named("both"), pax(&[record("path", "both")]), file()],
            "both",
        ),
        (
            "a global header that names nothing",
            vec![global("comment"), file()],
            "short",
        ),
        (
            "the name of a sparse file",
            vec![
                pax(&[
                    record("GNU.sparse.major", "1"),
                    record("GNU.sparse.minor", "0"),
                    record("GNU.sparse.name", "real"),
                    record("path", "GNUSparseFile.0/real"),
                ]),
                file(),
            ],
            "real",
        ),
        (
            "ustar's two parts",
            vec![split.as_bytes().to_vec()],
            &format!("{}/{}", "p".repeat(150), "n".repeat(90)),
        ),
        (
            "star's shorter first part",
            vec![star.as_bytes().to_vec()],
            &format!("{}/{}", "p".repeat(131), "n".repeat(90)),
        ),
    ];
    for (what, parts, expected) in table {
        assert_eq!(paths(&archive(&parts)), [expected], "{what}");
    }
}

#[test]
fn sparse_files_are_told_from_whole_ones() {
    let version = [
        record("GNU.sparse.major", "1"),
        record("GNU.sparse.minor", "0"),
    ];
    let sparse = entry("x", b'x', &version.concat());
    let entries = read(&archive(&[
        sparse,
        entry("a", b'0', b"1"),
        entry("b", b'0', b"2"),
    ]));
    let kinds: Vec<_> = entries
        .expect("an archive")
        .into_iter()
        .map(|entry| entry.1)
        .collect();
    assert_eq!(kinds, [Kind::Sparse, Kind::File]);
    let old = with(entry("a", b'S', b"data"), |block| {
        block[257..265].copy_from_slice(GNU);
        block[482] = 1;
    });
    let mut map = vec![7; BLOCK];
    map[504] = 0;
    let (head, data) = old.split_at(BLOCK);
    let bytes = archive(&[head.to_vec(), map, data.to_vec(), entry("b", b'0', b"2")]);
    let entries = read(&bytes).expect("an archive");
    assert_eq!(entries[0], ("a".into(), Kind::Sparse, b"data".to_vec()));
    assert_eq!(entries[1], ("b".into(), Kind::File, b"2".to_vec()));
}

#[test]
fn sizes_may_be_octal_binary_or_in_pax() {
    let mut binary = entry("a", b'0', b"");
    binary[124..136].copy_from_slice(&[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3]);
    let mut header = tar::Header::from_byte_slice(&binary).clone();
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend_from_slice(&[b'z'; 3]);
    bytes.resize(2 * BLOCK, 0);
    assert_eq!(read(&archive(&[bytes])).expect("an archive")[0].2, b"zzz");
    let pax = entry("x", b'x', &record("size", "2"));
    let mut wrong = entry("a", b'0', b"");
    wrong.extend_from_slice(b"ok");
    wrong.resize(2 * BLOCK, 0);
    assert_eq!(
        read(&archive(&[pax, wrong])).expect("an archive")[0].2,
        b"ok"
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table reads best in one piece")]
fn broken_archives_are_refused_with_their_reason() {
    let file = || entry("a", b'0', b"1");
    let end = vec![0; 2 * BLOCK];
    let mut off = file();
    off[0] = b'b';
    let huge = {
        let mut header = tar::Header::new_ustar();
        header.set_path("a").expect("a path");
        header.as_old_mut().size.copy_from_slice(&[0xff; 12]);
        header.set_cksum();
        header.as_bytes().to_vec()
    };
    let letters = {
        let mut header = tar::Header::new_ustar();
        header.as_old_mut().size.copy_from_slice(b"00000000009\0");
        header.set_cksum();
        header.as_bytes().to_vec()
    };
    let pax = |content: &[u8]| [entry("x", b'x', content), file()].concat();
    let global = |content: &[u8]| entry("pax_global_header", b'g', content);
    let table = [
        ("a false checksum", off, TarError::Checksum),
        ("no archive", b"#!/bin/sh".repeat(100), TarError::Checksum),
        (
            "a header cut short",
            file()[..100].to_vec(),
            TarError::Truncated,
        ),
        (
            "a content cut short",
            file()[..700].to_vec(),
            TarError::Truncated,
        ),
        ("a negative size", huge, TarError::Number),
        ("a size that is none", letters, TarError::Number),
        (
            "a record without a length",
            pax(b"path=x\n"),
            TarError::Extension,
        ),
        (
            "a record that is too long",
            pax(b"99 path=x\n"),
            TarError::Extension,
        ),
        (
            "a record without an end",
            pax(b"8 path=x"),
            TarError::Extension,
        ),
        (
            "a record without a key",
            pax(b"5 =x\n"),
            TarError::Extension,
        ),
        (
            "a path with a NUL",
            pax(&record("path", "a\0b")),
            TarError::Extension,
        ),
        (
            "a size of letters",
            pax(&record("size", "x")),
            TarError::Number,
        ),
        (
            "a size with a sign",
            pax(&record("size", "+1")),
            TarError::Number,
        ),
        (
            "a global name",
            [global(&record("path", "x")), file()].concat(),
            TarError::Global,
        ),
        (
            "a name without an entry",
            [entry("x", b'L', b"x"), end.clone()].concat(),
            TarError::Dangling,
        ),
        (
            "a long name that is too long",
            entry("x", b'L', &vec![b'x'; 2 << 20]),
            TarError::LongExtension,
        ),
        (
            "another archive after the end",
            [file(), end.clone(), file()].concat(),
            TarError::Trailing,
        ),
        (
            "one zero block in between",
            [file(), vec![0; BLOCK], file()].concat(),
            TarError::Trailing,
        ),
        (
            "a byte after the end",
            [file(), end, vec![1]].concat(),
            TarError::Trailing,
        ),
    ];
    for (what, bytes, expected) in table {
        assert_eq!(read(&bytes), Err(expected), "{what}");
    }
}

#[test]
fn an_archive_may_end_without_its_mark_or_with_zeros() {
    let file = entry("a", b'0', b"1");
    for zeros in [0, BLOCK, 2 * BLOCK, 20 * BLOCK, 1000, 1] {
        let bytes = [file.clone(), vec![0; zeros]].concat();
        let read = read(&bytes);
        assert_eq!(
            read.is_ok(),
            zeros % BLOCK == 0 || zeros > 2 * BLOCK,
            "{zeros}: {read:?}"
        );
    }
}

#[test]
fn content_that_is_not_wanted_is_passed_over() {
    let bytes = archive(&[entry("a", b'0', &[1; 9999]), entry("b", b'0', b"2")]);
    let mut archive = Archive::new(Pieces {
        bytes: &bytes,
        piece: 100,
    });
    let path = |archive: &mut Archive<_>| {
        archive
            .next()
            .expect("an entry")
            .map(|entry: Entry| entry.path)
    };
    assert_eq!(path(&mut archive), Some("a".into()));
    assert_eq!(path(&mut archive), Some("b".into()));
    assert_eq!(archive.content(), Ok(b"2".to_vec()));
    assert_eq!(archive.next(), Ok(None));
}

proptest! {
    #[test]
    fn what_the_archiver_reads_is_read(files in prop::collection::vec(("[a-z]{1,120}(/[a-z]{1,120}){0,2}", prop::collection::vec(any::<u8>(), 0..1500)), 0..8)) {
        let mut builder = tar::Builder::new(Vec::new());
        for (path, content) in &files {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            builder.append_data(&mut header, path, content.as_slice()).expect("room");
        }
        let bytes = builder.into_inner().expect("an archive");
        let ours: Vec<_> = read(&bytes).expect("an archive").into_iter().map(|(path, _, content)| (path, content)).collect();
        let mut theirs = Vec::new();
        for entry in tar::Archive::new(bytes.as_slice()).entries().expect("an archive") {
            let mut entry = entry.expect("an entry");
            let path = entry.path().expect("a path").to_string_lossy().into_owned();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).expect("its content");
            theirs.push((path, content));
        }
        prop_assert_eq!(&ours, &theirs);
        prop_assert_eq!(ours, files);
    }

    #[test]
    fn no_bytes_make_it_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..2048), path in "[a-z]{0,9}", kind in any::<u8>(), flips in prop::collection::vec((0_usize..1024, any::<u8>()), 0..4)) {
        let _ = read(&bytes);
        let mut damaged = archive(&[entry(&path, kind, &bytes[..bytes.len().min(600)])]);
        for (at, byte) in flips {
            damaged[at] = byte;
        }
        let mut header = tar::Header::from_byte_slice(&damaged[..BLOCK]).clone();
        header.set_cksum();
        damaged[..BLOCK].copy_from_slice(header.as_bytes());
        let _ = read(&damaged);
        bytes.clear();
    }
}
