use std::error::Error as _;

/// The longest explanation that is passed on, in characters.
const MAX_EXPLANATION: usize = 1024;

/// Something that was wanted of the cluster and did not come.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It is not known how to reach the API server, or as whom.
    #[error("the API server cannot be used: {why}")]
    Unconfigured {
        /// What is missing or wrong.
        why: String,
    },
    /// The API server refused a request, or did not answer it.
    #[error("{action} {object} failed: {why}")]
    Request {
        /// What was attempted: `reading`, `writing`.
        action: &'static str,
        /// On what: `ConfigMap ibm-system/cise-defaults`.
        object: String,
        /// Why it failed.
        why: String,
    },
    /// Something is not what was written, or cannot be made.
    #[error("{what} cannot be used: {why}")]
    Unusable {
        /// What it is: `Secret ibm-system/cise-certificates`.
        what: String,
        /// What is wrong. It never quotes a key.
        why: String,
    },
}

impl Error {
    pub(crate) fn request(
        action: &'static str,
        object: impl Into<String>,
        error: &kube::Error,
    ) -> Self {
        Self::Request {
            action,
            object: object.into(),
            why: explain(error),
        }
    }
}

/// Did the API server answer with this status code?
pub(crate) fn is(error: &kube::Error, code: u16) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == code)
}

/// What the API server said, or else what went wrong on the way to it, in one line.
pub(crate) fn explain(error: &kube::Error) -> String {
    let text = match error {
        kube::Error::Api(status) => status.message.clone(),
        other => with_causes(other),
    };
    one_line(&text)
}

/// The messages of the error and of its causes; a cause that its effect quotes already is not said twice.
fn with_causes(error: &kube::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let said = inner.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = inner.source();
    }
    text
}

fn one_line(text: &str) -> String {
    text.chars()
        .take(MAX_EXPLANATION)
        .map(|character| {
            if character.is_control() {
                ' '
            } else {
                character
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::*;

    #[test]
    fn what_the_api_server_says_is_passed_on_in_one_bounded_line() {
        let said = |message: &str| {
            explain(&kube::Error::Api(
                Status::failure(message, "Forbidden").boxed(),
            ))
        };
        assert_eq!(
            said("secrets \"a\"\nis forbidden"),
            "secrets \"a\" is forbidden"
        );
        assert_eq!(said(&"x".repeat(5000)).len(), MAX_EXPLANATION);
    }

    #[test]
    fn a_cause_is_told_once() {
        let refused = std::io::Error::new(std::io::ErrorKind::ConnectionRefused, "refused");
        let error = kube::Error::ReadEvents(refused);
        assert_eq!(explain(&error), "Error reading events stream: refused");
    }
}
