"""The classes of the answers: as the published schema says, frozen, and whole through pickle."""

from __future__ import annotations

import copy
import json
import pickle
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import idse_core
import pytest
from idse_core import Position, Span, StageStatus, Status, Workspace, reports, words
from idse_core._record import Record, moment

CORE = Path(__file__).parents[3] / "idse-core"
RECORDS = [each for each in vars(reports).values() if isinstance(each, type) and issubclass(each, Record)]
RECORDS.remove(Record)
KINDS = {each.KIND: each for each in RECORDS if each.KIND}
EXAMPLES = [
    json.loads(block)
    for block in re.findall(r"```json\n(.*?)```", (CORE / "docs/wire.md").read_text("utf-8"), re.DOTALL)
]
KNOWN = [each for each in EXAMPLES if each["kind"] in KINDS]
# What only the program answers, and what this package raises.
OTHERS = {"completions", "error"}


def schema(name: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((CORE / f"schemas/{name}.schema.json").read_text("utf-8"))
    return value


def objects(node: Any) -> list[tuple[set[str], set[str]]]:
    """Returns fields and required fields of every object that a schema describes."""
    found = []
    if isinstance(node, dict):
        if "properties" in node:
            envelope = {"schema"} | ({"kind"} if "const" in node["properties"].get("kind", {}) else set())
            found.append((set(node["properties"]) - envelope, set(node.get("required", [])) - envelope))
        for each in node.values():
            found += objects(each)
    elif isinstance(node, list):
        for each in node:
            found += objects(each)
    return found


def test_every_verb_has_a_function_of_its_name() -> None:
    """And every document of `docs/verbs.md` has a class."""
    page = (CORE / "docs/verbs.md").read_text("utf-8")
    rows = re.findall(r"^\| \[`(\w+)`\].*\| (`.*`) \|$", page, re.MULTILINE)
    assert len(rows) >= 30
    for verb, documents in rows:
        assert hasattr(idse_core, verb) or hasattr(Workspace, verb), verb
        assert set(re.findall(r"`([\w-]+)`", documents)) <= set(KINDS), documents


def test_every_document_has_its_class() -> None:
    kinds = set(schema("report")["properties"]["kind"]["enum"])
    assert kinds - OTHERS <= set(KINDS)


def test_every_object_of_the_schema_has_a_class_with_its_fields() -> None:
    classes = [{name.rstrip("_") for name in each._readers} for each in RECORDS]
    for fields, required in objects(schema("report")) + objects(schema("validation-report")):
        # An error is an exception here, the origin of a default has no name, completions are for shells.
        if fields - {"kind", "error", "shell", "script"}:
            assert fields in classes, fields
            assert required <= fields


def test_every_word_of_the_schema_is_known() -> None:
    values = {word.value for name in words.__all__ for word in getattr(words, name)}
    defs = schema("report")["$defs"]
    for name in ("stage", "stage_status", "guard", "verb", "class", "action", "conflict_kind"):
        assert set(defs[name]["enum"]) <= values, name


@pytest.mark.parametrize("document", KNOWN, ids=[each["kind"] for each in KNOWN])
def test_a_document_comes_back_as_it_was(document: dict[str, Any]) -> None:
    record = KINDS[document["kind"]].from_dict(document)
    assert record.to_dict() == document
    for same in (
        pickle.loads(pickle.dumps(record)),
        copy.deepcopy(record),
        KINDS[document["kind"]].from_dict(document),
    ):
        assert same == record and hash(same) == hash(record) and repr(same) == repr(record)
    later = type(record).from_dict({**document, "of_a_later_version": [1]})
    assert later.to_dict()["of_a_later_version"] == [1] and later != record


def test_examples_cover_the_documents() -> None:
    assert len(KNOWN) >= 20


def test_a_record_is_frozen() -> None:
    place = Position(line=1, column=2, offset=3)
    for name in ("line", "colour"):
        with pytest.raises(AttributeError, match="frozen"):
            setattr(place, name, 2)
        with pytest.raises(AttributeError, match="frozen"):
            delattr(place, name)
    changed = place.to_dict()
    changed["line"] = 9
    assert place.line == 1


def test_a_record_is_made_compared_and_matched_by_its_fields() -> None:
    place = Position(line=1, column=2, offset=3)
    assert (
        place
        == Position(1, 2, offset=3)
        == Position(line=1, column=2, offset=3)
        != Position(line=1, column=2, offset=4)
    )
    assert place != {"line": 1, "column": 2, "offset": 3}
    assert eval(repr(place)) == place
    assert Span(start=place, end=place).to_dict()["end"] == place.to_dict()
    assert place.__replace__(line=5) == Position(line=5, column=2, offset=3)
    match place:
        case Position(line, column, _):
            assert (line, column) == (1, 2)
    for wrong in ((), (1, 2), (1, 2, 3, 4)):
        with pytest.raises(TypeError):
            Position(*wrong)
    for unknown in ({"colour": 4}, {"lines": 4}):
        with pytest.raises(TypeError):
            Position(1, 2, 3, **unknown)
    with pytest.raises(ValueError, match="offset"):
        Position.from_dict({"line": 1, "column": 2})


def test_words_are_texts() -> None:
    complete: str = StageStatus.COMPLETE
    assert complete == "complete" and f"{StageStatus.COMPLETE:>9}" == " complete"
    assert json.dumps([StageStatus.COMPLETE]) == '["complete"]'
    assert pickle.loads(pickle.dumps(StageStatus.COMPLETE)) is StageStatus.COMPLETE
    assert words.Action.read("of_a_later_version") == "of_a_later_version"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-01-10T15:30:00Z", 0),
        ("2026-11-22T09:24:58.582273+00:00", 0),
        ("2026-11-22T09:24:58.5+05:30", 19800),
        ("2026-11-22 09:24:58.123456789Z", 0),
    ],
)
def test_times_are_aware(text: str, seconds: int) -> None:
    time = moment(text)
    assert time is not None and time.utcoffset() == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00"])
def test_what_is_no_time_is_none_and_stays_in_the_document(text: str) -> None:
    document = next(each for each in KNOWN if each["kind"] == "status")
    status = Status.from_dict({**document, "last_synced": text})
    assert status.to_dict()["last_synced"] == text
    assert status.last_synced is None or status.last_synced.tzinfo is not None


def test_what_a_workspace_answers_is_typed(tmp_path: Path) -> None:
    idse_core.init("portal", root=tmp_path, session="s1")
    workspace = Workspace(tmp_path, project="portal", session="s1")
    summary = workspace.sessions().sessions[0]
    assert summary.created_at is not None and summary.created_at.tzinfo is not None
    assert workspace.load()["spec"].status is StageStatus.PENDING
    assert workspace.status()["spec"].stage is words.Stage.SPEC
    with pytest.raises(KeyError):
        workspace.status()["specs"]
    for same in (
        pickle.loads(pickle.dumps(workspace)),
        copy.copy(workspace),
        Workspace(tmp_path).at(project="portal", session="s1"),
    ):
        assert same == workspace and hash(same) == hash(workspace) and repr(same) == repr(workspace)
    with pytest.raises(AttributeError):
        workspace.root = tmp_path  # type: ignore[misc]
    assert workspace.at(project="other").session is None
