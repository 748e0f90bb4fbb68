"""A process of its own for scripts that may end it: reads one script in hex a line, answers its reply in JSON, one a line.

Memory is limited by the system too, and each script by processor time of its own: the process then dies, and the test fails.
"""

from __future__ import annotations

import json
import resource
import signal
import sys

from tests.unit.scripting.lua_host import LuaHost

SECONDS = 20


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
    memory = int(sys.argv[1])
    steps = int(sys.argv[2])
    host = LuaHost(memory)
    for line in sys.stdin:
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        reply = host.eval(bytes.fromhex(line.strip()), steps=steps)
        signal.setitimer(signal.ITIMER_PROF, 0)
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()


main()
