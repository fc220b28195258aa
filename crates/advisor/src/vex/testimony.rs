//! What is said of an image by those who are trusted, and which of it counts.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use cise_reference::Digest;
use jiff::{SignedDuration, Timestamp};

use super::document::{Document, Statement, Status};
use super::naming::{Names, Naming};
use super::product::{Instance, Meant};
use super::{Forgiveness, Grant, Unheeded};
use crate::excerpt::{excerpt, one_line};

/// Clocks differ: a statement may be of a time that is so far ahead.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(5);

/// All that counts of what is attached to an image, and why the rest does not.
#[derive(Clone, Debug, Default)]
pub(crate) struct Testimony {
    documents: Vec<Signed>,
    unheeded: BTreeSet<Unheeded>,
    /// Which statements have a name, in upper case.
    by_name: HashMap<Box<str>, Vec<(usize, usize)>>,
}

/// A document, who has signed it, and of which images.
#[derive(Clone, Debug)]
pub(super) struct Signed {
    pub(super) document: Document,
    /// What it is attested of, of all that was asked about.
    pub(super) about: Vec<Digest>,
    pub(super) key: Box<str>,
    pub(super) attached_as: Box<str>,
}

/// What follows for one vulnerability of one package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ruling {
    /// Nobody speaks of it.
    Silent,
    /// It is forgiven.
    Forgiven(Arc<Grant>),
    /// It is spoken of, and not forgiven.
    Refused(Unheeded),
}

/// A statement that may be about a package.
#[derive(Clone, Copy)]
struct Heard<'a> {
    signed: &'a Signed,
    statement: &'a Statement,
    naming: Naming,
    meant: Meant,
}

impl Testimony {
    pub(super) fn add(&mut self, signed: Signed) {
        let place = self.documents.len();
        for (number, statement) in signed.document.statements.iter().enumerate() {
            let vulnerability = &statement.vulnerability;
            for name in [&vulnerability.name]
                .into_iter()
                .chain(&vulnerability.aliases)
            {
                let name = name.to_ascii_uppercase().into();
                self.by_name.entry(name).or_default().push((place, number));
            }
        }
        self.documents.push(signed);
    }

    pub(super) fn leave(&mut self, unheeded: Unheeded) {
        self.unheeded.insert(unheeded);
    }

    /// What does not count as a whole, whatever the vulnerability.
    pub(crate) fn unheeded(&self) -> &BTreeSet<Unheeded> {
        &self.unheeded
    }

    /// What counts for a vulnerability of a package at `now`: the latest statement about it, if nothing is in doubt.
    pub(crate) fn rule(
        &self,
        names: &Names<'_>,
        instance: &Instance<'_>,
        now: Timestamp,
    ) -> Ruling {
        if self.unheeded.iter().any(Unheeded::leaves_doubt) {
            return Ruling::Silent;
        }
        let heard = self.heard(names, instance);
        let standing = heard.iter().filter(|one| one.stands());
        let Some(latest) = standing.clone().map(|one| one.statement.at).max() else {
            let missed = heard.iter().find_map(|one| one.missed(names.id));
            return missed.map_or(Ruling::Silent, Ruling::Refused);
        };
        let mut forgiven = None;
        for one in standing.filter(|one| one.statement.at == latest) {
            match one.rule(names.id, now) {
                Ok(grant) => forgiven = forgiven.or(Some(grant)),
                Err(refused) => return Ruling::Refused(refused),
            }
        }
        forgiven.map_or(Ruling::Silent, |grant| Ruling::Forgiven(Arc::new(grant)))
    }

