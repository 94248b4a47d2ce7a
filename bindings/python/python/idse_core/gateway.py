"""An agency behind a server that is written in Python: what the `/sync` routes of a gateway answer.

>>> from idse_core.gateway import Agency
>>> agency = Agency("sqlite:agency.db")
>>> answer = agency.push(b'{"project_name": "portal", "artifacts": {"spec_md": "# Spec"}}')
>>> answer.status, answer.media_type
(200, 'application/json')
>>> agency.projects(name="portal").json()["count"]
1

The requests and answers are those of `idse-gateway`: what went wrong is in the answer, as problem+json with
the status that the gateway gives it, and nothing is raised. Every method may be called from any thread, lets
go of the GIL while it waits for the agency, and blocks: in an asynchronous server call it on a thread.
"""

from __future__ import annotations

import json
import os
from typing import Any, NamedTuple

from . import _native

__all__ = ["Agency", "Answer"]


class Answer(NamedTuple):
    """The answer to a request."""

    status: int
    """The status."""
    media_type: str
    """The media type of the body: `application/json`, or `application/problem+json`."""
    headers: dict[str, str]
    """Further headers, their names in lower case."""
    body: bytes
    """The body."""
    log: str | None
    """What a log should say where something went wrong. It may name files, which no client is told."""

    def json(self) -> Any:
        """Returns the body as Python has it."""
        return json.loads(self.body)


class Agency:
    """An agency that a gateway stands before."""

    def __init__(
        self,
        address: str | None = None,
        *,
        displaced: str | os.PathLike[str] | None = None,
        require_base: bool = False,
    ) -> None:
        """Opens `sqlite:PATH`, or `supabase` as the environment names it; without an address idse's own.

        A push that does not say what it replaces is taken, and what it replaces is kept: in the SQLite file,
        else in the folder `displaced`. With `require_base` such a push is refused.

        Raises `ConfigError` for another address or a missing key, and what opening the agency reports.
        """
        self._native = _native.Agency(
            address, None if displaced is None else os.path.abspath(os.fspath(displaced)), require_base
        )

    def push(self, body: bytes, *, subject: str = "local") -> Answer:
        """Answers `POST /sync/push`; `subject` is who sent it, as is noted beside what the push displaces."""
        return _answer(self._native.push(body, subject))

    def pull(self, body: bytes) -> Answer:
        """Answers `POST /sync/pull`."""
        return _answer(self._native.pull(body))

    def status(self, project_id: str, session_id: str | None = None) -> Answer:
        """Answers `GET /sync/status/{project_id}`, or `GET /sync/status/{project_id}/{session_id}`."""
        return _answer(self._native.status(project_id, session_id))

    def change_status(
        self, project_id: str, session_id: str, body: bytes, *, subject: str = "local"
    ) -> Answer:
        """Answers `PUT /sync/status/{project_id}/{session_id}`."""
        return _answer(self._native.change_status(project_id, session_id, body, subject))

    def projects(self, *, id: str | None = None, name: str | None = None) -> Answer:
        """Answers `GET /sync/projects`, `?id=` or `?name=`."""
        return _answer(self._native.projects(id, name))

    def blueprints(self) -> Answer:
        """Answers `GET /sync/blueprints`."""
        return _answer(self._native.blueprints())

    def health(self) -> Answer:
        """Answers `GET /sync/health`."""
        return _answer(self._native.health())

    @staticmethod
    def refuse(status: int, detail: str) -> Answer:
        """Returns the answer to a request that the server itself refuses: every error has one form."""
        return _answer(_native.Agency.refuse(status, detail))


def _answer(parts: tuple[int, str, list[tuple[str, str]], bytes, str | None]) -> Answer:
    status, media_type, headers, body, log = parts
    return Answer(status, media_type, dict(headers), body, log)
