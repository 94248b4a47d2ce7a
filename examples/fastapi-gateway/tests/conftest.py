"""The application, started as its user starts it: by uvicorn, on the loopback interface."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parents[1]


def serve(folder: Path, variables: dict[str, str]) -> Iterator[str]:
    # Bound here and handed on: nobody can take the port in between.
    listening = socket.create_server(("127.0.0.1", 0))
    with listening as listener, (folder / "uvicorn.log").open("wb") as log:
        port = listener.getsockname()[1]
        with subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "--app-dir", HERE, "--fd", str(listener.fileno()), "app:app"],
            pass_fds=[listener.fileno()],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "HOME": str(folder)} | variables,
            stdout=log,
            stderr=log,
        ) as server:
            try:
                wait(server, folder / "uvicorn.log")
                yield f"127.0.0.1:{port}"
            finally:
                server.terminate()


def wait(server: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 60
    while b"startup complete" not in log.read_bytes():
        assert server.poll() is None and time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Before a SQLite file, or before the Supabase project that `SUPABASE_URL` names."""
    folder = tmp_path_factory.mktemp("gateway")
    supabase = {name: value for name, value in os.environ.items() if name.startswith("SUPABASE_")}
    store = "supabase" if supabase else f"sqlite:{folder / 'agency.db'}"
    yield from serve(folder, {"IDSE_STORE": store, "IDSE_DISPLACED": str(folder / "displaced")} | supabase)
