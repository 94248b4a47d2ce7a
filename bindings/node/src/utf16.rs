//! Places in UTF-16, as editors count: line and character from 0.
//!
//! Where the findings are is the engine's; here a place only gets its second name.

use std::collections::{BTreeSet, HashMap};

use idse_core::{Context, verb};
use serde_json::{Map, Value, json};

/// A file of a report: project, session and path.
type File = [String; 3];
type Texts = HashMap<File, String>;
/// What the places of one file are called, by their offsets.
type Places = HashMap<u64, Value>;

/// Adds `utf16: {line, character}` to every place of the findings in a document, and `range: {start, end}` of that form
/// to every edit of their fixes. A place whose text cannot be had has no such field: the file changed since, or is no
/// artifact.
pub(crate) fn add(document: &mut Value, arguments: &Value, context: &Context) {
    let Some(findings) = document.get_mut("diagnostics").and_then(Value::as_array_mut) else { return };
    let mut offsets: HashMap<File, BTreeSet<u64>> = HashMap::new();
    for finding in &*findings {
        offsets.entry(file(finding)).or_default().extend(offsets_of(finding));
    }
    let mut texts = Texts::new();
    let mut places: HashMap<File, Places> = HashMap::new();
    for (file, offsets) in offsets.into_iter().filter(|(_, offsets)| !offsets.is_empty()) {
        let found = match arguments["text"].as_str() {
            Some(text) => positions(text, &offsets),
            None => of_session(&mut texts, &file, arguments, context)
                .map(|text| positions(text, &offsets))
                .unwrap_or_default(),
        };
        places.insert(file, found);
    }
    for finding in findings {
        if let Some(places) = places.get(&file(finding)) {
            name(finding, places);
        }
    }
}

fn file(finding: &Value) -> File {
    ["project", "session", "path"].map(|key| finding[key].as_str().unwrap_or_default().to_owned())
}

fn offsets_of(finding: &Value) -> impl Iterator<Item = u64> {
    let span = ["start", "end"].map(|end| &finding["span"][end]["offset"]);
    let edits = finding["fix"]["edits"].as_array().into_iter().flatten();
    span.into_iter().chain(edits.flat_map(|edit| [&edit["start"], &edit["end"]])).filter_map(Value::as_u64)
}

/// Reads the text of a file, with all the artifacts of its session at once.
fn of_session<'a>(
    texts: &'a mut Texts,
    file: &File,
    arguments: &Value,
    context: &Context,
) -> Option<&'a str> {
    if !texts.contains_key(file) {
        let [project, session, _] = file;
        let mut place = Map::new();
        for key in ["start", "root"] {
            place.insert(key.to_owned(), arguments[key].clone());
        }
        place.insert("project".to_owned(), project.as_str().into());
        place.insert("session".to_owned(), session.as_str().into());
        let loaded = verb::call("load", &place.into(), context).unwrap_or_default();
        for artifact in loaded["artifacts"].as_array().into_iter().flatten() {
            if let (Some(path), Some(text)) = (artifact["path"].as_str(), artifact["text"].as_str()) {
                texts.insert([project.clone(), session.clone(), path.to_owned()], text.to_owned());
            }
        }
    }
    texts.get(file).map(String::as_str)
}

fn name(finding: &mut Value, places: &Places) {
    for end in ["start", "end"] {
        let place = finding["span"][end]["offset"].as_u64().and_then(|offset| places.get(&offset));
        if let (Some(place), Some(object)) =
            (place, finding["span"].get_mut(end).and_then(Value::as_object_mut))
        {
            object.insert("utf16".to_owned(), place.clone());
        }
    }
    for edit in finding["fix"].get_mut("edits").and_then(Value::as_array_mut).into_iter().flatten() {
        let at = |end: &str| edit[end].as_u64().and_then(|offset| places.get(&offset));
        if let (Some(start), Some(end)) = (at("start"), at("end")) {
            let range = json!({ "start": start, "end": end });
            edit.as_object_mut().and_then(|edit| edit.insert("range".to_owned(), range));
        }
    }
}

/// Walks through a text once. Lines end as they do in editors (LF, CRLF, CR), and a byte order mark, which they hide,
/// counts for nothing.
fn positions(text: &str, offsets: &BTreeSet<u64>) -> Places {
    let mut places = Places::new();
    let mut wanted = offsets.iter().copied().peekable();
    let (mut line, mut character) = (0_u32, 0_usize);
    let ends = text.char_indices().map(|(at, one)| (at, Some(one))).chain([(text.len(), None)]);
    for (at, one) in ends {
        while let Some(offset) =
            wanted.next_if(|offset| usize::try_from(*offset).is_ok_and(|offset| offset <= at))
        {
            places.insert(offset, json!({ "line": line, "character": character }));
        }
        match one {
            Some('\n') => (line, character) = (line + 1, 0),
            Some('\r') if !text[at + 1..].starts_with('\n') => (line, character) = (line + 1, 0),
            Some('\u{feff}') if at == 0 => {}
            Some(one) => character += one.len_utf16(),
            None => {}
        }
    }
    places
}
