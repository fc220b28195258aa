//! Headers drawn by chance, honest and others, held against how Go's readers list them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cise_testkit::components::READERS;
use cise_testkit::readers::{Documents, Readers};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use serde_json::Value;

use super::super::text::text;
use super::*;

/// Names that meet, and some that are odd.
const NAMES: [&[u8]; 11] = [
    b"a",
    b"a",
    b"b",
    b"d/status",
    b"d/",
    b"",
    b"./a",
    b"caf\xc3\xa9",
    b"\xff",
    b"\xfe",
    b"pax_global_header",
];

/// Sizes as they are written: the true one where it is none of these.
const SIZES: [&[u8]; 9] = [
    b"00000000000",
    b"00000001000",
    b" 1000 ",
    b"7 7",
    b"9",
    b"\x80\0\0\0\0\0\0\0\0\0\x02",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe",
    b"777\0",
    b"",
];

const MAGICS: [&[u8]; 6] = [
    b"ustar\x0000",
    b"ustar  \0",
    b"ustar 00",
    b"ustar\0\0\0",
    b"ustar00",
    b"",
];

/// What may stand where POSIX's first part of the path is, or GNU's time.
const PREFIXES: [&[u8]; 5] = [b"", b"p/q", b"00000000007\0", b"\xff\xff", b"7\0x"];

const KEYS: [&str; 13] = [
    "path",
    "path",
    "linkpath",
    "size",
    "mtime",
    "comment",
    "GNU.sparse.major",
    "GNU.sparse.minor",
    "GNU.sparse.name",
    "GNU.sparse.map",
    "GNU.sparse.numblocks",
    "GNU.sparse.realsize",
    "SCHILY.xattr.user.x",
];

const VALUES: [&str; 10] = [
    "a", "b", "d/status", "b/", "", "0", "1", "512", "1024", "x\0",
];

/// Records that are none, or of a form that not everybody takes.
const DAMAGED: [&[u8]; 5] = [b"5 a=\n", b"05 a=\n", b"+6 a=\n", b"4 =\n", b"9 a=b\n"];

/// A header and what follows it.
fn part() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => header(select(b"0000\x00\x001255".as_slice()), content()),
        1 => header(any::<u8>(), content()),
        1 => header(Just(b'S'), content()),
        3 => header(Just(b'x'), records()),
        1 => header(Just(b'g'), records()),
        2 => global(),
        2 => header(select(b"LK".as_slice()), long_name()),
    ]
}

fn global() -> impl Strategy<Value = Vec<u8>> {
    let content = prop_oneof![3 => Just(record("comment", "x")), 1 => records()];
    content.prop_map(|records| entry("pax_global_header", b'g', &records))
}

fn long_name() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(b"a".to_vec()),
        Just(b"b\0".to_vec()),
        Just(b"d/\0".to_vec()),
        Just(b"\0".to_vec()),
        Just(b"\0a".to_vec()),
        Just(b"\xff\0".to_vec()),
        Just(Vec::new()),
    ]
}

fn records() -> impl Strategy<Value = Vec<u8>> {
    let one = prop_oneof![
        12 => (select(KEYS.as_slice()), select(VALUES.as_slice()))
            .prop_map(|(key, value)| record(key, value)),
        1 => select(DAMAGED.as_slice()).prop_map(<[u8]>::to_vec),
        2 => Just([record("GNU.sparse.major", "1"), record("GNU.sparse.minor", "0")].concat()),
    ];
    prop::collection::vec(one, 0..4).prop_map(|records| records.concat())
}

/// What is in a file: some bytes, or what would be an entry if somebody looked for one there.
fn content() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(Vec::new()),
        Just(b"content".to_vec()),
        Just(
            b"1\n0\n7\n"
                .iter()
                .copied()
                .chain([0; 505])
                .chain(*b"content")
                .collect()
        ),
        select(NAMES[..4].to_vec())
            .prop_map(|name| { entry(&String::from_utf8_lossy(name), b'0', b"hidden") }),
    ]
}

