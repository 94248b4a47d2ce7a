//! Promises that hold for every text.

use std::collections::HashMap;

use idse_core::sync::merge::{Merge, MergeConflict, has_markers, merge_text};
use idse_core::{Digest, TextStyle, canonical};
use proptest::prelude::*;

/// Texts whose lines repeat, with fences, tables, front matter and all kinds of line ends.
fn markdown() -> impl Strategy<Value = String> {
    let content = prop::sample::select(vec![
        "",
        "",
        "- item",
        "- item",
        "one",
        "two",
        "three",
        "four",
        "five",
        "## Part",
        "```",
        "~~~~",
        "---",
        "| a | b |",
        "| c |",
        "=======",
        ">>>>>>> x",
        "<<<<<<<",
        "a\r",
        "\u{feff}x",
        "日本",
    ]);
    let end = prop::sample::select(vec!["\n", "\n", "\n", "\r\n"]);
    let lines = prop::collection::vec((content, end), 0..14);
    (prop::bool::weighted(0.1), lines, prop::bool::weighted(0.2), 0..3).prop_map(
        |(bom, lines, open, style)| {
            let mut text = String::from(if bom { "\u{feff}" } else { "" });
            for (content, end) in lines {
                let end = ["\n", "\r\n", end][style as usize];
                text.push_str(content);
                text.push_str(end);
            }
            if open {
                text.push_str("last");
            }
            text
        },
    )
}

/// A base and two edits of it.
fn triple() -> impl Strategy<Value = (String, String, String)> {
    let edit = || (any::<prop::sample::Index>(), 0..3, markdown());
    let edits = || prop::collection::vec(edit(), 0..3);
    (markdown(), edits(), edits()).prop_map(|(base, local, remote)| {
        let apply = |edits: Vec<(prop::sample::Index, i32, String)>| {
            let mut lines: Vec<String> = base.split_inclusive('\n').map(Into::into).collect();
            for (at, what, text) in edits {
                let at = at.index(lines.len() + 1);
                let line = text.split_inclusive('\n').next().unwrap_or("new\n");
                match what {
                    0 if at < lines.len() => drop(lines.remove(at)),
                    1 if at < lines.len() => lines[at] = line.into(),
                    _ => lines.insert(at, line.into()),
                }
            }
            lines.concat()
        };
        let (local, remote) = (apply(local), apply(remote));
        (base, local, remote)
    })
}

fn counts(text: &str) -> HashMap<String, i64> {
    let mut counts = HashMap::new();
    for line in canonical(text).split('\n') {
        *counts.entry(line.to_owned()).or_default() += 1;
    }
    counts
}

/// Returns whether `text` has every line that `side` has more often than `base` and `other` explain away.
fn keeps(text: &str, base: &str, side: &str, other: &str) -> bool {
    let [text, base, side, other] = [text, base, side, other].map(counts);
    let of = |counts: &HashMap<String, i64>, line: &String| counts.get(line).copied().unwrap_or(0);
    side.iter().all(|(line, &count)| {
        let removed_there = (of(&base, line) - of(&other, line)).max(0);
        line.is_empty() || count <= of(&base, line) || of(&text, line) >= count - removed_there
    })
}

/// Returns the marked text with one side of each conflict chosen: `<` for the local, `=` for the remote.
fn chosen(conflict: &MergeConflict, side: char) -> String {
    let marked = conflict.marked.strip_prefix('\u{feff}');
    let mut text = String::new();
    let (mut section, mut local_open) = (' ', false);
    for line in marked.unwrap_or(&conflict.marked).split_inclusive('\n') {
        if line.starts_with('\u{feff}') || !has_markers(line, conflict.marker_length) {
            if section == ' ' || section == side {
                text.push_str(line);
            }
            continue;
        }
        let mark = line.chars().next().unwrap_or(' ');
        // A label says where the last line of its side had no end.
        let open = line.contains("(no newline at end)");
        match mark {
            '<' => local_open = open,
            '|' if side == '<' && local_open => strip_end(&mut text),
            '>' if side == '=' && open => strip_end(&mut text),
            _ => {}
        }
        section = if mark == '>' { ' ' } else { mark };
    }
    if marked.is_some() || text.starts_with('\u{feff}') { format!("\u{feff}{text}") } else { text }
}

fn strip_end(text: &mut String) {
    let bare = text.strip_suffix("\r\n").or(text.strip_suffix('\n')).map(str::len);
    text.truncate(bare.unwrap_or(text.len()));
}

fn clean(merge: Merge) -> Option<String> {
    match merge {
        Merge::Clean(text) => Some(text),
        Merge::Conflict(_) => None,
    }
}

