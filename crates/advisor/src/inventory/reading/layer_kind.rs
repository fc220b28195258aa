//! The kinds of layers.

/// What a layer's media type says, as far as it matters: its compression is seen in its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LayerKind {
    /// An archive.
    Archive,
    /// An archive that the registry may not have.
    Foreign,
    /// Encrypted.
    Encrypted,
    /// Anything else.
    Unknown,
}

impl LayerKind {
    /// The kind by OCI's and Docker's media types.
    pub(super) fn of(media_type: &str) -> Self {
        const DOCKER: &str = "application/vnd.docker.image.rootfs.";
        const OCI: &str = "application/vnd.oci.image.layer.";
        if media_type.ends_with("+encrypted") {
            return Self::Encrypted;
        }
        let plain = media_type.split('+').next().unwrap_or_default();
        let plain = plain.trim_end_matches(".gzip").trim_end_matches(".zstd");
        let kind = plain
            .strip_prefix(DOCKER)
            .or_else(|| plain.strip_prefix(OCI));
        match kind {
            Some("v1.tar" | "diff.tar") => Self::Archive,
            Some("nondistributable.v1.tar" | "foreign.diff.tar") => Self::Foreign,
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_is_what_its_type_says_whatever_its_compression() {
        use LayerKind::{Archive, Encrypted, Foreign, Unknown};
        let table = [
            ("application/vnd.oci.image.layer.v1.tar", Archive),
            ("application/vnd.oci.image.layer.v1.tar+gzip", Archive),
            ("application/vnd.oci.image.layer.v1.tar+zstd", Archive),
            ("application/vnd.docker.image.rootfs.diff.tar", Archive),
            ("application/vnd.docker.image.rootfs.diff.tar.gzip", Archive),
            ("application/vnd.docker.image.rootfs.diff.tar.zstd", Archive),
            (
                "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
                Foreign,
            ),
            (
                "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
                Foreign,
            ),
            (
                "application/vnd.oci.image.layer.v1.tar+gzip+encrypted",
                Encrypted,
            ),
            ("application/vnd.in-toto+json", Unknown),
            ("application/vnd.oci.empty.v1+json", Unknown),
            ("", Unknown),
        ];
        for (media_type, kind) in table {
            assert_eq!(LayerKind::of(media_type), kind, "{media_type}");
        }
    }
}
