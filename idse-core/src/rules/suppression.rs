//! The comments with which an author holds findings back: reading them, and telling which were of use.
//!
//! `<!-- idse-disable-next-line IDSE101 -- reason -->` and its family; `meta` reports the useless ones.

use std::ops::Range;

use super::RULES;
use super::finding::Finding;
use super::subject::TextSubject;

/// Whether the rules that look at a whole session ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    Text,
    Session,
}

/// What a comment says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Directive {
    File,
    Line,
    NextLine,
    Disable,
    Enable,
}

const DIRECTIVES: [(&str, Directive); 5] = [
    ("idse-disable", Directive::Disable),
    ("idse-disable-file", Directive::File),
    ("idse-disable-line", Directive::Line),
    ("idse-disable-next-line", Directive::NextLine),
    ("idse-enable", Directive::Enable),
];

/// One rule that a comment names, or all rules where it names none.
#[derive(Debug)]
pub(super) struct Target {
    /// The word; empty for all rules.
    pub(super) range: Range<usize>,
    /// Its place in `RULES`; `None` for an unknown word and for all rules.
    pub(super) rule: Option<usize>,
    /// It held something back.
    pub(super) is_used: bool,
}

/// A comment of the family.
#[derive(Debug)]
pub(super) struct Comment {
    pub(super) range: Range<usize>,
    pub(super) targets: Vec<Target>,
    directive: Directive,
    /// For [`Directive::Enable`]: the comments and targets that it ends.
    ends: Vec<(usize, usize)>,
}

impl Comment {
    /// The comment names no rule and means all.
    pub(super) fn is_blanket(&self) -> bool {
        self.targets.len() == 1 && self.targets[0].range.is_empty()
    }
}

/// A stretch of text in which one target holds one rule back.
#[derive(Debug)]
struct Stretch {
    range: Range<usize>,
    by: (usize, usize),
}

/// The comments of a text.
#[derive(Debug)]
pub(super) struct Suppressions {
    pub(super) comments: Vec<Comment>,
    /// Words that look like a mistyped directive, each with the right one.
    pub(super) mistyped: Vec<(Range<usize>, &'static str)>,
    /// By rule, for the whole file.
    files: Vec<Option<(usize, usize)>>,
    /// By rule, disjoint and in order.
    blocks: Vec<Vec<Stretch>>,
    lines: Vec<Vec<Stretch>>,
}

impl Suppressions {
    /// Reads the comments of a text; `None` where there are none.
    pub(super) fn of(subject: &TextSubject<'_>) -> Option<Self> {
        if !subject.text.contains("idse-") {
            return None;
        }
        let mut this = Self {
            comments: Vec::new(),
            mistyped: Vec::new(),
            files: RULES.iter().map(|_| None).collect(),
            blocks: RULES.iter().map(|_| Vec::new()).collect(),
            lines: RULES.iter().map(|_| Vec::new()).collect(),
        };
        for range in &subject.outline().comments {
            this.read(subject.text, range);
        }
        this.stretch(subject.text);
        Some(this)
    }

    fn read(&mut self, text: &str, range: &Range<usize>) {
        let inner = &text[range.start + 4..range.end];
        let inner = inner.strip_suffix("-->").unwrap_or(inner);
        let mut words = words(inner, range.start + 4);
        let Some(first) = words.next().filter(|word| text[word.clone()].starts_with("idse-")) else { return };
        let said = &text[first.clone()];
        let Some((_, directive)) = DIRECTIVES.iter().find(|(name, _)| *name == said) else {
            let near = crate::name::did_you_mean(said, DIRECTIVES.iter().map(|(name, _)| *name));
            self.mistyped.extend(near.map(|near| (first, near)));
            return;
        };
        let mut targets: Vec<_> = words
            .take_while(|word| !text[word.clone()].starts_with("--"))
            .map(|word| {
                let rule = RULES.iter().position(|rule| rule.info().is_called(&text[word.clone()]));
                Target { range: word, rule, is_used: false }
            })
            .collect();
        if targets.is_empty() {
            targets.push(Target { range: first.end..first.end, rule: None, is_used: false });
        }
        self.comments.push(Comment {
            range: range.clone(),
            targets,
            directive: *directive,
            ends: Vec::new(),
        });
    }

