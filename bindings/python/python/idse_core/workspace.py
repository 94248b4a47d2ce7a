"""A workspace, and everything that can be done in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypedDict, overload

from . import reports as r
from ._engine import OnProgress, StrPath, ask, ask_either, path_text

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Workspace"]


class Workspace:
    """The folder that holds `.idse/`, and which project, session and agency are meant.

    Without `root` it is the nearest workspace upwards of the current folder. Where `project`, `session` or
    `remote` are not given, each verb takes those that are the current ones when it is called. A workspace is
    a value: it can be shared by threads, compared and pickled.

    >>> import idse_core
    >>> idse_core.init("portal", session="s1").session
    's1'
    >>> workspace = Workspace(remote="sqlite:agency.db")
    >>> workspace.write("intent", "# Intent\\n").stage
    <Stage.INTENT: 'intent'>
    >>> workspace.push("intent").outcome
    <Outcome.DONE: 'done'>
    """

    __slots__ = ("_place", "_remote")
    _place: _Place
    _remote: str | None

    def __init__(
        self,
        root: StrPath | None = None,
        *,
        project: str | None = None,
        session: str | None = None,
        remote: str | None = None,
    ) -> None:
        if root is None:
            found = ask(r.WorkspaceInfo, "discover", start=path_text("."))
        else:
            found = ask(r.WorkspaceInfo, "open", root=path_text(root))
        self._fill(found.root, project, session, remote)

    def _fill(self, root: str, project: str | None, session: str | None, remote: str | None) -> None:
        place: _Place = {"root": root, "project": project, "session": session}
        object.__setattr__(self, "_place", place)
        object.__setattr__(self, "_remote", remote)

    @property
    def root(self) -> Path:
        """The folder that holds `.idse/`."""
        from pathlib import Path  # a third of what importing this package would cost

        return Path(self._place["root"])

    @property
    def project(self) -> str | None:
        """The project, where it was named."""
        return self._place["project"]

    @property
    def session(self) -> str | None:
        """The session, where it was named."""
        return self._place["session"]

    @property
    def remote(self) -> str | None:
        """The agency, where it was named."""
        return self._remote

    def at(
        self, *, project: str | None = None, session: str | None = None, remote: str | None = None
    ) -> Workspace:
        """Returns the same workspace with another project, session or agency.

        Another project leaves the session open, since sessions belong to projects.
        """
        kept = None if project not in (None, self.project) else self.session
        return _restore(self._place["root"], project or self.project, session or kept, remote or self._remote)

    # What lies here.

    def projects(self) -> r.Projects:
        """Lists the projects."""
        return ask(r.Projects, "projects", root=self._place["root"])

    def sessions(self) -> r.SessionList:
        """Lists the sessions of the project, the newest first."""
        return ask(r.SessionList, "sessions", **self._project())

    def create_session(self, session: str, *, parent: str | None = None) -> r.InitReport:
        """Makes a session with its artifacts, and makes it the current one."""
        return ask(r.InitReport, "create_session", **self._project(), session=session, parent=parent)

    def switch_session(self, session: str) -> r.SessionSwitch:
        """Makes a session the current one."""
        return ask(r.SessionSwitch, "switch_session", **self._project(), session=session)

    def load(self) -> r.Session:
        """Reads the session: its artifacts, its state and what is wrong with its files."""
        return ask(r.Session, "load", **self._place)

    def write(self, stage: str, text: str, *, expected: str | None = None) -> r.WriteReport:
        """Writes an artifact; what it displaces is kept.

        With `expected`, the `object` that was read before or `"absent"`, only if the file still holds exactly
        that; else it raises `ExistsError`.
        """
        return ask(r.WriteReport, "write", **self._place, stage=stage, text=text, expected=expected)

    def set_stage(self, stage: str, status: str, *, agent: str | None = None) -> r.StageChange:
        """Sets the status of a stage."""
        return ask(r.StageChange, "set_stage", **self._place, stage=stage, status=status, agent=agent)

    # What is wrong with it.

    def validate(
        self,
        *stages: str,
        all: bool = False,
        fix: bool = False,
        update_baseline: bool = False,
        progress: OnProgress | None = None,
        timeout: float | None = None,
    ) -> r.ValidationReport:
        """Checks the artifacts of the session; with `all`, of every session of every project."""
        return ask(
            r.ValidationReport,
            "validate",
            **self._place,
            stages=stages,
            all=all,
            fix=fix,
            update_baseline=update_baseline,
            progress=progress,
            timeout=timeout,
        )

    def validate_text(
        self, stage: str, text: str, *, status: str | None = None, path: str | None = None
    ) -> r.ValidationReport:
        """Checks a text as the artifact of a stage, before it is saved."""
        return ask(
            r.ValidationReport,
            "validate_text",
            **self._place,
            stage=stage,
            text=text,
            status=status,
            path=path,
        )

    def fix(self, *stages: str, all: bool = False, dry_run: bool = False) -> r.FixReport:
        """Mends the findings that can be mended for certain; what a file held is kept."""
        return ask(r.FixReport, "fix", **self._place, stages=stages, all=all, dry_run=dry_run)

    def doctor(self, *, remote_check: bool = False, timeout: float | None = None) -> r.DoctorReport:
        """Examines the workspace and says how to mend what is wrong."""
        return ask(
            r.DoctorReport,
            "doctor",
            **self._project(),
            remote=self._remote,
            remote_check=remote_check,
            timeout=timeout,
        )

    # How it stands to the agency, without a connection unless it is asked for.

    @overload
    def status(
        self,
        *,
        all: Literal[False] = False,
        remote_check: bool = False,
        progress: OnProgress | None = None,
        timeout: float | None = None,
    ) -> r.Status: ...
    @overload
    def status(
        self,
        *,
        all: Literal[True],
        remote_check: bool = False,
        progress: OnProgress | None = None,
        timeout: float | None = None,
    ) -> r.Statuses: ...
    def status(
        self,
        *,
        all: bool = False,
        remote_check: bool = False,
        progress: OnProgress | None = None,
        timeout: float | None = None,
    ) -> r.Status | r.Statuses:
        """Says how far the stages are, and what a sync would do; with `remote_check`, asks the agency."""
        answer: r.Status | r.Statuses = ask_either(
            r.Status,
            r.Statuses,
            "status",
            **self._agency(),
            all=all,
            remote_check=remote_check,
            progress=progress,
            timeout=timeout,
        )
        return answer

    def diff(
        self, *stages: str, against: Literal["base", "remote"] = "base", timeout: float | None = None
    ) -> r.DiffReport:
        """Shows what differs from what both sides agreed on, or from what the agency holds now."""
        return ask(r.DiffReport, "diff", **self._agency(), stages=stages, against=against, timeout=timeout)

    def plan(self, verb: Literal["push", "pull"] = "push", *stages: str) -> r.Plan:
        """Says what a push or a pull would do, from what was last seen of the agency."""
        return ask(r.Plan, "plan", **self._agency(), verb=verb, stages=stages)

    def resolve(
        self,
        stage: str,
        resolution: Literal["local", "remote", "merged"] | None = None,
        *,
        text: str | None = None,
        dry_run: bool = False,
    ) -> r.ResolveReport:
        """Settles a conflict with the file as it is, the agency's text, the kept `merged.md`, or `text`."""
        return ask(
            r.ResolveReport,
            "resolve",
            **self._agency(),
            stage=stage,
            resolution=resolution,
            text=text,
            dry_run=dry_run,
        )

    def undo(self, op: str | None = None, *, force: bool = False, dry_run: bool = False) -> r.UndoReport:
        """Takes back an operation: the last pull, resolve or push, unless `op` names another."""
        return ask(r.UndoReport, "undo", root=self._place["root"], op=op, force=force, dry_run=dry_run)

    # What connects.

    @overload
    def push(
        self,
        *stages: str,
        all: Literal[False] = False,
        dry_run: bool = False,
        agent: str | None = None,
        delete: tuple[str, ...] | list[str] = (),
        allow_empty: bool = False,
        force_clear: bool = False,
        replace_session: bool = False,
        recreate: bool = False,
        new_id: bool = False,
        progress: OnProgress | None = None,
        timeout: float | None = None,
    ) -> r.SyncReport: ...
    @overload
    def push(
        self,
        *stages: str,
        all: Literal[True],
        dry_run: bool = False,
        agent: str | None = None,
        allow_empty: bool = False,
        force_clear: bool = False,
        new_id: bool = False,
        progress: OnProgress | None = None,
        timeout: float | None = None,
    ) -> r.SyncReports: ...
    def push(
        self,
        *stages: str,
        all: bool = False,
        dry_run: bool = False,
        agent: str | None = None,
        delete: tuple[str, ...] | list[str] = (),
        allow_empty: bool = False,
        force_clear: bool = False,
        replace_session: bool = False,
        recreate: bool = False,
        new_id: bool = False,
        progress: OnProgress | None = None,
        timeout: float | None = None,
    ) -> r.SyncReport | r.SyncReports:
        """Sends what changed here to the agency; with `all`, of every session that it can hold.

        A conflict, a closed gate or a blocked file is an answer: look at `outcome`.
        """
        answer: r.SyncReport | r.SyncReports = ask_either(
            r.SyncReport,
            r.SyncReports,
            "push",
            **self._agency(),
            stages=stages,
            all=all,
            dry_run=dry_run,
            agent=agent,
            delete=delete,
            allow_empty=allow_empty,
            force_clear=force_clear,
            replace_session=replace_session,
            recreate=recreate,
            new_id=new_id,
            progress=progress,
            timeout=timeout,
        )
        return answer

    @overload
    def pull(
        self,
        *stages: str,
        all: Literal[False] = False,
        dry_run: bool = False,
        markers: bool = False,
        restore: tuple[str, ...] | list[str] = (),
        accept_clear: bool = False,
        force_clear: bool = False,
        progress: OnProgress | None = None,
        timeout: float | None = None,
    ) -> r.SyncReport: ...
    @overload
    def pull(
        self,
        *stages: str,
        all: Literal[True],
        dry_run: bool = False,
        markers: bool = False,
        restore: tuple[str, ...] | list[str] = (),
        accept_clear: bool = False,
        force_clear: bool = False,
        progress: OnProgress | None = None,
        timeout: float | None = None,
    ) -> r.SyncReports: ...
    def pull(
        self,
        *stages: str,
        all: bool = False,
        dry_run: bool = False,
        markers: bool = False,
        restore: tuple[str, ...] | list[str] = (),
        accept_clear: bool = False,
        force_clear: bool = False,
        progress: OnProgress | None = None,
        timeout: float | None = None,
    ) -> r.SyncReport | r.SyncReports:
        """Writes what changed in the agency into the files here; what both sides changed is merged by lines.

        What overlaps is a conflict: the file stays as it is, the texts are kept, `resolve` settles it.
        """
        answer: r.SyncReport | r.SyncReports = ask_either(
            r.SyncReport,
            r.SyncReports,
            "pull",
            **self._agency(),
            stages=stages,
            all=all,
            dry_run=dry_run,
            markers=markers,
            restore=restore,
            accept_clear=accept_clear,
            force_clear=force_clear,
            progress=progress,
            timeout=timeout,
        )
        return answer

    def link(
        self, name: str, *, progress: OnProgress | None = None, timeout: float | None = None
    ) -> r.LinkReport:
        """Ties the project here to one that the agency already has, by its name there or its id."""
        return ask(
            r.LinkReport,
            "link",
            **self._project(),
            remote=self._remote,
            name=name,
            progress=progress,
            timeout=timeout,
        )

    def sync_status(
        self, *, progress: OnProgress | None = None, timeout: float | None = None
    ) -> r.RemoteStatus:
        """Says what the agency holds of the project."""
        return ask(r.RemoteStatus, "sync_status", **self._agency(), progress=progress, timeout=timeout)

    def list_remote(
        self, *, progress: OnProgress | None = None, timeout: float | None = None
    ) -> r.RemoteProjects:
        """Lists the projects that the agency holds."""
        root = self._place["root"]
        return ask(
            r.RemoteProjects,
            "list_remote",
            root=root,
            remote=self._remote,
            progress=progress,
            timeout=timeout,
        )

    def health(self, *, timeout: float | None = None) -> r.Health:
        """Asks the agency whether it is well."""
        return ask(r.Health, "health", **self._project(), remote=self._remote, timeout=timeout)

    def settle(self, *, progress: OnProgress | None = None, timeout: float | None = None) -> r.SettleReport:
        """Finds out what became of a push whose reply was lost."""
        return ask(r.SettleReport, "settle", **self._agency(), progress=progress, timeout=timeout)

    # A value.

    def _project(self) -> dict[str, Any]:
        return {"root": self._place["root"], "project": self._place["project"]}

    def _agency(self) -> dict[str, Any]:
        return {**self._place, "remote": self._remote}

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"Workspace is frozen: cannot set {name}")

    def __eq__(self, other: object) -> bool:
        return self._key() == other._key() if isinstance(other, Workspace) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[str, str | None, str | None, str | None]:
        return self._place["root"], self.project, self.session, self._remote

    def __reduce__(self) -> tuple[object, ...]:
        return _restore, self._key()

    def __repr__(self) -> str:
        named = {"project": self.project, "session": self.session, "remote": self._remote}
        given = "".join(f", {name}={value!r}" for name, value in named.items() if value is not None)
        return f"Workspace({self._place['root']!r}{given})"


class _Place(TypedDict):
    root: str
    project: str | None
    session: str | None


def _restore(root: str, project: str | None, session: str | None, remote: str | None) -> Workspace:
    workspace = object.__new__(Workspace)
    workspace._fill(root, project, session, remote)
    return workspace
