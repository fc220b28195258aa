//! Who asks the API server for something.

/// A person or program, as the API server knows it from a client certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub(super) name: String,
    pub(super) group: String,
}

impl User {
    /// A user of this name in this one group (and in `system:authenticated`, as everybody).
    pub fn new(name: &str, group: &str) -> Self {
        Self {
            name: name.to_owned(),
            group: group.to_owned(),
        }
    }

    /// One who may do everything.
    pub fn admin() -> Self {
        Self::new("admin", "system:masters")
    }

    /// The kubelet of a node.
    pub fn node(name: &str) -> Self {
        Self::new(&format!("system:node:{name}"), "system:nodes")
    }

    /// The name by which a review calls this user.
    pub fn name(&self) -> &str {
        &self.name
    }
}
