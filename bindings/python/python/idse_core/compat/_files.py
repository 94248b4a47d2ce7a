"""The files that the existing tools share: read whole, replaced at once, one writer at a time.

The old tools truncated a file and wrote it again: a reader met half of it, and a full disk left nothing.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import InvalidArgumentError, LockedError

try:
    import fcntl
except ImportError:  # Windows: the swap at once is all there is
    fcntl = None  # type: ignore[assignment]

STAGE_PATHS: dict[str, str] = {
    "intent": "intents/intent.md",
    "context": "contexts/context.md",
    "spec": "specs/spec.md",
    "plan": "plans/plan.md",
    "tasks": "tasks/tasks.md",
    "implementation": "implementation/README.md",
    "feedback": "feedback/feedback.md",
}
PIPELINE_STAGES: list[str] = list(STAGE_PATHS)

_PATIENCE = 10.0


def confined(root: Path, *names: str) -> Path:
    """Returns a path below `root`; a name that would lead out of it, by itself or by a link, is refused."""
    path = root.joinpath(*names)
    if not path.resolve().is_relative_to(root.resolve()) or any(
        part in ("", ".", "..") or "\0" in part for name in names for part in name.split("/")
    ):
        raise InvalidArgumentError(f"{'/'.join(names)} leads out of {root}", details={"path": str(path)})
    return path


def read_json(path: Path) -> dict[str, Any]:
    """Reads a JSON object; any other value counts as an empty one."""
    value = json.loads(path.read_text(encoding="utf-8"))
    return value if isinstance(value, dict) else {}


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Writes a JSON object as the existing tools write it."""
    write_bytes(path, json.dumps(value, indent=2).encode())


def read_text(path: Path) -> str:
    """Reads a text as its bytes are: line endings stay what they are."""
    return path.read_bytes().decode("utf-8")


def write_bytes(path: Path, data: bytes) -> None:
    """Replaces a file at once: a reader meets the old bytes or the new ones, also after a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(aside, path.stat().st_mode & 0o777 if path.exists() else 0o644)
        os.replace(aside, path)
    except BaseException:
        os.unlink(aside)
        raise
    if os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keeps every other process and thread that asks for the same folder out. It is free with its process."""
    if fcntl is None:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        end = time.monotonic() + _PATIENCE
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > end:
                    raise LockedError(
                        f"somebody else is writing in {folder}",
                        hint="Wait until it is done and try again.",
                        details={"path": str(folder)},
                    ) from None
                time.sleep(0.005)
        yield
    finally:
        os.close(handle)
