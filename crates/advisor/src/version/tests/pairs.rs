use proptest::prelude::*;

use crate::Manager;

/// Versions of a manager, of an alphabet so small that neighbours are frequent.
pub(super) fn version(manager: Manager) -> BoxedStrategy<String> {
    let pattern = match manager {
        Manager::Dpkg => "([01]:)?[019a]{1,2}[019aZ.+~:-]{0,6}(-[01a.+~]{1,3})?",
        Manager::Apk => {
            "[0-2]{1,2}(\\.(0|1|00|01|10|2)){0,3}[ab]?(_(alpha|beta|pre|rc|cvs|svn|git|hg|p)[01]{0,2}){0,2}(~[0af]{1,2})?(-r[01]{1,2})?"
        }
        Manager::Rpm => "([01]:)?[019aZ._+~^]{1,7}(-[01a.~^_]{1,4})?",
    };
    let valid = move |text: &String| super::compare(manager, text, text).is_ok();
    proptest::string::string_regex(pattern)
        .unwrap()
        .prop_filter("a version of the manager", valid)
        .boxed()
}

/// Two versions, of which the second often is the first with one end replaced.
pub(super) fn pair(manager: Manager) -> impl Strategy<Value = (String, String)> {
    let related = (
        version(manager),
        version(manager),
        any::<prop::sample::Index>(),
    );
    related.prop_map(move |(left, right, at)| {
        let at = at.index(left.len());
        let spliced = format!("{}{}", &left[..at], right.get(at..).unwrap_or_default());
        if super::compare(manager, &spliced, &left).is_ok() {
            (left, spliced)
        } else {
            (left, right)
        }
    })
}
