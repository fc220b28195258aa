use Pace::{Deferred, Hurried};

use super::*;

/// A line in which layers are named by letters: the same letter is the same layer, in whatever image.
struct Story {
    line: Line,
    images: HashMap<String, Number>,
    wants: HashMap<Number, String>,
}

fn digest(letter: &str) -> Digest {
    Digest::sha256([letter.as_bytes()[0]; 32])
}

fn demand(namespace: &str, pace: Pace) -> Demand {
    Demand {
        pace,
        namespaces: [namespace.into()].into(),
    }
}

impl Story {
    fn new(bytes: u64, layers: usize) -> Self {
        Self {
            line: Line::new(Bounds { bytes, layers }),
            images: HashMap::new(),
            wants: HashMap::new(),
        }
    }

    /// An image `name` of a namespace comes, with layers as `a10 b20`; gives the images that had to leave.
    fn enters(&mut self, namespace: &str, name: &str, layers: &str) -> Result<Vec<String>, Busy> {
        self.enters_at(Hurried, namespace, name, layers)
    }

    fn enters_at(
        &mut self,
        pace: Pace,
        namespace: &str,
        name: &str,
        layers: &str,
    ) -> Result<Vec<String>, Busy> {
        let parse = |layer: &str| (digest(layer), layer[1..].parse().unwrap());
        let layers = layers.split_whitespace().map(parse).collect();
        let (number, gone) = self.line.enter(demand(namespace, pace), layers)?;
        let gone = gone.iter().map(|gone| {
            let name = |(name, number): (&String, &Number)| (number == gone).then(|| name.clone());
            self.images.iter().find_map(name).unwrap()
        });
        let gone = gone.collect();
        self.images.insert(name.to_owned(), number);
        Ok(gone)
    }

    fn wants(&mut self, image: &str, layers: &str) {
        for layer in layers.split_whitespace() {
            let bytes = layer[1..].parse().unwrap();
            let number = self.line.want(self.images[image], &digest(layer), bytes);
            let number = number.expect("a place in line");
            self.wants
                .insert(number, format!("{image}:{}", &layer[..1]));
        }
    }

    /// Both: an image comes, and all its layers are wanted.
    fn comes(&mut self, namespace: &str, image: &str, layers: &str) {
        self.enters(namespace, image, layers).expect("room");
        self.wants(image, layers);
    }

