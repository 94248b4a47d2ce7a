"""The examples run, and end well."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[3] / "examples"
README = Path(__file__).parents[1] / "README.md"
ORCHESTRATOR = EXAMPLES / "orchestrator" / "orchestrator.py"


def run(*command: str | Path, code: int = 0) -> str:
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, *command], capture_output=True, encoding="utf-8", env=environment, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_story(tmp_path: Path) -> None:
    assert len((EXAMPLES / "story.py").read_text("utf-8").splitlines()) < 60
    shutil.copytree(EXAMPLES / "workspace", tmp_path / "here", ignore=shutil.ignore_patterns("sync"))
    told = run(EXAMPLES / "story.py", "here", "there", f"sqlite:{tmp_path / 'agency.db'}").splitlines()
    assert [line for line in told if not line.startswith(" ")] == [
        "errors: 0", "push: done", "clone: customer-portal", "push: done",
        "pull elsewhere: conflict", "resolve: text", "push elsewhere: done", "pull: done",
    ]  # fmt: skip
    files = list(
        tmp_path.glob("*/.idse/projects/customer-portal/sessions/invoice-download/intents/intent.md")
    )
    assert [file.read_text("utf-8") for file in files] == [
        "# Intent\n\nInvoices on paper, and on screen.\n"
    ] * 2


def test_the_orchestrator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Alice and Bob work with the program of an orchestrator author only."""
    monkeypatch.setenv("IDSE_AGENCY_URL", f"sqlite:{tmp_path / 'agency.db'}")

    def at(who: str, *words: str, code: int = 0) -> str:
        monkeypatch.chdir(tmp_path / who)
        return run(ORCHESTRATOR, *words, code=code)

    (tmp_path / "alice").mkdir()
    assert "No IDSE project found. Run 'idse init' first" in at("alice", "validate", code=1)
    assert at("alice", "init", "portal", "--session", "s1").startswith("portal/s1: ")
    assert "✗ spec.md contains [REQUIRES INPUT] markers" in at("alice", "validate", code=1)
    intent = Path(".idse/projects/portal/sessions/s1/intents/intent.md")
    intent.write_text("# Intent\n\none\n")
    at("alice", "stage", "intent", "in_progress")
    assert "Error: Unknown stage: intend" in at("alice", "stage", "intend", "completed", code=1)
    assert "Error: Invalid status: done" in at("alice", "stage", "intent", "done", code=1)
    assert "⏳ intent: in_progress" in at("alice", "status")
    assert at("alice", "sessions").startswith("s1  feature  draft")
    assert "Created new project: portal" in at("alice", "sync", "push")

    shutil.copytree(tmp_path / "alice", tmp_path / "bob")
    for who in ("alice", "bob"):
        (tmp_path / who / intent).write_text(f"# Intent\n\n{who}\n")
    assert f"+{'bob'}" in at("bob", "sync", "diff", "intent")
    assert "intent" in at("bob", "sync", "push")
    assert "Remote version is newer" in at("alice", "sync", "push", code=1)
    pulled = at("alice", "sync", "pull")
    assert "intents/intent.md: changed here and in the agency" in pulled and "Written: nothing" in pulled
    assert intent.read_text() == "# Intent\n\nalice\n"
    Path("both.md").write_text("# Intent\n\nalice and bob\n")
    assert "intent: settled, 0 left" in at("alice", "sync", "resolve", "intent", "--file", "both.md")
    assert "Updated project" in at("alice", "sync", "push")
    assert "Written: intent" in at("bob", "sync", "pull")
    assert intent.read_text() == "# Intent\n\nalice and bob\n"
    assert "pull undone: intent" in at("bob", "sync", "undo")
    assert intent.read_text() == "# Intent\n\nbob\n"


def test_the_readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its programs run one after the other, in one folder, as a newcomer types them."""
    programs = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    assert len(programs) >= 3
    for number, program in enumerate(programs):
        (tmp_path / f"{number}.py").write_text(program, encoding="utf-8")
        run(tmp_path / f"{number}.py")
