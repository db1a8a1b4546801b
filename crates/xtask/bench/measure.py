"""Runs a program and writes what it cost: measure.py [--sample] REPORT PROGRAM ARGUMENT...

Imports next to nothing: what this process has in memory when it starts the other is counted as the other's.

With --sample, looks all the time at how much memory the program has beside mapped files, which the system keeps no
maximum of.
"""

import json
import os
import sys
import time

arguments = sys.argv[1:]
is_sampled = arguments[0] == "--sample"
report, *program = arguments[is_sampled:]


def own_kib(process):
    """What the process has in memory that is of no file."""
    try:
        with open(f"/proc/{process}/status", encoding="ascii", errors="replace") as file:
            fields = dict(line.split(":", 1) for line in file if ":" in line)
        return sum(int(fields.get(name, "0").split()[0]) for name in ("RssAnon", "RssShmem"))
    except (OSError, ProcessLookupError):
        return 0


began, start = time.time(), time.monotonic()
child = os.posix_spawn(program[0], program, os.environ)
most_kib, ended_child = 0, 0
while is_sampled and not ended_child:
    ended_child, status, usage = os.wait4(child, os.WNOHANG)
    most_kib = max(most_kib, own_kib(child) if not ended_child else 0)
    time.sleep(0.001)
if not is_sampled:
    _, status, usage = os.wait4(child, 0)
wall, ended = time.monotonic() - start, time.time()
with open(report, "w", encoding="utf-8") as file:
    json.dump(
        {
            "began": began,
            "ended": ended,
            "wall_seconds": wall,
            "cpu_seconds": usage.ru_utime + usage.ru_stime,
            "peak_mib": usage.ru_maxrss / 1024,
            "own_mib": most_kib / 1024,
            "exit_code": os.waitstatus_to_exitcode(status),
        },
        file,
    )
