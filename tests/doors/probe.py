"""What the Python door costs: probe.py WORKSPACE CALLS. Says its loading and each fastest call in milliseconds."""

import sys
from time import perf_counter

start = perf_counter()
import idse_core  # noqa: E402 - its loading is measured

print(f"load {(perf_counter() - start) * 1000:.4f}")


def measure(name, calls, work):
    best = float("inf")
    for _ in range(calls):
        start = perf_counter()
        answer = work()
        best = min(best, perf_counter() - start)
    print(f"{name} {best * 1000:.4f}")
    return answer


calls = int(sys.argv[2])
workspace = idse_core.Workspace(sys.argv[1])
assert measure("validate", calls, workspace.validate).summary.artifacts == 7
measure("version", calls, idse_core.version)