    /// The statements with one of the names, in documents about the image that no later version of themselves replaces.
    fn heard(&self, names: &Names<'_>, instance: &Instance<'_>) -> Vec<Heard<'_>> {
        let spoken_of = names.all().flat_map(|name| {
            let name: Box<str> = name.to_ascii_uppercase().into();
            self.by_name.get(&name).into_iter().flatten()
        });
        let places: BTreeSet<(usize, usize)> = spoken_of.copied().collect();
        let speaking: Vec<&Signed> = self.speaking_of(instance);
        let is_replaced = |signed: &Signed| {
            let own = &signed.document;
            let mut others = speaking.iter().map(|other| &other.document);
            others.any(|other| other.id == own.id && other.version > own.version)
        };
        let statements = places.into_iter().filter_map(|(place, number)| {
            let signed = self.documents.get(place)?;
            let statement = signed.document.statements.get(number)?;
            (signed.speaks_of(instance) && !is_replaced(signed)).then(|| Heard {
                signed,
                statement,
                naming: names.naming(&statement.vulnerability),
                meant: meant(statement, instance),
            })
        });
        let mut heard: Vec<Heard<'_>> = statements.collect();
        // What is told of several is told of the latest.
        heard.sort_by_key(|one| (Reverse(one.statement.at), &one.signed.document.id));
        heard
    }

    fn speaking_of(&self, instance: &Instance<'_>) -> Vec<&Signed> {
        let documents = self.documents.iter();
        documents
            .filter(|signed| signed.speaks_of(instance))
            .collect()
    }
}

/// A statement without a product may be meant for the image that it is attested of.
fn meant(statement: &Statement, instance: &Instance<'_>) -> Meant {
    let products = statement.products.iter();
    let most = products.map(|product| product.means(instance)).max();
    most.unwrap_or(Meant::Perhaps)
}

impl Signed {
    fn speaks_of(&self, instance: &Instance<'_>) -> bool {
        let image = &instance.image;
        self.about.contains(image.root) || self.about.contains(image.manifest)
    }
}

impl Heard<'_> {
    /// Does it count for the package? To forgive takes more than to withhold.
    fn stands(&self) -> bool {
        if self.statement.status.may_forgive() {
            self.naming == Naming::Exact && self.meant >= Meant::WithImage
        } else {
            self.naming >= Naming::Perhaps && self.meant >= Meant::Perhaps
        }
    }

    /// Why it does not count, of a statement that would forgive.
    fn missed(&self, vulnerability: &str) -> Option<Unheeded> {
        self.statement.status.may_forgive().then_some(())?;
        let (document, vulnerability) = (self.document(), vulnerability.into());
        let product = self.statement.products.first();
        Some(match product {
            None => Unheeded::NoProduct {
                document,
                vulnerability,
            },
            Some(product) if self.meant < Meant::WithImage => Unheeded::OtherProduct {
                document,
                vulnerability,
                product: product.to_string().into(),
            },
            Some(_) => Unheeded::SharedName {
                document,
                vulnerability,
                name: excerpt(&self.statement.vulnerability.name),
            },
        })
    }

    /// What a statement comes to that counts.
    fn rule(&self, vulnerability: &str, now: Timestamp) -> Result<Grant, Unheeded> {
        let (document, vulnerability) = (self.document(), vulnerability.into());
        let status = &self.statement.status;
        let at = self.statement.at;
        if status.may_forgive() && at.duration_since(now) > CLOCKS_DIFFER {
            return Err(Unheeded::Future {
                document,
                vulnerability,
                at,
            });
        }
        match status {
            Status::NotAffected(Some(reason)) => {
                Ok(self.grant(Forgiveness::NotAffected, Some(reason.clone())))
            }
            Status::NotAffected(None) => Err(Unheeded::Unjustified {
                document,
                vulnerability,
            }),
            Status::Fixed if self.meant == Meant::Exact => Ok(self.grant(Forgiveness::Fixed, None)),
            Status::Fixed => Err(Unheeded::FixedWithoutPackage {
                document,
                vulnerability,
            }),
            Status::Affected | Status::UnderInvestigation | Status::Unknown(_) => {
                Err(Unheeded::Withheld {
                    document,
                    vulnerability,
                    status: status.word().into(),
                })
            }
        }
    }

    fn grant(&self, status: Forgiveness, justification: Option<Box<str>>) -> Grant {
        let Signed {
            document,
            key,
            attached_as,
            ..
        } = self.signed;
        Grant {
            document: one_line(&document.id),
            author: one_line(&document.author),
            status,
            justification,
            stated_at: self.statement.at,
            key: key.clone(),
            attached_as: attached_as.clone(),
        }
    }

    fn document(&self) -> Box<str> {
        one_line(&self.signed.document.id)
    }
}
