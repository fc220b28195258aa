//! What is left of the charges against an image, once those were heard whose word counts.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use cise_reference::Digest;
use jiff::Timestamp;

use super::Examination;
use super::charge::Charge;
use super::issue::VulnerablePackage;
use crate::inventory::{Inventories, Inventory, Platform};
use crate::vex::{Grant, Instance, Names, Ruling, Testimony, Unheeded, Whereabouts};
use crate::{Manager, Package};

/// How many reasons are told why something forgives nothing.
const MAX_UNHEEDED: usize = 16;

/// The packages of an image that are one in a report: those that differ in their architecture alone.
type Alike<'a> = (&'a Platform, Manager, &'a str, &'a str);

/// Who is heard, about what.
struct Hearing<'a> {
    testimony: &'a Testimony,
    root: &'a Digest,
    installed: HashMap<Alike<'a>, Vec<(&'a Inventory, &'a Package)>>,
    now: Timestamp,
}

impl Examination {
    /// Is anything wrong with the image that could be forgiven?
    pub(crate) fn has_issues(&self) -> bool {
        !self.charges.is_empty()
    }

    /// What may be spoken of: what was asked about, and its images that have issues.
    pub(crate) fn subjects(&self, root: &Digest, inventories: &Inventories) -> Vec<Digest> {
        let packages = self
            .charges
            .iter()
            .flat_map(|charge| charge.issue.packages());
        let platforms: BTreeSet<&Platform> = packages.flat_map(|one| &one.platforms).collect();
        let images = inventories.images.iter();
        let images = images.filter(|image| platforms.contains(&image.platform));
        let manifests: BTreeSet<&Digest> = images.map(|image| &image.manifest).collect();
        let others = manifests.into_iter().filter(|manifest| *manifest != root);
        [root].into_iter().chain(others).cloned().collect()
    }

    /// The same, with what is forgiven of it and what is not.
    pub(crate) fn heeding(
        &self,
        testimony: &Testimony,
        root: &Digest,
        inventories: &Inventories,
        now: Timestamp,
    ) -> Self {
        let hearing = Hearing::new(testimony, root, inventories, now);
        let mut unheeded = testimony.unheeded().clone();
        let mut heard = self.clone();
        for charge in &mut heard.charges {
            unheeded.extend(hearing.charge(charge));
        }
        heard.vex = unheeded.into_iter().take(MAX_UNHEEDED).collect();
        heard
    }
}

impl<'a> Hearing<'a> {
    fn new(
        testimony: &'a Testimony,
        root: &'a Digest,
        inventories: &'a Inventories,
        now: Timestamp,
    ) -> Self {
        let mut installed: HashMap<Alike<'a>, Vec<_>> = HashMap::new();
        for image in &inventories.images {
            for package in &image.packages {
                let alike = alike(&image.platform, package);
                installed.entry(alike).or_default().push((image, package));
            }
        }
        Self {
            testimony,
            root,
            installed,
            now,
        }
    }

    /// Enters what is forgiven of a charge, and says why the rest is not.
    fn charge(&self, charge: &mut Charge) -> Vec<Unheeded> {
        let Charge { issue, aliases } = charge;
        let ids: Vec<Arc<str>> = issue
            .notices
            .iter()
            .map(|notice| notice.id.clone())
            .collect();
        let notices: Vec<&str> = ids.iter().map(AsRef::as_ref).collect();
        let id = issue.id.clone();
        let names = Names {
            id: &id,
            aliases,
            notices: &notices,
        };
        let mut unheeded = Vec::new();
        for one in issue
            .notices
            .iter_mut()
            .flat_map(|notice| &mut notice.packages)
        {
            let rulings = one.platforms.iter().map(|platform| {
                let ruling = self.rule(&names, one, platform);
                (platform.clone(), ruling)
            });
            let rulings: Vec<_> = rulings.collect();
            for (platform, ruling) in rulings {
                match ruling {
                    Ok(Some(grant)) => drop(one.vex.insert(platform, grant)),
                    Ok(None) => {}
                    Err(refused) => unheeded.push(refused),
                }
            }
        }
        unheeded
    }

    /// What forgives a package on a platform: it has to be forgiven in every image and every architecture that it is there in.
    fn rule(
        &self,
        names: &Names<'_>,
        one: &VulnerablePackage,
        platform: &Platform,
    ) -> Result<Option<Arc<Grant>>, Unheeded> {
        let mut forgiven = None;
        let installed = self.installed.get(&alike(platform, &one.package));
        for (image, package) in installed.into_iter().flatten() {
            let instance = Instance {
                package,
                release: image.release.as_ref(),
                image: Whereabouts {
                    root: self.root,
                    manifest: &image.manifest,
                    platform,
                },
            };
            match self.testimony.rule(names, &instance, self.now) {
                Ruling::Forgiven(grant) => forgiven = forgiven.or(Some(grant)),
                Ruling::Silent => return Ok(None),
                Ruling::Refused(refused) => return Err(refused),
            }
        }
        Ok(forgiven)
    }
}

fn alike<'a>(platform: &'a Platform, package: &'a Package) -> Alike<'a> {
    (platform, package.manager, &package.name, &package.version)
}
