//! The only Markdown parser: headings, code, comments, list items and table rows of a text, each with its bytes.
//!
//! What these mean to IDSE belongs to `rules`; this module knows CommonMark and positions only.

use std::ops::Range;

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use crate::diagnostic::Position;

const BOM: char = '\u{feff}';

/// A heading that stands in no quotation, list or footnote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Heading {
    /// From 1 to 6.
    pub(crate) level: u8,
    /// The text without markup.
    pub(crate) text: String,
    /// From the marker to the last character, underline included.
    pub(crate) range: Range<usize>,
    /// The first character of the text.
    pub(crate) lead: usize,
    /// Something other than comments, rules and empty list items follows before the next heading.
    pub(crate) has_content: bool,
    /// The nearest heading before with a lower level.
    pub(crate) parent: Option<usize>,
}

impl Heading {
    /// Returns the text if the heading is high enough to begin a section; a deeper one is part of a section.
    pub(crate) fn section_name(&self) -> &str {
        const DEEPEST: u8 = 3;
        if self.level <= DEEPEST { &self.text } else { "" }
    }
}

/// A list item or the row of a table's body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The whole item or row.
    pub(crate) range: Range<usize>,
    /// The first character of its text; `None` where it has none.
    pub(crate) lead: Option<usize>,
    /// What it is.
    pub(crate) kind: EntryKind,
}

/// What an [`Entry`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum EntryKind {
    Item,
    Row,
}

/// What the rules see of a text: everything by byte offsets of the text as it is, byte order mark included.
#[derive(Debug, Default)]
pub(crate) struct Outline {
    /// In order.
    pub(crate) headings: Vec<Heading>,
    /// In the order in which they begin.
    pub(crate) entries: Vec<Entry>,
    /// The HTML comments, in order.
    pub(crate) comments: Vec<Range<usize>>,
    /// Code and comments, in order: what a reader does not take as the author's words.
    hidden: Vec<Range<usize>>,
}

impl Outline {
    /// Parses a text; time and memory grow with its length.
    pub(crate) fn of(text: &str) -> Self {
        let start = front_matter_end(text);
        let mut builder = Builder { text, ..Builder::default() };
        let options = Options::ENABLE_TABLES | Options::ENABLE_TASKLISTS | Options::ENABLE_FOOTNOTES;
        for (event, range) in Parser::new_ext(&text[start..], options).into_offset_iter() {
            builder.take(event, start + range.start..start + range.end);
        }
        builder.outline
    }

    /// Tells whether a byte belongs to code or a comment.
    pub(crate) fn is_hidden(&self, offset: usize) -> bool {
        let after = self.hidden.partition_point(|range| range.start <= offset);
        after > 0 && offset < self.hidden[after - 1].end
    }

    /// Returns the index of the last heading that begins at or before a byte.
    pub(crate) fn heading_at(&self, offset: usize) -> Option<usize> {
        self.headings.partition_point(|heading| heading.range.start <= offset).checked_sub(1)
    }

    /// Returns where the section of a heading ends: at the next heading of its level or a higher one.
    pub(crate) fn section_end(&self, index: usize, text: &str) -> usize {
        let level = self.headings[index].level;
        self.headings[index + 1..]
            .iter()
            .find(|next| next.level <= level)
            .map_or(text.len(), |next| next.range.start)
    }

    /// Returns the entries that begin in a range.
    pub(crate) fn entries_in(&self, range: Range<usize>) -> &[Entry] {
        let first = self.entries.partition_point(|entry| entry.range.start < range.start);
        let last = self.entries.partition_point(|entry| entry.range.start < range.end);
        &self.entries[first..last.max(first)]
    }
}

/// Returns where the Markdown begins: behind the byte order mark and a YAML front matter.
///
/// A `---` with anything but a `key:` below it is a thematic break and hides nothing.
fn front_matter_end(text: &str) -> usize {
    let bom = if text.starts_with(BOM) { BOM.len_utf8() } else { 0 };
    let mut lines = text[bom..].split_inclusive('\n');
    let Some(first) = lines.next().filter(|line| line.trim_end() == "---") else { return bom };
    let mut end = bom + first.len();
    for (index, line) in lines.enumerate() {
        end += line.len();
        match line.trim_end() {
            "---" | "..." if index > 0 => return end,
            key if index == 0 && !key.contains(':') => return bom,
            _ => {}
        }
    }
    bom
}

