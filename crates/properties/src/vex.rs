use cise_advisor::vex::Document;
use cise_advisor::vex::fuzzing::{Verdict, verdicts};

use crate::assert_message;

/// A document of OpenVEX: whatever it says, it forgives nothing of which it is said later that the image is affected.
pub(crate) fn vex(bytes: &[u8]) {
    let document = match Document::from_json(bytes) {
        Ok(document) => document,
        Err(error) => return assert_message(&error),
    };
    for (alone, contradicted) in verdicts(&document) {
        if let Verdict::Refused(why) = alone {
            assert_message(&why);
        }
        assert!(matches!(contradicted, Verdict::Refused(_)));
    }
}
