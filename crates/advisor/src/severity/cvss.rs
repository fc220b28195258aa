//! Base scores of CVSS, by the specifications of its versions 2, 3.0, 3.1 and 4.0.

/// The longest vector that is read, in bytes. All metrics of version 4.0 together have about 190.
const MAX_BYTES: usize = 256;

/// The base score of a vector in tenths, 0 to 100; nothing if it is no vector, or one without all base metrics.
pub(super) fn base_score(vector: &str) -> Option<u32> {
    if vector.len() > MAX_BYTES {
        return None;
    }
    let Some(named) = vector.strip_prefix("CVSS:") else {
        return second_version(Metrics(vector));
    };
    match named.split_once('/')? {
        ("3.0" | "3.1", metrics) => third_version(Metrics(metrics)),
        ("4.0", metrics) => fourth_version(Metrics(metrics)),
        _ => None,
    }
}

/// `name:value` pairs with slashes between them.
#[derive(Clone, Copy)]
struct Metrics<'a>(&'a str);

impl<'a> Metrics<'a> {
    /// The weight of the metric's value.
    fn weigh(self, name: &str, weights: &[(&str, f64)]) -> Option<f64> {
        let value = self.value(name)?;
        let found = weights.iter().find(|(known, _)| *known == value);
        found.map(|(_, weight)| *weight)
    }

    fn value(self, name: &str) -> Option<&'a str> {
        let mut pairs = self.0.split('/').filter_map(|pair| pair.split_once(':'));
        pairs
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }
}

fn third_version(metrics: Metrics<'_>) -> Option<u32> {
    let impact_weights = [("H", 0.56), ("L", 0.22), ("N", 0.0)];
    let spared = |name| {
        metrics
            .weigh(name, &impact_weights)
            .map(|weight| 1.0 - weight)
    };
    let sub_score = 1.0 - spared("C")? * spared("I")? * spared("A")?;
    let changed = metrics.weigh("S", &[("U", 0.0), ("C", 1.0)])? > 0.0;
    let privileges = if changed {
        [("N", 0.85), ("L", 0.68), ("H", 0.5)]
    } else {
        [("N", 0.85), ("L", 0.62), ("H", 0.27)]
    };
    let exploitability = 8.22
        * metrics.weigh("AV", &[("N", 0.85), ("A", 0.62), ("L", 0.55), ("P", 0.2)])?
        * metrics.weigh("AC", &[("L", 0.77), ("H", 0.44)])?
        * metrics.weigh("PR", &privileges)?
        * metrics.weigh("UI", &[("N", 0.85), ("R", 0.62)])?;
    let impact = if changed {
        7.52 * (sub_score - 0.029) - 3.25 * (sub_score - 0.02).powi(15)
    } else {
        6.42 * sub_score
    };
    let score = match (impact > 0.0, changed) {
        (false, _) => 0.0,
        (true, false) => impact + exploitability,
        (true, true) => 1.08 * (impact + exploitability),
    };
    Some(rounded_up(score.min(10.0)))
}

fn second_version(metrics: Metrics<'_>) -> Option<u32> {
    let impact_weights = [("N", 0.0), ("P", 0.275), ("C", 0.66)];
    let spared = |name| {
        metrics
            .weigh(name, &impact_weights)
            .map(|weight| 1.0 - weight)
    };
    let impact = 10.41 * (1.0 - spared("C")? * spared("I")? * spared("A")?);
    let exploitability = 20.0
        * metrics.weigh("AV", &[("L", 0.395), ("A", 0.646), ("N", 1.0)])?
        * metrics.weigh("AC", &[("H", 0.35), ("M", 0.61), ("L", 0.71)])?
        * metrics.weigh("Au", &[("M", 0.45), ("S", 0.56), ("N", 0.704)])?;
    let factor = if impact > 0.0 { 1.176 } else { 0.0 };
    let score = (0.6 * impact + 0.4 * exploitability - 1.5) * factor;
    Some(whole((score * 10.0).round()))
}

