//! The parts of pods and their templates that matter for images, as the Kubernetes API spells them.

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::image_at::{ImageAt, List};
use crate::json::Map;
use crate::text::Text;

/// A list that may be absent, or `null`, which is how Go writes a list without elements.
type Elements<T> = Option<Vec<Map<T>>>;

#[derive(Deserialize)]
pub(crate) struct PodMetadata<'a> {
    #[serde(borrow, default)]
    namespace: Option<Text<'a>>,
    #[serde(default)]
    annotations: Option<Annotations>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PodSpec<'a> {
    #[serde(borrow, default)]
    containers: Elements<Container<'a>>,
    #[serde(borrow, default)]
    init_containers: Elements<Container<'a>>,
    #[serde(borrow, default)]
    ephemeral_containers: Elements<Container<'a>>,
    #[serde(borrow, default)]
    volumes: Elements<Volume<'a>>,
    #[serde(borrow, default)]
    image_pull_secrets: Elements<SecretName<'a>>,
    #[serde(borrow, default)]
    service_account_name: Option<Text<'a>>,
    #[serde(borrow, default)]
    node_name: Option<Text<'a>>,
}

/// Whether the one annotation that matters is there.
#[derive(Default)]
struct Annotations {
    mirror: bool,
}

#[derive(Deserialize)]
struct Container<'a> {
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
    #[serde(borrow, default)]
    image: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Volume<'a> {
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
    #[serde(borrow, default)]
    image: Option<Map<ImageVolume<'a>>>,
}

#[derive(Deserialize)]
struct ImageVolume<'a> {
    #[serde(borrow, default)]
    reference: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct SecretName<'a> {
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
}

impl<'a> PodMetadata<'a> {
    /// Whether a kubelet is said to run the pod already, from a file on its node.
    pub(crate) fn is_mirror(&self) -> bool {
        self.annotations
            .as_ref()
            .is_some_and(|annotations| annotations.mirror)
    }

    pub(crate) fn namespace(self) -> Option<Text<'a>> {
        self.namespace.filter(|namespace| !namespace.is_empty())
    }
}

impl<'a> PodSpec<'a> {
    /// How many places name an image, or should; no less than [`Self::into_images`] gives.
    pub(crate) fn count_images(&self) -> usize {
        let containers = [
            &self.containers,
            &self.init_containers,
            &self.ephemeral_containers,
        ];
        let volumes = self
            .volumes
            .iter()
            .flatten()
            .filter(|Map(volume)| volume.image.is_some());
        containers
            .into_iter()
            .flatten()
            .map(Vec::len)
            .sum::<usize>()
            + volumes.count()
    }

    pub(crate) fn node(&self) -> Text<'a> {
        self.node_name.clone().unwrap_or_default()
    }

    pub(crate) fn service_account(&self) -> Option<Text<'a>> {
        self.service_account_name
            .clone()
            .filter(|name| !name.is_empty())
    }

    pub(crate) fn pull_secrets(&self) -> Vec<Text<'a>> {
        self.image_pull_secrets
            .iter()
            .flatten()
            .filter_map(|Map(secret)| secret.name.clone())
            .collect()
    }

    /// Every place that names an image, or should, list by list.
    pub(crate) fn into_images(self) -> Vec<ImageAt<'a>> {
        let mut images = Vec::with_capacity(self.count_images());
        images.extend(of_containers(List::Containers, self.containers));
        images.extend(of_containers(List::InitContainers, self.init_containers));
        images.extend(of_containers(
            List::EphemeralContainers,
            self.ephemeral_containers,
        ));
        images.extend(of_volumes(self.volumes));
        images
    }
}

fn of_containers(
    list: List,
    containers: Elements<Container<'_>>,
) -> impl Iterator<Item = ImageAt<'_>> {
    containers
        .into_iter()
        .flatten()
        .enumerate()
        .map(move |(index, Map(container))| ImageAt {
            list,
            index,
            name: container.name.unwrap_or_default(),
            image: container.image,
        })
}

fn of_volumes(volumes: Elements<Volume<'_>>) -> impl Iterator<Item = ImageAt<'_>> {
    volumes
        .into_iter()
        .flatten()
        .enumerate()
        .filter_map(|(index, Map(volume))| {
            Some(ImageAt {
                list: List::Volumes,
                index,
                name: volume.name.unwrap_or_default(),
                image: volume.image?.0.reference,
            })
        })
}

impl<'de> Deserialize<'de> for Annotations {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(AnnotationVisitor)
    }
}

struct AnnotationVisitor;

impl<'de> Visitor<'de> for AnnotationVisitor {
    type Value = Annotations;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object of annotations")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Annotations, A::Error> {
        let mut found = Annotations::default();
        while let Some((key, IgnoredAny)) = map.next_entry::<Text<'de>, IgnoredAny>()? {
            found.mirror |= &*key == "kubernetes.io/config.mirror";
        }
        Ok(found)
    }
}
