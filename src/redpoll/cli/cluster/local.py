"""`redpoll cluster start`: a cluster of processes on this machine, so that several cores serve one dataset.

A folder holds the cluster: `cluster.json` with its ports, and for each node a folder named by its port with its
configuration, log, view of the cluster and data.  While the cluster runs, `cluster.lock` is locked.  Nodes run in
sessions of their own, so that Ctrl-C reaches this program alone, which then stops them.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from redpoll.cli.cluster.allocation import plan_layout, primaries_of
from redpoll.cli.cluster.checking import fault_lines, node_lines
from redpoll.cli.cluster.forming import form, wait_until_ok
from redpoll.cli.cluster.nodes import Access, Cluster, Node, Server
from redpoll.cli.cluster.polling import until
from redpoll.cli.cluster.show import say, warn
from redpoll.cli.cluster.view import BUS_OFFSET
from redpoll.cli.cluster.words import HIGHEST_PORT, Address, Refusal, plural
from redpoll.cli.resp import Disconnected
from redpoll.config.quoting import quote

HOST = "127.0.0.1"
FIRST_PORT = 7000
NODES = 6
REPLICAS = 1
START_SECONDS = 30.0
STOP_SECONDS = 60.0
FREE_PORTS = range(11000, 32000)
"""Where to look for free ports: below 32768, where Linux starts to give ports to outgoing connections."""

CONFIGURATION = """# A node of `redpoll cluster start`, which reads this file at every start.
port {port}
bind {host}
cluster-enabled yes
cluster-config-file nodes.conf
pidfile redpoll.pid
repl-diskless-sync-delay 0
"""


class Stopped(BaseException):
    """A signal has asked this program to end."""


@dataclass
class Wish:
    """The command line.  None: the user left the option out.  `words` are options for the servers."""

    folder: Path
    nodes: int | None = None
    replicas: int | None = None
    port: int | None = None
    words: list[str] = field(default_factory=list)


@dataclass
class Plan:
    """What `cluster.json` keeps.  `formed` says whether the nodes have become a cluster."""

    ports: list[int]
    replicas: int
    formed: bool = False


@dataclass
class Process:
    """A node that this program has started."""

    port: int
    folder: Path
    popen: subprocess.Popen[bytes]
    ended: bool = False

    @property
    def address(self) -> Address:
        return Address(HOST, self.port)

    @property
    def log(self) -> Path:
        return self.folder / "log.txt"


class Signals:
    """Raises Stopped when a signal arrives.  While `held` is set, it waits for `release`."""

    def __init__(self) -> None:
        self.held = False
        self.waits = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self.arrive)

    def arrive(self, _number: int, _frame: FrameType | None) -> None:
        if self.held:
            self.waits = True
        else:
            raise Stopped

    def release(self) -> None:
        self.held = False
        if self.waits:
            raise Stopped


def start(wish: Wish, access: Access) -> int:
    """Run the cluster of a folder until a signal arrives; return the exit status.  Raises Refusal."""
    signals = Signals()
    lock = -1
    processes: list[Process] = []
    try:
        wish.folder.mkdir(parents=True, exist_ok=True)
        lock = locked(wish.folder)
        plan = planned(wish)
        # A signal must not come between the start of a process and its entry in the list.
        signals.held = True
        for port in plan.ports:
            processes.append(launched(wish, port))
        signals.release()
        wait_until_ready(processes, access)
        become_cluster(wish, plan, processes, access)
        show(wish, plan, processes, access)
        return watch(processes)
    except Stopped:
        return 0 if stop(processes) else 1
    except BrokenPipeError:
        raise
    except OSError as failure:
        raise Refusal(f"{failure.filename or wish.folder}: {failure.strerror}") from failure
    finally:
        stop(processes)
        if lock >= 0:
            os.close(lock)


# ---- the folder


def locked(folder: Path) -> int:
    """Lock a folder for this process; return the open lock file.  Raises Refusal."""
    path = folder / "cluster.lock"
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.read(lock, 20).decode("ascii", "replace").strip()
        os.close(lock)
        raise Refusal(
            f"the cluster in {folder} runs already, by process {holder or '?'}: use it, or stop that process"
        ) from None
    os.ftruncate(lock, 0)
    os.write(lock, f"{os.getpid()}\n".encode())
    return lock


def planned(wish: Wish) -> Plan:
    """The cluster that the folder has, or a new one.  Raises Refusal."""
    path = wish.folder / "cluster.json"
    if path.exists():
        plan = read_plan(path)
        if plan.formed:
            check_wish(wish, plan)
            check_ports(wish, plan.ports)
            return plan
        # It was stopped before it became a cluster, so it holds nothing.
        for port in plan.ports:
            shutil.rmtree(wish.folder / str(port), ignore_errors=True)
    elif others := sorted(found.name for found in wish.folder.iterdir() if found.name != "cluster.lock"):
        raise Refusal(f"{wish.folder} has other files ({others[0]}) and no cluster: name an empty folder with --dir")
    settings = configured(wish.words)
    plan = new_plan(wish)
    check_ports(wish, plan.ports)
    write_plan(path, plan)
    for port in plan.ports:
        folder = wish.folder / str(port)
        folder.mkdir()
        (folder / "redpoll.conf").write_text(CONFIGURATION.format(port=port, host=HOST) + settings)
    return plan


def new_plan(wish: Wish) -> Plan:
    """Choose the ports of a new cluster.  Raises Refusal."""
    nodes = NODES if wish.nodes is None else wish.nodes
    replicas = REPLICAS if wish.replicas is None else wish.replicas
    primaries_of(nodes, replicas)
    first = FIRST_PORT if wish.port is None else wish.port
    if first == 0:
        return Plan(free_ports(nodes), replicas)
    last = first + nodes - 1
    if last + BUS_OFFSET > HIGHEST_PORT:
        raise Refusal(
            f"the last node would have port {last}, and no room for its bus at {last} + {BUS_OFFSET}: "
            f"pass --port {HIGHEST_PORT - BUS_OFFSET - nodes + 1} or lower"
        )
    return Plan(list(range(first, last + 1)), replicas)


def free_ports(count: int) -> list[int]:
    """Choose ports that are free now, and whose bus ports are free too.  Raises Refusal."""
    found: list[int] = []
    for port in random.sample(FREE_PORTS, len(FREE_PORTS)):
        if is_free(port) and is_free(port + BUS_OFFSET):
            found.append(port)
            if len(found) == count:
                return sorted(found)
    raise Refusal(f"there are not {count} free ports from {FREE_PORTS.start} to {FREE_PORTS.stop}")


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def check_ports(wish: Wish, ports: list[int]) -> None:
    """Raises Refusal if a port is in use, perhaps by a node of a start that was killed."""
    for port in ports:
        for taken in (port, port + BUS_OFFSET):
            if is_free(taken):
                continue
            pid = wish.folder / str(port) / "redpoll.pid"
            if pid.exists():
                raise Refusal(f"port {taken} is in use: perhaps by process {pid.read_text().strip()} of {pid.parent}, "
                              "left over from a start that was killed. Stop it first")  # fmt: skip
            raise Refusal(
                f"port {taken} is in use: stop that server, or pass another --port; --port 0 finds free ports"
            )


def check_wish(wish: Wish, plan: Plan) -> None:
    """Raises Refusal if the options differ from the cluster in the folder."""
    asked = {"--nodes": (wish.nodes, len(plan.ports)), "--replicas": (wish.replicas, plan.replicas)}
    if wish.port:
        asked["--port"] = (wish.port, plan.ports[0])
    for option, (value, there) in asked.items():
        if value is not None and value != there:
            raise Refusal(
                f"{wish.folder} has a cluster with {option} {there}, and you ask for {value}: leave the option out, or "
                "name another --dir"
            )


def read_plan(path: Path) -> Plan:
    """Raises Refusal."""
    try:
        read = json.loads(path.read_text())
        return Plan([int(port) for port in read["ports"]], int(read["replicas"]), bool(read["formed"]))
    except (ValueError, KeyError, TypeError) as wrong:
        raise Refusal(f'{path} is damaged; it should have "ports", "replicas" and "formed"') from wrong


def write_plan(path: Path, plan: Plan) -> None:
    new = path.with_suffix(".new")
    new.write_text(json.dumps({"ports": plan.ports, "replicas": plan.replicas, "formed": plan.formed}) + "\n")
    new.replace(path)


def configured(words: list[str]) -> str:
    """Options of `redpoll server` as lines of a configuration file.  Raises Refusal."""
    lines: list[str] = []
    for word in words:
        if word.startswith("--") and len(word) > 2:
            lines.append(word[2:])
        elif not lines:
            raise Refusal(f"after -- come options of redpoll server, as in -- --appendonly yes: what is '{word}'?")
        else:
            lines[-1] += " " + quote(word.encode("utf-8", "surrogateescape")).decode("ascii")
    return "".join(f"{line}\n" for line in lines)


# ---- the processes


def launched(wish: Wish, port: int) -> Process:
    """Start a node."""
    folder = wish.folder / str(port)
    with (folder / "log.txt").open("ab") as log:
        popen = subprocess.Popen(
            [sys.executable, "-m", "redpoll", "server", "redpoll.conf", *wish.words],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": python_path()},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Process(port, folder, popen)


def python_path() -> str:
    """PYTHONPATH for a process in another folder."""
    return os.pathsep.join(os.path.abspath(path) for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path)


def wait_until_ready(processes: list[Process], access: Access) -> None:
    """Return when all nodes serve clients, and have loaded their data.  Raises Refusal."""
    for process in processes:
        wait_for_node(process, access, START_SECONDS)


def wait_for_node(process: Process, access: Access, seconds: float) -> None:
    """Return when a node has loaded its data, however long that takes.

    Raises Refusal if the node ends, or gives no answer at all within `seconds`.
    """
    if not until(lambda: bool(answer(process, access)), seconds):
        raise Refusal(f"{process.address} does not answer; its log is {process.log}")
    until(lambda: has_loaded(answer(process, access)), math.inf)


def has_loaded(reply: str) -> bool:
    return reply != "" and not reply.startswith("LOADING")


def answer(process: Process, access: Access) -> str:
    """What a node answers to CLUSTER MYID; empty while it cannot be reached.  Raises Refusal if the node has ended."""
    if process.popen.poll() is not None:
        lines = process.log.read_text(errors="replace").splitlines()[-5:]
        raise Refusal(f"{process.address} did not start. Its log, {process.log}, ends:\n" + "\n".join(lines))
    try:
        server = Server(process.address, access)
    except Disconnected:
        return ""
    reply = server.try_to("CLUSTER", "MYID")
    server.close()
    return reply.decode() if isinstance(reply, bytes) else str(reply)


def become_cluster(wish: Wish, plan: Plan, processes: list[Process], access: Access) -> None:
    """Make the nodes a cluster.  If they are one already, wait until it is ok.  Raises Refusal."""
    if plan.formed:
        say(f"{plural(len(processes), 'node')} of {wish.folder} started again; waiting until the cluster is ok")
        with Cluster.reach(processes[0].address, access) as cluster:
            try:
                wait_until_ok(cluster)
            except Refusal as refused:
                warn(str(refused))
                for line in fault_lines(cluster, cluster.examine()):
                    say(line)
        return
    say(f"{plural(len(processes), 'node')} started; making them a cluster")
    nodes = {process.address: Node(process.address, access) for process in processes}
    try:
        form(nodes, plan_layout(list(nodes), plan.replicas))
    finally:
        for node in nodes.values():
            node.close()
    plan.formed = True
    write_plan(wish.folder / "cluster.json", plan)


def show(wish: Wish, plan: Plan, processes: list[Process], access: Access) -> None:
    by_address = {str(process.address): process.popen.pid for process in processes}
    with Cluster.reach(Address(HOST, plan.ports[0]), access) as cluster:
        say("\n".join(node_lines(cluster, by_address)))
    say(f"[OK] The cluster is ready: {plural(len(plan.ports), 'process')} on {plural(os.cpu_count() or 1, 'core')}, "
        f"data and logs in {wish.folder}.")  # fmt: skip
    say(f"Clients connect to any node: redis-cli -c -p {plan.ports[0]}")
    say("Ctrl-C stops the nodes; the same command starts them again.")


def watch(processes: list[Process]) -> int:
    """Report each node that ends by itself, and return the exit status when all have ended."""
    # The sum looks at every process, so that all that have ended are reported.
    until(lambda: sum(has_ended(process) for process in processes) == len(processes), math.inf)
    say("all nodes have ended")
    return 1


def has_ended(process: Process) -> bool:
    """Whether a node has ended by itself.  The first look after the end shows a warning."""
    status = process.popen.poll()
    if status is not None and not process.ended:
        process.ended = True
        warn(f"{process.address} has ended by itself, with status {status}; its log is {process.log}. "
             "Ctrl-C and the same command start it again")  # fmt: skip
    return process.ended


def stop(processes: list[Process]) -> bool:
    """End the nodes, and give them time to save; a second signal kills them.  Return whether all have exit status 0."""
    running = [process for process in processes if process.popen.poll() is None]
    try:
        for process in running:
            process.popen.terminate()
        if running:
            tell(f"stopping {plural(len(running), 'node')}")
        deadline = time.monotonic() + STOP_SECONDS
        for process in running:
            process.popen.wait(max(0.1, deadline - time.monotonic()))
    except (Stopped, subprocess.TimeoutExpired):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        for process in running:
            if process.popen.poll() is None:
                process.popen.kill()
                process.popen.wait()
                tell(f"[WARNING] {process.address} was killed; it may have lost its last changes")
    return all(process.popen.returncode == 0 for process in running)


def tell(line: str) -> None:
    """Show a line if the terminal is still there.  A closed terminal must not keep the nodes running."""
    try:
        say(line)
    except OSError:
        return
