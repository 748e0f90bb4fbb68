"""This process as the system sees it: its memory, its limits, its place in the background."""

from __future__ import annotations

import ctypes
import os
import resource
import sys


def resident_bytes() -> int:
    """Memory of this process that is in RAM, in bytes; its greatest where the system does not tell the present."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * resource.getpagesize()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def open_files_limit() -> int:
    """How many descriptors this process may have."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return limit if limit != resource.RLIM_INFINITY else 1 << 40


def raise_open_files_limit(wanted: int) -> str:
    """Have at least `wanted` descriptors, or as many as the system allows; its reason if they are fewer."""
    reason = ""
    present, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if present == resource.RLIM_INFINITY:
        return ""
    count = wanted
    while count > present:
        unbounded = hard == resource.RLIM_INFINITY or hard >= count
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard if unbounded else count))
            break
        except (OSError, ValueError) as refused:
            reason = str(refused)
            # Above the hard limit only a privileged process gets anything; what is within it is always allowed.
            count = max(hard, present) if not unbounded else count - 16
    return reason


def greatest_listen_backlog() -> int:
    """The greatest length of a queue of new connections that the system allows; 0 if it does not tell."""
    try:
        with open("/proc/sys/net/core/somaxconn", "rb") as file:
            return int(file.read())
    except (OSError, ValueError):
        return 0


def open_standard_streams() -> None:
    """Open the null device in place of a standard stream that the program was started without.

    Else the first sockets would get its number, and what is written to the stream would go to a client.
    """
    for stream in range(3):
        try:
            os.fstat(stream)
        except OSError:
            # The lowest free number is this one.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    sys.stdin = sys.stdin or os.fdopen(0, closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)


def go_to_background() -> None:
    """Go on as a child of the system without a terminal, its standard streams on /dev/null; the parent ends here."""
    if os.fork() != 0:
        os._exit(0)
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(null, stream)
    if null > 2:
        os.close(null)


OOM_SCORE = "/proc/self/oom_score_adj"


def oom_score() -> int:
    """How gladly the kernel ends this process when memory runs out, from -1000 to 1000; 0 if it does not tell."""
    try:
        with open(OOM_SCORE, "rb") as file:
            return int(file.read())
    except (OSError, ValueError):
        return 0


def set_oom_score(score: int) -> str:
    """Tell the kernel; return the reason if it refuses."""
    try:
        with open(OOM_SCORE, "wb", buffering=0) as file:
            file.write(b"%d\n" % score)
    except OSError as refused:
        return refused.strerror or str(refused)
    return ""


def write_pid(path: str) -> str:
    """Write this process's id into a file; return the reason if that fails."""
    try:
        with open(path, "wb") as file:
            file.write(b"%d\n" % os.getpid())
    except OSError as refused:
        return refused.strerror or str(refused)
    return ""


def remove_file(path: str) -> None:
    """Remove a file if it is there."""
    try:
        os.unlink(path)
    except OSError:
        pass


def end_at_once(status: int) -> None:
    """End the process: the system takes gigabytes back at once, which freed one by one would take seconds."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def system_memory_bytes() -> int:
    """RAM of the machine, in bytes; 0 where the system does not tell."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 0


def cpu_seconds(thread: bool) -> tuple[float, float, float, float]:
    """Processor time in the system and in user space, of this process or this thread, then of ended children."""
    who = resource.RUSAGE_THREAD if thread and sys.platform == "linux" else resource.RUSAGE_SELF
    own = resource.getrusage(who)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_stime, own.ru_utime, children.ru_stime, children.ru_utime


def give_memory_back() -> None:
    """Have the allocator return what it keeps free to the system, where it can be asked to."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


def end_by_signal(number: int) -> None:
    """Have this process end by a signal, as a fault would end it."""
    os.kill(os.getpid(), number)
