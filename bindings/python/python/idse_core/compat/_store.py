"""The file store of the existing orchestrator."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ._files import STAGE_PATHS as _STAGE_PATHS
from ._files import confined, locked, read_json, read_text, write_bytes, write_json


class DesignStoreFilesystem:
    """Artifacts and states as files under an `.idse` folder.

    >>> store = DesignStoreFilesystem(".idse")
    >>> store.save_artifact("portal", "s1", "intent", "# Intent\\n")
    >>> store.list_sessions("portal"), store.load_artifact("portal", "s1", "intent")
    (['s1'], '# Intent\\n')
    """

    STAGE_PATHS: dict[str, str] = dict(_STAGE_PATHS)

    def __init__(self, idse_root: str | Path) -> None:
        self.idse_root: Path = Path(idse_root)
        self.projects_root: Path = self.idse_root / "projects"

    def load_artifact(self, project: str, session_id: str, stage: str) -> str:
        """Returns the text of an artifact, its line endings as they are."""
        path = self._artifact(project, session_id, stage)
        if not path.is_file():
            raise FileNotFoundError(f"Artifact not found: {path}")
        return read_text(path)

    def save_artifact(self, project: str, session_id: str, stage: str, content: str) -> None:
        """Replaces the text of an artifact at once."""
        write_bytes(self._artifact(project, session_id, stage), content.encode())

    def list_sessions(self, project: str) -> list[str]:
        """Returns the names of the sessions, sorted."""
        folder = self._folder(project, "sessions")
        return sorted(each.name for each in folder.iterdir() if each.is_dir()) if folder.is_dir() else []

    def load_state(self, project: str) -> dict[str, Any]:
        """Returns the project's state."""
        path = self._folder(project, "session_state.json")
        if not path.is_file():
            raise FileNotFoundError(f"State not found: {path}")
        return read_json(path)

    def save_state(self, project: str, state: Mapping[str, Any]) -> None:
        """Replaces the project's state at once."""
        path = self._folder(project, "session_state.json")
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked(path.parent):
            write_json(path, dict(state))

    def push_artifacts(self, project: str, session_id: str, artifacts: Mapping[str, str]) -> list[str]:
        """Saves several artifacts, and returns their stages. One unknown stage, and none is saved."""
        places = {stage: self._artifact(project, session_id, stage) for stage in artifacts}
        for stage, path in places.items():
            write_bytes(path, artifacts[stage].encode())
        return list(places)

    def pull_artifacts(
        self, project: str, session_id: str, stages: Iterable[str] | None = None
    ) -> dict[str, str]:
        """Returns the artifacts that are there, by stage."""
        wanted = self.STAGE_PATHS if stages is None else stages
        places = {stage: self._artifact(project, session_id, stage) for stage in wanted}
        return {stage: read_text(path) for stage, path in places.items() if path.is_file()}

    def _artifact(self, project: str, session_id: str, stage: str) -> Path:
        if stage not in self.STAGE_PATHS:
            raise ValueError(f"Unknown stage: {stage}")
        self._plain(project, session_id)
        return confined(self.projects_root, project, "sessions", session_id, self.STAGE_PATHS[stage])

    def _folder(self, project: str, *names: str) -> Path:
        self._plain(project)
        return confined(self.projects_root, project, *names)

    @staticmethod
    def _plain(*names: str) -> None:
        for name in names:
            if not name or "/" in name or "\\" in name:
                raise ValueError(f"Invalid name: {name!r}")
