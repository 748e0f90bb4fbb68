"""The process: its memory, its limits, its streams, going to the background."""

from __future__ import annotations

import ctypes
import os
import resource
import sys


def resident_bytes() -> int:
    """The resident memory of this process in bytes; its peak if the system does not report the current size."""
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
    """Raise the limit of descriptors to `wanted`, or as far as the system allows; return the reason if it is lower."""
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
            # Only a privileged process may exceed the hard limit.  Values up to the hard limit are always allowed.
            count = max(hard, present) if not unbounded else count - 16
    return reason


def greatest_listen_backlog() -> int:
    """The system's limit for the queue of new connections; 0 if unknown."""
    try:
        with open("/proc/sys/net/core/somaxconn", "rb") as file:
            return int(file.read())
    except (OSError, ValueError):
        return 0


def open_standard_streams() -> None:
    """Open the null device for each standard stream that is closed at the start.

    Otherwise the first sockets would get its number, and output to the stream would go to a client.
    """
    for stream in range(3):
        try:
            os.fstat(stream)
        except OSError:
            # `open` returns the lowest free number, which is this stream.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    sys.stdin = sys.stdin or os.fdopen(0, closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)


def go_to_background() -> None:
    """Continue as a background process without a terminal, with /dev/null as standard streams.

    The parent ends here.
    """
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
    """The kernel's out-of-memory score of this process, from -1000 to 1000 (killed first); 0 if unknown."""
    try:
        with open(OOM_SCORE, "rb") as file:
            return int(file.read())
    except (OSError, ValueError):
        return 0


def set_oom_score(score: int) -> str:
    """Set the out-of-memory score; return the reason if the kernel refuses."""
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


def is_alive(pid: int) -> bool:
    """Whether a process with this number runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        # Of another user.
        return True
    return True


def remove_file(path: str) -> None:
    """Remove a file if it is there."""
    try:
        os.unlink(path)
    except OSError:
        pass


def end_at_once(status: int) -> None:
    """End the process without freeing objects one by one, which would take seconds for gigabytes."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def system_memory_bytes() -> int:
    """The RAM of the machine in bytes; 0 if unknown."""
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
    """Make the allocator return free memory to the system, if it supports that."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


def end_by_signal(number: int) -> None:
    """End this process by a signal, as a fault would."""
    os.kill(os.getpid(), number)
