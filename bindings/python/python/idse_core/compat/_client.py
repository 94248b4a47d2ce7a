"""The sync client of the existing tools, on the engine: what it displaced is kept, what it does not know it
asks.

Two people who push at once lose nothing here; where the old client overwrote, this one raises
`ConflictError`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from ..api import clone
from ..errors import ExistsError, IdseError
from ..reports import Status, SyncReport
from ..words import Outcome
from ..workspace import Workspace
from ._files import STAGE_PATHS, locked, read_json, write_json
from ._find import NoProject, folder, project_of

Answer = dict[str, Any]

DEFAULT_URL = "http://localhost:8000"


class ConflictError(ExistsError):
    """A push that would overwrite what somebody else wrote, or that the gate refuses. Nothing was sent.

    `report` says stage by stage why.
    """

    report: SyncReport

    @classmethod
    def of(cls, report: SyncReport) -> ConflictError:
        """Makes the error of a report."""
        reasons = [f"{step.stage}: {step.message}" for step in report.steps if step.message]
        reasons += [f"{each.stage}: changed here and there" for each in report.conflicts]
        newer = report.outcome == Outcome.CONFLICT
        error = cls(
            "; ".join(["Remote version is newer" if newer else "Push refused", *reasons]),
            reason="changed",
            hint="Pull first, and settle what both sides changed." if newer else None,
            details={"project": report.project, "session": report.session},
        )
        error.report = report
        return error

    def __reduce__(self) -> tuple[object, ...]:
        return type(self).of, (self.report,)


class PullAnswer(Answer):
    """What `pull_project` answers: the agency's texts, and what it takes to apply them."""

    workspace: Workspace
    force: bool


class MCPClient:
    """Pushes and pulls the project that the current folder is in.

    `agency_url` is the gateway's address without `/sync`, or an address as the engine takes it
    (`sqlite:PATH`). Without it, the one in `config_path`, else the one that the engine finds configured,
    else localhost.

    >>> import idse_core
    >>> report = idse_core.init("portal", session="s1")
    >>> client = MCPClient("sqlite:agency.db")
    >>> client.push_project()["synced_stages"][:2]
    ['intent', 'context']
    >>> client.pull_project()["conflicts"]
    []
    """

    def __init__(self, agency_url: str | None = None, config_path: str | Path | None = None) -> None:
        self.config_path: Path | None = _config_path(config_path)
        self.config: dict[str, Any] = _config(self.config_path)
        configured = self.config.get("agency_url") if config_path is not None else None
        self._named: str | None = agency_url or configured
        self.agency_url: str = self._named or self.config.get("agency_url") or DEFAULT_URL

    def push_project(self, project_name: str | None = None, session_override: str | None = None) -> Answer:
        """Sends what changed, and answers as a gateway does; `synced_stages` are those that were sent."""
        workspace = self._workspace(project_name, session_override)
        self._link(workspace, workspace.status())
        report = workspace.push()
        if report.outcome in (Outcome.CONFLICT, Outcome.REFUSED):
            raise ConflictError.of(report)
        self._remember(workspace, report.project_id)
        made = f"Created new project: {report.project}"
        return {
            "success": True,
            "project_id": report.project_id,
            "message": made if report.created else f"Updated project: {report.project_id}",
            "synced_stages": [str(stage) for stage in report.moved],
            "timestamp": report.to_dict()["last_synced"],
        }

    def pull_project(
        self,
        project_name: str | None = None,
        force: bool = False,
        session_override: str | None = None,
    ) -> PullAnswer:
        """Returns what the agency holds, with one line in `conflicts` for each stage that both sides changed.

        It writes nothing: `apply_pull` does.
        """
        workspace = self._workspace(project_name, session_override)
        project_id = self._link(workspace, workspace.status())
        if project_id is None:
            raise ValueError("No project_id found. Run 'idse sync push' first.")
        plan = workspace.pull(dry_run=True)
        answer = PullAnswer(self._fetch(project_id, plan.session, plan.remote.address))
        answer["conflicts"] = [
            f"{STAGE_PATHS[each.stage]}: changed here and in the agency ({each.kind})"
            for each in plan.conflicts
        ]
        answer.workspace, answer.force = workspace, force
        return answer

    def pull_blueprint(self, project_id: str, session_id: str = "__blueprint__") -> Answer:
        """Returns what the agency holds of a session of any project."""
        return self._fetch(project_id, session_id, _address(self._named or self.agency_url))

    def apply_pull(self, pull_response: Mapping[str, Any]) -> list[str]:
        """Writes what is safe to write, and returns the stages whose files changed.

        What `pull_project` answered is pulled as the engine pulls: what both sides changed is merged by
        lines, what overlaps stays as it is here unless `force` was given. Of any other answer, the texts of
        stages that nobody changed here are written. What a file held is kept.
        """
        if isinstance(pull_response, PullAnswer):
            return self._pull(pull_response)
        session = pull_response.get("session_id")
        workspace = self._workspace(None, session if isinstance(session, str) else None)
        return _write(workspace, pull_response)

    def _pull(self, answer: PullAnswer) -> list[str]:
        report = answer.workspace.pull()
        written = [str(stage) for stage in report.moved]
        if answer.force:
            for conflict in report.conflicts:
                answer.workspace.resolve(conflict.stage, "remote")
                written.append(str(conflict.stage))
        self._remember(answer.workspace, report.project_id)
        return written

    def _workspace(self, project: str | None, session: str | None) -> Workspace:
        try:
            found = project_of(project).at(session=session)
        except NoProject as error:
            raise ValueError(str(error)) from error
        if self._named:
            return found.at(remote=_address(self._named))
        # The engine also knows the files and variables that the old client did not read.
        is_configured = any(setting.key == "remote" for setting in found.doctor().settings)
        return found if is_configured else found.at(remote=_address(self.agency_url))

    def _link(self, workspace: Workspace, status: Status) -> str | None:
        """Returns the project's id; one that only the config knows becomes the project's."""
        known = self.config.get("project_id")
        if status.project_id is None and isinstance(known, str) and known:
            return workspace.link(known).project_id
        return status.project_id

    def _fetch(self, project_id: str, session: str, address: str) -> Answer:
        """Reads a session of the agency in a folder of its own, which is gone afterwards."""
        with tempfile.TemporaryDirectory(prefix="idse-") as root:
            cloned = clone(project_id, root=root, session=session, remote=address)
            copy = Workspace(root, project=cloned.project, session=session, remote=address)
            there = copy.sync_status().to_dict()
            project = _config(folder(copy) / "metadata" / "project.json")
            texts = {artifact.stage: artifact.text for artifact in copy.load().artifacts}
        return {
            "success": True,
            "project_id": cloned.project_id,
            "session_id": session,
            "name": there["project"],
            "stack": project.get("stack"),
            "framework": project.get("framework"),
            "artifacts": {f"{stage}_md": text for stage, text in texts.items() if text is not None},
            "state_json": {
                "project_name": there["project"],
                "session_id": session,
                "stages": there["stages"],
                "last_agent": there["last_agent"],
            },
            "updated_at": there["last_synced"],
        }

    def _remember(self, workspace: Workspace, project_id: str | None) -> None:
        """Leaves the config as the old client leaves it. An agency in a file is nobody else's."""
        path = self.config_path or folder(workspace) / ".idse" / "config.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked(path.parent):
            config = {**_config(path), "project_id": project_id, "last_sync": datetime.now().isoformat()}
            if self.agency_url.startswith(("http://", "https://")):
                config["agency_url"] = self.agency_url
            write_json(path, config)
        self.config = config


