"""The cases that every door runs (tests/conformance/README.md), through the functions of this package."""

import csv
import json
from pathlib import Path
from typing import Any

import idse_core
import pytest
from hands import HANDS, PATHS, artifact, placed, text_of, write
from idse_core import IdseError, Stage, Workspace

CASES = Path(__file__).parents[3] / "tests" / "conformance"
MERGES = sorted((CASES / "merge").iterdir())
TEXTS = sorted((CASES / "validate").glob("*.md"))
STORIES = {path: json.loads(path.read_bytes()) for path in sorted((CASES / "sync").glob("*.json"))}
TOLD = [path for path, story in STORIES.items() if not isinstance(story.get("agency"), dict)]
FLAGS = """dry_run allow_empty force_clear replace_session recreate new_id markers accept_clear force delete
    restore agent"""
MOVES = {"send", "send_null", "write", "merge", "remove"}
JSON = dict[str, Any]


@pytest.mark.parametrize("case", MERGES, ids=lambda case: case.name)
def test_merge(case: Path) -> None:
    base, local, remote = (
        (case / f"{side}.md").read_bytes().decode() for side in ("base", "local", "remote")
    )
    expected = "expected.md" if (case / "expected.md").exists() else "conflict.md"
    merge = idse_core.merge_text(base, local, remote)
    assert (merge.text, merge.clean) == ((case / expected).read_bytes().decode(), expected == "expected.md")


@pytest.mark.parametrize("case", TEXTS, ids=lambda case: case.stem)
def test_validate(case: Path, tmp_path: Path) -> None:
    sections = [part.partition("\n") for part in ("\n" + case.read_bytes().decode()).split("\n=== ")[1:]]
    files = {head: text + end for head, end, text in sections}
    header, expected = json.loads(files.pop("case", "{}")), files.pop("expect").split("\n")
    if header.get("memory"):
        pytest.skip("what its files hold cannot be written down")
    for old, new, *times in header.get("replace", []):
        files = {path: text.replace(old, new * (times[0] if times else 1)) for path, text in files.items()}
    session = ".idse/projects/shop/sessions/checkout/"
    files = {session + path: text for path, text in files.items()}
    if "stage" in header:
        state = {"stages": {header["stage"]: header["status"]}}
        files[f"{session}metadata/session_state.json"] = json.dumps(state)
    files[".idse/projects/shop/CURRENT_SESSION"] = "checkout"
    files[".idseconfig.json"] = json.dumps({"validate": header.get("config", {})})
    for path, text in files.items():
        write(tmp_path / path, text.encode())
    stages = [header["stage"]] if "stage" in header else []
    workspace = Workspace(tmp_path, project="shop", session="checkout")
    report = workspace.validate(*stages)
    for stage in stages:
        text = files[session + PATHS[stage]]
        alone = workspace.validate_text(stage, text, status=header["status"])
        assert alone.diagnostics == tuple(each for each in report.diagnostics if each.stage)
    found = [line(each, session) for each in report.diagnostics]
    assert found == [each for each in expected if each not in ("", "none")]


def line(found: idse_core.Diagnostic, session: str) -> str:
    places = (found.span.start, found.span.end) if found.span else ()
    where = "-".join(f"{place.line}:{place.column}" for place in places) or "-"
    return f"{found.code} {found.severity} {found.path.removeprefix(session)} {where}"


