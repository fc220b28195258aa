//! Who calls: the API server says whose token it is.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec, TokenReviewStatus};
use kube::Api;
use kube::api::{ObjectMeta, PostParams};
use moka::sync::Cache;
use secrecy::{ExposeSecret as _, SecretString};

use crate::cluster::answer;
use crate::{Cluster, Error};

/// How long an answer of the API server about a token counts: a token that is withdrawn is accepted for no longer.
const FRESH_FOR: Duration = Duration::from_secs(60);

/// How many tokens are remembered: each replica of a caller has one.
const MOST: u64 = 1_000;

/// The longest token that the API server is asked about, in bytes.
const LONGEST_TOKEN: usize = 16 << 10;

/// The service accounts of this program's namespace that may call it, known by tokens that are made for it.
pub struct Callers {
    reviews: Api<TokenReview>,
    audience: String,
    names: BTreeSet<String>,
    known: Cache<[u8; 32], ()>,
}

/// Why a call is not answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallerError {
    /// The API server does not accept the token, or it is for somebody else.
    #[error("the token is not accepted")]
    Unknown,
    /// It is somebody's token, and they may not call.
    #[error("{name} may not call")]
    Stranger {
        /// Whose it is.
        name: String,
    },
    /// The API server was not asked, or did not answer.
    #[error(transparent)]
    Unanswered(#[from] Error),
}

impl Callers {
    /// These service accounts of the program's namespace, with tokens for this audience.
    pub fn new<'a>(
        cluster: &Cluster,
        audience: impl Into<String>,
        accounts: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let namespace = cluster.namespace();
        let name = |account| format!("system:serviceaccount:{namespace}:{account}");
        Self {
            reviews: Api::all(cluster.client()),
            audience: audience.into(),
            names: accounts.into_iter().map(name).collect(),
            known: Cache::builder()
                .max_capacity(MOST)
                .time_to_live(FRESH_FOR)
                .build(),
        }
    }

    /// Whether whoever shows this token may call. Only that somebody may is remembered.
    pub async fn admit(&self, token: &SecretString) -> Result<(), CallerError> {
        let exposed = token.expose_secret();
        if exposed.is_empty() || exposed.len() > LONGEST_TOKEN {
            return Err(CallerError::Unknown);
        }
        let mut key = [0; 32];
        let hash = digest(&SHA256, exposed.as_bytes());
        key.copy_from_slice(hash.as_ref());
        if self.known.contains_key(&key) {
            return Ok(());
        }
        let status = self.review(exposed).await?;
        judge(status, &self.audience, &self.names)?;
        self.known.insert(key, ());
        Ok(())
    }

    async fn review(&self, token: &str) -> Result<TokenReviewStatus, Error> {
        let review = TokenReview {
            metadata: ObjectMeta::default(),
            spec: TokenReviewSpec {
                token: Some(token.to_owned()),
                audiences: Some(vec![self.audience.clone()]),
            },
            status: None,
        };
        let parameters = PostParams::default();
        let reviewed = answer(self.reviews.create(&parameters, &review)).await;
        let reviewed =
            reviewed.map_err(|error| Error::request("asking about", "a token", &error))?;
        Ok(reviewed.status.unwrap_or_default())
    }
}

/// An API server that knows nothing of audiences accepts any token and names none; that is not enough.
fn judge(
    status: TokenReviewStatus,
    audience: &String,
    names: &BTreeSet<String>,
) -> Result<(), CallerError> {
    let audiences = status.audiences.unwrap_or_default();
    if status.authenticated != Some(true) || !audiences.contains(audience) {
        return Err(CallerError::Unknown);
    }
    let name = status
        .user
        .and_then(|user| user.username)
        .unwrap_or_default();
    if names.contains(&name) {
        Ok(())
    } else {
        Err(CallerError::Stranger { name })
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::authentication::v1::UserInfo;

    use super::*;

    #[test]
    fn a_caller_is_authenticated_for_this_audience_and_named() {
        let names = ["system:serviceaccount:ibm-system:cise".to_owned()].into();
        let own = "system:serviceaccount:ibm-system:cise";
        let other = "system:serviceaccount:team:cise";
        let stranger = || {
            Err(CallerError::Stranger {
                name: other.to_owned(),
            })
        };
        for (authenticated, audiences, name, expected) in [
            (Some(true), Some(vec!["cise-advisor"]), own, Ok(())),
            (Some(true), Some(vec!["other", "cise-advisor"]), own, Ok(())),
            (Some(true), Some(vec!["cise-advisor"]), other, stranger()),
            (
                Some(true),
                Some(vec!["other"]),
                own,
                Err(CallerError::Unknown),
            ),
            (Some(true), Some(vec![]), own, Err(CallerError::Unknown)),
            (Some(true), None, own, Err(CallerError::Unknown)),
            (
                Some(false),
                Some(vec!["cise-advisor"]),
                own,
                Err(CallerError::Unknown),
            ),
            (
                None,
                Some(vec!["cise-advisor"]),
                own,
                Err(CallerError::Unknown),
            ),
        ] {
            let status = TokenReviewStatus {
                authenticated,
                audiences: audiences
                    .clone()
                    .map(|all| all.into_iter().map(str::to_owned).collect()),
                user: Some(UserInfo {
                    username: Some(name.to_owned()),
                    ..UserInfo::default()
                }),
                error: None,
            };
            let judged = judge(status, &"cise-advisor".to_owned(), &names);
            assert_eq!(judged, expected, "{authenticated:?} {audiences:?} {name}");
        }
    }
}
