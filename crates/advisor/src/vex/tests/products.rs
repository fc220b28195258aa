use super::*;
use crate::Release;
use crate::assessment::tests::fixture::{package, platform, release};
use crate::inventory::Platform;
use crate::vex::product::Meant;
use crate::vex::{Instance, Whereabouts};

struct Place {
    release: Release,
    platform: Platform,
    root: Digest,
    manifest: Digest,
}

impl Place {
    fn new() -> Self {
        Self {
            release: release("debian", "12"),
            platform: platform("amd64"),
            root: root(),
            manifest: manifest(),
        }
    }

    /// How surely a product is meant to be libssl3 3.0.9-1.
    fn meant(&self, product: &Value) -> Meant {
        let written = document(&[with(statement("fixed"), json!({"products": [product]}))]);
        let read = read(&written);
        let instance = Instance {
            package: &package("libssl3", "openssl", "3.0.9-1"),
            release: Some(&self.release),
            image: Whereabouts {
                root: &self.root,
                manifest: &self.manifest,
                platform: &self.platform,
            },
        };
        let products = read.statements.iter().flat_map(|one| &one.products);
        products
            .map(|product| product.means(&instance))
            .max()
            .unwrap()
    }
}

const PACKAGE: &str = "pkg:deb/debian/libssl3@3.0.9-1";

#[test]
fn a_product_is_this_image_by_its_digest_or_a_package_in_its_version() {
    use Meant::{Exact, No, Perhaps, WithImage};
    let (root, manifest) = (root(), manifest());
    let other = Digest::sha256([9; 32]);
    let of_root = json!({"sha-256": root.hex()});
    for (product, expected) in [
        (json!({"@id": image_url(&root)}), WithImage),
        (json!({"@id": image_url(&manifest)}), WithImage),
        (json!({"@id": format!("pkg:oci/app@{root}")}), WithImage),
        (
            json!({"@id": format!("{}?repository_url=ghcr.io/x/app&tag=v1&arch=amd64", image_url(&root))}),
            WithImage,
        ),
        (
            json!({"identifiers": {"purl": image_url(&root)}}),
            WithImage,
        ),
        (
            json!({"@id": "https://example.com/app", "hashes": of_root}),
            WithImage,
        ),
        (
            json!({"@id": image_url(&root), "hashes": of_root}),
            WithImage,
        ),
        (json!({"@id": PACKAGE}), Exact),
        (json!({"identifiers": {"purl": PACKAGE}}), Exact),
        // Of another image, platform or package.
        (json!({"@id": image_url(&other)}), No),
        (
            json!({"@id": image_url(&root), "hashes": {"sha-256": other.hex()}}),
            No,
        ),
        (json!({"hashes": {"sha-256": other.hex()}}), No),
        (
            json!({"@id": image_url(&root), "identifiers": {"purl": image_url(&other)}}),
            No,
        ),
        (
            json!({"@id": format!("{}?arch=arm64", image_url(&root))}),
            No,
        ),
        (json!({"@id": "pkg:deb/debian/libssl3@3.0.9-2"}), No),
        (json!({"@id": "pkg:deb/debian/openssl@3.0.9-1"}), No),
        (
            json!({"@id": PACKAGE, "identifiers": {"purl": "pkg:deb/debian/libssl3@3.0.8-1"}}),
            No,
        ),
        (
            json!({"@id": PACKAGE, "identifiers": {"purl": image_url(&root)}}),
            No,
        ),
        // Not said in full.
        (json!({}), Perhaps),
        (json!({"@id": "https://example.com/app"}), Perhaps),
        (json!({"@id": "pkg:oci/app"}), Perhaps),
        (json!({"@id": "pkg:oci/app@v1"}), Perhaps),
        (
            json!({"@id": format!("{}?os=linux", image_url(&root))}),
            Perhaps,
        ),
        (json!({"@id": "pkg:deb/debian/libssl3"}), Perhaps),
        (json!({"@id": "pkg:broken"}), Perhaps),
        (
            json!({"hashes": {"sha-256": root.hex().to_uppercase()}}),
            Perhaps,
        ),
        (json!({"hashes": {"md5": "00"}}), Perhaps),
        (json!({"identifiers": {"cpe23": "cpe:2.3:a:x:y"}}), Perhaps),
    ] {
        assert_eq!(Place::new().meant(&product), expected, "{product}");
    }
}

#[test]
fn components_narrow_an_image_to_packages_and_a_package_has_none() {
    use Meant::{Exact, Named, No, Perhaps};
    let of_image =
        |component: Value| json!({"@id": image_url(&root()), "subcomponents": [component]});
    for (product, expected) in [
        (of_image(json!({"@id": PACKAGE})), Exact),
        (
            of_image(json!({"identifiers": {"purl": "pkg:deb/debian/libssl3"}})),
            Named,
        ),
        (of_image(json!({"@id": "pkg:deb/debian/curl"})), No),
        (
            of_image(json!({"@id": "pkg:deb/debian/libssl3@3.0.8-1"})),
            No,
        ),
        (
            of_image(json!({"@id": "https://example.com/libssl3"})),
            Perhaps,
        ),
        (
            of_image(json!({"hashes": {"sha-256": root().hex()}})),
            Perhaps,
        ),
        (
            of_image(json!({"@id": PACKAGE, "subcomponents": [{"@id": "pkg:generic/x"}]})),
            Perhaps,
        ),
        (
            json!({"@id": image_url(&root()), "subcomponents": [{"@id": "pkg:deb/debian/curl"}, {"@id": PACKAGE}]}),
            Exact,
        ),
        (
            json!({"@id": PACKAGE, "subcomponents": [{"@id": "pkg:generic/x"}]}),
            Perhaps,
        ),
        (
            json!({"@id": "pkg:oci/app", "subcomponents": [{"@id": PACKAGE}]}),
            Perhaps,
        ),
        (
            json!({"@id": "pkg:oci/app", "subcomponents": [{"@id": "pkg:deb/debian/curl"}]}),
            No,
        ),
    ] {
        assert_eq!(Place::new().meant(&product), expected, "{product}");
    }
}