    /// Works out where each comment holds what back.
    fn stretch(&mut self, text: &str) {
        let lines = Lines::of(text);
        let mut open: Vec<Option<((usize, usize), usize)>> = vec![None; RULES.len()];
        for at in 0..self.comments.len() {
            let (range, directive) = (self.comments[at].range.clone(), self.comments[at].directive);
            let is_blanket = self.comments[at].is_blanket();
            for target in 0..self.comments[at].targets.len() {
                let rules = match self.comments[at].targets[target].rule {
                    Some(rule) => rule..rule + 1,
                    None if is_blanket => 0..RULES.len(),
                    None => continue,
                };
                for rule in rules {
                    let by = (at, target);
                    match directive {
                        Directive::File => _ = self.files[rule].get_or_insert(by),
                        Directive::Line => push_line(&mut self.lines[rule], lines.around(&range), by),
                        Directive::NextLine => push_line(&mut self.lines[rule], lines.after(&range), by),
                        Directive::Disable => _ = open[rule].get_or_insert((by, range.end)),
                        Directive::Enable => {
                            if let Some((by, start)) = open[rule].take() {
                                self.comments[at].ends.push(by);
                                self.blocks[rule].push(Stretch { range: start..range.start, by });
                            }
                        }
                    }
                }
            }
        }
        for (rule, open) in open.into_iter().enumerate() {
            self.blocks[rule].extend(open.map(|(by, start)| Stretch { range: start..text.len() + 1, by }));
        }
        for lines in &mut self.lines {
            lines.sort_by_key(|stretch| (stretch.range.start, stretch.by));
        }
    }

    /// Tells whether a comment holds a finding back, and remembers that the comment was of use.
    pub(super) fn hold_back(&mut self, finding: &Finding) -> bool {
        let offset = finding.range.as_ref().map(|range| range.start);
        let in_text = |stretches: &[Stretch]| {
            let offset = offset?;
            let after = stretches.partition_point(|stretch| stretch.range.start <= offset);
            let last = stretches[..after].last()?;
            let first = stretches.partition_point(|stretch| stretch.range.start < last.range.start);
            last.range.contains(&offset).then(|| stretches[first].by)
        };
        let by = in_text(&self.lines[finding.rule])
            .or_else(|| in_text(&self.blocks[finding.rule]))
            .or(self.files[finding.rule]);
        if let Some((comment, target)) = by {
            self.comments[comment].targets[target].is_used = true;
        }
        by.is_some()
    }

    /// Tells whether a target was of use; an `idse-enable` is where what it ends was.
    pub(super) fn is_used(&self, comment: &Comment, target: &Target) -> bool {
        target.is_used
            || comment.ends.iter().any(|(ended, at)| {
                let ended = &self.comments[*ended].targets[*at];
                ended.is_used && (comment.is_blanket() || ended.rule.is_none() || ended.rule == target.rule)
            })
    }
}

fn push_line(stretches: &mut Vec<Stretch>, range: Range<usize>, by: (usize, usize)) {
    stretches.push(Stretch { range, by });
}

/// Returns the words of a comment with their bytes.
fn words(inner: &str, base: usize) -> impl Iterator<Item = Range<usize>> {
    let is_gap = |character: char| character.is_whitespace() || character == ',';
    inner.split(is_gap).filter(|word| !word.is_empty()).map(move |word| {
        let start = base + (word.as_ptr() as usize - inner.as_ptr() as usize);
        start..start + word.len()
    })
}

/// Where lines begin, and which line a comment above it means.
struct Lines {
    starts: Vec<usize>,
    /// By line: the first line from there that is neither blank nor a comment of the family.
    next: Vec<usize>,
    length: usize,
}

impl Lines {
    fn of(text: &str) -> Self {
        let mut starts = vec![0];
        starts.extend(text.match_indices('\n').map(|(at, _)| at + 1));
        let mut next = vec![0; starts.len() + 1];
        next[starts.len()] = starts.len() - 1;
        for line in (0..starts.len()).rev() {
            let end = starts.get(line + 1).copied().unwrap_or(text.len());
            let words = text[starts[line]..end].trim();
            next[line] =
                if words.is_empty() || words.starts_with("<!-- idse-") { next[line + 1] } else { line };
        }
        Self { starts, next, length: text.len() }
    }

    fn line_of(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset).saturating_sub(1)
    }

    fn range(&self, first: usize, last: usize) -> Range<usize> {
        self.starts[first]..self.starts.get(last + 1).copied().unwrap_or(self.length + 1)
    }

    /// The lines that a comment stands on.
    fn around(&self, range: &Range<usize>) -> Range<usize> {
        self.range(self.line_of(range.start), self.line_of(range.end))
    }

    /// The first line of substance behind a comment.
    fn after(&self, range: &Range<usize>) -> Range<usize> {
        let line = self.next[self.line_of(range.end) + 1];
        self.range(line, line)
    }
}
