//! The places of an object that name images.

use crate::text::Text;

/// A place of an object that names an image, or should.
#[derive(Clone, Debug)]
pub struct ImageAt<'a> {
    /// List that the place is in.
    pub list: List,
    /// Position in that list.
    pub index: usize,
    /// Name of the container or volume.
    pub name: Text<'a>,
    /// The image, as written.
    pub image: Option<Text<'a>>,
}

/// The lists of a pod specification whose elements name images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(
    missing_docs,
    reason = "the names are those of the Kubernetes API, which defines them"
)]
pub enum List {
    Containers,
    InitContainers,
    EphemeralContainers,
    Volumes,
}

impl List {
    /// The list's name in a pod specification.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Containers => "containers",
            Self::InitContainers => "initContainers",
            Self::EphemeralContainers => "ephemeralContainers",
            Self::Volumes => "volumes",
        }
    }

    /// What an element of the list is called.
    pub fn element(self) -> &'static str {
        match self {
            Self::Containers => "container",
            Self::InitContainers => "init container",
            Self::EphemeralContainers => "ephemeral container",
            Self::Volumes => "volume",
        }
    }

    /// Where an element keeps its image, as a JSON pointer relative to the element.
    pub(crate) fn image_pointer(self) -> &'static str {
        match self {
            Self::Volumes => "/image/reference",
            _ => "/image",
        }
    }
}

impl ImageAt<'_> {
    /// Whether the other place is of the same list, has the same name, and names the same image, letter for letter.
    pub fn is_unchanged_from(&self, other: &ImageAt<'_>) -> bool {
        self.list == other.list
            && self.name == other.name
            && self.image.is_some()
            && self.image == other.image
    }
}
