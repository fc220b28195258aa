//! The distinct images of a request.

use cise_policy::{Policies, Resolution};
use cise_reference::{Reference, ReferenceError};

use crate::decide::{Matched, MatchedEntry, Standing, TagBinding};
use crate::request::Request;
use crate::verdict::Place;

/// One image of a request, with every place that names it.
#[derive(Debug)]
pub(crate) struct Subject<'r> {
    /// The image as written; empty where none is named.
    pub(crate) image: &'r str,
    pub(crate) places: Vec<Place>,
    state: State,
}

#[derive(Debug)]
enum State {
    Unchanged,
    Mirrored,
    Blank,
    Parsed(Result<Reference, ReferenceError>),
}

impl<'r> Subject<'r> {
    /// The images of a request: each place of the object belongs to exactly one.
    pub(crate) fn all_of(request: &'r Request<'_>) -> Vec<Self> {
        let mut subjects: Vec<Self> = Vec::new();
        for place in &request.workload().images {
            let image = place.image.as_deref().unwrap_or_default();
            let is_unchanged = request.had(place);
            let same = |subject: &&mut Self| {
                subject.image == image && matches!(subject.state, State::Unchanged) == is_unchanged
            };
            if let Some(subject) = subjects.iter_mut().find(same) {
                subject.places.push(place.into());
            } else {
                let state = State::of(image, is_unchanged, request);
                subjects.push(Self {
                    image,
                    places: vec![place.into()],
                    state,
                });
            }
        }
        subjects
    }

    /// What the policies say about the image in this namespace.
    pub(crate) fn standing<'a>(&'a self, policies: &'a Policies, namespace: &str) -> Standing<'a> {
        match &self.state {
            State::Unchanged => Standing::Unchanged,
            State::Mirrored => Standing::Mirrored,
            State::Blank => Standing::Blank,
            State::Parsed(Err(error)) => Standing::Invalid(error.clone()),
            State::Parsed(Ok(reference)) => match policies.resolve(namespace, reference) {
                Resolution::NoPolicies => Standing::NoPolicies,
                Resolution::Unreadable(policies) => Standing::Unreadable(policies),
                Resolution::NoMatch => Standing::NoEntryMatches(policies.policies(namespace)),
                Resolution::Matched(matched) => Standing::Matched(Matched {
                    reference,
                    binding: if matched.needs_tag_binding() {
                        TagBinding::Needed
                    } else {
                        TagBinding::NotNeeded
                    },
                    entries: matched.iter().map(MatchedEntry::from).collect(),
                    resolved: None,
                }),
            },
        }
    }
}

impl State {
    fn of(image: &str, is_unchanged: bool, request: &Request<'_>) -> Self {
        if is_unchanged {
            Self::Unchanged
        } else if request.mirror_of().is_some() {
            Self::Mirrored
        } else if image.trim().is_empty() {
            Self::Blank
        } else {
            Self::Parsed(Reference::parse(image))
        }
    }
}
