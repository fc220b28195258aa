//! What of this module's inner parts the fuzz targets call. No part of the interface.

use cise_reference::Digest;
use jiff::Timestamp;

use super::document::{Document, Statement, Status};
use super::naming::Names;
use super::product::{Instance, Whereabouts};
use super::testimony::{Ruling, Signed, Testimony};
use crate::inventory::Platform;
use crate::{Manager, Package, Release, SourcePackage};

/// Whether a document forgives the vulnerability of one of its statements, in libssl3 3.0.9-1 of an image of Debian 12 whose digest has
/// all bits set, in 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It does.
    Forgiven,
    /// It does not, and says nothing about it.
    Silent,
    /// It does not, and that is why.
    Refused(String),
}

/// What a document comes to for each of the vulnerabilities that it names, the first hundred of them: alone, and where it is said later
/// that the image is affected.
pub fn verdicts(document: &Document) -> Vec<(Verdict, Verdict)> {
    let statements = document.statements.iter().take(100);
    let verdicts = statements.map(|statement| {
        let contradicted = contradicted(document, statement);
        let name = &statement.vulnerability.name;
        (verdict(document, name), verdict(&contradicted, name))
    });
    verdicts.collect()
}

fn contradicted(document: &Document, statement: &Statement) -> Document {
    let mut contradicted = document.clone();
    contradicted.statements.push(Statement {
        at: Timestamp::MAX,
        vulnerability: statement.vulnerability.clone(),
        products: Vec::new(),
        status: Status::Affected,
    });
    contradicted
}

fn verdict(document: &Document, vulnerability: &str) -> Verdict {
    let image = Digest::sha256([0xff; 32]);
    let mut testimony = Testimony::default();
    testimony.add(Signed {
        document: document.clone(),
        about: vec![image.clone()],
        key: "key".into(),
        attached_as: image.as_str().into(),
    });
    let names = Names {
        id: vulnerability,
        aliases: &[],
        notices: &[],
    };
    let release = Release {
        id: "debian".into(),
        version: "12".into(),
        ..Release::default()
    };
    let instance = Instance {
        package: &package(),
        release: Some(&release),
        image: Whereabouts {
            root: &image,
            manifest: &image,
            platform: &Platform::new("linux", "amd64", ""),
        },
    };
    match testimony.rule(&names, &instance, Timestamp::UNIX_EPOCH) {
        Ruling::Forgiven(_) => Verdict::Forgiven,
        Ruling::Silent => Verdict::Silent,
        Ruling::Refused(why) => Verdict::Refused(why.to_string()),
    }
}

fn package() -> Package {
    Package {
        manager: Manager::Dpkg,
        name: "libssl3".into(),
        version: "3.0.9-1".into(),
        architecture: "amd64".into(),
        source: SourcePackage {
            name: "openssl".into(),
            version: "3.0.9-1".into(),
        },
        vendor: "".into(),
        module: None,
        recorded_in: "".into(),
    }
}
