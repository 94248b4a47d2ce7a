"""Other hands on an agency file: whoever reads or writes its rows without the engine. A request a line, an answer a line."""

import json
import sqlite3
import sys
import uuid

STAGES = ["intent", "context", "spec", "plan", "tasks", "implementation", "feedback"]


def answer(ask: dict) -> object:
    db = sqlite3.connect(ask["db"], isolation_level=None)
    db.execute("PRAGMA foreign_keys = ON")
    found = db.execute("SELECT id FROM projects WHERE name = ? ORDER BY rowid", [ask["project"]]).fetchone()
    of = [found[0] if found else None, ask["session"]]
    if ask["do"] == "drop":
        if ask["whole"]:
            db.execute("DELETE FROM projects WHERE id = ?", of[:1])
        else:
            db.execute("DELETE FROM sessions WHERE project_id = ? AND session_id = ?", of)
        return None
    if ask["do"] == "row" and ask["create"]:
        of[0] = str(uuid.uuid4())
        db.execute("INSERT INTO projects (id, name) VALUES (?, ?)", [of[0], ask["project"]])
        db.execute("INSERT INTO sessions (project_id, session_id) VALUES (?, ?)", of)
    columns = ", ".join(f"{stage}_md" for stage in STAGES)
    select = f"SELECT {columns}, state_json FROM sessions WHERE project_id = ? AND session_id = ?"
    row = db.execute(select, of).fetchone()
    if ask["do"] == "read" or row is None:
        return row and {"texts": dict(zip(STAGES, row)), "state": json.loads(row[-1] or "{}")}
    values = {f"{stage}_md": text for stage, text in ask["texts"].items()}
    if ask["state"] is not None:
        values["state_json"] = json.dumps({**json.loads(row[-1] or "{}"), **ask["state"]})
    for column, value in values.items():
        db.execute(f"UPDATE sessions SET {column} = ? WHERE project_id = ? AND session_id = ?", [value, *of])
    return True


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
