"""Runs a program and writes what it cost: measure.py REPORT PROGRAM ARGUMENT...

Imports next to nothing: what this process has in memory when it starts the other is counted as the other's.
"""

import json
import os
import sys
import time

report, program = sys.argv[1], sys.argv[2:]
began, start = time.time(), time.monotonic()
child = os.posix_spawn(program[0], program, os.environ)
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
            "exit_code": os.waitstatus_to_exitcode(status),
        },
        file,
    )
