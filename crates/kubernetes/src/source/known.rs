use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use cise_policy::{Origin, Policies, Policy, Unreadable};

use super::stored::Content;
use super::{Failing, Listing, ResourceStatus};
use crate::PolicyResource;

/// What has been heard of each resource so far.
pub(super) struct Known {
    resources: BTreeMap<PolicyResource, Heard>,
    changed: bool,
}

/// Something that was heard of a resource.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) resource: PolicyResource,
    pub(super) news: News,
}

#[derive(Debug)]
pub(super) enum News {
    /// These are its policies, and there are no others.
    Listed(Vec<(Origin, Content)>),
    /// The cluster has no such resource.
    Absent,
    /// A policy is new or has changed.
    Written(Origin, Content),
    /// A policy is gone.
    Removed(Origin),
    /// Nothing could be heard, for this reason.
    Failed(String),
}

struct Heard {
    policies: Option<Existing>,
    failing: Option<Failing>,
}

#[derive(PartialEq)]
enum Existing {
    Absent,
    Listed(BTreeMap<Origin, Content>),
}

impl Default for Known {
    fn default() -> Self {
        let nothing = |resource| {
            let heard = Heard {
                policies: None,
                failing: None,
            };
            (resource, heard)
        };
        Self {
            resources: PolicyResource::ALL.into_iter().map(nothing).collect(),
            changed: false,
        }
    }
}

impl Known {
    pub(super) fn apply(&mut self, change: Change) {
        let Change { resource, news } = change;
        let Some(heard) = self.resources.get_mut(&resource) else {
            return;
        };
        if let News::Failed(why) = news {
            heard.fail(resource, why);
        } else {
            heard.recover(resource);
            self.changed |= heard.learn(news);
        }
    }

    /// Has every resource been listed, or is it known not to exist?
    pub(super) fn is_complete(&self) -> bool {
        self.resources
            .values()
            .all(|heard| heard.policies.is_some())
    }

    /// Is anything different since this was asked last?
    pub(super) fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// Compiles all of it, after the generation that was compiled of it before.
    pub(super) fn compile(&self, before: &Policies) -> Policies {
        before.renewed(self.policies().map(Arc::clone), self.unreadable().cloned())
    }

    pub(super) fn unreadable(&self) -> impl Iterator<Item = &Unreadable> {
        self.contents().filter_map(|content| match content {
            Content::Unreadable(unreadable) => Some(unreadable),
            Content::Policy(_) => None,
        })
    }

    pub(super) fn resources(&self) -> Vec<ResourceStatus> {
        let status = |(resource, heard): (&PolicyResource, &Heard)| ResourceStatus {
            resource: *resource,
            listing: heard.listing(),
            failing: heard.failing.clone(),
        };
        self.resources.iter().map(status).collect()
    }

    fn policies(&self) -> impl Iterator<Item = &Arc<Policy>> {
        self.contents().filter_map(|content| match content {
            Content::Policy(policy) => Some(policy),
            Content::Unreadable(_) => None,
        })
    }

    fn contents(&self) -> impl Iterator<Item = &Content> {
        let existing = self
            .resources
            .values()
            .filter_map(|heard| heard.policies.as_ref());
        existing.flat_map(|existing| match existing {
            Existing::Absent => None.into_iter().flatten(),
            Existing::Listed(policies) => Some(policies.values()).into_iter().flatten(),
        })
    }
}

impl Existing {
    /// What is listed. Whatever is known and the same is kept as it is, since it is in force and would be held twice.
    fn listed(policies: Vec<(Origin, Content)>, known: Option<&Self>) -> Self {
        let before = match known {
            Some(Self::Listed(before)) => Some(before),
            Some(Self::Absent) | None => None,
        };
        let policies = policies.into_iter().map(|(origin, content)| {
            let same = before
                .and_then(|before| before.get_key_value(&origin))
                .filter(|(_, known)| **known == content)
                .map(|(origin, known)| (origin.clone(), known.clone()));
            same.unwrap_or((origin, content))
        });
        Self::Listed(policies.collect())
    }
}

impl Heard {
    fn listing(&self) -> Listing {
        match &self.policies {
            None => Listing::Awaited,
            Some(Existing::Absent) => Listing::Absent,
            Some(Existing::Listed(policies)) => Listing::Listed {
                policies: policies.len(),
            },
        }
    }

