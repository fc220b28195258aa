use super::*;

const DEBIAN: &str = include_str!("../../../fixtures/detectors/os-release/debian");

fn read(text: &str) -> Result<Release, ReleaseError> {
    parse(text.as_bytes())
}

fn pretty(value: &str) -> String {
    read(&format!("PRETTY_NAME={value}\nID=x\n"))
        .unwrap()
        .pretty
        .into()
}

#[test]
fn the_file_of_debian_names_its_release() {
    let expected = Release {
        id: "debian".into(),
        version: "12".into(),
        codename: "bookworm".into(),
        pretty: "Debian GNU/Linux 12 (bookworm)".into(),
        cpe: "".into(),
    };
    assert_eq!(read(DEBIAN), Ok(expected));
}

#[test]
fn values_are_quoted_as_in_a_shell() {
    let table = [
        ("plain", "plain"),
        (r#""in double quotes""#, "in double quotes"),
        ("'in single quotes'", "in single quotes"),
        (r#""a \"b\" \$c \`d\` \\e""#, r#"a "b" $c `d` \e"#),
        (r#""a \b""#, r"a \b"),
        (r"'a \b $c'", r"a \b $c"),
        (r"a\ b\'", "a b'"),
        (r#"a"b"'c'"#, "abc"),
        ("  bare words  ", "bare words"),
        ("", ""),
        (r#""""#, ""),
        (r#""a # b""#, "a # b"),
        ("\"a\\\nb\"", "ab"),
        ("a\\\nb", "ab"),
        ("\"a=b\"", "a=b"),
    ];
    for (value, expected) in table {
        assert_eq!(pretty(value), expected, "{value}");
    }
    assert_eq!(pretty("\"two\nlines\""), "two\u{fffd}lines");
}

#[test]
fn comments_and_lines_without_an_assignment_are_passed_over() {
    let text = "# ID=one\n\n  ; ID=two\nnothing\n ID=THREE\r\nVERSION_ID=3.20\n#";
    let release = read(text).unwrap();
    assert_eq!((&*release.id, &*release.version), ("three", "3.20"));
}

#[test]
fn of_two_assignments_the_last_counts() {
    assert_eq!(&*read("ID=one\nID=two").unwrap().id, "two");
    assert_eq!(&*read("ID=one\nID=\n").unwrap().id, "");
}

#[test]
fn what_is_absent_is_empty() {
    assert_eq!(read(""), Ok(Release::default()));
    assert_eq!(
        read("NAME=x\nID_LIKE=debian\nVERSION=12\n"),
        Ok(Release::default())
    );
}

#[test]
fn what_is_no_release_is_refused() {
    let long = "x".repeat(1000);
    let table = [
        (
            "ID=\"debian\nVERSION_ID=12\n".to_owned(),
            ReleaseError::Unterminated { line: 1 },
        ),
        (
            "\nID='debian".to_owned(),
            ReleaseError::Unterminated { line: 2 },
        ),
        (
            "ID=\"debian\\".to_owned(),
            ReleaseError::Unterminated { line: 1 },
        ),
        ("ID=a b".to_owned(), ReleaseError::BadValue("ID")),
        (
            "VERSION_ID=\u{1b}[2J".to_owned(),
            ReleaseError::BadValue("VERSION_ID"),
        ),
        (
            format!("VERSION_CODENAME={long}"),
            ReleaseError::BadValue("VERSION_CODENAME"),
        ),
        (
            "CPE_NAME=\"cpe:/o:a b\"".to_owned(),
            ReleaseError::BadValue("CPE_NAME"),
        ),
        ("#".repeat(MAX_RELEASE_BYTES + 1), ReleaseError::TooLarge),
    ];
    for (text, expected) in table {
        assert_eq!(read(&text), Err(expected), "{text:.40}");
    }
}
