"""What happens at the border between Python and the engine: waiting, stopping, panics, odd values."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import idse_core
import pytest
from idse_core import Progress, Workspace, _native


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    idse_core.init("portal", root=tmp_path, session="s1")
    return Workspace(tmp_path, remote=f"sqlite:{tmp_path / 'agency.db'}")


HOLDER = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def held(workspace: Workspace) -> Iterator[None]:
    """Another process holds the agency; two SQLites in one process would not see each other's locks."""
    path = str(workspace.remote).removeprefix("sqlite:")
    command = [sys.executable, "-c", HOLDER, path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        yield
        assert holder.stdin is not None
        holder.stdin.close()


@pytest.fixture
def busy(workspace: Workspace) -> Iterator[Workspace]:
    """An agency that somebody else holds: whoever wants to write waits."""
    assert workspace.push().outcome == "done"
    workspace.write("spec", "# Spec\n\nNew.\n")
    with held(workspace):
        yield workspace


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length:"
NOTHING_THERE = HEAD + b" 2\r\n\r\n[]"
HALF = HEAD + b' 1000\r\n\r\n[{"id":'


@contextlib.contextmanager
def server(to_readers: bytes, to_writers: bytes) -> Iterator[str]:
    """Runs a server of Supabase's protocol that says these bytes to a request; returns its address."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):
                while request := self.request.recv(1 << 16):
                    self.request.sendall(to_readers if request.startswith(b"GET") else to_writers)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as listening:
        listening.daemon_threads = True
        threading.Thread(target=listening.serve_forever, args=(0.01,)).start()
        yield f"http://127.0.0.1:{listening.server_address[1]}"
        listening.shutdown()


def test_other_threads_run_while_a_push_waits(busy: Workspace) -> None:
    turns = 0
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(lambda: busy.push(timeout=0.5))
        while not waiting.done():
            turns += 1
            time.sleep(0.001)
        with pytest.raises(idse_core.IdseError) as caught:
            waiting.result()
    assert caught.value.temporary
    # With the interpreter held this thread would have had one turn or two.
    assert turns > 50


def interrupted(seconds: float, work: Callable[[], object]) -> tuple[float, BaseException | None]:
    """Does the work, presses Ctrl-C, and returns how long after that it was stopped, and by what."""
    pressed = 0.0

    def press() -> None:
        nonlocal pressed
        pressed = time.perf_counter()
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(seconds, press)
    timer.start()
    with pytest.raises(KeyboardInterrupt) as caught:
        work()
    took = time.perf_counter() - pressed
    timer.join()
    return took, caught.value.__cause__


def interrupted_after(seconds: float, work: Callable[[], object]) -> float:
    """Does the work, presses Ctrl-C, and returns how long after that it was stopped, with nothing done."""
    took, cause = interrupted(seconds, work)
    assert isinstance(cause, idse_core.CancelledError)
    return took


def test_ctrl_c_stops_a_push_at_once_and_leaves_everything_whole(busy: Workspace) -> None:
    before = {each.stage: each.object for each in busy.load().artifacts}
    took = min(interrupted_after(0.3, busy.push) for _ in range(3))
    assert took < 0.1
    assert {each.stage: each.object for each in busy.load().artifacts} == before
    # The lock is free, and the next push, once the agency is, does what this one was to do.
    assert busy.set_stage("spec", "in_progress").after == "in_progress"


def test_after_ctrl_c_the_next_push_goes_through(workspace: Workspace) -> None:
    workspace.push()
    workspace.write("spec", "# Spec\n\nNew.\n")
    with held(workspace):
        interrupted_after(0.2, workspace.push)
    report = workspace.push()
    assert report.outcome == "done" and report.moved == ("spec",)


@pytest.mark.parametrize("answer", [b"", HALF], ids=["nothing", "half a body"])
def test_ctrl_c_stops_the_wait_for_a_silent_server(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    before = {each.stage: each.object for each in workspace.load().artifacts}
    with server(answer, answer) as address:
        monkeypatch.setenv("SUPABASE_URL", address)
        monkeypatch.setenv("SUPABASE_ANON_KEY", "eyJhbGciOiJIUzI1NiJ9.e30.c2ln")
        supabase = workspace.at(remote="supabase")
        assert min(interrupted_after(0.3, supabase.push) for _ in range(3)) < 0.1
        with pytest.raises(idse_core.UnavailableError):
            supabase.push(timeout=0.2)
        assert not supabase.status().unsettled
    assert {each.stage: each.object for each in workspace.load().artifacts} == before
    assert workspace.set_stage("spec", "in_progress").after == "in_progress"


@pytest.mark.parametrize("answer", [b"", HALF], ids=["nothing", "half a body"])
def test_a_write_that_ctrl_c_stopped_is_settled_later(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    before = {each.stage: each.object for each in workspace.load().artifacts}
    with server(NOTHING_THERE, answer) as address:
        monkeypatch.setenv("SUPABASE_URL", address)
        monkeypatch.setenv("SUPABASE_ANON_KEY", "eyJhbGciOiJIUzI1NiJ9.e30.c2ln")
        supabase = workspace.at(remote="supabase")
        took, cause = interrupted(0.3, supabase.push)
        assert took < 0.1 and isinstance(cause, idse_core.UnsettledError) and cause.reason == "cancelled"
        assert supabase.status().unsettled
        # The server says that there is no such project: the push did not get there.
        supabase.settle()
        assert not supabase.status().unsettled
    assert {each.stage: each.object for each in workspace.load().artifacts} == before
    assert workspace.set_stage("spec", "in_progress").after == "in_progress"


def test_a_timeout_is_a_timeout(busy: Workspace) -> None:
    start = time.perf_counter()
    with pytest.raises(idse_core.IdseError) as caught:
        busy.push(timeout=0.2)
    assert caught.value.temporary and time.perf_counter() - start < 5
    for wrong in (-1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError):
            busy.push(timeout=wrong)


def test_progress_is_told_on_the_calling_thread(workspace: Workspace) -> None:
    steps: list[tuple[int, Progress]] = []
    workspace.push(progress=lambda step: steps.append((threading.get_ident(), step)))
    assert steps and {thread for thread, _ in steps} == {threading.get_ident()}
    assert all(step.doing and step.done >= 0 for _, step in steps)


def test_what_progress_raises_stops_the_verb(workspace: Workspace) -> None:
    def stop(step: Progress) -> None:
        raise RuntimeError(f"enough of {step.doing}")

    with pytest.raises(RuntimeError, match="enough"):
        workspace.push(progress=stop)
    assert workspace.push().outcome in ("done", "up_to_date")


@pytest.mark.skipif(not getattr(_native, "TESTING", False), reason="built without the hook")
def test_a_panic_is_an_exception_and_kills_nothing(workspace: Workspace) -> None:
    with pytest.raises(idse_core.InternalError, match="asked to panic") as caught:
        _native.call("panic", {})
    assert (caught.value.code, caught.value.reason) == (90, "panic")
    assert workspace.validate().summary.artifacts == 7


def test_many_threads_use_one_workspace(workspace: Workspace) -> None:
    def work(number: int) -> tuple[int, str, str]:
        stage = list(idse_core.Stage)[number % 7]
        workspace.write(stage, f"# {stage} {number}\n")
        workspace.set_stage(stage, "in_progress")
        return (
            workspace.validate(stage).summary.artifacts,
            workspace.status().session,
            workspace.push().outcome,
        )

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(work, range(28)))
    assert all(artifacts == 1 and session == "s1" for artifacts, session, _ in answers)
    assert workspace.push().outcome in ("done", "up_to_date")


def _validated(root: Path, answers: multiprocessing.SimpleQueue[int]) -> None:
    answers.put(Workspace(root).validate().summary.artifacts)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_can_go_on(workspace: Workspace) -> None:
    workspace.validate()
    context = multiprocessing.get_context("fork")
    answers = context.SimpleQueue()
    child = context.Process(target=_validated, args=(workspace.root, answers))
    child.start()
    child.join(30)
    assert child.exitcode == 0 and answers.get() == 7


def test_paths_may_be_anything_that_names_one(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    root = workspace.root
    monkeypatch.chdir(root.parent)
    for same in (root, str(root), os.path.relpath(root), root / "."):
        assert Workspace(same).root == root
    with pytest.raises(TypeError):
        Workspace(os.fsencode(root))  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Workspace(7)  # type: ignore[arg-type]


def test_a_path_that_is_not_utf8_is_refused_in_words(tmp_path: Path) -> None:
    strange = tmp_path / os.fsdecode(b"caf\xe9")
    with contextlib.suppress(OSError):
        strange.mkdir()
    with pytest.raises(idse_core.InvalidArgumentError, match="not Unicode") as caught:
        idse_core.init("portal", root=strange)
    assert caught.value.reason == "schema"


@pytest.mark.skipif(os.name != "posix", reason="names are Unicode here")
def test_a_file_whose_name_is_not_utf8_disturbs_nothing(workspace: Workspace) -> None:
    session = workspace.root / ".idse/projects/portal/sessions/s1"
    try:
        Path(os.fsdecode(os.fsencode(session / "specs") + b"/caf\xe9.md")).write_text("x")
        Path(os.fsdecode(os.fsencode(session.parent) + b"/\xff\xfe")).mkdir()
    except OSError:
        pytest.skip("this file system takes no such names")
    assert workspace.validate().summary.artifacts == 7
    assert [each.session for each in workspace.sessions().sessions] == ["s1"]
    assert workspace.sessions().skipped


@pytest.mark.parametrize("text", ["", "\0", "é\U0001f600", "a" * 100_000, "\r\n\ufeff"])
def test_texts_go_through_as_they_are(text: str) -> None:
    assert idse_core.merge_text(text, text, text).text == text


def test_a_lone_surrogate_is_refused_in_words() -> None:
    with pytest.raises(idse_core.InvalidArgumentError, match="not Unicode"):
        idse_core.merge_text("\ud800", "", "")


def test_odd_arguments_are_refused_in_words(workspace: Workspace) -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ValueError, match="nested"):
        _native.call("merge_text", {"base": deep})
    with pytest.raises(TypeError, match="no JSON form"):
        _native.call("merge_text", {"base": object()})
    with pytest.raises(OverflowError):
        _native.call("merge_text", {"base": 2**80})
    with pytest.raises(idse_core.InvalidArgumentError, match="no verb"):
        _native.call("pusch", {})
    with pytest.raises(idse_core.InvalidArgumentError):
        workspace.set_stage("specs", "complete")
    with pytest.raises(idse_core.InvalidArgumentError):
        workspace.resolve("spec")


def test_calls_are_logged(workspace: Workspace, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="idse_core"):
        workspace.validate()
        with pytest.raises(idse_core.NotFoundError):
            idse_core.explain("IDSE999")
    messages = [record.getMessage() for record in caplog.records]
    assert messages[0].startswith("validate took ") and messages[1].startswith("explain failed after ")