#[derive(Default)]
struct Builder<'a> {
    text: &'a str,
    outline: Outline,
    /// Quotations, items and footnotes around the current event.
    containers: usize,
    /// The heading being read, and whether it counts.
    heading: Option<Heading>,
    /// The last heading of each level that is still open.
    open: Vec<usize>,
    /// Entries that have no text yet, the innermost last.
    waiting: Vec<usize>,
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, range: Range<usize>) {
        match event {
            Event::Start(tag) => self.start(&tag, range),
            Event::End(tag) => self.end(tag),
            Event::Code(words) => {
                self.words(&words, range.clone());
                self.outline.hidden.push(range);
            }
            Event::Text(words) | Event::InlineMath(words) | Event::DisplayMath(words) => {
                self.words(&words, range);
            }
            Event::SoftBreak | Event::HardBreak => {
                if let Some(heading) = &mut self.heading {
                    heading.text.push(' ');
                }
            }
            Event::InlineHtml(_) => self.html(range),
            Event::FootnoteReference(_) => self.content(),
            Event::Html(_) | Event::Rule | Event::TaskListMarker(_) => {}
        }
    }

    fn start(&mut self, tag: &Tag<'_>, range: Range<usize>) {
        match tag {
            Tag::BlockQuote(_) | Tag::FootnoteDefinition(_) => self.containers += 1,
            Tag::Item => {
                self.containers += 1;
                self.entry(EntryKind::Item, range);
            }
            Tag::TableRow => self.entry(EntryKind::Row, range),
            Tag::Heading { level, .. } => {
                self.heading = Some(Heading {
                    level: level_number(*level),
                    text: String::new(),
                    range: range.start..range.start + self.text[range.clone()].trim_end().len(),
                    lead: range.start,
                    has_content: false,
                    parent: None,
                });
            }
            Tag::CodeBlock(_) => {
                self.content();
                self.outline.hidden.push(range);
            }
            Tag::HtmlBlock => self.html(range),
            Tag::Image { .. } => self.content(),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::BlockQuote(_) | TagEnd::FootnoteDefinition => self.containers -= 1,
            TagEnd::Item => {
                self.containers -= 1;
                self.waiting.pop();
            }
            TagEnd::TableRow => {
                self.waiting.pop();
            }
            TagEnd::Heading(_) => self.close_heading(),
            _ => {}
        }
    }

    fn entry(&mut self, kind: EntryKind, range: Range<usize>) {
        self.waiting.push(self.outline.entries.len());
        self.outline.entries.push(Entry { range, lead: None, kind });
    }

    fn close_heading(&mut self) {
        let Some(mut heading) = self.heading.take() else { return };
        if self.containers > 0 {
            self.content();
            return;
        }
        while self.open.last().is_some_and(|last| self.outline.headings[*last].level >= heading.level) {
            self.open.pop();
        }
        heading.parent = self.open.last().copied();
        self.open.push(self.outline.headings.len());
        self.outline.headings.push(heading);
    }

    fn words(&mut self, words: &str, range: Range<usize>) {
        if let Some(heading) = &mut self.heading {
            if heading.text.is_empty() {
                heading.lead = range.start;
            }
            heading.text.push_str(words);
            return;
        }
        if words.trim().is_empty() {
            return;
        }
        self.content();
        if let Some(&entry) = self.waiting.last() {
            self.outline.entries[entry].lead.get_or_insert(range.start);
        }
    }

    fn content(&mut self) {
        if self.heading.is_none()
            && let Some(last) = self.outline.headings.last_mut()
        {
            last.has_content = true;
        }
    }

    /// Takes HTML apart into comments and the rest.
    fn html(&mut self, range: Range<usize>) {
        let mut at = range.start;
        while let Some(found) = self.text[at..range.end].find("<!--") {
            if !self.text[at..at + found].trim().is_empty() {
                self.content();
            }
            let start = at + found;
            at = self.text[start + 4..range.end]
                .find("-->")
                .map_or(range.end, |length| start + 4 + length + 3);
            self.outline.comments.push(start..at);
            self.outline.hidden.push(start..at);
        }
        if !self.text[at..range.end].trim().is_empty() {
            self.content();
        }
    }
}

