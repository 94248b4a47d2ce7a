"""The little language of `tests/conformance/wire`: stories of requests, told to a gateway over HTTP."""

import hashlib
import http.client
import json
import re
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[3] / "tests" / "conformance" / "wire"


class Mismatch(AssertionError):
    """An answer is not the one that the story tells."""


def digest(text: str) -> str:
    plain = text.removeprefix("\ufeff").replace("\r\n", "\n")
    return "sha256:" + hashlib.sha256(plain.encode()).hexdigest()


def computed(text: str) -> str | None:
    if text.startswith("{digest:") and text.endswith("}"):
        return digest(text[8:-1])
    if text.startswith("{json-digest:") and text.endswith("}"):
        value = json.loads(text[13:-1])
        return digest(json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")))
    return None


class Story:
    """One telling of a story to the gateway at `host:port`."""

    def __init__(self, content: dict[str, Any], address: str) -> None:
        self.content, self.address = content, address
        self.known: dict[str, Any] = {"name": f"p-{uuid.uuid4().hex[:12]}"}

    def tell(self) -> None:
        for number, step in enumerate(self.content["steps"], 1):
            try:
                self._row(step) if "row" in step else self._request(step)
            except Mismatch as wrong:
                raise Mismatch(f"step {number} ({step.get('request', step.get('row'))}): {wrong}") from None

    def _send(self, line: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], Any]:
        method, path = line.split(" ", 1)
        connection = http.client.HTTPConnection(self.address, timeout=60)
        try:
            connection.request(method, path, body, headers)
        except (BrokenPipeError, ConnectionResetError):
            pass  # whoever refuses a body by its length need not read it
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, found

    def _request(self, step: dict[str, Any]) -> Any:
        line = self.fill(step["request"])
        headers: dict[str, str] = {}
        body = b""
        if "json" in step:
            headers["content-type"] = "application/json"
            body = json.dumps(self.fill(step["json"]), ensure_ascii=False).encode()
        elif "text" in step:
            body = self.fill(step["text"]).encode()
        elif "hex" in step:
            body = bytes.fromhex(step["hex"])
        body *= step.get("repeat", 1)
        headers |= {name: self.fill(value) for name, value in step.get("headers", {}).items()}
        headers = {name: value for name, value in headers.items() if value}
        status, answer_headers, found = self._send(line, headers, body)
        if status != step["status"]:
            raise Mismatch(f"status {status} instead of {step['status']}: {json.dumps(found)[:600]}")
        for name, expected in step.get("answer_headers", {}).items():
            # Starlette names the whole address of another place here.
            value = answer_headers.get(name, "").removeprefix(f"http://{self.address}")
            self.compare(name, expected, value.split(";")[0] if name == "content-type" else value, False)
        for key, exact in (("answer", False), ("exact", True)):
            if key in step:
                self.compare("", step[key], found, exact)
        for key in step.get("absent", []):
            if isinstance(found, dict) and key in found:
                raise Mismatch(f"{key} is there")
        return found

    def _row(self, step: dict[str, Any]) -> None:
        body = {"project_id": self.fill(step["row"])}
        if "session" in step:
            body |= {"session_id": step["session"], "since": None}
        asked = {
            "request": "POST /sync/pull",
            "json": body,
            "status": 200,
            "answer": {"project_id": step["row"]},
        }
        found = self._request(asked)
        for key, field in (("texts", "artifacts"), ("state", "state_json")):
            if key in step:
                self.compare(field, step[key], found[field], True)

    def fill(self, value: Any) -> Any:
        """Puts values in the place of placeholders."""
        if isinstance(value, dict):
            return {self.fill(key): self.fill(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self.fill(each) for each in value]
        if not isinstance(value, str):
            return value
        if own := re.fullmatch(r"\{(.+):new-uuid\}", value):
            return self.known.setdefault(own[1], str(uuid.uuid4()))
        if (made := computed(value)) is not None:
            return made
        for name, known in self.known.items():
            value = value.replace("{" + name + "}", known if isinstance(known, str) else json.dumps(known))
        return value

    def compare(self, at: str, expected: Any, found: Any, exact: bool) -> None:
        if isinstance(expected, dict) and isinstance(found, dict):
            for key, value in expected.items():
                if key not in found:
                    raise Mismatch(f"{at}/{key} is not there")
                self.compare(f"{at}/{key}", value, found[key], exact or key in ("artifacts", "state_json"))
            if exact and (more := found.keys() - expected.keys()):
                raise Mismatch(f"{at}/{more} is there")
        elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
            for number, (one, other) in enumerate(zip(expected, found, strict=True)):
                self.compare(f"{at}/{number}", one, other, exact)
        elif not self._matches(expected, found):
            raise Mismatch(f"{at}: {expected!r} is expected, not {found!r}")

    def _matches(self, expected: Any, found: Any) -> bool:
        is_typed = isinstance(expected, str) and computed(expected) is None
        typed = re.fullmatch(r"\{([^:]*):(.*)\}", expected, re.DOTALL) if is_typed else None
        if typed is None:
            wanted = self.fill(expected)
            return type(wanted) is type(found) and bool(wanted == found)
        if not self._is_of(typed[2], found):
            return False
        if typed[1]:
            self.known[typed[1]] = found
        return True

    def _is_of(self, kind: str, found: Any) -> bool:
        if kind.startswith("contains:"):
            return isinstance(found, str) and kind[9:] in found
        if kind.startswith("contains-item:"):
            try:
                item = json.loads(kind[14:])
            except ValueError:
                item = kind[14:]
            return isinstance(found, list) and self.fill(item) in found
        match kind:
            case "text":
                return isinstance(found, str) and found != ""
            case "number":
                return isinstance(found, int | float) and not isinstance(found, bool)
            case "bool":
                return isinstance(found, bool)
            case "uuid":
                return isinstance(found, str) and str(uuid.UUID(found)) == found.lower()
            case "time":
                zoned = re.fullmatch(r"(.+T[\d:]+)(\.\d+)?(Z|[+-][\d:]+)", str(found))
                return zoned is not None and datetime.fromisoformat(zoned[1]) is not None
        raise ValueError(f"{kind} is no type of the cases")
