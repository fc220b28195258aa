/// The start of a foreign text, fit for a line of a message: at most 64 characters, everything but printable ASCII escaped.
pub(crate) fn excerpt(text: &str) -> Box<str> {
    let mut characters = text.chars();
    let mut excerpt: String = characters
        .by_ref()
        .take(64)
        .flat_map(char::escape_default)
        .collect();
    if characters.next().is_some() {
        excerpt.push('…');
    }
    excerpt.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_is_shortened_and_escaped() {
        assert_eq!(&*excerpt("a\u{202e}\nb"), r"a\u{202e}\nb");
        assert_eq!(&*excerpt(&"x".repeat(64)), "x".repeat(64));
        assert_eq!(&*excerpt(&"x".repeat(65)), format!("{}…", "x".repeat(64)));
    }
}