    /// What is read from now on.
    fn begins(&mut self) -> String {
        let begun = std::iter::from_fn(|| self.line.next());
        begun
            .map(|number| self.wants[&number].clone())
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// A layer is read to its end; gives who is to look again.
    fn ends(&mut self, want: &str) -> String {
        let number = self.wants.iter().find(|(_, name)| *name == want);
        let again = self.line.done(*number.unwrap().0);
        self.line.known(&digest(want.rsplit(':').next().unwrap()));
        again
            .iter()
            .map(|number| self.wants[number].clone())
            .collect::<Vec<_>>()
            .join(" ")
    }
}

#[test]
fn a_namespace_with_many_images_lets_another_go_first() {
    let mut story = Story::new(10_000, 2);
    story.comes("many", "one", "a500 b500 c500");
    story.comes("many", "two", "d500 e500");
    assert_eq!(story.begins(), "one:a one:b");
    story.comes("few", "other", "x10 y10");
    assert_eq!(story.begins(), "other:x", "it has a place beyond the two");
    assert_eq!(story.ends("other:x"), "");
    assert_eq!(story.begins(), "other:y");
    story.ends("one:a");
    assert_eq!(
        story.begins(),
        "",
        "two are being read, and `many` is not without"
    );
    story.ends("one:b");
    assert_eq!(
        story.begins(),
        "one:c",
        "what came first is first within a namespace"
    );
    story.comes("third", "late", "z10");
    story.ends("other:y");
    assert_eq!(story.begins(), "late:z");
}

#[test]
fn turns_go_by_the_bytes_that_each_has_had() {
    let mut story = Story::new(100_000, 1);
    story.comes("large", "l", "a400 b400 c400");
    story.comes("small", "s", "m100 n100 o100 p100 q100");
    let mut read = Vec::new();
    for _ in 0..8 {
        // One by one, as if there were no place beyond the one.
        let next = story.line.next().unwrap();
        let name = story.wants[&next].clone();
        story.ends(&name);
        read.push(name);
    }
    assert_eq!(read.join(" "), "l:a s:m s:n s:o s:p l:b s:q l:c");
}

/// An image in line (namespace, name, layers), and whether it is being read.
type Before = (Pace, &'static str, &'static str, &'static str, bool);
/// Who comes (namespace, layers).
type Comes = (Pace, &'static str, &'static str);
/// Who has to leave, or why it cannot come.
type After = Result<&'static str, &'static str>;

const ARRIVALS: &[(&str, &[Before], Comes, After)] = &[
    ("an empty line", &[], (Hurried, "a", "x50"), Ok("")),
    (
        "more than half alone",
        &[],
        (Hurried, "a", "x51"),
        Err("Large"),
    ),
    (
        "the other half of another",
        &[(Hurried, "a", "1", "x50", false)],
        (Hurried, "b", "y50"),
        Ok(""),
    ),
    (
        "more than half of one namespace",
        &[(Hurried, "a", "1", "x50", false)],
        (Hurried, "a", "y1"),
        Err("Namespace"),
    ),
    (
        "the same layer counts once",
        &[
            (Hurried, "a", "1", "x50", false),
            (Hurried, "b", "2", "y50", false),
        ],
        (Hurried, "a", "x50"),
        Ok(""),
    ),
    (
        "a third takes from the one that has most",
        &[
            (Hurried, "a", "1", "x20", false),
            (Hurried, "a", "2", "y30", false),
            (Hurried, "b", "3", "z45", false),
        ],
        (Hurried, "c", "w10"),
        Ok("2"),
    ),
    (
        "but not as much as it has then itself",
        &[
            (Hurried, "a", "1", "x50", false),
            (Hurried, "b", "2", "y50", false),
        ],
        (Hurried, "c", "w50"),
        Err("Full"),
    ),
    (
        "nor what is being read",
        &[
            (Hurried, "a", "1", "x50", true),
            (Hurried, "b", "2", "y50", true),
        ],
        (Hurried, "c", "w10"),
        Err("Full"),
    ),
    (
        "of what is not being read, the one that has most",
        &[
            (Hurried, "a", "1", "x50", true),
            (Hurried, "b", "2", "y20", false),
            (Hurried, "b", "3", "z20", false),
        ],
        (Hurried, "c", "w15"),
        Ok("3"),
    ),
    (
        "that which nobody waits for goes first",
        &[
            (Deferred, "a", "1", "x20", false),
            (Hurried, "b", "2", "y50", false),
        ],
        (Hurried, "c", "w40"),
        Ok("1"),
    ),
    (
        "of one's own too",
        &[(Deferred, "a", "1", "x30", false)],
        (Hurried, "a", "w40"),
        Ok("1"),
    ),
    (
        "what nobody waits for has half in all",
        &[(Hurried, "a", "1", "x45", false)],
        (Deferred, "b", "w10"),
        Err("Full"),
    ),
    (
        "nothing to read has room",
        &[
            (Hurried, "a", "1", "x50", true),
            (Hurried, "b", "2", "y50", true),
        ],
        (Hurried, "a", ""),
        Ok(""),
    ),
];

#[test]
fn the_bound_is_shared() {
    for (what, before, (pace, namespace, layers), expected) in ARRIVALS {
        let mut story = Story::new(100, 100);
        for (pace, namespace, name, layers, is_read) in *before {
            story.enters_at(*pace, namespace, name, layers).expect(what);
            if *is_read {
                story.wants(name, layers);
                assert!(!story.begins().is_empty(), "{what}");
            }
        }
        let came = story.enters_at(*pace, namespace, "new", layers);
        let came = came.map(|gone| gone.join(" "));
        let kind = |busy: Busy| {
            format!("{busy:?}")
                .split([' ', '{'])
                .next()
                .unwrap()
                .to_owned()
        };
        let expected = expected.map(str::to_owned).map_err(str::to_owned);
        assert_eq!(came.map_err(kind), expected, "{what}");
        let load = story.line.load();
        assert!(load.bytes <= 100, "{what}: {load:?}");
    }
}

#[test]
fn no_order_of_images_takes_more_than_the_bound_or_refuses_who_has_nothing_in_line() {
    let mut story = Story::new(100, 2);
    // A namespace fills what it may, with images that wait; then each of ten others comes with one of a tenth of the room.
    for number in 0..20 {
        let layers = format!("{}5", char::from(b'a' + number));
        let _ = story.enters("greedy", &format!("g{number}"), &layers);
    }
    assert_eq!(story.line.load().bytes, 50, "half of it");
    for number in 0..9 {
        let layers = format!("{}10", char::from(b'A' + number));
        let namespace = format!("n{number}");
        let came = story.enters(&namespace, &namespace, &layers);
        assert!(came.is_ok(), "{number}: {came:?}");
        assert!(story.line.load().bytes <= 100);
    }
}

#[test]
fn a_layer_is_read_once_and_whoever_else_wants_it_looks_again() {
    let mut story = Story::new(1000, 4);
    story.comes("a", "one", "x10");
    story.comes("b", "two", "x10 y10");
    assert_eq!(story.begins(), "one:x two:y");
    assert_eq!(
        story.line.load(),
        Load {
            images: 2,
            bytes: 20
        }
    );
    assert_eq!(story.ends("one:x"), "two:x");
    assert_eq!(
        story.line.load(),
        Load {
            images: 2,
            bytes: 10
        }
    );
    assert_eq!(story.begins(), "");
}

#[test]
fn a_layer_that_others_of_another_namespace_want_is_read_at_their_turn() {
    let mut story = Story::new(10_000, 1);
    story.comes("many", "one", "a500 b500 c500");
    assert_eq!(story.begins(), "one:a");
    story.comes("few", "other", "c500");
    assert_eq!(story.begins(), "other:c");
    story.ends("other:c");
    // The same image, for another namespace.
    story.comes("many", "two", "d500");
    story.comes("many", "three", "e500");
    let both = Demand {
        pace: Hurried,
        namespaces: ["many".into(), "third".into()].into(),
    };
    story.line.change(story.images["three"], both);
    assert_eq!(story.begins(), "three:e");
}

#[test]
fn what_nobody_waits_for_has_half_of_the_readers_and_is_behind_all_others() {
    let mut story = Story::new(10_000, 4);
    let ahead = "a10 b10 c10 d10";
    story.enters_at(Deferred, "team", "ahead", ahead).unwrap();
    story.wants("ahead", ahead);
    assert_eq!(story.begins(), "ahead:a ahead:b");
    story.comes("other", "now", "v10 w10 x10 y10");
    assert_eq!(story.begins(), "now:v now:w");
    story.ends("ahead:a");
    assert_eq!(story.begins(), "now:x");
    story
        .line
        .change(story.images["ahead"], demand("team", Hurried));
    assert_eq!(
        story.begins(),
        "ahead:c",
        "somebody waits for it by now, with nothing that is read for them"
    );
    story.ends("now:v");
    assert_eq!(story.begins(), "", "five were read, and four are");
    story.ends("now:w");
    assert_eq!(story.begins(), "ahead:d", "ten bytes behind");
}

#[test]
fn whoever_leaves_takes_what_waits_along_and_leaves_what_is_read() {
    let mut story = Story::new(1000, 1);
    story.comes("a", "one", "x10 y10");
    story.comes("a", "two", "z10");
    assert_eq!(story.begins(), "one:x");
    story.line.leave(story.images["one"]);
    assert_eq!(story.begins(), "", "the reader is still at it");
    story.ends("one:x");
    assert_eq!(story.begins(), "two:z");
    story.ends("two:z");
    story.line.leave(story.images["two"]);
    assert_eq!(story.line.load(), Load::default());
    assert!(story.line.wants.is_empty());
    assert_eq!(story.line.want(story.images["two"], &digest("z"), 1), None);
}
