"""The /sync routes of an existing FastAPI backend, served by idse_core.

uvicorn app:app        (IDSE_STORE=sqlite:agency.db, or supabase with its usual variables)
"""

import logging
import os
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from idse_core.gateway import Agency, Answer
from pydantic import BaseModel
from starlette.exceptions import HTTPException as StarletteHTTPException

MAX_BODY = 17 * 1024 * 1024
log = logging.getLogger("uvicorn.error")
agency = Agency(
    os.environ.get("IDSE_STORE"),
    displaced=os.environ.get("IDSE_DISPLACED"),
    require_base=os.environ.get("IDSE_REQUIRE_BASE") == "1",
)
app = FastAPI(title="IDSE Agency", summary="The sync protocol, served by idse_core.")


class PushBody(BaseModel):
    """What a push may hold, for the documentation; the engine reads the body itself, and strictly."""

    project_id: str | None = None
    project_name: str | None = None
    stack: str | None = "python"
    framework: str | None = None
    session_id: str | None = None
    artifacts: dict[str, str]
    nulls: list[str] | None = None
    state_json: dict[str, Any] | None = None
    base: dict[str, str | None] | None = None
    state_base: str | None = None
    revision: str | None = None
    op: str | None = None
    create: bool = False


class PullBody(BaseModel):
    """What a pull may hold."""

    project_id: str
    session_id: str | None = None
    since: str | None = None


class Problem(BaseModel):
    """Every error (RFC 9457); a conflict (409) also names the stages, in `conflicts`."""

    type: str
    title: str
    status: int
    detail: str
    kind: str
    code: int
    reason: str
    hint: str | None
    temporary: bool


def sent(answer: Answer) -> Response:
    if answer.log and not 400 <= answer.status < 500:
        log.warning("%s: %s", answer.status, answer.log)
    return Response(answer.body, answer.status, answer.headers, answer.media_type)


def form(schema: type[BaseModel]) -> dict[str, Any]:
    content = {"application/json": {"schema": schema.model_json_schema()}}
    return {"requestBody": {"required": True, "content": content}}


async def json_body(request: Request) -> bytes:
    media_type = request.headers.get("content-type", "application/json").split(";")[0].strip().lower()
    if media_type != "application/json" or "content-encoding" in request.headers:
        raise HTTPException(415, "the body must be sent as application/json, without a content encoding")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise HTTPException(413, f"the body is longer than {MAX_BODY} bytes", {"connection": "close"})
    return bytes(body)


@app.exception_handler(StarletteHTTPException)
async def refused(_: Request, error: StarletteHTTPException) -> Response:
    response = sent(Agency.refuse(error.status_code, error.detail))
    response.headers.update(error.headers or {})
    return response


# What every route may answer beside its own answer, for the documentation.
ERRORS: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "It could not be done.",
        "content": {"application/problem+json": {"schema": Problem.model_json_schema()}},
    }
}
Body = Annotated[bytes, Depends(json_body)]


# Plain `def`: they run on FastAPI's thread pool, and the engine lets go of the GIL: the event loop goes on.
@app.post("/sync/push", openapi_extra=form(PushBody), responses=ERRORS)
def push(body: Body) -> Response:
    """Stores artifacts; with `base` only over exactly what it names, else answered with 409."""
    return sent(agency.push(body, subject="local"))


@app.post("/sync/pull", openapi_extra=form(PullBody), responses=ERRORS)
def pull(body: Body) -> Response:
    """Returns one session."""
    return sent(agency.pull(body))


@app.get("/sync/status/{project_id}", responses=ERRORS)
def status(project_id: str) -> Response:
    """Says how far the session is that was pushed last."""
    return sent(agency.status(project_id))


@app.get("/sync/projects", responses=ERRORS)
def projects(id: str | None = None, name: str | None = None) -> Response:
    """Lists projects, the one written last first."""
    return sent(agency.projects(id=id, name=name))


@app.get("/sync/health")
def health() -> Response:
    """Says how the agency feels; 200 in both cases."""
    return sent(agency.health())
