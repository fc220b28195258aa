//! What one reader takes in one way and the next in another.

use super::*;

#[test]
#[expect(clippy::too_many_lines, reason = "a table reads best in one piece")]
fn what_go_and_others_read_in_different_ways_is_refused() {
    let file = || entry("a", b'0', b"1");
    let pax = |records: &[Vec<u8>]| entry("x", b'x', &records.concat());
    let path = || pax(&[record("path", "b")]);
    let global = || entry("pax_global_header", b'g', &record("comment", "x"));
    let sparse = |records: &[(&str, &str)]| {
        let records = records
            .iter()
            .map(|(key, value)| record(&format!("GNU.sparse.{key}"), value));
        pax(&records.collect::<Vec<_>>())
    };
    let version = || sparse(&[("major", "1"), ("minor", "0")]);
    let times = |at: usize, bytes: &'static [u8]| {
        with(file(), |block| {
            block[257..265].copy_from_slice(GNU);
            block[at..at + bytes.len()].copy_from_slice(bytes);
        })
    };
    let table = [
        (
            "an empty long name, which Go passes over",
            vec![entry("x", b'L', b"\0"), file()],
            TarError::Name,
        ),
        (
            "an empty long link",
            vec![entry("x", b'K', b""), entry("a", b'1', b"")],
            TarError::Name,
        ),
        (
            "two long names",
            vec![entry("x", b'L', b"b"), entry("x", b'L', b"c"), file()],
            TarError::Name,
        ),
        (
            "two PAX headers",
            vec![path(), path(), file()],
            TarError::Name,
        ),
        (
            "GNU's name and another one of PAX",
            vec![entry("x", b'L', b"c"), path(), file()],
            TarError::Name,
        ),
        (
            "GNU's link and another one of PAX",
            vec![
                entry("x", b'K', b"c"),
                pax(&[record("linkpath", "d")]),
                entry("a", b'2', b""),
            ],
            TarError::Name,
        ),
        (
            "a global header between a name and its entry",
            vec![path(), global(), file()],
            TarError::Name,
        ),
        (
            "a global header after a long name",
            vec![entry("x", b'L', b"b"), global(), file()],
            TarError::Name,
        ),
        (
            "a global header under the name of a file",
            vec![entry("lib", b'g', &record("comment", "x")), file()],
            TarError::GlobalPath,
        ),
        (
            "a global header under the name of a whiteout",
            vec![entry("etc/.wh.x", b'g', &record("comment", "x")), file()],
            TarError::GlobalPath,
        ),
        (
            "a time of GNU's that is a part of a path",
            vec![times(345, b"var/lib/dpkg")],
            TarError::Name,
        ),
        (
            "another time of GNU's that is none",
            vec![times(357, b"x")],
            TarError::Name,
        ),
        (
            "the name of a sparse file that is none",
            vec![sparse(&[("name", "b")]), file()],
            TarError::Sparse,
        ),
        (
            "a sparse file of a version to come",
            vec![sparse(&[("major", "1"), ("minor", "1")]), file()],
            TarError::Sparse,
        ),
        (
            "a map that is taken back",
            vec![sparse(&[("map", "0,1"), ("map", "")]), file()],
            TarError::Sparse,
        ),
        (
            "a sparse folder",
            vec![version(), entry("a", b'5', b"")],
            TarError::Sparse,
        ),
        (
            "a sparse file that is none of GNU's",
            vec![entry("a", b'S', b"")],
            TarError::Sparse,
        ),
        (
            "a file that looks like a folder",
            vec![entry("a/", b'0', b"1")],
            TarError::Slash,
        ),
        (
            "an empty file that looks like a folder",
            vec![entry("a/", b'0', b"")],
            TarError::Slash,
        ),
        (
            "a file that looks like a folder by its PAX name",
            vec![pax(&[record("path", "b/")]), file()],
            TarError::Slash,
        ),
        (
            "a sparse file that looks like a folder",
            vec![
                sparse(&[("major", "1"), ("minor", "0"), ("name", "b/")]),
                entry("a", 0, b"1"),
            ],
            TarError::Slash,
        ),
        (
            "a folder of old with content",
            vec![entry("a/", 0, b"1")],
            TarError::Slash,
        ),
        (
            "a kind that nobody unpacks",
            vec![entry("a", b'Z', b"")],
            TarError::Kind,
        ),
        (
            "a kind that POSIX reserves",
            vec![entry("a", b'7', b"1")],
            TarError::Kind,
        ),
        (
            "digits with a blank within",
            vec![with(file(), |block| {
                block[124..136].copy_from_slice(b"0000001 000\0");
            })],
            TarError::Number,
        ),
        (
            "a size below zero",
            vec![with(file(), |block| {
                block[124..136].copy_from_slice(&[0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
            })],
            TarError::Number,
        ),
    ];
    for (what, parts, expected) in table {
        let read = read(&archive(&parts));
        assert_eq!(read, Err(expected), "{what}");
    }
}

#[test]
fn attributes_that_change_what_an_overlay_shows_are_refused() {
    let table = [
        ("SCHILY.xattr.trusted.overlay.redirect", false),
        ("SCHILY.xattr.trusted.overlay.opaque", false),
        ("SCHILY.xattr.user.fuseoverlayfs.opaque", false),
        ("SCHILY.xattr.security.capability", true),
        ("LIBARCHIVE.xattr.user.note", true),
    ];
    for (key, passes) in table {
        for (kind, header) in [(b'x', "x"), (b'g', "pax_global_header")] {
            let parts = [
                entry(header, kind, &record(key, "y")),
                entry("a/", b'5', b""),
            ];
            let read = read(&archive(&parts));
            let expected = Err(TarError::Overlay);
            assert_eq!(read.is_ok(), passes, "{key}: {read:?}");
            assert!(passes || read == expected, "{key}: {read:?}");
        }
    }
}

#[test]
fn an_old_header_with_a_slash_is_a_folder_and_names_of_other_bytes_stay_apart() {
    let name = |byte: u8| with(entry("n.", b'0', b""), |block| block[1] = byte);
    let entries = read(&archive(&[entry("a/", 0, b""), name(0xe9), name(0xe8)]));
    let found: Vec<_> = entries
        .expect("an archive")
        .into_iter()
        .map(|(path, kind, _)| (path, kind))
        .collect();
    let expected = [
        ("a/", Kind::Directory),
        ("n\0e9", Kind::File),
        ("n\0e8", Kind::File),
    ];
    assert_eq!(found, expected.map(|(path, kind)| (path.to_owned(), kind)));
}
