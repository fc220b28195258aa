use proptest::prelude::*;

use super::pairs::{pair, version};
use crate::Manager::{self, Apk, Dpkg, Rpm};
use crate::version::{apk, compare, dpkg, rpm};

/// Sorts three of a kind in every way there is: an order that is not total or not transitive shows.
macro_rules! total_order {
    ($name:ident, $manager:expr, $version:ty) => {
        proptest! {
            #![proptest_config(ProptestConfig::with_cases(1024))]
            #[test]
            fn $name(texts in [version($manager), version($manager), version($manager)]) {
                let [a, b, c] = [0, 1, 2].map(|i| <$version>::parse(&texts[i]).unwrap());
                prop_assert!(a.cmp(&a).is_eq());
                prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
                prop_assert_eq!(a == b, a.cmp(&b).is_eq());
                if a <= b && b <= c {
                    prop_assert!(a <= c);
                    prop_assert_eq!(a == c, a == b && b == c);
                }
            }
        }
    };
}

total_order!(the_order_of_dpkg_is_total, Dpkg, dpkg::Version<'_>);
total_order!(the_order_of_apk_is_total, Apk, apk::Version<'_>);
total_order!(the_order_of_rpm_is_total, Rpm, rpm::Version<'_>);

proptest! {
    #[test]
    fn comparing_from_the_other_side_gives_the_reverse(
        (manager, (left, right)) in prop::sample::select(vec![Dpkg, Apk, Rpm])
            .prop_flat_map(|manager| (Just(manager), pair(manager)))
    ) {
        let order = compare(manager, &left, &right).unwrap();
        prop_assert_eq!(compare(manager, &right, &left).unwrap(), order.reverse());
    }

    #[test]
    fn any_text_is_ordered_or_refused(left in ".{0,40}", right in ".{0,40}") {
        for manager in [Dpkg, Apk, Rpm] {
            let refused = |text: &str| refused_alone(manager, text);
            prop_assert_eq!(
                compare(manager, &left, &right).is_err(),
                refused(&left) || refused(&right)
            );
        }
    }
}

fn refused_alone(manager: Manager, text: &str) -> bool {
    compare(manager, text, text).is_err()
}