fn level_number(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

/// The positions of some offsets of a text, found in one pass.
///
/// Lines end at LF or CRLF; a lone CR is a character, as it is to [`Digest`](crate::Digest). The byte order mark
/// counts as bytes and not as a column.
#[derive(Debug)]
pub(crate) struct Positions(Vec<Position>);

impl Positions {
    /// Finds the positions of `offsets`, in any order. An offset inside a character means the character.
    pub(crate) fn new(text: &str, offsets: impl IntoIterator<Item = usize>) -> Self {
        let mut offsets: Vec<usize> = offsets.into_iter().map(|offset| offset.min(text.len())).collect();
        offsets.sort_unstable();
        offsets.dedup();
        let bytes = text.as_bytes();
        let (mut line, mut column) = (1, 1);
        let mut at = if text.starts_with(BOM) { BOM.len_utf8() } else { 0 };
        let mut positions = Vec::with_capacity(offsets.len());
        for offset in offsets {
            for &byte in &bytes[at.min(offset)..offset] {
                match byte {
                    b'\n' => (line, column) = (line + 1, 1),
                    // A continuation byte belongs to the character before.
                    0x80..=0xbf => {}
                    _ => column += 1,
                }
            }
            at = at.max(offset);
            positions.push(Position { line, column, offset: small(offset) });
        }
        Self(positions)
    }

    /// Returns the position of one of the offsets.
    pub(crate) fn get(&self, offset: usize) -> Position {
        let offset = small(offset);
        let index = self.0.partition_point(|position| position.offset < offset);
        self.0.get(index).or(self.0.last()).copied().unwrap_or(Position { line: 1, column: 1, offset: 0 })
    }
}

/// Artifacts are far smaller than 4 GiB; what is not ends at the last offset that can be told.
pub(crate) fn small(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn headings(text: &str) -> Vec<(u8, String)> {
        Outline::of(text).headings.into_iter().map(|heading| (heading.level, heading.text)).collect()
    }

    #[test]
    fn only_headings_at_the_top_count() {
        let text = "# A *b* `c`\n\nD\n===\n\n> # no\n\n- # no\n\n[^1]: # no\n\n```\n# no\n```\n\n    # no\n\n###### E ##\n";
        assert_eq!(headings(text), [(1, "A b c".into()), (1, "D".into()), (6, "E".into())]);
    }

    #[test]
    fn spans_of_headings_end_at_their_last_character() {
        for text in ["## Goal  \r\n\r\nx", "\u{feff}## Goal\n", "Goal\n----\nx", "## Goal"] {
            let outline = Outline::of(text);
            let heading = &outline.headings[0];
            let shown = &text[heading.range.clone()];
            assert_eq!(shown.trim(), shown, "{text:?}");
            assert!(text[heading.lead..].starts_with("Goal"), "{text:?}");
        }
    }

    #[test]
    fn front_matter_is_only_what_looks_like_it() {
        assert_eq!(headings("---\ntitle: x\n# no\n---\n# A\n"), [(1, "A".into())]);
        assert_eq!(headings("\u{feff}---\r\ntitle: x\r\n---\r\n# A\r\n"), [(1, "A".into())]);
        for text in
            ["---\n# A\n---\n", "---\n\na: b\n\n# A\n\n---\n", "---\na: b\n# A\n", "# A\n---\na: b\n---\n"]
        {
            assert!(headings(text).contains(&(1, "A".into())), "{text:?}: {:?}", headings(text));
        }
    }

    #[test]
    fn parents_and_sections() {
        let text = "# A\n## B\n### C\n## D\n# E\n";
        let outline = Outline::of(text);
        let parents: Vec<_> = outline.headings.iter().map(|heading| heading.parent).collect();
        assert_eq!(parents, [None, Some(0), Some(1), Some(0), None]);
        let ends: Vec<_> = (0..5).map(|index| &text[outline.section_end(index, text)..]).collect();
        assert_eq!(ends, ["# E\n", "## D\n# E\n", "## D\n# E\n", "# E\n", ""]);
    }

    #[test]
    fn positions_come_in_any_order() {
        let text = "\u{feff}a\r\nbé😀c\n";
        let offset = |part: &str| text.find(part).unwrap();
        let positions = Positions::new(text, [text.len(), offset("c"), 0, offset("b"), 3, 4_000]);
        let at = |offset| (positions.get(offset).line, positions.get(offset).column);
        assert_eq!(at(0), (1, 1));
        assert_eq!(at(3), (1, 1));
        assert_eq!(at(offset("b")), (2, 1));
        assert_eq!(at(offset("c")), (2, 4));
        assert_eq!(at(text.len()), (3, 1));
    }

    #[test]
    fn hostile_texts_are_read_in_time() {
        for unit in [
            ">", "- ", "* ", "[", "![", "<!--", "`", "```\n", "| a ", "**", "<a", "#", "\\", "[a](", "&",
            "~~~ \n",
        ] {
            let text = unit.repeat(100_000);
            let outline = Outline::of(&text);
            assert!(outline.headings.len() <= text.len(), "{unit:?}");
        }
    }

    proptest! {
        #[test]
        fn ranges_lie_in_the_text_and_in_order(text in r"([\x00-\x7f]|[#>`|*\-\n <!\[\]{}:]|é|😀|\u{feff}|\r\n|<!--|-->|```|FR-1){0,120}") {
            let outline = Outline::of(&text);
            for heading in &outline.headings {
                prop_assert!(text.get(heading.range.clone()).is_some());
                prop_assert!(text.get(heading.lead..).is_some());
            }
            prop_assert!(outline.headings.is_sorted_by_key(|heading| heading.range.start));
            for entry in &outline.entries {
                prop_assert!(text.get(entry.range.clone()).is_some());
                prop_assert!(entry.lead.is_none_or(|lead| entry.range.contains(&lead)));
            }
            prop_assert!(outline.entries.is_sorted_by_key(|entry| entry.range.start));
            for ranges in [&outline.comments, &outline.hidden] {
                prop_assert!(ranges.iter().all(|range| text.get(range.clone()).is_some()));
                prop_assert!(ranges.windows(2).all(|pair| pair[0].end <= pair[1].start));
            }
        }
    }
}
