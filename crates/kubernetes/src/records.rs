//! Records of this program in `ConfigMap`s of its own namespace, told apart by a label.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::ListParams;

use crate::cluster::answer;

/// The key of a record in its `ConfigMap`.
pub(crate) const RECORD: &str = "record";

/// The label that all records carry, so that they can be listed.
const LABEL: &str = "securityenforcement.admission.cloud.ibm.com/record";

/// How many records are listed at once.
const PAGE: u32 = 200;

/// What a record is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A pinned root of trust.
    Trust,
    /// What was admitted in a namespace.
    Admissions,
}

impl Kind {
    pub(crate) const ALL: [Self; 2] = [Self::Trust, Self::Admissions];

    fn value(self) -> &'static str {
        match self {
            Self::Trust => "trust",
            Self::Admissions => "admissions",
        }
    }

    /// The labels of a record.
    pub(crate) fn labels(self) -> BTreeMap<String, String> {
        BTreeMap::from([(LABEL.to_owned(), self.value().to_owned())])
    }

    /// The first page of all records.
    pub(crate) fn first_page(self) -> ListParams {
        let records = ListParams::default().labels(&format!("{LABEL}={}", self.value()));
        records.limit(PAGE)
    }

    /// How many records there are.
    pub(crate) async fn count(self, api: &Api<ConfigMap>) -> kube::Result<usize> {
        let (mut records, mut page) = (0, Some(self.first_page()));
        while let Some(asked) = page {
            let listed = answer(api.list_metadata(&asked)).await?;
            records += listed.items.len();
            page = page_after(asked, listed.metadata.continue_);
        }
        Ok(records)
    }
}

/// The page after another, unless that was the last.
pub(crate) fn page_after(page: ListParams, token: Option<String>) -> Option<ListParams> {
    let token = token.filter(|token| !token.is_empty())?;
    Some(page.continue_token(&token))
}