fn config() -> ProptestConfig {
    ProptestConfig { cases: 512 * super::scale(), failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn one_side_alone_wins((b, x, _) in triple()) {
        prop_assert_eq!(clean(merge_text(&b, &x, &b)), Some(x.clone()));
        prop_assert_eq!(clean(merge_text(&b, &x, &x)), Some(x.clone()));
        let taken = clean(merge_text(&b, &b, &x)).unwrap_or_default();
        prop_assert_eq!(Digest::of(&taken), Digest::of(&x));
        prop_assert!(TextStyle::of(&b).bom <= TextStyle::of(&taken).bom);
    }

    #[test]
    fn sides_can_be_swapped((b, x, y) in triple()) {
        let (there, back) = (clean(merge_text(&b, &x, &y)), clean(merge_text(&b, &y, &x)));
        prop_assert_eq!(there.as_deref().map(Digest::of), back.as_deref().map(Digest::of));
    }

    #[test]
    fn a_clean_text_has_what_both_sides_added((b, x, y) in triple()) {
        if let Merge::Clean(text) = merge_text(&b, &x, &y) {
            prop_assert!(keeps(&text, &b, &x, &y), "local's lines are not all in {:?}", text);
            prop_assert!(keeps(&text, &b, &y, &x), "remote's lines are not all in {:?}", text);
            prop_assert_eq!(clean(merge_text(&y, &text, &y)), Some(text.clone()));
        }
    }

    #[test]
    fn marked_text_gives_both_sides_back((b, x, y) in triple()) {
        if let Merge::Conflict(conflict) = merge_text(&b, &x, &y) {
            prop_assert!(conflict.places > 0 && has_markers(&conflict.marked, conflict.marker_length));
            for text in [&b, &x, &y] {
                prop_assert!(!has_markers(text, conflict.marker_length));
            }
            let (ours, theirs) = (chosen(&conflict, '<'), chosen(&conflict, '='));
            prop_assert!(keeps(&ours, &b, &x, &y), "local's lines are not all in {:?}", ours);
            prop_assert!(keeps(&theirs, &b, &y, &x), "remote's lines are not all in {:?}", theirs);
        }
    }

    #[test]
    fn unrelated_texts_come_back_whole(x in markdown(), y in markdown()) {
        // Against an empty base both sides are one change each: choosing a side gives exactly that side.
        if let Merge::Conflict(conflict) = merge_text("", &x, &y) {
            prop_assert_eq!(conflict.places, 1);
            prop_assert_eq!(Digest::of(&chosen(&conflict, '<')), Digest::of(&x));
            prop_assert_eq!(Digest::of(&chosen(&conflict, '=')), Digest::of(&y));
        }
    }

    #[test]
    fn bytes_of_an_untouched_region_stay(head in markdown(), tail in markdown()) {
        let head = head + "\r\nhead end\r\n";
        let texts = ["old", "old", "new"].map(|word| format!("{head}{word}\nkept\nmore\n{tail}"));
        let text = clean(merge_text(&texts[0], &texts[1], &texts[2])).unwrap_or_default();
        prop_assert!(text.starts_with(&head) && text.ends_with(&format!("kept\nmore\n{tail}")), "{:?}", text);
    }

    #[test]
    fn no_text_makes_it_panic(b in ".{0,40}", x in "(?s).{0,40}", y in "(?s)[\\r\\n`|~a-]{0,30}") {
        drop(merge_text(&b, &x, &y));
        drop(merge_text(&y, &x, &b));
    }
}

#[test]
fn large_repetitive_texts_take_bounded_time() {
    let text =
        |lines: &[&str], bytes: usize| -> String { lines.iter().copied().cycle().take(bytes / 2).collect() };
    let megabyte = 1 << 20;
    let base = text(&["\n", "a\n"], megabyte);
    let shuffled = text(&["a\n", "a\n", "\n", "b\n", "\n"], megabyte);
    let blank = text(&["\n", "c\n", "\n"], megabyte);
    let start = processor_seconds();
    for (b, x, y) in [(&base, &shuffled, &blank), (&shuffled, &base, &blank), (&blank, &shuffled, &base)] {
        drop(merge_text(b, x, y));
    }
    let (Some(start), Some(end)) = (start, processor_seconds()) else { return };
    // Some seconds without optimisation; what grows with the square of the lines would take hours.
    assert!(end - start < 60, "took {} s of processor time", end - start);
}

/// Returns how long this thread has had a processor, whatever else the machine does; only Linux tells.
fn processor_seconds() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(text.split_whitespace().next()?.parse::<u64>().ok()? / 1_000_000_000)
}
