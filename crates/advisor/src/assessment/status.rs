use std::fmt;

use serde::{Deserialize, Serialize};

/// What the advisor says of an image. Of several platforms the worst counts: the order is from the mildest to the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    /// Nothing in it is of a kind that advisories are published for.
    Unsupported,
    /// It has no issue.
    Ok,
    /// It has issues, and all of them are exempted.
    Warn,
    /// It was not looked at yet.
    Unscanned,
    /// Something that could change the answer was not judged.
    Incomplete,
    /// It has an issue that is not exempted.
    Fail,
}

impl Status {
    /// Its name in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unsupported => "UNSUPPORTED",
            Self::Ok => "OK",
            Self::Warn => "WARN",
            Self::Unscanned => "UNSCANNED",
            Self::Incomplete => "INCOMPLETE",
            Self::Fail => "FAIL",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_platforms_the_worst_wins() {
        let worst_first = "FAIL INCOMPLETE UNSCANNED WARN OK UNSUPPORTED";
        let mut all: Vec<Status> = worst_first
            .split(' ')
            .map(|name| serde_json::from_value(name.into()).unwrap())
            .collect();
        assert_eq!(all.iter().max(), all.first());
        all.sort();
        all.reverse();
        let names: Vec<_> = all.into_iter().map(Status::as_str).collect();
        assert_eq!(names.join(" "), worst_first);
    }
}