def test_errors() -> None:
    with (CASES / "errors.tsv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            error = IdseError.from_dict({"kind": row["kind"], "reason": row["reason"], "message": "why"})
            temporary = "yes" if error.temporary else "no"
            assert (type(error).__name__, temporary) == (row["python"], row["temporary"])
            assert (error.code, error.exit) == (int(row["code"]), int(row["exit"]))


def test_what_is_told() -> None:
    print(f"{len(TOLD)} sync stories told, {len(STORIES) - len(TOLD)} need a scripted agency")
    assert len(MERGES) >= 140 and len(TEXTS) >= 80 and len(TOLD) >= 60


@pytest.mark.parametrize("path", TOLD, ids=lambda path: path.stem)
def test_sync(path: Path, tmp_path: Path) -> None:
    for number, step in enumerate(STORIES[path]["steps"], 1):
        wrong = HANDS.get(step["do"], expect)(placed(step, tmp_path))
        assert not wrong, f"step {number}: {step['do']}: {wrong}"


def act(verb: str, s: JSON) -> JSON:
    flags = {flag: s[flag] for flag in FLAGS.split() if s.get(flag)}
    at: Any = Workspace(s["root"], project=s["project"], session=s["session"], remote=f"sqlite:{s['db']}") \
        if verb not in ("init", "clone") else idse_core  # fmt: skip
    args: list[Any] = {
        "init": [s["project"]], "clone": [s["project"]], "link": [s.get("to", s["project"])], "status": [],
        "set_stage": [s.get("stage"), s.get("status")], "resolve": [s.get("stage"), s.get("with")],
        "create_session": [s["session"]], "switch_session": [s["session"]],
    }.get(verb, s.get("stages") or [])  # fmt: skip
    more: JSON = {
        "init": {"root": s["root"], "session": s["session"], "stack": s.get("stack")},
        "clone": {"root": s["root"], "session": s["named"], "remote": f"sqlite:{s['db']}"},
        "resolve": {"text": s.get("text")}, "diff": {"against": s.get("side", "base")},
    }.get(verb, {})  # fmt: skip
    answer: JSON = getattr(at, verb)(*args, **more, **flags).to_dict()
    return answer


def expect(s: JSON) -> Any:
    expected, got = s.get("expect", {}), {}
    try:
        got = act("set_stage" if s["do"] == "stage" else s["do"], s)
    except IdseError as error:
        return None if expected.get("error") in (error.kind, f"{error.kind}/{error.reason}") else repr(error)
    ways = {each["stage"]: (each["class"], each["action"]) for each in got.get("steps", [])}
    got["steps"] = {stage: "/".join(ways.get(stage, "-")) for stage in expected.get("steps", {})}
    got["moved"] = [stage for stage, (_, action) in ways.items() if action in MOVES]
    got["conflicts"] = {each["stage"]: each["kind"] for each in got.get("conflicts", [])}
    got["note"] = [note for note in [expected.get("note")] if note and note in str(got["notes"])]
    expected = {**expected, "note": [expected["note"]]} if "note" in expected else expected
    got["diffs"] = [each["stage"] for each in got.get("stages", [])] if s["do"] == "diff" else None
    return {key: (value, got) for key, value in expected.items() if got.get(key) != value}


def start(s: JSON) -> None:
    act("init", s)
    texts: JSON = s["texts"] or {}
    for stage in () if s["texts"] is None else Stage:
        artifact(s, stage).unlink()
        if stage in texts:
            write(artifact(s, stage), texts[stage].encode())
    for stage, status in s.get("status", {}).items():
        act("set_stage", {**s, "stage": stage, "status": status})


def check(s: JSON) -> Any:
    report = act("status", s)
    lines = {each["stage"]: each for each in report["stages"]}
    got: JSON = {key: [stage for stage, each in lines.items() if each[key]] for key in ("push", "pull")}
    got["open"] = [stage for stage, each in lines.items() if each["conflict"]]
    got |= {key: {stage: lines[stage][key] for stage in s[key]} for key in ("status", "sync") if key in s}
    files = {stage: artifact(s, stage) for stage in s.get("files", {})}
    got["files"] = {stage: text_of(path) for stage, path in files.items()}
    keys = [key for key in (*got, "unsettled", "next", "last_agent", "current") if key in s]
    got = {key: got.get(key, report.get(key)) for key in keys}
    return {key: (s[key], value) for key, value in got.items() if value != s[key]}


HANDS |= {"start": start, "check": check}