    /// Takes it in, and says whether anything is different now.
    ///
    /// A single policy is heard of only after all of them; before that, the list will have it.
    fn learn(&mut self, news: News) -> bool {
        match (news, &mut self.policies) {
            (News::Listed(policies), known) => {
                let listed = Existing::listed(policies, known.as_ref());
                known.replace(listed) != *known
            }
            (News::Absent, known) => known.replace(Existing::Absent) != *known,
            (News::Written(origin, content), Some(Existing::Listed(policies))) => {
                let is_new = policies.get(&origin) != Some(&content);
                if is_new {
                    policies.insert(origin, content);
                }
                is_new
            }
            (News::Removed(origin), Some(Existing::Listed(policies))) => {
                policies.remove(&origin).is_some()
            }
            _ => false,
        }
    }

    /// The first failure of a row counts, since nothing has been heard since then.
    fn fail(&mut self, resource: PolicyResource, why: String) {
        if self.failing.is_none() {
            tracing::warn!("{resource} cannot be followed, what is known stays in force: {why}");
        }
        let since = self
            .failing
            .as_ref()
            .map_or_else(Instant::now, |failing| failing.since);
        self.failing = Some(Failing { since, why });
    }

    fn recover(&mut self, resource: PolicyResource) {
        if let Some(failing) = self.failing.take() {
            let after = failing.since.elapsed();
            tracing::info!(?after, "{resource} is followed again");
        }
    }
}

#[cfg(test)]
mod tests {
    use cise_policy::{ApiGroup, Resolution};
    use cise_reference::Reference;

    use super::*;
    use crate::PolicyKind;

    const OWN: PolicyResource = PolicyResource::new(ApiGroup::V1Beta1, PolicyKind::Namespace);
    const OWN_CLUSTER: PolicyResource = PolicyResource::new(ApiGroup::V1Beta1, PolicyKind::Cluster);
    const OTHER: PolicyResource = PolicyResource::new(ApiGroup::PortierisV1, PolicyKind::Namespace);
    const OTHER_CLUSTER: PolicyResource =
        PolicyResource::new(ApiGroup::PortierisV1, PolicyKind::Cluster);

    fn policy(resource: PolicyResource, name: &str) -> (Origin, Content) {
        let origin = resource.origin(Some("team"), name).unwrap();
        let entry = cise_policy::from_yaml(
            "apiVersion: portieris.cloud.ibm.com/v1\nkind: ClusterImagePolicy\nmetadata: {name: a}\nspec: {repositories: [{name: '*'}]}",
            "",
        );
        let policy = Policy::new(origin.clone(), entry.unwrap().entries()).unwrap();
        (origin, Content::Policy(Arc::new(policy)))
    }

    fn unreadable(resource: PolicyResource, name: &str) -> (Origin, Content) {
        let (origin, _) = policy(resource, name);
        let unreadable = Unreadable {
            origin: origin.clone(),
            reason: "a typing error".into(),
        };
        (origin, Content::Unreadable(unreadable))
    }

    fn hear(known: &mut Known, resource: PolicyResource, news: News) {
        known.apply(Change { resource, news });
    }

    fn complete(own: Vec<(Origin, Content)>) -> Known {
        let mut known = Known::default();
        hear(&mut known, OWN, News::Listed(own));
        hear(&mut known, OWN_CLUSTER, News::Listed(vec![]));
        hear(&mut known, OTHER, News::Absent);
        hear(&mut known, OTHER_CLUSTER, News::Absent);
        known
    }

    fn names(known: &Known) -> Vec<String> {
        let policies = known.compile(&Policies::default());
        let names = policies
            .policies("team")
            .iter()
            .map(|one| one.origin().name());
        names.map(str::to_owned).collect()
    }

    #[test]
    fn nothing_is_complete_before_every_resource_is_listed_or_known_to_be_absent() {
        let mut known = Known::default();
        for resource in PolicyResource::ALL {
            assert!(!known.is_complete(), "before {resource}");
            hear(&mut known, resource, News::Failed("no answer".into()));
            assert!(!known.is_complete(), "{resource} has not been listed");
            let news = match resource.group() {
                ApiGroup::V1Beta1 => News::Listed(vec![]),
                ApiGroup::PortierisV1 => News::Absent,
            };
            hear(&mut known, resource, news);
        }
        assert!(known.is_complete());
    }

