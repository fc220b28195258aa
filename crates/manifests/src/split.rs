//! Where the documents of a text begin and end.

/// The documents of a text in YAML, byte for byte: put together, they are the text. A mark (`---`) belongs to the document that it
/// begins, and `...` to the one that it ends. What stands before the first mark is one of them, and so are comments alone.
///
/// At the beginning of a line, nothing but such a mark can begin with `---` or `...` (YAML 1.2.2, section 9.1.2).
pub fn split_documents(text: &str) -> Vec<&str> {
    let mut documents = Vec::new();
    let (mut begin, mut end) = (0, 0);
    for line in text.split_inclusive('\n') {
        if is_mark(line, "---") && end > begin {
            documents.extend(text.get(begin..end));
            begin = end;
        }
        end += line.len();
        if is_mark(line, "...") {
            documents.extend(text.get(begin..end));
            begin = end;
        }
    }
    documents.extend(text.get(begin..).filter(|rest| !rest.is_empty()));
    documents
}

fn is_mark(line: &str, mark: &str) -> bool {
    line.strip_prefix(mark)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_told_apart_by_their_marks_and_lose_nothing() {
        for (text, expected) in [
            ("", &[][..]),
            ("a: 1\n", &["a: 1\n"]),
            ("a: 1\n---\nb: 2", &["a: 1\n", "---\nb: 2"]),
            ("---\na: 1\n---", &["---\na: 1\n", "---"]),
            ("# all\n---\r\na: 1\r\n", &["# all\n", "---\r\na: 1\r\n"]),
            ("a: 1\n...\nb: 2\n", &["a: 1\n...\n", "b: 2\n"]),
            (
                "a: |\n  ---\n  x\n--- {b: 2}\n",
                &["a: |\n  ---\n  x\n", "--- {b: 2}\n"],
            ),
            ("a:\n----\n....\n", &["a:\n----\n....\n"]),
        ] {
            assert_eq!(split_documents(text), expected, "{text}");
            assert_eq!(split_documents(text).concat(), text);
        }
    }
}
