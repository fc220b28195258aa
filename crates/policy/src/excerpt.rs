/// The start of a foreign text, fit for a line of a message: at most 64 characters, everything but printable ASCII escaped.
pub(crate) fn excerpt(text: &str) -> String {
    bounded(text, 64, char::escape_default)
}

/// A message that may contain foreign text, fit for one line: at most 1024 characters, control characters escaped.
pub(crate) fn one_line(message: &str) -> String {
    let controls_escaped = |character: char| {
        let escaped = character.is_control().then(|| character.escape_default());
        let itself = (!character.is_control()).then_some(character);
        escaped.into_iter().flatten().chain(itself)
    };
    bounded(message, 1024, controls_escaped)
}

fn bounded<I: IntoIterator<Item = char>>(
    text: &str,
    limit: usize,
    escape: impl Fn(char) -> I,
) -> String {
    let mut characters = text.chars();
    let mut bounded: String = characters.by_ref().take(limit).flat_map(escape).collect();
    if characters.next().is_some() {
        bounded.push('…');
    }
    bounded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_is_shortened_and_escaped() {
        assert_eq!(excerpt("a\u{202e}\nb"), r"a\u{202e}\nb");
        assert_eq!(excerpt(&"x".repeat(64)), "x".repeat(64));
        assert_eq!(excerpt(&"x".repeat(65)), format!("{}…", "x".repeat(64)));
    }

    #[test]
    fn a_message_is_one_line() {
        assert_eq!(
            one_line("expected `…`\nfound\u{7}"),
            r"expected `…`\nfound\u{7}"
        );
        assert_eq!(one_line(&"x".repeat(2000)).chars().count(), 1025);
    }
}
