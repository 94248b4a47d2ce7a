"""The session metadata of the existing tools: `metadata/session.json`, and questions over all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from ._files import locked, read_json, read_text, write_json

BLUEPRINT = "__blueprint__"
SESSION_TYPES = ("blueprint", "feature", "exploratory")
SESSION_STATUSES = ("draft", "in_progress", "review", "complete", "archived")
ROLES = ("owner", "contributor", "reviewer", "viewer")


def _now() -> str:
    return datetime.now().isoformat()


@dataclass
class Collaborator:
    """Somebody who works on a session."""

    name: str
    role: str = "contributor"
    joined_at: str = field(default_factory=_now)

    def __post_init__(self) -> None:
        _one_of("role", self.role, ROLES)

    def to_dict(self) -> dict[str, Any]:
        """Returns the object as the file holds it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, value: Mapping[str, Any] | str, joined_at: str | None = None) -> Collaborator:
        """Makes one of what a file holds; some files hold the bare name."""
        if isinstance(value, str):
            value = {"name": value}
        return cls(
            str(value["name"]),
            str(value.get("role", "contributor")),
            str(value.get("joined_at") or joined_at or _now()),
        )


@dataclass
class SessionMetadata:
    """What `metadata/session.json` says of a session.

    >>> metadata = SessionMetadata("s1", "s1", "feature")
    >>> metadata.add_tag("billing")
    >>> metadata.save("sessions/s1")
    >>> SessionMetadata.load("sessions/s1").tags
    ['billing']
    """

    session_id: str
    name: str
    session_type: str
    description: str | None = None
    is_blueprint: bool = False
    parent_session: str | None = None
    related_sessions: list[str] = field(default_factory=list)
    owner: str = "system"
    collaborators: list[Collaborator] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    status: str = "draft"
    created_at: str = field(default_factory=_now)
    updated_at: str = field(default_factory=_now)

    def __post_init__(self) -> None:
        _one_of("session_type", self.session_type, SESSION_TYPES)
        _one_of("status", self.status, SESSION_STATUSES)

    @classmethod
    def load(cls, session_path: str | Path) -> SessionMetadata:
        """Reads the metadata of a session folder."""
        path = _file(session_path)
        if not path.is_file():
            raise FileNotFoundError(f"Session metadata not found: {path}")
        return cls.from_dict(read_json(path))

    def save(self, session_path: str | Path) -> None:
        """Writes the metadata; keys of the file that this class does not know stay."""
        self.__post_init__()
        path = _file(session_path)
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked(path.parent):
            write_json(path, {**(read_json(path) if path.is_file() else {}), **self.to_dict()})

    def update(self, session_path: str | Path, **changes: Any) -> None:
        """Sets fields and writes the metadata."""
        known = {each.name for each in fields(self)}
        unknown = sorted(changes.keys() - known)
        if unknown:
            raise ValueError(f"Unknown field: {', '.join(unknown)}")
        before = {name: getattr(self, name) for name in changes}
        for name, value in changes.items():
            setattr(self, name, value)
        try:
            self.__post_init__()
        except ValueError:
            for name, value in before.items():
                setattr(self, name, value)
            raise
        self.updated_at = changes.get("updated_at") or _now()
        self.save(session_path)

    def add_collaborator(self, name: str, role: str = "contributor") -> None:
        """Adds somebody; who is there already gets the role."""
        new = Collaborator(name, role)
        for each in self.collaborators:
            if each.name == name:
                each.role = new.role
                return
        self.collaborators.append(new)

    def remove_collaborator(self, name: str) -> None:
        """Removes somebody."""
        self.collaborators = [each for each in self.collaborators if each.name != name]

    def add_tag(self, tag: str) -> None:
        """Adds a tag once."""
        if tag not in self.tags:
            self.tags.append(tag)

    def remove_tag(self, tag: str) -> None:
        """Removes a tag."""
        self.tags = [each for each in self.tags if each != tag]

    def add_related_session(self, session_id: str) -> None:
        """Adds a related session once."""
        if session_id not in self.related_sessions:
            self.related_sessions.append(session_id)

    def to_dict(self) -> dict[str, Any]:
        """Returns the object as the file holds it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> SessionMetadata:
        """Makes the metadata of what a file holds; a missing field that is required is a `KeyError`."""
        created = str(value["created_at"])
        collaborators = value.get("collaborators") or []
        return cls(
            session_id=str(value["session_id"]),
            name=str(value["name"]),
            session_type=str(value["session_type"]),
            description=value.get("description"),
            is_blueprint=bool(value["is_blueprint"]),
            parent_session=value.get("parent_session"),
            related_sessions=list(value.get("related_sessions") or []),
            owner=str(value["owner"]),
            collaborators=[Collaborator.from_dict(each, created) for each in collaborators],
            tags=list(value.get("tags") or []),
            status=str(value["status"]),
            created_at=created,
            updated_at=str(value["updated_at"]),
        )

    @classmethod
    def legacy(cls, session_path: Path) -> SessionMetadata:
        """Makes the metadata of a session that has none."""
        said = _owner_file(session_path / "metadata" / ".owner")
        is_blueprint = session_path.name == BLUEPRINT
        created = said.get("Created") or datetime.fromtimestamp(session_path.stat().st_mtime).isoformat()
        return cls(
            session_id=session_path.name,
            name=session_path.name,
            session_type="blueprint" if is_blueprint else "feature",
            description="Legacy session (no metadata)",
            is_blueprint=is_blueprint,
            parent_session=None if is_blueprint else BLUEPRINT,
            owner=said.get("Owner") or said.get("Client ID") or "system",
            tags=["legacy"],
            created_at=created,
            updated_at=created,
        )


class SessionManager:
    """The sessions of a project, by what their metadata says. A session without metadata is `legacy`."""

    def __init__(self, project_path: str | Path) -> None:
        self.project_path: Path = Path(project_path)
        self.sessions_path: Path = self.project_path / "sessions"

    def list_sessions(
        self,
        session_type: str | None = None,
        status: str | None = None,
        tag: str | None = None,
        include_legacy: bool = True,
    ) -> list[SessionMetadata]:
        """Returns the sessions, the newest first; only those that are what is asked for."""
        return [
            each
            for each in self._all()
            if (session_type is None or each.session_type == session_type)
            and (status is None or each.status == status)
            and (tag is None or tag in each.tags)
            and (include_legacy or "legacy" not in each.tags)
        ]

    def search_sessions(self, query: str) -> list[SessionMetadata]:
        """Returns the sessions whose id, name or description holds the text, whatever its case."""
        wanted = query.lower()
        return [
            each
            for each in self._all()
            if any(wanted in (text or "").lower() for text in (each.session_id, each.name, each.description))
        ]

    def get_session(self, session_id: str) -> SessionMetadata | None:
        """Returns a session; `None`: there is none of that id."""
        return next((each for each in self._all() if each.session_id == session_id), None)

    def get_session_lineage(self, session_id: str) -> dict[str, Any]:
        """Returns the session, its parent, its children and its related ones."""
        sessions = {each.session_id: each for each in self._all()}
        session = sessions.get(session_id)
        if session is None:
            raise FileNotFoundError(f"Session not found: {session_id}")
        return {
            "session": session,
            "parent": sessions.get(session.parent_session or ""),
            "children": [each for each in sessions.values() if each.parent_session == session_id],
            "related": [sessions[each] for each in session.related_sessions if each in sessions],
        }

    def get_blueprint_session(self) -> SessionMetadata | None:
        """Returns the session that describes the project."""
        return next((each for each in self._all() if each.is_blueprint), None)

    def get_feature_sessions(self) -> list[SessionMetadata]:
        """Returns the feature sessions, the newest first."""
        return self.list_sessions(session_type="feature")

    def get_orphaned_sessions(self) -> list[SessionMetadata]:
        """Returns the sessions whose parent has no folder."""
        return [
            each
            for each in self._all()
            if each.parent_session and not (self.sessions_path / each.parent_session).is_dir()
        ]

    def get_statistics(self) -> dict[str, Any]:
        """Returns how many sessions there are, by type and by status."""
        sessions = self._all()
        return {
            "total": len(sessions),
            "by_type": dict(Counter(each.session_type for each in sessions)),
            "by_status": dict(Counter(each.status for each in sessions)),
            "legacy": sum("legacy" in each.tags for each in sessions),
            "orphaned": len(self.get_orphaned_sessions()),
        }

    def _all(self) -> list[SessionMetadata]:
        folders = self.sessions_path.iterdir() if self.sessions_path.is_dir() else ()
        found = [_of(folder) for folder in folders if folder.is_dir() and not folder.name.startswith(".")]
        return sorted(found, key=lambda each: (each.created_at, each.session_id), reverse=True)


def _of(folder: Path) -> SessionMetadata:
    """Returns the metadata of a session folder; a file that cannot be used counts as none."""
    try:
        return SessionMetadata.load(folder)
    except (OSError, ValueError, KeyError, TypeError):
        return SessionMetadata.legacy(folder)


def _file(session_path: str | Path) -> Path:
    return Path(session_path) / "metadata" / "session.json"


def _owner_file(path: Path) -> dict[str, str]:
    try:
        lines = read_text(path).splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    pairs = (line.partition(":") for line in lines)
    return {key.strip(): value.strip() for key, colon, value in pairs if colon}


def _one_of(name: str, value: str, known: Iterable[str]) -> None:
    if value not in known:
        raise ValueError(f"Invalid {name.replace('_', ' ')}: {value}")
