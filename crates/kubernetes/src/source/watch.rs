use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

use cise_policy::NameError;
use futures::TryStreamExt as _;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client};
use tokio::sync::mpsc;

use super::known::{Change, News};
use super::stored::StoredPolicy;
use crate::PolicyResource;
use crate::error::explain;

/// How many policies are listed at once. Each may be as large as what etcd keeps, 1.5 MiB.
const PAGE: u32 = 100;

/// How long a watch stands before it is renewed, in seconds. A connection that died silently is noticed soon after.
const WATCH_SECONDS: u32 = 60;

/// How soon a cluster that does not have the resource is looked at again: a first policy must not wait a second.
const ABSENT_PAUSE: Duration = Duration::from_millis(500);

/// How soon an API server that did not answer is asked again, at first and at most; and at most while nothing has been listed
/// yet, since nobody is answered before that.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE_AT_START: Duration = Duration::from_millis(500);

/// Tells all changes of a resource, until nobody listens. After an interruption, all of it is listed again.
pub(super) async fn follow(
    client: Client,
    resource: PolicyResource,
    changes: mpsc::Sender<Change>,
) {
    let mut follower = Follower {
        api: Api::all_with(client, &resource),
        resource,
        changes,
        pause: FIRST_PAUSE,
        longest_pause: LONGEST_PAUSE_AT_START,
    };
    loop {
        let Err(interruption) = follower.tell_all().await;
        if follower.take(interruption).await.is_err() {
            return;
        }
    }
}

struct Follower {
    api: Api<StoredPolicy>,
    resource: PolicyResource,
    changes: mpsc::Sender<Change>,
    /// Before the next attempt.
    pause: Duration,
    longest_pause: Duration,
}