fn header(
    kind: impl Strategy<Value = u8>,
    content: impl Strategy<Value = Vec<u8>>,
) -> impl Strategy<Value = Vec<u8>> {
    let odd = |odd: &'static [&'static [u8]], weight| prop::option::weighted(weight, select(odd));
    (
        kind,
        content,
        select(NAMES.as_slice()),
        select(NAMES.as_slice()),
        odd(&MAGICS, 0.5),
        odd(&PREFIXES, 0.3),
        odd(&SIZES, 0.1),
        prop::bool::weighted(0.1),
    )
        .prop_map(
            |(kind, content, name, link, magic, prefix, size, is_star)| {
                with(entry("", kind, &content), |block| {
                    block[..name.len()].copy_from_slice(name);
                    block[157..157 + link.len()].copy_from_slice(link);
                    let mut put = |at: usize, bytes: Option<&[u8]>, room: usize| {
                        if let Some(bytes) = bytes {
                            block[at..at + room].fill(0);
                            block[at..at + bytes.len()].copy_from_slice(bytes);
                        }
                    };
                    put(257, magic, 8);
                    put(345, prefix, 12);
                    put(124, size, 12);
                    put(508, is_star.then_some(b"tar\0"), 4);
                })
            },
        )
}

fn end() -> impl Strategy<Value = Vec<u8>> {
    let zeros = prop_oneof![8 => Just(2 * BLOCK), 1 => Just(0), 1 => Just(BLOCK), 1 => Just(100)];
    zeros.prop_map(|zeros| vec![0; zeros])
}

/// One entry: its path, what it is, where it leads, and what is in it.
type Listed = (String, char, String, Vec<u8>);

/// What of an entry is compared: of a file that the archive has only parts of, where and that it is.
fn listed((path, kind, content): Read) -> Listed {
    let (letter, link) = match kind {
        Kind::File => ('0', String::new()),
        Kind::Sparse => return (path, '0', String::new(), Vec::new()),
        Kind::HardLink(link) => ('1', link),
        Kind::Symlink(link) => ('2', link),
        Kind::Device(Device::Character { .. }) => ('3', String::new()),
        Kind::Device(Device::Block { .. }) => ('4', String::new()),
        Kind::Directory => ('5', String::new()),
        Kind::Pipe => ('6', String::new()),
    };
    (path, letter, link, content)
}

/// A listing of Go's; nothing where it came to no end, so that no runtime unpacks the archive.
fn listing(answer: &Value, ours: &[Read]) -> Option<Vec<Listed>> {
    if answer["error"] != "" {
        return None;
    }
    let entries = answer["entries"].as_array().expect("a list");
    let entries = entries.iter().enumerate().map(|(at, entry)| {
        let bytes = |field: &str| {
            let text = entry[field].as_str().unwrap_or_default();
            STANDARD.decode(text).expect("base64")
        };
        let is_sparse = ours
            .get(at)
            .is_some_and(|(_, kind, _)| *kind == Kind::Sparse);
        let letter = match entry["kind"].as_str().and_then(|kind| kind.chars().next()) {
            Some('S') if is_sparse => '0',
            letter => letter.unwrap_or('?'),
        };
        let link = match letter {
            '1' | '2' => text(&bytes("link")),
            _ => String::new(),
        };
        let content = if is_sparse {
            Vec::new()
        } else {
            bytes("content")
        };
        (text(&bytes("path")), letter, link, content)
    });
    Some(entries.collect())
}

#[test]
fn what_is_listed_is_what_go_lists() {
    if READERS.require().is_none() {
        return;
    }
    let go = Readers::start(Documents::Archives).expect("the readers");
    let go = std::cell::RefCell::new(go);
    let compared = std::cell::Cell::new(0);
    let config = Config {
        cases: 8000,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let parts = (prop::collection::vec(part(), 1..5), end());
    let result = TestRunner::new_with_rng(config, rng).run(&parts, |(parts, end)| {
        let bytes = [parts.concat(), end].concat();
        let Ok(ours) = read(&bytes) else {
            return Ok(());
        };
        let answer = go.borrow_mut().read(&bytes).expect("an answer");
        for reader in ["go", "fork"] {
            let Some(theirs) = listing(&answer[reader], &ours) else {
                continue;
            };
            let ours: Vec<_> = ours.iter().cloned().map(listed).collect();
            if ours != theirs {
                let parts: Vec<_> = parts
                    .iter()
                    .map(|part| String::from_utf8_lossy(part).replace('\0', "."))
                    .collect();
                return Err(TestCaseError::fail(format!(
                    "{reader} lists {theirs:?}, and we {ours:?}, of {parts:#?}"
                )));
            }
            compared.set(compared.get() + usize::from(!theirs.is_empty()));
        }
        Ok(())
    });
    result.expect("the same listings");
    assert!(compared.get() > 500, "only {compared:?} were compared");
}
