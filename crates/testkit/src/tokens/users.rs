//! Who may have a token, and for what.

use super::User;
use super::asked::Asked;
use super::jwt::Access;

/// What a refresh token starts with; the name of the user follows.
const REFRESH_TOKEN: &str = "refresh-token-of-";

#[derive(Debug)]
pub(super) struct Users(Vec<User>);

impl Users {
    pub(super) fn new(users: &[User]) -> Self {
        Self(users.to_vec())
    }

    /// The name of the user; empty for nobody in particular. `None`: the password or the refresh token is wrong.
    pub(super) fn authenticate(&self, asked: &Asked) -> Option<String> {
        match (asked.request.grant.as_deref(), &asked.request.user) {
            (None, None) => Some(String::new()),
            (None | Some("password"), Some(name)) => {
                let fits = |user: &User| {
                    !name.is_empty() && user.name == *name && user.password == asked.password
                };
                self.0.iter().any(fits).then(|| name.clone())
            }
            (Some("refresh_token"), _) => {
                let name = asked
                    .refresh_token
                    .as_deref()?
                    .strip_prefix(REFRESH_TOKEN)?;
                self.0
                    .iter()
                    .any(|user| user.name == name)
                    .then(|| name.to_owned())
            }
            (Some(_), _) => None,
        }
    }

    /// What of a scope the user gets: `repository:<name>:<action>,<action>`, where the name may hold colons.
    pub(super) fn grant(&self, user: &str, scope: &str) -> Option<Access> {
        let (kind, rest) = scope.split_once(':')?;
        let (name, wanted) = rest.rsplit_once(':')?;
        let path = without_host(name);
        let concerned = |entry: &&User| entry.name == user && path.starts_with(entry.repositories);
        let granted = self
            .0
            .iter()
            .filter(concerned)
            .flat_map(|entry| entry.actions);
        let granted: Vec<&str> = granted.copied().collect();
        let actions = wanted
            .split(',')
            .filter(|action| granted.contains(action))
            .map(str::to_owned)
            .collect();
        Some(Access {
            kind: kind.to_owned(),
            name: name.to_owned(),
            actions,
        })
    }
}

/// The refresh token of a user.
pub(super) fn refresh_token(user: &str) -> String {
    format!("{REFRESH_TOKEN}{user}")
}

/// Trust servers name a repository with its registry's host, registries without.
fn without_host(name: &str) -> &str {
    match name.split_once('/') {
        Some((host, path)) if host.contains([':', '.']) => path,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use http::header::AUTHORIZATION;

    use super::*;

    fn users() -> Users {
        let user = |name, password, repositories, actions| User {
            name,
            password,
            repositories,
            actions,
        };
        Users::new(&[
            user("alice", "secret", "team/", &["pull", "push"]),
            user("alice", "secret", "public/", &["pull"]),
            user("", "", "public/", &["pull"]),
        ])
    }

    #[test]
    fn a_token_is_for_who_knows_a_password_or_says_nothing() {
        let get = |basic: Option<&'static str>| {
            let headers = basic.map(|basic| (AUTHORIZATION, basic.parse().unwrap()));
            users().authenticate(&Asked::get("service=x", &HeaderMap::from_iter(headers)))
        };
        assert_eq!(get(None).as_deref(), Some(""));
        assert_eq!(
            get(Some("Basic YWxpY2U6c2VjcmV0")).as_deref(),
            Some("alice"),
            "alice:secret"
        );
        assert_eq!(get(Some("Basic YWxpY2U6d3Jvbmc=")), None, "alice:wrong");
        assert_eq!(
            get(Some("Basic Og==")),
            None,
            "an empty name and an empty password"
        );
    }

    #[test]
    fn a_posted_form_has_a_grant() {
        let post = |form: &str| users().authenticate(&Asked::post(form.as_bytes()));
        assert_eq!(
            post("grant_type=password&username=alice&password=secret").as_deref(),
            Some("alice")
        );
        assert_eq!(
            post("grant_type=password&username=alice&password=wrong"),
            None
        );
        assert_eq!(
            post("grant_type=refresh_token&refresh_token=refresh-token-of-alice").as_deref(),
            Some("alice")
        );
        assert_eq!(
            post("grant_type=refresh_token&refresh_token=refresh-token-of-bob"),
            None
        );
        assert_eq!(
            post("grant_type=refresh_token&refresh_token=something"),
            None
        );
        assert_eq!(
            post("grant_type=other&username=alice&password=secret"),
            None
        );
        assert_eq!(post("username=alice&password=secret"), None);
    }

    #[test]
    fn a_scope_is_granted_as_far_as_the_user_may() {
        let granted = |user, scope| {
            users()
                .grant(user, scope)
                .map(|access| access.actions.join(","))
        };
        let cases = [
            ("alice", "repository:team/app:pull,push", Some("pull,push")),
            ("alice", "repository:team/app:*", Some("")),
            ("alice", "repository:public/app:pull,push", Some("pull")),
            (
                "alice",
                "repository:localhost:5000/team/app:pull",
                Some("pull"),
            ),
            ("alice", "repository:other/app:pull", Some("")),
            ("", "repository:public/app:pull", Some("pull")),
            ("", "repository:team/app:pull", Some("")),
            ("alice", "team/app", None),
        ];
        for (user, scope, expected) in cases {
            assert_eq!(granted(user, scope).as_deref(), expected, "{user} {scope}");
        }
    }
}
