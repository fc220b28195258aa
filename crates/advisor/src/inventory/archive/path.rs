//! Paths as archives write them.

/// The path without `.`, `..`, and slashes that say nothing, seen from the root, which nothing leads out of.
pub(crate) fn clean(path: &str) -> String {
    let mut clean = String::with_capacity(path.len());
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => clean.truncate(clean.rfind('/').unwrap_or(0)),
            part if clean.is_empty() => clean.push_str(part),
            part => {
                clean.push('/');
                clean.push_str(part);
            }
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clean_path_is_below_the_root_and_says_nothing_twice() {
        let table = [
            ("etc/passwd", "etc/passwd"),
            ("./etc//./passwd/", "etc/passwd"),
            ("/etc/passwd", "etc/passwd"),
            ("../../etc/passwd", "etc/passwd"),
            ("a/../etc/passwd", "etc/passwd"),
            ("a/b/../../..", ""),
            ("a/b/..", "a"),
            ("", ""),
            ("...", "..."),
        ];
        for (path, expected) in table {
            assert_eq!(clean(path), expected, "{path:?}");
        }
    }
}
