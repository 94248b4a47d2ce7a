"""What the door costs: overhead.py PROGRAM WORKSPACE, with PROGRAM made of overhead.rs."""

from __future__ import annotations

import subprocess
import sys
from time import perf_counter

IMPORT = "from time import perf_counter as c; a = c(); import idse_core; print((c() - a) * 1000)"


def fastest(rounds: int, work: object) -> float:
    best = float("inf")
    for _ in range(rounds):
        start = perf_counter()
        assert callable(work)
        work()
        best = min(best, perf_counter() - start)
    return best * 1000


def main(program: str, root: str) -> int:
    import idse_core

    workspace = idse_core.Workspace(root)
    rounds = []
    for _ in range(5):
        rust = float(subprocess.run([program, root], capture_output=True, check=True, text=True).stdout)
        rounds.append((rust, fastest(300, workspace.validate)))
    rust, door = (min(each) for each in zip(*rounds, strict=True))
    command = [sys.executable, "-I", "-c", IMPORT]
    loads = [float(subprocess.run(command, capture_output=True, check=True).stdout) for _ in range(15)]
    print(f"validating a session: {rust:.3f} ms in Rust, {door:.3f} ms here, {door / rust:.2f} times")
    print(f"importing the module: {min(loads):.1f} ms (median {sorted(loads)[len(loads) // 2]:.1f} ms)")
    return 0 if door / rust <= 1.2 and min(loads) <= 30 else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
