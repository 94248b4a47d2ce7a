//! Hostile texts, byte for byte, from a file through the agency into another file.

use idse_core::Stage;
use idse_core::remote::{PushOutcome, Remote};
use idse_core::sync::{Action, Outcome};
use idse_tests::stack::{Layout, Stack};
use idse_tests::{Seeded, volume};

use crate::world::{self, Client, Row, one_text, session};

/// Texts that some tool on the way would like to improve.
fn hostile() -> Vec<(&'static str, String)> {
    let mut texts: Vec<(&str, String)> = [
        ("CRLF", "a\r\nb\r\n"),
        ("lone CR", "a\rb\rc"),
        ("mixed ends", "a\nb\r\nc\rd\n"),
        ("BOM", "\u{feff}# a\n"),
        ("BOM inside", "a\u{feff}b\n"),
        ("NFC", "Amélie Ångström\n"),
        ("NFD", "Ame\u{301}lie A\u{30a}ngstro\u{308}m\n"),
        ("no final newline", "a\nb"),
        ("only newlines", "\n\n\n"),
        ("only spaces", "   \t "),
        ("many final newlines", "a\n\n\n\n"),
        ("trailing spaces", "a  \nb\t\n"),
        ("line separators", "a\u{2028}b\u{2029}c\u{85}d\u{b}e\u{c}f\n"),
        ("astral", "😀 𝒳 🇪🇺 👩‍👩‍👧 \u{10ffff}\n"),
        ("noncharacters", "\u{fffe}\u{ffff}\u{fdd0}\u{1fffe}\n"),
        ("controls", "\u{1}\u{2}\u{7}\u{8}\u{1b}[31m\u{7f}\u{80}\u{9f}\n"),
        ("directions", "\u{202e}txt.exe\u{202c}\u{200f}\u{2066}\u{2069}\n"),
        ("invisible", "a\u{200b}b\u{200d}c\u{ad}d\u{2060}\n"),
        ("SQL", "'; drop table projects; -- \\' E'\\x00' $$ $1 %s {} \"\n"),
        ("JSON", "{\"a\": [null, \"\\u0000\", \"\\ud800\"]}\\n\\\\\n"),
        ("query", "eq.1&select=*#?+%2B%00 a=b\n"),
        ("NULL", "NULL"),
        ("word", "null"),
        ("escapes", "\\N\\.\\r\\n\\\n"),
        ("markers", "<<<<<<< local\na\n=======\nb\n>>>>>>> remote\n"),
        ("front matter", "---\nx: &a [*a]\n---\n"),
    ]
    .map(|(name, text)| (name, text.to_owned()))
    .into();
    // The largest that an artifact may be.
    let line = "äöü 0123456789\r\n";
    let mut largest = line.repeat((4 << 20) / line.len());
    largest.extend(std::iter::repeat_n('x', (4 << 20) - largest.len()));
    texts.push(("4 MiB", largest));
    texts
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn hostile_texts_arrive_as_they_are() {
    let stack = Stack::shared();
    let row = Row::new(Layout::Documented, "begin\n");
    let proxy = stack.supabase(Layout::Documented);
    let author = Client::clone_of(row, world::agency(&proxy));
    for (name, text) in hostile() {
        author.write(Stage::Spec, &text);
        let report = author.push().unwrap();
        assert_eq!(report.outcome, Outcome::Done, "{name}: {report:?}");
        let stored = row.column("encode(convert_to(spec_md, 'UTF8'), 'hex')");
        assert!(stored.replace('\n', "") == hex(&text), "{name}: other bytes in the agency");
        // A reader who has never had the file gets these bytes.
        let reader = Client::clone_of(row, world::agency(&proxy));
        assert!(reader.read(Stage::Spec) == text.as_bytes(), "{name}: other bytes in the file");
        assert!(author.read(Stage::Spec) == text.as_bytes(), "{name}: the author's own file");
        proxy.requests();
        let again = author.push().unwrap();
        assert_eq!((again.outcome, proxy.count()), (Outcome::UpToDate, 0), "{name}: {again:?}");
    }
}

#[test]
fn random_texts_arrive_as_they_are() {
    let row = Row::new(Layout::Documented, "begin\n");
    let proxy = Stack::shared().supabase(Layout::Documented);
    let remote = world::agency(&proxy);
    let context = world::context();
    let mut random = Seeded::new(4);
    let mut read = session(&remote, row, &context).unwrap();
    for _ in 0..volume(400) {
        let length = random.below(200);
        let text: String = (0..length)
            .map(|_| {
                let limit = [0x80, 0x800, 0x1_0000, 0x11_0000][random.below(4)];
                // Every scalar value but NUL, which PostgreSQL has no place for.
                let point = u32::try_from(1 + random.below(limit - 1)).unwrap();
                char::from_u32(point).unwrap_or('\u{fffd}')
            })
            .collect();
        let outcome = remote.push(&one_text(row, &read, Stage::Plan, &text), &context).unwrap();
        assert!(matches!(outcome, PushOutcome::Written { in_step: true, .. }), "{text:?}: {outcome:?}");
        read = session(&remote, row, &context).unwrap();
        assert_eq!(read.texts[&Stage::Plan].text(), Some(text.as_str()));
    }
}

#[test]
fn what_postgresql_cannot_hold_is_refused_before_any_request() {
    let row = Row::new(Layout::Documented, "begin\n");
    let proxy = Stack::shared().supabase(Layout::Documented);
    let author = Client::clone_of(row, world::agency(&proxy));
    let largest = vec![b'x'; (4 << 20) + 1];
    for bytes in [&b"a\0b"[..], b"\0", b"a\xff\xfe", b"\xed\xa0\x80", &largest] {
        author.write(Stage::Spec, bytes);
        proxy.requests();
        let report = author.push().unwrap();
        assert_eq!((report.outcome, proxy.count()), (Outcome::Refused, 0), "{report:?}");
        let step = report.steps.iter().find(|step| step.stage == Stage::Spec).unwrap();
        assert_eq!(step.action, Action::Refuse);
        assert_eq!(author.read(Stage::Spec), bytes);
    }
    assert_eq!(row.column("spec_md"), "begin");
    // One that comes past the engine is refused by the remote, also before any request.
    let context = world::context();
    let read = session(&author.remote, row, &context).unwrap();
    proxy.requests();
    assert!(author.remote.push(&one_text(row, &read, Stage::Plan, "a\0b"), &context).is_err());
    assert_eq!(proxy.count(), 0);
}
