//! The committed corpus, and many changed copies of it: a bounded run of every target under plain `cargo test`.

use std::path::Path;

use super::TARGETS;

/// Where the corpus of `cargo fuzz` lies.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fuzz/corpus");

/// Words that random bytes do not hit upon.
const WORDS: [&str; 24] = [
    "```\n",
    "~~~",
    "---\n",
    "## ",
    "- [ ] ",
    "| a | b |\n|---|---|\n",
    "<!-- ",
    " -->",
    "[REQUIRES INPUT]",
    "<!-- idse-disable-next-line IDSE101 -->",
    "\r\n",
    "\u{feff}",
    "\0",
    "\"sha256:",
    "null",
    "{}",
    "[",
    "\"",
    "<<<<<<< ",
    "=======\n",
    ">>>>>>> ",
    "../",
    "https://",
    "\u{301}",
];

/// The generator of Steele, Lea and Flood (SplitMix64): small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % (end.max(1) as u64)).unwrap()
    }
}

fn changed(input: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len() + 1);
        let end = at + random.below((bytes.len() - at).min(40) + 1);
        match random.below(6) {
            0 => drop(bytes.drain(at..end)),
            1 => drop(bytes.splice(at..at, WORDS[random.below(WORDS.len())].bytes())),
            2 => {
                let copy = bytes[at..end].to_vec();
                drop(bytes.splice(at..at, copy));
            }
            3 => {
                let from = random.below(other.len() + 1);
                let to = from + random.below((other.len() - from).min(60) + 1);
                drop(bytes.splice(at..end, other[from..to].iter().copied()));
            }
            4 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            _ => bytes.truncate(bytes.len() - random.below(3).min(bytes.len())),
        }
    }
    bytes
}

#[test]
fn the_corpus_and_its_neighbours_break_no_promise() {
    let rounds = rounds();
    for (name, target) in TARGETS {
        let files = walkdir::WalkDir::new(Path::new(FOLDER).join(name)).sort_by_file_name();
        let inputs: Vec<Vec<u8>> = files
            .into_iter()
            .map(|entry| entry.unwrap())
            .filter(|entry| entry.file_type().is_file())
            .map(|entry| read(entry.path()))
            .collect();
        assert!(inputs.len() >= 5, "the corpus of {name} has gone");
        let mut random = Random(1);
        for input in &inputs {
            target(input);
            for _ in 0..rounds {
                let other = &inputs[random.below(inputs.len())];
                target(&changed(input, other, &mut random));
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the corpus is no part of a workspace")]
fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap()
}

/// `IDSE_SCALE` multiplies, as in the other tests.
#[expect(clippy::disallowed_methods, reason = "how much is tested is no matter of the engine")]
fn rounds() -> u32 {
    let scale = std::env::var("IDSE_SCALE").ok().and_then(|scale| scale.parse::<u32>().ok());
    scale.unwrap_or(1).saturating_mul(100)
}