/// The metrics that make a base score of version 4.0.
const FOURTH_BASE: [&str; 11] = [
    "AV", "AC", "AT", "PR", "UI", "VC", "VI", "VA", "SC", "SI", "SA",
];

/// The scores of version 4.0 are looked up in a table that is the specification. The base metrics alone are scored, as in the
/// other versions: what is said of threats is of a day, and what is said of an environment is of somebody else's.
fn fourth_version(metrics: Metrics<'_>) -> Option<u32> {
    let mut base = String::from("CVSS:4.0");
    for name in FOURTH_BASE {
        let value = metrics.value(name)?;
        base.extend(["/", name, ":", value]);
    }
    let vector: cvss::v4::Vector = base.parse().ok()?;
    Some(whole((vector.score().value() * 10.0).round()))
}

/// The specification's rounding up to tenths, which works on hundred-thousandths so that it is the same on every machine.
fn rounded_up(score: f64) -> u32 {
    whole((score * 100_000.0).round()).div_ceil(10_000)
}

/// Scores are between 0 and 10.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "scores are small and not negative, and a cast saturates where they are not"
)]
fn whole(number: f64) -> u32 {
    number as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_scores_are_those_of_the_specifications_examples() {
        for (vector, tenths) in [
            ("CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:L/I:L/A:N", 54),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 61),
            ("CVSS:3.0/AV:N/AC:L/PR:N/UI:R/S:U/C:H/I:N/A:N", 65),
            ("CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N", 75),
            ("CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 98),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 100),
            ("CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N", 31),
            ("CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H/E:P/RL:O", 78),
            (
                "CVSS:4.0/AV:L/AC:L/AT:P/PR:L/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N",
                73,
            ),
            (
                "CVSS:4.0/AV:N/AC:L/AT:P/PR:N/UI:P/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N",
                77,
            ),
            (
                "CVSS:4.0/AV:N/AC:L/AT:P/PR:N/UI:N/VC:H/VI:L/VA:L/SC:N/SI:N/SA:N",
                83,
            ),
            (
                "CVSS:4.0/AV:L/AC:L/AT:N/PR:N/UI:A/VC:L/VI:N/VA:N/SC:N/SI:N/SA:N",
                46,
            ),
            (
                "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:A/VC:N/VI:N/VA:N/SC:L/SI:L/SA:N",
                51,
            ),
            (
                "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:N/VA:N/SC:N/SI:N/SA:N",
                87,
            ),
            (
                "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N",
                93,
            ),
            (
                "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H",
                100,
            ),
            (
                "CVSS:4.0/AV:L/AC:L/AT:N/PR:H/UI:N/VC:N/VI:N/VA:N/SC:H/SI:N/SA:N",
                59,
            ),
            (
                "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:N/SC:N/SI:N/SA:N",
                0,
            ),
            (
                "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N/E:U/MAV:P/X:Y",
                93,
            ),
            ("AV:N/AC:L/Au:N/C:N/I:N/A:C", 78),
            ("AV:N/AC:L/Au:N/C:C/I:C/A:C", 100),
            ("AV:L/AC:H/Au:N/C:C/I:C/A:C", 62),
            ("AV:N/AC:L/Au:N/C:N/I:N/A:N", 0),
        ] {
            assert_eq!(base_score(vector), Some(tenths), "{vector}");
        }
    }

    #[test]
    fn what_lacks_a_metric_or_has_an_unknown_value_has_no_score() {
        let complete = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H";
        for metric in ["AV:N/", "AC:L/", "PR:N/", "UI:N/", "S:U/", "C:H/", "I:H/"] {
            assert_eq!(base_score(&complete.replace(metric, "")), None, "{metric}");
        }
        let long = format!("{complete}/{}", "E:P/".repeat(100));
        for vector in [
            "",
            "high",
            "CVSS:2.0/AV:N/AC:L/Au:N/C:C/I:C/A:C",
            "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:Q",
            "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N",
            "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:R/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N",
            "CVSS:5.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N",
            "CVSS:4.0",
            &long,
        ] {
            assert_eq!(base_score(vector), None, "{vector}");
        }
    }
}