def _address(url: str) -> str:
    """Returns the address for the engine: old addresses are those of the server, without `/sync`."""
    if not url.startswith(("http://", "https://")):
        return url
    url = url.rstrip("/")
    return url if url.endswith("/sync") else f"{url}/sync"


def _config_path(given: str | Path | None) -> Path | None:
    """Returns the config that the old clients would read: the first that exists."""
    if given is not None:
        return Path(given)
    try:
        workspace = project_of(None)
        places = [folder(workspace) / ".idse" / "config.json", workspace.root / ".idse" / "config.json"]
    except (NoProject, IdseError):
        places = []
    return next((path for path in places if path.is_file()), None)


def _config(path: Path | None) -> dict[str, Any]:
    return read_json(path) if path is not None and path.is_file() else {}


def _stage(key: str) -> str | None:
    """Returns the stage that a key of `artifacts` names; a key is never taken for a path."""
    for stage, path in STAGE_PATHS.items():
        if key in (f"{stage}_md", path):
            return stage
    return None


def _write(workspace: Workspace, answer: Mapping[str, Any]) -> list[str]:
    artifacts = answer.get("artifacts")
    session, status, written = workspace.load(), workspace.status(), []
    for key, text in (artifacts if isinstance(artifacts, Mapping) else {}).items():
        stage = _stage(key)
        if stage is None or not isinstance(text, str) or session[stage].text == text:
            continue
        if session[stage].text is None or _is_untouched(workspace, status, stage, session[stage].text or ""):
            workspace.write(stage, text, expected=session[stage].object or "absent")
            written.append(stage)
    return written


def _is_untouched(workspace: Workspace, status: Status, stage: str, text: str) -> bool:
    """Tells whether nobody wrote this text here: it came from the agency, or is the template."""
    line = status[stage]
    if line.sync is not None:
        return line.sync in ("in_sync", "remote_change", "cleared_there")
    place = workspace.at(project=status.project, session=status.session)
    found = place.validate_text(stage, text).diagnostics
    return any(diagnostic.code == "IDSE106" for diagnostic in found)
