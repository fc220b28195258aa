//! Which version of the detectors has read a layer.

/// The version of what is read of layers. It is raised whenever the same layer would be told in another way: by another detector, by
/// another reader of archives, or in another form of [`LayerInventory`](super::LayerInventory). Files of other versions are not read.
pub(super) const DETECTORS: u32 = 2;

#[cfg(test)]
mod tests {
    use cise_reference::Algorithm;
    use cise_testkit::fixtures::packages;
    use cise_testkit::images::Layer;

    use super::*;
    use crate::inventory::cache::form::tests::read;
    use crate::inventory::digest::sha;

    /// What each version made of the same layers. Another version gets a row of its own, and none is ever changed: files that were
    /// written under a row may still be on somebody's disk.
    const TOLD: [(u32, &str); 2] = [
        (
            1,
            "sha256:ca82520e3f8598024f9d35181b34753d4257ed1d37ac21dd8cc924b2912d0f27",
        ),
        // Archives that others read in another way, which are none of these layers, are no longer read.
        (
            2,
            "sha256:ca82520e3f8598024f9d35181b34753d4257ed1d37ac21dd8cc924b2912d0f27",
        ),
    ];

    /// Everything that some detector or the reader of archives has a form of its own for.
    fn layers() -> Vec<Layer> {
        let odd: [(&str, &[u8]); 7] = [
            ("var/lib/rpm/Packages", packages::RPM_PACKAGES),
            ("var/lib/dpkg/status.d/app", b"Package: app\nVersion: 1\n"),
            ("var/lib/dpkg/updates/0001", b"Package: app\n"),
            ("lib/apk/db/installed", b""),
            ("usr/lib/.wh.gone", b""),
            ("opt/.wh..wh..opq", b""),
            ("lib64/ld-linux-x86-64.so.2", b""),
        ];
        vec![
            packages::debian().expect("a layer"),
            packages::alpine("3.20.3").expect("a layer"),
            packages::almalinux().expect("a layer"),
            Layer::new(&odd).expect("a layer"),
        ]
    }

    #[test]
    fn the_version_is_raised_when_the_same_layers_are_told_in_another_way() {
        let forms = layers().into_iter().map(|layer| {
            let inventory = read(&layer);
            serde_json::to_string(&inventory).expect("JSON")
        });
        let told = forms.collect::<Vec<_>>().join("\n");
        let told = sha(Algorithm::Sha256, told.as_bytes());
        let last = TOLD[TOLD.len() - 1];
        assert_eq!(
            last,
            (DETECTORS, told.as_str()),
            "the same layers are told in another way: raise DETECTORS, and add a row to TOLD"
        );
        assert!(
            TOLD.is_sorted_by(|one, other| one.0 < other.0),
            "each version has one row"
        );
    }
}
