use std::fs;
use std::io::Read as _;
use std::sync::OnceLock;

use cise_advisor::inventory::fuzzing;
use cise_advisor::inventory::{LayerInventory, Layout};
use flate2::read::MultiGzDecoder;
use tokio::runtime::Runtime;

use crate::assert_message;

/// How many bytes may come out of a blob here.
const MOST: u64 = 1024 * 1024;

/// An archive is read the same in whatever pieces it comes, and no entry has more than there is.
pub(crate) fn archive(bytes: &[u8]) {
    let entries = fuzzing::entries(bytes, usize::MAX);
    assert_eq!(entries, fuzzing::entries(bytes, 61));
    match entries {
        Ok(entries) => {
            let sizes = entries.iter().map(|(.., size)| u128::from(*size));
            assert!(sizes.sum::<u128>() <= bytes.len() as u128);
            assert!(entries.len() <= bytes.len() / 512);
        }
        Err(error) => assert_message(&error),
    }
}

/// A blob gives the same in whatever pieces it comes, never more than it may; two of them give both; and a byte behind it is no
/// part of it. What is gzip is what another reader makes of it.
pub(crate) fn blob(bytes: &[u8]) {
    let inflated = fuzzing::inflate(bytes, usize::MAX, MOST);
    let in_pieces = fuzzing::inflate(bytes, 61, MOST);
    assert_eq!(inflated.as_ref().ok(), in_pieces.as_ref().ok());
    let inflated = match inflated {
        Ok(inflated) => inflated,
        Err(error) => return assert_message(&error),
    };
    assert!(inflated.len() as u64 <= MOST);
    let twice = fuzzing::inflate(&[bytes, bytes].concat(), usize::MAX, 2 * MOST);
    assert_eq!(twice.ok(), Some(inflated.repeat(2)));
    let is_gzip = bytes.starts_with(&[0x1f, 0x8b]);
    if is_gzip {
        let mut others = Vec::new();
        let read = MultiGzDecoder::new(bytes).read_to_end(&mut others);
        assert!(read.is_ok() && others == inflated);
    }
    if is_gzip || inflated != bytes {
        let longer = [bytes, b"x"].concat();
        assert!(fuzzing::inflate(&longer, usize::MAX, MOST).is_err());
    }
}

/// A layer says the same after it was kept; over itself it adds no package; and what is said of its table is fit to be shown.
pub(crate) fn layer(bytes: &[u8]) {
    let layer = match fuzzing::layer(bytes, MOST) {
        Ok(layer) => layer,
        Err(error) => return assert_message(&error),
    };
    if let Err(why) = fuzzing::table(&layer, bytes) {
        assert_message(&why);
    }
    let kept = serde_json::to_vec(&layer).unwrap_or_default();
    let read = serde_json::from_slice::<LayerInventory>(&kept);
    assert!(read.is_ok_and(|read| read == layer));
    let (once, _) = fuzzing::stack(std::slice::from_ref(&layer));
    let (twice, gaps) = fuzzing::stack(&[layer.clone(), layer]);
    let more = twice.iter().find(|package| !once.contains(package));
    // Over a link of its own, a layer may put a file elsewhere: then it is told that runtimes differ.
    assert!(more.is_none() || gaps > 0, "{more:?}");
}

/// A configuration names digests, each written as it was.
pub(crate) fn configuration(bytes: &[u8]) {
    match fuzzing::configuration(bytes) {
        Ok(diff_ids) => {
            let text = String::from_utf8_lossy(bytes);
            assert!(diff_ids.len() <= text.matches(':').count());
        }
        Err(error) => assert_message(&error),
    }
}

/// A layout in an archive: its images are those of its index, and one is found by its name only.
pub(crate) fn layout(bytes: &[u8]) {
    let (Ok(file), Some(runtime)) = (tempfile::NamedTempFile::new(), runtime()) else {
        return;
    };
    if fs::write(file.path(), bytes).is_err() {
        return;
    }
    let layout = match runtime.block_on(Layout::archive(file.path())) {
        Ok(layout) => layout,
        Err(error) => return assert_message(&error),
    };
    for name in [None, Some("v1"), Some("latest")] {
        match layout.image(name) {
            Ok(digest) => assert!(String::from_utf8_lossy(bytes).contains(digest.hex())),
            Err(error) => assert_message(&error),
        }
    }
}

fn runtime() -> Option<&'static Runtime> {
    static RUNTIME: OnceLock<Option<Runtime>> = OnceLock::new();
    let build = || tokio::runtime::Builder::new_current_thread().build().ok();
    RUNTIME.get_or_init(build).as_ref()
}
