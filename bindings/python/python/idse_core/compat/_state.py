"""The state trackers of the existing tools: how far the stages are, in `session_state.json` of a project."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from ._files import PIPELINE_STAGES, STAGE_PATHS, locked, read_json, read_text, write_json
from ._find import folder, project_of

State = dict[str, Any]

STATUSES = ("pending", "in_progress", "completed")
VALIDATION_STATUSES = ("unknown", "passing", "failing")
MARKER = "[REQUIRES INPUT]"


class Store(Protocol):
    """Where a state lives, if not in the project's file. The two session methods may be missing."""

    def load_state(self, project: str) -> State: ...
    def save_state(self, project: str, state: State) -> None: ...


class StageStateModel:
    """The state of a project's current session.

    >>> from pathlib import Path
    >>> Path("portal").mkdir()
    >>> tracker = StageStateModel("portal")
    >>> tracker.init_state("portal", "s1")["validation_status"]
    'unknown'
    >>> tracker.update_stage("intent", "completed")["stages"]["intent"], tracker.get_current_stage()
    ('completed', 'context')
    """

    STAGE_NAMES: list[str] = list(PIPELINE_STAGES)

    def __init__(
        self,
        project_path: str | Path | None = None,
        *,
        store: Store | None = None,
        project_name: str | None = None,
        session_id: str | None = None,
    ) -> None:
        self.project_path: Path = (
            folder(project_of(project_name)) if project_path is None else Path(project_path)
        )
        self.state_file: Path = self.project_path / "session_state.json"
        self.store: Store | None = store
        self.project_name: str = project_name or self.project_path.name
        self.session_id: str | None = session_id

    def init_state(self, project_name: str, session_id: str, is_blueprint: bool = False) -> State:
        """Writes the state of a new session: all stages pending."""
        state: State = {
            "project_name": project_name,
            "session_id": session_id,
            "is_blueprint": is_blueprint,
            "stages": dict.fromkeys(self.STAGE_NAMES, "pending"),
            "last_sync": None,
            "validation_status": "unknown",
            "created_at": datetime.now().isoformat(),
        }
        self.project_path.mkdir(parents=True, exist_ok=True)
        with locked(self.project_path):
            self._save(state)
        return state

    def update_stage(self, stage: str, status: str) -> State:
        """Sets the status of a stage: `pending`, `in_progress` or `completed`."""
        if stage not in self.STAGE_NAMES:
            raise ValueError(f"Unknown stage: {stage}")
        if status not in STATUSES:
            raise ValueError(f"Invalid status: {status}")
        return self._change(lambda state: state["stages"].update({stage: status}))

    def set_validation_status(self, status: str) -> State:
        """Notes how the last validation came out: `unknown`, `passing` or `failing`."""
        if status not in VALIDATION_STATUSES:
            raise ValueError(f"Invalid status: {status}")
        return self._change(lambda state: state.update(validation_status=status))

    def mark_synced(self, timestamp: str | None = None) -> State:
        """Notes when the session was last synced: now, unless `timestamp` says it."""
        return self._change(lambda state: state.update(last_sync=timestamp or datetime.now().isoformat()))

    def get_current_stage(self) -> str | None:
        """Returns the first stage that is not completed; `None`: all are."""
        stages = self._load()["stages"]
        return next((stage for stage in self.STAGE_NAMES if not _is_done(stages.get(stage))), None)

    def get_status(self, project_name: str | None = None) -> State:
        """Returns the whole state, of the project beside this one where another is named."""
        if project_name and project_name != self.project_name:
            beside = self.project_path.parent / project_name
            return type(self)(beside, store=self.store, project_name=project_name)._load()
        return self._load()

    def auto_detect_stage_completion(self, session_path: str | Path) -> dict[str, str]:
        """Sets the stages by what their files hold, and returns them all.

        More than 200 characters and nothing that requires input: completed. More than 100: in progress.
        """
        detected: dict[str, str] = {}
        for stage, path in STAGE_PATHS.items():
            file = Path(session_path) / path
            if file.is_file():
                text = read_text(file).replace("\r\n", "\n").replace("\r", "\n")
                if len(text) > 200 and MARKER not in text:
                    detected[stage] = "completed"
                elif len(text) > 100:
                    detected[stage] = "in_progress"
        stages: dict[str, str] = self._change(lambda state: state["stages"].update(detected))["stages"]
        return stages

    def refresh_state_file(self) -> State:
        """Writes the file anew from where the state lives, with every field that it must have."""
        return self._change(lambda state: None)

    def _change(self, change: Callable[[State], None]) -> State:
        with locked(self.project_path) if self.project_path.is_dir() else nullcontext():
            state = self._load()
            change(state)
            self._save(state)
        return state

    def _load(self) -> State:
        load_session = getattr(self.store, "load_session_state", None)
        if self.store is None:
            if not self.state_file.is_file():
                raise FileNotFoundError("No session_state.json found. Run 'idse init' first.")
            state = read_json(self.state_file)
        elif self.session_id and load_session:
            state = load_session(self.project_name, self.session_id)
        else:
            state = self.store.load_state(self.project_name)
        stages = state.get("stages")
        stages = stages if isinstance(stages, dict) else {}
        return {
            "project_name": self.project_name,
            **state,
            "stages": {**dict.fromkeys(self.STAGE_NAMES, "pending"), **stages},
        }

    def _save(self, state: State) -> None:
        save_session = getattr(self.store, "save_session_state", None)
        if self.store is not None and self.session_id and save_session:
            save_session(self.project_name, self.session_id, state)
        elif self.store is not None:
            self.store.save_state(self.project_name, state)
        if self.store is None or self.project_path.is_dir():
            write_json(self.state_file, state)


class StateTracker(StageStateModel):
    """The same under the name that the agency's own tools use."""

    def __init__(self, project_path: str | Path | None = None) -> None:
        super().__init__(project_path)


def _is_done(status: object) -> bool:
    # The tools write the one word, an agency the other.
    return status in ("completed", "complete")
