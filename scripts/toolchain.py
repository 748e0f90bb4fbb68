"""Whether this machine can compile redpoll.  For setup.py, and for the Makefile before anything is installed.

As a program it prints `compiled` or `pure`; with `--notice`, the reason why it is not `compiled`.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import sysconfig


def why_pure() -> str:
    """Why redpoll cannot be compiled here; empty if it can."""
    if os.environ.get("REDPOLL_PURE", "0") not in ("", "0"):
        return "REDPOLL_PURE is set"
    compiler = os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc"
    if os.name == "posix" and shutil.which(shlex.split(compiler)[0]) is None:
        return f"no C compiler was found ({compiler}); install gcc or clang, or set CC"
    header = os.path.join(sysconfig.get_path("include"), "Python.h")
    if not os.path.exists(header):
        return f"Python's C headers are missing ({header}); install them (Debian: python3-dev)"
    return ""


def notice(reason: str) -> str:
    """The message of the build when nothing is compiled."""
    return f"redpoll: NOT COMPILED: {reason}. The same files run interpreted, several times slower."


if __name__ == "__main__":
    reason = why_pure()
    if "--notice" in sys.argv:
        print(notice(reason), file=sys.stderr)
    else:
        print("pure" if reason else "compiled")
