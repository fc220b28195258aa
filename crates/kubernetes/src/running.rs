//! The images that run: those of all pods that have not ended, page by page.

mod page;

use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use kube::client::Body;
use kube::core::{Request, Status};
use kube::{Client, Resource as _};

use crate::cluster::answer;
use crate::error::is;
use crate::{Cluster, Error};
use page::Page;

pub use page::RunningPage;

/// How many pods are listed at once.
const PAGE: u32 = 50;

/// The most bytes of a page: more than the two largest pods that an API server keeps.
const MAX_PAGE: usize = 4 << 20;

/// What the error of a list is about.
const PODS: &str = "the pods of the cluster";

/// What is listed: a pod that has ended will not pull an image again.
const NOT_ENDED: &str = "status.phase!=Succeeded,status.phase!=Failed";

/// The images of the pods of the whole cluster, in pages. Whatever becomes of the cluster meanwhile, no page is held for longer
/// than it takes to read it, and nothing of a pod is kept but which images it pulls, and with which secrets by their names.
pub struct RunningImages {
    client: Client,
    next: Next,
    /// How many pods are asked for at once: fewer from the first page on that is too large.
    limit: u32,
}

/// Where the list goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Next {
    Begin,
    After(String),
    Ended,
}

/// What a request for a page came to.
enum Listed {
    Page(Page),
    TooLarge,
}

impl RunningImages {
    /// From the first page on.
    pub fn of(cluster: &Cluster) -> Self {
        Self {
            client: cluster.client(),
            next: Next::Begin,
            limit: PAGE,
        }
    }

    /// The next page; nothing after the last one. After an error, the same page can be asked for again.
    pub async fn next(&mut self) -> Result<Option<RunningPage>, Error> {
        let mut was_forgotten = false;
        while self.next != Next::Ended {
            match answer(self.list()).await {
                Ok(Listed::Page(page)) => {
                    self.next = Next::after(page.token);
                    return Ok(Some(page.images));
                }
                Ok(Listed::TooLarge) if self.limit > 1 => self.limit = self.limit.div_ceil(2),
                Ok(Listed::TooLarge) => return Err(too_large()),
                Err(error) => match self.next.instead_of(&error) {
                    Some(next) if !was_forgotten => (self.next, was_forgotten) = (next, true),
                    _ => return Err(Error::request("listing", PODS, &error)),
                },
            }
        }
        Ok(None)
    }

    async fn list(&self) -> kube::Result<Listed> {
        let request = Request::new(Pod::url_path(&(), None)).list(&self.parameters());
        let request = request.map_err(kube::Error::BuildRequest)?.map(Body::from);
        let answer = self.client.send(request).await?;
        let status = answer.status();
        let body = match Limited::new(answer.into_body(), MAX_PAGE).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => return Ok(Listed::TooLarge),
            Err(error) => return Err(kube::Error::Service(error)),
        };
        if !status.is_success() {
            return Err(kube::Error::Api(refusal(&body, status.as_u16()).boxed()));
        }
        let page = Page::read(&body).map_err(kube::Error::SerdeError)?;
        Ok(Listed::Page(page))
    }

    fn parameters(&self) -> ListParams {
        let parameters = ListParams::default().fields(NOT_ENDED).limit(self.limit);
        match &self.next {
            Next::After(token) => parameters.continue_token(token),
            Next::Begin | Next::Ended => parameters,
        }
    }
}

impl Next {
    fn after(token: Option<String>) -> Self {
        token.map_or(Self::Ended, Self::After)
    }

    /// A list that has taken long goes on with the pods that there are then, where the API server says so, else from the
    /// beginning. Nothing, if that is not what the error says.
    fn instead_of(&self, error: &kube::Error) -> Option<Self> {
        let (Self::After(_), kube::Error::Api(status)) = (self, error) else {
            return None;
        };
        let metadata = status.metadata.as_ref();
        let token = metadata.and_then(|metadata| metadata.continue_.clone());
        let token = token.filter(|token| !token.is_empty());
        is(error, 410).then(|| token.map_or(Self::Begin, Self::After))
    }
}

fn refusal(body: &[u8], code: u16) -> Status {
    let status = serde_json::from_slice::<Status>(body);
    status.unwrap_or_else(|_| Status::failure("no reason is given", "Unknown").with_code(code))
}

fn too_large() -> Error {
    Error::Unusable {
        what: PODS.to_owned(),
        why: format!("one of them takes more than {MAX_PAGE} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn expired(metadata: &serde_json::Value) -> kube::Error {
        let status = json!({
            "kind": "Status", "code": 410, "reason": "Expired", "message": "the continue parameter is too old",
            "metadata": metadata,
        });
        kube::Error::Api(serde_json::from_value(status).unwrap())
    }

    #[test]
    fn a_list_whose_place_is_forgotten_goes_on_where_the_api_server_says() {
        let forbidden =
            || kube::Error::Api(Status::failure("no", "Forbidden").with_code(403).boxed());
        let there = || Next::After("there".to_owned());
        for (at, error, expected) in [
            (
                there(),
                expired(&json!({ "continue": "newer" })),
                Some(Next::After("newer".to_owned())),
            ),
            (
                there(),
                expired(&json!({ "continue": "" })),
                Some(Next::Begin),
            ),
            (there(), expired(&json!({})), Some(Next::Begin)),
            (there(), forbidden(), None),
            (Next::Begin, expired(&json!({})), None),
        ] {
            assert_eq!(at.instead_of(&error), expected, "{at:?} {error:?}");
        }
    }
}
