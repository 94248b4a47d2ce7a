"""The application answers as `idse-gateway` does: the same cases, over HTTP."""

import http.client
import json
import os
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from idse_core import ConfigError
from idse_core.gateway import Agency
from stories import FOLDER, Story

SERVED = ("POST /sync/push", "POST /sync/pull", "GET /sync/status/", "GET /sync/projects", "GET /sync/health")
# These ask for routes, among others, that the example leaves out.
LEFT_OUT = {"blueprints", "live-and-ready", "session-status"}


def stories() -> dict[str, dict[str, Any]]:
    every = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(FOLDER.glob("*.json"))}
    ours = {name: story for name, story in every.items() if story.get("ours", True)}
    for story in ours.values():
        # A question by itself, for a route that the example leaves out.
        story["steps"] = [step for step in story["steps"] if "/sync/sessions/" not in step.get("request", "")]
    return {name: story for name, story in ours.items() if "role" not in story}


STORIES = stories()


def test_the_cases_that_are_left_out_ask_for_something_else() -> None:
    for name in LEFT_OUT:
        lines = [step["request"] for step in STORIES[name]["steps"] if "request" in step]
        assert not all(line.startswith(SERVED) and line.count("/") < 4 for line in lines), name
    assert len(STORIES) - len(LEFT_OUT) > 25


@pytest.mark.parametrize("name", sorted(STORIES.keys() - LEFT_OUT))
def test_case(name: str, gateway: str) -> None:
    Story(STORIES[name], gateway).tell()


def ask(address: str, method: str, path: str, body: Any = None) -> tuple[int, str, bytes]:
    connection = http.client.HTTPConnection(address, timeout=60)
    connection.request(method, path, None if body is None else json.dumps(body))
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, answer.getheader("content-type", ""), text


def test_it_stands_before_the_agency_that_was_named(gateway: str) -> None:
    health = json.loads(ask(gateway, "GET", "/sync/health")[2])
    assert health["sessions"] == ("one" if "SUPABASE_URL" in os.environ else "many")
    assert health["guard"] == "row_version"


def test_fastapi_s_own_page_describes_every_route(gateway: str) -> None:
    status, media_type, page = ask(gateway, "GET", "/docs")
    assert status == 200 and media_type.startswith("text/html") and b"swagger" in page
    document = json.loads(ask(gateway, "GET", "/openapi.json")[2])
    routes = {f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item}
    assert routes == {
        "POST /sync/push",
        "POST /sync/pull",
        "GET /sync/status/{project_id}",
        "GET /sync/projects",
        "GET /sync/health",
    }
    push = document["paths"]["/sync/push"]["post"]
    assert "artifacts" in push["requestBody"]["content"]["application/json"]["schema"]["properties"]
    assert "422" not in push["responses"] and "default" in push["responses"]


def test_the_event_loop_goes_on_while_the_engine_works(gateway: str) -> None:
    """A long push holds up neither the loop nor the other threads."""
    name = f"long-{time.time_ns()}"
    big = {"project_name": name, "artifacts": {"spec_md": "x\r\n" * 2_000_000}}
    done = threading.Event()

    def push() -> None:
        try:
            assert ask(gateway, "POST", "/sync/push", big)[0] == 200
        finally:
            done.set()

    thread = threading.Thread(target=push)
    thread.start()
    answered = 0
    while not done.is_set():
        assert ask(gateway, "GET", "/sync/health")[0] == 200
        answered += 1
    thread.join()
    assert answered > 1


def test_what_an_unguarded_push_replaces_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "agency.db"
    agency = Agency(f"sqlite:{file}")
    first = agency.push(b'{"project_name": "portal", "artifacts": {"spec_md": "# One"}}').json()
    body = {"project_id": first["project_id"], "artifacts": {"spec_md": "# Two"}}
    assert agency.push(json.dumps(body).encode(), subject="alice").status == 200
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("select text, subject from displaced").fetchall() == [("# One", "alice")]

    body["artifacts"] = {"spec_md": "# Three"}
    strict = Agency(f"sqlite:{file}", require_base=True).push(json.dumps(body).encode())
    assert (strict.status, strict.media_type) == (409, "application/problem+json")


def test_an_agency_that_cannot_be_opened_says_so() -> None:
    with pytest.raises(ConfigError, match="sqlite:PATH"):
        Agency("mysql://nobody")