/// Why a resource can be followed no longer.
#[derive(Debug, thiserror::Error)]
enum Interruption {
    #[error("the cluster has no such resource")]
    Absent,
    #[error("what was watched is too long ago")]
    Expired,
    #[error("{0}")]
    Failed(String),
    #[error("a policy is stored under a name that cannot be: {0}")]
    Misnamed(#[from] NameError),
    #[error("nobody listens")]
    Unheard(#[from] Unheard),
}

/// Nobody listens any more.
#[derive(Debug, thiserror::Error)]
#[error("nobody listens")]
struct Unheard;

impl Follower {
    async fn tell_all(&mut self) -> Result<Infallible, Interruption> {
        let config = watcher::Config::default()
            .page_size(PAGE)
            .timeout(WATCH_SECONDS);
        let mut events = pin!(watcher(self.api.clone(), config));
        let mut listed = Vec::new();
        loop {
            // This stream never ends by itself.
            let Some(event) = events.try_next().await? else {
                return Err(Interruption::Expired);
            };
            match event {
                Event::Init => listed.clear(),
                Event::InitApply(policy) => listed.push(policy.read(self.resource)?),
                Event::InitDone => {
                    self.pause = FIRST_PAUSE;
                    self.longest_pause = LONGEST_PAUSE;
                    self.tell(News::Listed(std::mem::take(&mut listed))).await?;
                }
                Event::Apply(policy) => {
                    let (origin, content) = policy.read(self.resource)?;
                    self.tell(News::Written(origin, content)).await?;
                }
                Event::Delete(policy) => {
                    self.tell(News::Removed(policy.origin(self.resource)?))
                        .await?;
                }
            }
        }
    }

    async fn take(&mut self, interruption: Interruption) -> Result<(), Unheard> {
        let pause = match interruption {
            Interruption::Unheard(unheard) => return Err(unheard),
            Interruption::Expired => Duration::ZERO,
            Interruption::Absent => {
                self.tell(News::Absent).await?;
                ABSENT_PAUSE
            }
            failed => {
                self.tell(News::Failed(failed.to_string())).await?;
                self.longer_pause()
            }
        };
        tokio::time::sleep(pause).await;
        Ok(())
    }

    fn longer_pause(&mut self) -> Duration {
        let longer = self.pause.saturating_mul(2).min(self.longest_pause);
        std::mem::replace(&mut self.pause, longer)
    }

    async fn tell(&self, news: News) -> Result<(), Unheard> {
        let resource = self.resource;
        let told = self.changes.send(Change { resource, news }).await;
        told.map_err(|_| Unheard)
    }
}

impl From<watcher::Error> for Interruption {
    fn from(error: watcher::Error) -> Self {
        match error {
            watcher::Error::InitialListFailed(error)
            | watcher::Error::WatchStartFailed(error)
            | watcher::Error::WatchFailed(error) => Self::from(&error),
            watcher::Error::WatchError(status) => Self::from(&kube::Error::Api(status)),
            watcher::Error::NoResourceVersion => Self::Failed(error.to_string()),
        }
    }
}

impl From<&kube::Error> for Interruption {
    fn from(error: &kube::Error) -> Self {
        match error {
            kube::Error::Api(status) if status.code == 404 => Self::Absent,
            kube::Error::Api(status) if status.code == 410 => Self::Expired,
            other => Self::Failed(explain(other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use cise_policy::ApiGroup;
    use http::{Request, Response};
    use kube::client::Body;

    use super::*;
    use crate::PolicyKind;

    const RESOURCE: PolicyResource = PolicyResource::new(ApiGroup::V1Beta1, PolicyKind::Namespace);

    /// Code and body of an answer.
    type Answer = (u16, String);

    /// An API server that gives these answers, and then none.
    fn answering(answers: Vec<Answer>) -> (Client, Arc<Mutex<Vec<String>>>) {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (heard, answers) = (Arc::clone(&asked), Mutex::new(answers.into_iter()));
        let service = tower::service_fn(move |request: Request<Body>| {
            let query = request.uri().query().unwrap_or_default();
            let what = if query.contains("watch=true") {
                "watch"
            } else {
                "list"
            };
            heard.lock().unwrap().push(what.to_owned());
            let answer = answers.lock().unwrap().next();
            async move {
                let Some((code, body)) = answer else {
                    return std::future::pending().await;
                };
                let response = Response::builder().status(code);
                response.body(Body::from(body.into_bytes()))
            }
        });
        (Client::new(service, "default"), asked)
    }

    fn list(name: &str) -> Answer {
        let metadata = format!(r#"{{"name":"{name}","namespace":"team","resourceVersion":"4"}}"#);
        let policy = format!(
            r#"{{"apiVersion":"{}","kind":"ImagePolicy","metadata":{metadata},"spec":{{}}}}"#,
            RESOURCE.group().api_version()
        );
        let list = format!(
            r#"{{"apiVersion":"v1","kind":"List","metadata":{{"resourceVersion":"5"}},"items":[{policy}]}}"#
        );
        (200, list)
    }

    fn failure(code: u16) -> String {
        format!(
            r#"{{"kind":"Status","apiVersion":"v1","metadata":{{}},"status":"Failure","message":"told so","reason":"Expired","code":{code}}}"#
        )
    }

    /// What is told, in words, until the API server answers no more.
    async fn told(answers: Vec<Answer>) -> (Vec<String>, Vec<String>) {
        let (client, asked) = answering(answers);
        let (changes, mut news) = mpsc::channel(16);
        let mut told = Vec::new();
        let following = tokio::spawn(follow(client, RESOURCE, changes));
        tokio::task::yield_now().await;
        // Time stands still, and passes only when all there is to do is to wait.
        while let Ok(Some(change)) =
            tokio::time::timeout(Duration::from_secs(30), news.recv()).await
        {
            told.push(match change.news {
                News::Listed(policies) => {
                    let names = policies.iter().map(|(origin, _)| origin.name());
                    format!("listed {}", names.collect::<Vec<_>>().join(" "))
                }
                News::Failed(why) => format!("failed: {why}"),
                News::Absent => "absent".to_owned(),
                other => format!("{other:?}"),
            });
        }
        following.abort();
        let asked = asked.lock().unwrap().clone();
        (told, asked)
    }

    #[tokio::test(start_paused = true)]
    async fn when_what_was_watched_is_too_long_ago_all_is_listed_again_without_ado() {
        let expired = format!("{{\"type\":\"ERROR\",\"object\":{}}}\n", failure(410));
        for gone in [(200, expired), (410, failure(410))] {
            let (told, asked) = told(vec![list("a"), gone, list("b")]).await;
            assert_eq!(told, ["listed a", "listed b"]);
            assert_eq!(asked, ["list", "watch", "list", "watch"]);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_told_and_all_is_listed_again() {
        let (told, _) = told(vec![
            (403, failure(403)),
            list("a"),
            (500, failure(500)),
            list("b"),
        ])
        .await;
        assert_eq!(
            told,
            ["failed: told so", "listed a", "failed: told so", "listed b"]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_resource_that_does_not_exist_is_absent_until_it_does() {
        let missing = || (404, "404 page not found".to_owned());
        let (told, asked) = told(vec![missing(), missing(), list("a")]).await;
        assert_eq!(told, ["absent", "absent", "listed a"]);
        assert_eq!(asked, ["list", "list", "list", "watch"]);
    }

    #[tokio::test(start_paused = true)]
    async fn before_the_first_list_an_api_server_is_asked_often_and_later_ever_less() {
        let failures = || (0..20).map(|_| (500, failure(500)));
        let asked_within = async |answers: Vec<Answer>, time: Duration| {
            let (client, asked) = answering(answers);
            let (changes, mut news) = mpsc::channel(64);
            let following = tokio::spawn(follow(client, RESOURCE, changes));
            tokio::time::sleep(time).await;
            following.abort();
            news.close();
            asked.lock().unwrap().len()
        };
        let time = Duration::from_secs(9);
        let (first, listed) = (
            failures().collect(),
            [list("a")].into_iter().chain(failures()).collect(),
        );
        let (at_start, later) = (
            asked_within(first, time).await,
            asked_within(listed, time).await,
        );
        assert!(at_start > 17 && later < 10, "{at_start} {later}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_none_is_a_failure_and_never_an_empty_list() {
        let (told, _) = told(vec![(200, "{}".to_owned()), list("a")]).await;
        assert!(told[0].starts_with("failed: "), "{told:?}");
        assert_eq!(told[1], "listed a");
    }
}
