//! What refers to an image: the registry's list, and the tag that stands in for it.

use std::collections::HashSet;

use cise_reference::Digest;
use url::Url;

use super::sources::{Endpoint, Sources};
use super::{Caller, MANIFEST_LIMIT, RegistryFailure};
use crate::deadline::Deadline;
use crate::error::{FetchError, Reason};
use crate::flight::{FlightError, Party};
use crate::http::{Document, Fetched, Get, Http};
use crate::manifest::{Descriptor, Manifest, MediaType};
use crate::progress::Progress;

/// The `Accept` header of a request for the list.
pub(super) const ACCEPT: &str = MediaType::OciIndex.as_str();

const MAX_REFERRERS: usize = 1000;
const MAX_PAGES: usize = 20;

/// Lists the referrers of `digest` at the first source that has any. A mirror need not have what was pushed beside an image, so
/// that it is the registry's own word that there are none.
pub(super) async fn list(
    http: &Http,
    sources: &Sources,
    digest: &Digest,
    artifact_type: Option<&str>,
    caller: &Caller<'_>,
) -> Result<Vec<Descriptor>, RegistryFailure> {
    let mut answer = Err(RegistryFailure::NotFound);
    for (source, deadline) in sources.turns(caller.deadline) {
        let endpoint = source.endpoint(http.registries())?;
        let party = Party::new(&endpoint.server.host(), caller.namespace);
        let listing = Listing {
            http,
            endpoint: &endpoint,
            party,
            progress: Progress::new(),
            deadline,
        };
        answer = listing.run(digest, artifact_type).await;
        if answer.as_ref().is_ok_and(|found| !found.is_empty()) {
            return answer;
        }
    }
    answer
}

/// One endpoint's lists.
struct Listing<'a> {
    http: &'a Http,
    endpoint: &'a Endpoint<'a>,
    party: Party,
    progress: Progress,
    deadline: Deadline,
}

impl Listing<'_> {
    async fn run(
        &self,
        digest: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<Vec<Descriptor>, RegistryFailure> {
        let both =
            futures::future::try_join(self.pages(digest, artifact_type), self.fallback_tag(digest));
        let late = |_| FlightError::Late(self.progress.whereabouts());
        let (listed, tagged) = self.deadline.bound(both).await.map_err(late)??;
        let mut seen = HashSet::new();
        let wanted = |descriptor: &Descriptor| {
            artifact_type.is_none_or(|wanted| may_be(descriptor, wanted))
                && seen.insert(descriptor.digest.clone())
        };
        let found: Vec<_> = listed.into_iter().chain(tagged).filter(wanted).collect();
        if found.len() > MAX_REFERRERS {
            Err(TOO_MANY)
        } else {
            Ok(found)
        }
    }

    /// The registry's own list, page by page; nothing where it has none to give.
    async fn pages(
        &self,
        digest: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<Vec<Descriptor>, RegistryFailure> {
        let filter = artifact_type.map(|wanted| {
            let encoded: String = url::form_urlencoded::byte_serialize(wanted.as_bytes()).collect();
            format!("?artifactType={encoded}")
        });
        let first = format!(
            "referrers/{}{}",
            digest.as_str(),
            filter.unwrap_or_default()
        );
        let mut path = self.endpoint.path(&first);
        let mut found = Vec::new();
        for _ in 0..MAX_PAGES {
            let Some(document) = self.get(&path, ACCEPT).await? else {
                return Ok(found);
            };
            found.extend(manifests(&document)?);
            match document
                .link
                .as_deref()
                .and_then(|link| next_page(self.endpoint.server.url(), &path, link))
            {
                None => return Ok(found),
                Some(next) => path = next,
            }
        }
        Err(TOO_MANY)
    }

    /// The tag `sha256-…`, which clients maintain where a registry has no list.
    async fn fallback_tag(&self, digest: &Digest) -> Result<Vec<Descriptor>, RegistryFailure> {
        let tag = digest.as_str().replacen(':', "-", 1);
        let path = self.endpoint.path(&format!("manifests/{tag}"));
        let document = self.get(&path, crate::manifest::ACCEPT).await?;
        document.map_or(Ok(Vec::new()), |document| manifests(&document))
    }

    async fn get(&self, path: &str, accept: &str) -> Result<Option<Document>, RegistryFailure> {
        let get = Get {
            server: &self.endpoint.server,
            path,
            accept,
            scope: &self.endpoint.scope,
            candidates: self.endpoint.candidates,
            party: &self.party,
            progress: &self.progress,
            limit: MANIFEST_LIMIT,
            room: None,
            deadline: self.deadline,
        };
        match self.http.get(get).await {
            Ok(Fetched::Found(document)) => Ok(Some(document)),
            // How registries without the list answer, and for a tag how some say that there is none.
            Ok(Fetched::NotFound)
            | Err(FetchError {
                reason: Reason::UnexpectedStatus(400 | 405 | 410 | 501),
                ..
            }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Whether a descriptor may be of that type: it says so, or says nothing. Some registries put the type of the configuration
/// there, and the one of the empty configuration says nothing.
fn may_be(descriptor: &Descriptor, wanted: &str) -> bool {
    match descriptor.artifact_type.as_deref() {
        None | Some("application/vnd.oci.empty.v1+json") => true,
        Some(artifact_type) => artifact_type == wanted,
    }
}

const TOO_MANY: RegistryFailure = RegistryFailure::TooManyReferrers {
    limit: MAX_REFERRERS,
};

/// What an index lists. An image in its place lists nothing.
fn manifests(document: &Document) -> Result<Vec<Descriptor>, RegistryFailure> {
    match document.manifest()? {
        Manifest::Index(index) => Ok(index.manifests),
        Manifest::Image(_) => Ok(Vec::new()),
    }
}

/// The path and query of the next page (RFC 8288), on the same server; nothing after the last one.
pub(crate) fn next_page(server: &Url, path: &str, link: &str) -> Option<String> {
    let next = link.split(',').find(|link| {
        link.split(';')
            .skip(1)
            .any(|parameter| matches!(parameter.trim(), r#"rel="next""# | "rel=next"))
    })?;
    let target = next.trim().strip_prefix('<')?.split('>').next()?;
    let url = server.join(path).ok()?.join(target).ok()?;
    let query = url
        .query()
        .map(|query| format!("?{query}"))
        .unwrap_or_default();
    (url.origin() == server.origin()).then(|| format!("{}{query}", url.path()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_on_the_same_server_or_nowhere() {
        let server = Url::parse("https://quay.io").expect("a URL");
        let table = [
            (
                r#"</v2/a/referrers/x?n=2>; rel="next""#,
                Some("/v2/a/referrers/x?n=2"),
            ),
            ("<x?n=2>;rel=next", Some("/v2/a/referrers/x?n=2")),
            (
                r#"<https://quay.io/v2/a/referrers/x?n=2>; rel="next""#,
                Some("/v2/a/referrers/x?n=2"),
            ),
            (
                r#"</first>; rel="first", </v2/n>; rel="next""#,
                Some("/v2/n"),
            ),
            (r#"<https://evil.org/v2/a>; rel="next""#, None),
            (r#"<http://quay.io/v2/a>; rel="next""#, None),
            (r#"</v2/a>; rel="prev""#, None),
            ("", None),
        ];
        for (link, expected) in table {
            assert_eq!(
                next_page(&server, "/v2/a/referrers/x", link).as_deref(),
                expected,
                "{link}"
            );
        }
    }
}
