//! Errors as people see them: what went wrong, and what to do about it.

use std::error::Error;
use std::fmt::Write as _;

/// What ends a command early, with exit status 2.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    hint: Option<String>,
}

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
        }
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same failure, with what may help, where anything is known to.
    pub(crate) fn with_any_hint(self, hint: Option<&str>) -> Self {
        match hint {
            Some(hint) => self.with_hint(hint),
            None => self,
        }
    }

    /// The same failure, with what it is about before it.
    pub(crate) fn about(self, what: &str) -> Self {
        Self {
            message: format!("{what}: {}", self.message),
            ..self
        }
    }

    /// What went wrong, in one line.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it, as people read it.
    pub(crate) fn hint(&self) -> Option<String> {
        let hint = self.hint.as_ref()?;
        Some(format!("hint: {hint}"))
    }

    /// The text for people: `error: …`, then `hint: …`.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("error: {}", self.message);
        if let Some(hint) = self.hint() {
            // Writing to a string cannot fail.
            let _ = write!(text, "\n{hint}");
        }
        text
    }
}

/// An error that nobody here can act upon but by showing it, with the errors behind it.
impl<E: Error> From<E> for Failure {
    fn from(error: E) -> Self {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            let cause_text = cause.to_string();
            // Some errors repeat what is behind them.
            if !message.contains(&cause_text) {
                let _ = write!(message, ": {cause_text}");
            }
            source = cause.source();
        }
        Self::new(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_shown_with_its_causes_and_each_cause_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("opening the door failed")]
        struct Door(#[source] Key);
        #[derive(Debug, thiserror::Error)]
        #[error("the key is lost")]
        struct Key;
        #[derive(Debug, thiserror::Error)]
        #[error("leaving failed: opening the door failed")]
        struct House(#[source] Door);
        let failure = Failure::from(House(Door(Key))).with_hint("look under the mat");
        assert_eq!(
            failure.text(),
            "error: leaving failed: opening the door failed: the key is lost\nhint: look under the mat"
        );
    }
}
