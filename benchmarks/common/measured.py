"""Run a command and write what it took: ``python measured.py OUT.json COMMAND ...``.

A process of its own, and a small one: Linux counts the memory of the process that starts a command
as the command's own peak.
"""

import json
import os
import sys
import time


def main() -> None:
    out, *command = sys.argv[1:]
    begin = time.perf_counter()
    _, status, usage = os.wait4(os.posix_spawnp(command[0], command, os.environ), 0)
    found = {
        "wall": time.perf_counter() - begin,
        "processor": usage.ru_utime + usage.ru_stime,
        "memory": usage.ru_maxrss * 1024 / 1e9,  # Linux counts kilobytes
        "status": os.waitstatus_to_exitcode(status),
    }
    with open(out, "w") as file:
        json.dump(found, file)


if __name__ == "__main__":
    main()
