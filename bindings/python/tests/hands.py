"""What people and other programs do in a story: to files and to the agency's table, past this package."""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import idse_core

Step = dict[str, Any]
STAGES = ["intent", "context", "spec", "plan", "tasks", "implementation", "feedback"]
PATHS = {stage: f"{stage}s/{stage}.md" for stage in STAGES} | {
    "tasks": "tasks/tasks.md",
    "implementation": "implementation/README.md",
    "feedback": "feedback/feedback.md",
}


def placed(step: Step, folder: Path) -> Step:
    """Returns a step with everything that it leaves open, and where it happens."""
    standard = {"at": "alice", "project": "portal", "session": "s1", "remote": "agency", "texts": None}
    s = {**standard, "named": step.get("session"), **step}
    s["root"], s["db"] = folder / s["at"], folder / f"{s['remote']}.db"
    s["folder"] = s["root"] / f".idse/projects/{s['project']}/sessions/{s['session']}"
    s["root"].mkdir(exist_ok=True)
    return s


def artifact(s: Step, stage: str | None = None) -> Path:
    folder: Path = s["folder"]
    return folder / PATHS[stage or s["stage"]]


def text_of(path: Path) -> str | None:
    return path.read_bytes().decode("utf-8", "replace") if path.exists() else None


def write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def content(s: Step) -> bytes:
    if "hex" in s:
        return bytes.fromhex(s["hex"])
    return (s["text"] if "text" in s else json.dumps(s["json"])).encode()


def merged(s: Step) -> str | None:
    place = f"*/conflicts/{s['project']}/{s['session']}/{s['stage']}/merged.md"
    found = list((s["root"] / ".idse/sync").glob(place))
    for path in found:
        path.write_bytes(content(s))
    return None if found else f"{s['stage']} has no merged.md"


def kept(s: Step) -> str | None:
    objects = (s["root"] / ".idse/sync/objects").glob("*/*")
    return None if any(each.read_bytes() == content(s) for each in objects) else "no object holds the text"


@contextmanager
def table(s: Step) -> Iterator[sqlite3.Connection]:
    """Opens the agency, as this package makes it with the first push, but empty."""
    is_new = not s["db"].exists()
    if is_new:
        root = s["db"].with_suffix(".first")
        idse_core.init("first", root=root)
        idse_core.Workspace(root, remote=f"sqlite:{s['db']}").push()
    db = sqlite3.connect(s["db"])
    db.row_factory = sqlite3.Row
    with closing(db), db:
        if is_new:
            db.execute("DELETE FROM sessions")
            db.execute("DELETE FROM projects")
        yield db


def session_of(db: sqlite3.Connection, s: Step) -> dict[str, Any] | None:
    """Returns the row of a session and the id of its project; the project that was made last wins."""
    found = db.execute(
        "SELECT p.id, s.* FROM projects p LEFT JOIN sessions s ON s.project_id = p.id AND s.session_id = ?"
        " WHERE p.name = ? ORDER BY p.rowid DESC",
        (s["session"], s["project"]),
    ).fetchone()
    return dict(found) if found else None


def row(s: Step) -> None:
    """Somebody else writes the row."""
    with table(s) as db:
        found = session_of(db, s)
        if s.get("create"):
            db.execute("INSERT INTO projects (id, name) VALUES (?, ?)", (str(uuid.uuid4()), s["project"]))
        found = session_of(db, s)
        assert found is not None
        if found["session_id"] is None:
            db.execute(
                "INSERT INTO sessions (project_id, session_id) VALUES (?, ?)", (found["id"], s["session"])
            )
        values = {f"{stage}_md": text for stage, text in (s["texts"] or {}).items()}
        if "state" in s:
            values["state_json"] = json.dumps({**json.loads(found["state_json"] or "{}"), **s["state"]})
        for column, value in values.items():
            where = f"UPDATE sessions SET {column} = ? WHERE project_id = ? AND session_id = ?"
            db.execute(where, (value, found["id"], s["session"]))


def agency(s: Step) -> str | None:
    """Looks into the agency."""
    with table(s) as db:
        found = session_of(db, s)
    if found is None or found["session_id"] is None or s.get("missing"):
        is_missing = found is None or found["session_id"] is None
        return None if is_missing == bool(s.get("missing")) else f"the row: {found}"
    state = json.loads(found["state_json"] or "{}")
    wrong = {stage: text for stage, text in (s["texts"] or {}).items() if found[f"{stage}_md"] != text}
    wrong |= {key: value for key, value in s.get("state", {}).items() if pointer(state, key) != value}
    return f"{wrong} are not in {found}" if wrong else None


def pointer(value: Any, path: str) -> Any:
    for key in path.split("/")[1:]:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def drop(s: Step) -> None:
    """An administrator removes the row, or the whole project."""
    with table(s) as db:
        found = session_of(db, s)
        assert found is not None
        if s.get("whole"):
            db.execute("DELETE FROM sessions WHERE project_id = ?", (found["id"],))
            db.execute("DELETE FROM projects WHERE id = ?", (found["id"],))
        else:
            where = "DELETE FROM sessions WHERE project_id = ? AND session_id = ?"
            db.execute(where, (found["id"], s["session"]))


HANDS: dict[str, Callable[[Step], Any]] = {
    "write": lambda s: write(artifact(s), content(s)),
    "remove": lambda s: artifact(s).unlink(),
    "file": lambda s: write(s["root"] / s["path"], content(s)),
    "merged": merged,
    "kept": kept,
    "row": row,
    "agency": agency,
    "drop": drop,
}