    #[test]
    fn a_list_replaces_all_that_was_known_of_its_resource_and_nothing_else() {
        let mut known = complete(vec![policy(OWN, "a"), policy(OWN, "b")]);
        hear(&mut known, OTHER, News::Listed(vec![policy(OTHER, "c")]));
        hear(&mut known, OWN, News::Listed(vec![policy(OWN, "d")]));
        assert_eq!(names(&known), ["c", "d"]);
    }

    #[test]
    fn policies_come_change_and_go() {
        let mut known = complete(vec![policy(OWN, "a")]);
        let (origin, content) = policy(OWN, "b");
        hear(&mut known, OWN, News::Written(origin.clone(), content));
        assert_eq!(names(&known), ["a", "b"]);
        let (_, content) = policy(OWN, "b");
        hear(&mut known, OWN, News::Written(origin.clone(), content));
        assert_eq!(names(&known), ["a", "b"]);
        hear(&mut known, OWN, News::Removed(origin.clone()));
        hear(&mut known, OWN, News::Removed(origin));
        assert_eq!(names(&known), ["a"]);
    }

    #[test]
    fn what_was_known_already_is_no_change() {
        let mut known = complete(vec![policy(OWN, "a")]);
        assert!(known.take_changed());
        let (origin, content) = policy(OWN, "a");
        for news in [
            News::Listed(vec![policy(OWN, "a")]),
            News::Written(origin, content),
            News::Removed(policy(OWN, "b").0),
        ] {
            hear(&mut known, OWN, news);
            assert!(!known.take_changed());
        }
        hear(&mut known, OTHER, News::Absent);
        assert!(!known.take_changed());
        hear(&mut known, OWN, News::Removed(policy(OWN, "a").0));
        assert!(known.take_changed());
    }

    #[test]
    fn what_is_heard_again_is_held_once() {
        let mut known = complete(vec![policy(OWN, "a"), policy(OWN, "b")]);
        let held = |known: &Known| known.policies().map(Arc::clone).collect::<Vec<_>>();
        let before = held(&known);
        let (origin, content) = policy(OWN, "a");
        hear(&mut known, OWN, News::Written(origin, content));
        let listed = vec![policy(OWN, "a"), policy(OWN, "b"), policy(OWN, "c")];
        hear(&mut known, OWN, News::Listed(listed));
        let after = held(&known);
        assert_eq!(after.len(), 3);
        assert!(
            before
                .iter()
                .zip(&after)
                .all(|(one, other)| Arc::ptr_eq(one, other))
        );
    }

    #[test]
    fn a_policy_that_cannot_be_read_denies_its_scope_until_it_can() {
        let mut known = complete(vec![policy(OWN, "a")]);
        let (origin, content) = unreadable(OWN, "b");
        hear(&mut known, OWN, News::Written(origin.clone(), content));
        let image = Reference::parse("nginx").unwrap();
        let compiled = known.compile(&Policies::default());
        let Resolution::Unreadable(named) = compiled.resolve("team", &image) else {
            panic!("the namespace has a policy that nobody can read");
        };
        assert_eq!(named[0].origin, origin);
        assert_eq!(known.unreadable().count(), 1);
        hear(&mut known, OWN, News::Removed(origin));
        assert!(matches!(
            known.compile(&compiled).resolve("team", &image),
            Resolution::Matched(_)
        ));
    }

    #[test]
    fn a_failure_takes_no_policy_away_and_keeps_its_beginning() {
        let mut known = complete(vec![policy(OWN, "a")]);
        assert!(known.take_changed());
        hear(&mut known, OWN, News::Failed("refused".into()));
        let since = known.resources()[0].failing.clone().unwrap().since;
        hear(&mut known, OWN, News::Failed("still refused".into()));
        let failing = known.resources()[0].failing.clone().unwrap();
        assert_eq!((failing.since, &*failing.why), (since, "still refused"));
        assert!(!known.take_changed() && known.is_complete());
        assert_eq!(names(&known), ["a"]);
        hear(&mut known, OWN, News::Listed(vec![]));
        assert_eq!(known.resources()[0].failing, None);
    }

    #[test]
    fn a_resource_that_vanishes_takes_its_policies_along() {
        let mut known = complete(vec![policy(OWN, "a")]);
        hear(&mut known, OWN, News::Absent);
        assert_eq!(names(&known), [""; 0]);
        assert_eq!(known.resources()[0].listing, Listing::Absent);
    }
}
