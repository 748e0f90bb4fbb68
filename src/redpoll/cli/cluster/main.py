"""The command line of `redpoll cluster`: subcommands, options in our spelling and in the reference's, help."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from redpoll.cli.cluster import local
from redpoll.cli.cluster.checking import check, fix, info
from redpoll.cli.cluster.everywhere import SHORTEST_TIMEOUT_MS, call, set_timeout
from redpoll.cli.cluster.forming import create
from redpoll.cli.cluster.importing import import_keys
from redpoll.cli.cluster.membership import add_node, del_node
from redpoll.cli.cluster.nodes import Access, Cluster, Manner
from redpoll.cli.cluster.reshaping import Balance, rebalance, reshard
from redpoll.cli.cluster.words import Address, Refusal, address
from redpoll.cluster.slot_sets import SLOT_COUNT

OVERVIEW = """redpoll cluster: make, check, mend and reshape a cluster of redpoll, Valkey or Redis nodes.

On one machine, so that several cores serve one dataset:

  redpoll cluster start --nodes 6 --replicas 1 --dir DIR   make a cluster of processes, or run the one in DIR again

Of servers that run already, each with --cluster-enabled yes:

  redpoll cluster create HOST:PORT ... --replicas 1   make a cluster of them
  redpoll cluster check HOST:PORT                     show the nodes, and all that is wrong
  redpoll cluster fix HOST:PORT                       mend open slots, and slots with no owner or with several
  redpoll cluster info HOST:PORT                      keys, slots and replicas of each primary
  redpoll cluster add-node NEW:PORT HOST:PORT         let an empty server join; --replica: as a replica
  redpoll cluster del-node HOST:PORT NODE             take a node without slots out
  redpoll cluster reshard HOST:PORT                   move some slots, with their keys, to one node
  redpoll cluster rebalance HOST:PORT                 give each primary its share of the slots
  redpoll cluster import HOST:PORT --from OTHER:PORT  bring in the keys of a stand-alone server
  redpoll cluster call HOST:PORT COMMAND ...          run a command in all nodes
  redpoll cluster set-timeout HOST:PORT MS            after how long a silent node counts as failed

HOST:PORT is any node of the cluster.  redpoll cluster COMMAND --help shows the options, with examples.
The options of redis-cli --cluster and valkey-cli --cluster are accepted too (--cluster-replicas, --cluster-yes ...).
Exit status: 0 all is well, 1 something failed or the cluster is not in order, 2 the command line is wrong.
"""


class Help(argparse.RawDescriptionHelpFormatter):
    """Names options once, with a column wide enough for them."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=34, width=110)

    def _format_action_invocation(self, action: argparse.Action) -> str:
        if not action.option_strings:
            return super()._format_action_invocation(action)
        shown = ", ".join(name for name in action.option_strings if not name.startswith("--cluster-"))
        return f"{shown} {action.metavar}" if action.nargs != 0 and action.metavar else shown

    def _format_args(self, action: argparse.Action, default_metavar: str) -> str:
        return str(action.metavar or default_metavar)


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, and where help is."""

    def __init__(self, command: str, places: str, description: str, examples: str) -> None:
        super().__init__(
            f"redpoll cluster {command}",
            usage=f"%(prog)s {places} [options]".replace("  ", " "),
            description=description,
            epilog=f"examples:\n{examples}",
            add_help=False,
            allow_abbrev=False,
            formatter_class=Help,
        )
        self.add_argument("--help", "-h", action="help", help="show this text")
        self.option("--yes", action="store_true", help="answer all questions with yes")
        self.add_argument("-a", "--pass", dest="password", default="", metavar="PASSWORD",
                          help="password of the nodes; better in the variable REDISCLI_AUTH")  # fmt: skip
        self.add_argument("--user", default="", metavar="NAME", help="name to authenticate with")
        self.add_argument("--askpass", action="store_true", help="ask for the password")

    def option(self, *names: str, **settings: Any) -> None:
        """Declare an option by its names, each also with the `cluster-` of the reference."""
        spellings = [name for each in names for name in (each, each.replace("--", "--cluster-", 1))]
        self.add_argument(*spellings, **settings)

    def error(self, message: str) -> NoReturn:
        print(f"{self.prog}: {message}\n{self.prog} --help shows what it takes", file=sys.stderr)
        raise SystemExit(2)

    def take_address(self, words: list[str]) -> tuple[Address, list[str]]:
        """The address at the start of `words`, as HOST:PORT or HOST PORT, and the rest."""
        if words and ":" not in words[0] and len(words) > 1 and words[1].isdecimal():
            words = [f"{words[0]}:{words[1]}", *words[2:]]
        if not words:
            self.error("name a node of the cluster: HOST:PORT, as in 127.0.0.1:7000")
        try:
            return address(words[0]), words[1:]
        except ValueError as wrong:
            self.error(str(wrong))

    def only_address(self, words: list[str]) -> Address:
        found, rest = self.take_address(words)
        if rest:
            self.error(f"unexpected '{rest[0]}'")
        return found


def whole(least: int, most: int) -> Callable[[str], int]:
    """A type of argument: a whole number from `least` to `most`."""

    def read(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"'{text}' is not a number from {least} to {most}")
        return int(text)

    return read


def with_node(parser: Parser) -> Parser:
    parser.add_argument("node", nargs="+", metavar="HOST:PORT", help="any node of the cluster; also as HOST PORT")
    return parser


def with_search(parser: Parser) -> Parser:
    parser.option("--search-multiple-owners", action="store_true",
                  help="also look for keys of slots that their node does not own; asks for each slot")  # fmt: skip
    return parser


def with_moves(parser: Parser) -> Parser:
    """The options of commands that move keys."""
    parser.option("--timeout", type=whole(1, 86_400_000), default=60_000, metavar="MS",
                  help="how long MIGRATE may wait for the other node (60000)")  # fmt: skip
    parser.option("--pipeline", type=whole(1, 10_000), default=10, metavar="COUNT",
                  help="keys that are sent together; clients of the source wait meanwhile (10)")  # fmt: skip
    parser.option("--replace", action="store_true", help="overwrite keys that the receiving node has already")
    return parser


def manner_of(options: argparse.Namespace) -> Manner:
    return Manner(options.timeout, options.pipeline, options.replace)


def access_of(options: argparse.Namespace) -> Access:
    if options.askpass:
        return Access(options.user, getpass.getpass("Password of the nodes: "))
    return Access(options.user, options.password or os.environ.get("REDISCLI_AUTH", ""))


def reached(parser: Parser, options: argparse.Namespace) -> Cluster:
    """The cluster of the node that `with_node` has read.  Raises Refusal."""
    return Cluster.reach(parser.only_address(options.node), access_of(options))


# ---- the subcommands


def run_start(words: list[str]) -> int:
    parser = Parser(
        "start",
        "",
        "Make a cluster of redpoll processes on this machine, and run it until Ctrl-C or SIGTERM.\n"
        "If the folder has a cluster already, it starts again, with its data.",
        "  redpoll cluster start --dir shop                        six nodes on the ports 7000 to 7005\n"
        "  redpoll cluster start --nodes 3 --replicas 0 --port 0 --dir shop\n"
        "  redpoll cluster start --dir shop -- --appendonly yes    options of redpoll server for each node",
    )
    parser.option("--dir", default="redpoll-cluster", metavar="DIR", help="folder of the cluster (redpoll-cluster)")
    parser.option(
        "--nodes", type=whole(1, 1000), metavar="COUNT", help=f"count of processes, replicas included ({local.NODES})"
    )
    parser.option(
        "--replicas", type=whole(0, 100), metavar="COUNT", help=f"replicas of each primary ({local.REPLICAS})"
    )
    parser.option("--port", type=whole(0, 65535), metavar="PORT",
                  help=f"port of the first node; the others follow. 0: free ports ({local.FIRST_PORT})")  # fmt: skip
    rest: list[str] = []
    if "--" in words:
        at = words.index("--")
        words, rest = words[:at], words[at + 1 :]
    options = parser.parse_args(words)
    wish = local.Wish(Path(options.dir).absolute(), options.nodes, options.replicas, options.port, rest)
    return local.start(wish, access_of(options))


def run_create(words: list[str]) -> int:
    parser = Parser(
        "create",
        "HOST:PORT HOST:PORT HOST:PORT ...",
        "Make a cluster of empty servers, each started with --cluster-enabled yes.  The slots are divided evenly.\n"
        "A replica is placed on another host than its primary, if the hosts allow it.",
        "  redpoll cluster create 10.0.0.1:7000 10.0.0.2:7000 10.0.0.3:7000\n"
        "  redpoll cluster create 10.0.0.{1,2,3}:7000 10.0.0.{1,2,3}:7001 --replicas 1 --yes",
    )
    parser.add_argument("nodes", nargs="+", metavar="HOST:PORT", help="the servers")
    parser.option("--replicas", type=whole(0, 100), default=0, metavar="COUNT", help="replicas of each primary (0)")
    options = parser.parse_args(words)
    places = []
    rest = options.nodes
    while rest:
        place, rest = parser.take_address(rest)
        places.append(place)
    create(places, options.replicas, access_of(options), options.yes)
    return 0


def run_check(words: list[str]) -> int:
    parser = with_search(with_node(Parser(
        "check",
        "HOST:PORT",
        "Show the nodes, and all that is wrong: nodes that disagree or cannot be reached, open slots, slots with no\n"
        "owner or with several.  Exit status 0: there is no fault.",
        "  redpoll cluster check 127.0.0.1:7000",
    )))  # fmt: skip
    options = parser.parse_args(words)
    with reached(parser, options) as cluster:
        return 0 if check(cluster, options.search_multiple_owners).is_whole else 1


def run_fix(words: list[str]) -> int:
    parser = with_search(with_moves(with_node(Parser(
        "fix",
        "HOST:PORT",
        "Mend slots that are open after a move that stopped half-way, that no node owns, or that several own.\n"
        "No key is deleted: keys of one slot in several nodes are brought together.",
        "  redpoll cluster fix 127.0.0.1:7000\n"
        "  redpoll cluster fix 127.0.0.1:7000 --search-multiple-owners --yes",
    ))))  # fmt: skip
    parser.option("--fix-with-unreachable-masters", "--fix-with-unreachable-primaries", dest="unreachable",
                  action="store_true",
                  help="give the slots of dead primaries to others, without the keys")  # fmt: skip
    options = parser.parse_args(words)
    with reached(parser, options) as cluster:
        left = fix(cluster, options.search_multiple_owners, options.unreachable, manner_of(options), options.yes)
        return 0 if left.is_whole else 1


def run_info(words: list[str]) -> int:
    parser = with_node(Parser(
        "info", "HOST:PORT", "Show keys, slots and replicas of each primary.", "  redpoll cluster info 127.0.0.1:7000"
    ))  # fmt: skip
    options = parser.parse_args(words)
    with reached(parser, options) as cluster:
        info(cluster)
    return 0


def run_add_node(words: list[str]) -> int:
    parser = Parser(
        "add-node",
        "NEW:PORT HOST:PORT",
        "Let an empty server join a cluster, as a primary without slots or as a replica.",
        "  redpoll cluster add-node 10.0.0.4:7000 10.0.0.1:7000              then: redpoll cluster rebalance ...\n"
        "  redpoll cluster add-node 10.0.0.4:7001 10.0.0.1:7000 --replica    of the primary with the fewest\n"
        "  redpoll cluster add-node 10.0.0.4:7001 10.0.0.1:7000 --replica --primary-id 10.0.0.2:7000",
    )
    parser.add_argument(
        "nodes", nargs="+", metavar="NEW:PORT HOST:PORT", help="the new server, any node of the cluster"
    )
    parser.option("--replica", "--slave", dest="replica", action="store_true", help="as a replica")
    parser.option("--primary-id", "--master-id", dest="primary", default="", metavar="NODE",
                  help="of which primary (its id or address); with --replica")  # fmt: skip
    options = parser.parse_args(words)
    new, rest = parser.take_address(options.nodes)
    if not rest:
        parser.error("name the new server first, then any node of the cluster: NEW:PORT HOST:PORT")
    if options.primary and not options.replica:
        parser.error("--primary-id needs --replica")
    with Cluster.reach(parser.only_address(rest), access_of(options)) as cluster:
        add_node(cluster, new, options.replica, options.primary)
    return 0


def run_del_node(words: list[str]) -> int:
    parser = Parser(
        "del-node",
        "HOST:PORT NODE",
        "Take out a replica, a primary without slots, or a dead node.  Its replicas get other primaries.",
        "  redpoll cluster rebalance 10.0.0.1:7000 --weight 10.0.0.4:7000=0    moves its slots away first\n"
        "  redpoll cluster del-node 10.0.0.1:7000 10.0.0.4:7000",
    )
    parser.add_argument(
        "words", nargs="+", metavar="HOST:PORT NODE", help="any other node; the id or address of the node"
    )
    options = parser.parse_args(words)
    place, rest = parser.take_address(options.words)
    if len(rest) != 1:
        parser.error("name any node of the cluster, then the node to take out, by its id or HOST:PORT")
    with Cluster.reach(place, access_of(options)) as cluster:
        del_node(cluster, rest[0])
    return 0


def run_reshard(words: list[str]) -> int:
    parser = with_moves(with_node(Parser(
        "reshard",
        "HOST:PORT",
        "Move slots with their keys to one node, while clients use them.  What you leave out is asked for.",
        "  redpoll cluster reshard 127.0.0.1:7000 --from all --to 127.0.0.1:7003 --slots 1000 --yes",
    )))  # fmt: skip
    parser.option("--from", dest="sources", default="", metavar="NODES",
                  help="ids or addresses with commas between, or all; each gives its share")  # fmt: skip
    parser.option("--to", dest="target", default="", metavar="NODE", help="id or address of the node that receives")
    parser.option("--slots", type=whole(1, SLOT_COUNT), default=0, metavar="COUNT", help="how many slots move")
    options = parser.parse_args(words)
    with reached(parser, options) as cluster:
        reshard(cluster, options.sources, options.target, options.slots, manner_of(options), options.yes)
        return 0


def run_rebalance(words: list[str]) -> int:
    parser = with_moves(with_node(Parser(
        "rebalance",
        "HOST:PORT",
        "Move slots so that each primary has its share of them: an equal one, or one in proportion to its weight.",
        "  redpoll cluster rebalance 127.0.0.1:7000 --use-empty-masters         new nodes get slots too\n"
        "  redpoll cluster rebalance 127.0.0.1:7000 --weight 127.0.0.1:7001=2 127.0.0.1:7002=0.5\n"
        "  redpoll cluster rebalance 127.0.0.1:7000 --weight 127.0.0.1:7003=0   empties a node",
    )))  # fmt: skip
    parser.option("--weight", dest="weights", nargs="+", action="extend", default=[], metavar="NODE=WEIGHT",
                  help="shares of single nodes; the others have 1")  # fmt: skip
    parser.option("--use-empty-masters", "--use-empty-primaries", dest="empty", action="store_true",
                  help="also give slots to primaries without any")  # fmt: skip
    parser.option("--threshold", type=percent, default=2.0, metavar="PERCENT",
                  help="move nothing if each node is within so many percent of its share (2)")  # fmt: skip
    parser.option("--simulate", action="store_true", help="only show what would move")
    options = parser.parse_args(words)
    with reached(parser, options) as cluster:
        balance = Balance(options.weights, options.empty, options.threshold, options.simulate)
        rebalance(cluster, balance, manner_of(options))
        return 0


def percent(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1000:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of percent")
    return value


def run_import(words: list[str]) -> int:
    parser = with_moves(with_node(Parser(
        "import",
        "HOST:PORT --from OTHER:PORT",
        "Move the keys of a stand-alone server into the cluster.  --copy leaves them in the server too.",
        "  redpoll cluster import 127.0.0.1:7000 --from 127.0.0.1:6379 --copy\n"
        "  redpoll cluster import 127.0.0.1:7000 --from old:6379 --from-user app --from-askpass --replace",
    )))  # fmt: skip
    parser.option("--from", dest="source", required=True, metavar="HOST:PORT", help="the server with the keys")
    parser.option("--from-user", default="", metavar="NAME", help="name to authenticate with there")
    parser.option("--from-pass", default="", metavar="PASSWORD", help="password there")
    parser.option("--from-askpass", action="store_true", help="ask for the password there")
    parser.option("--copy", action="store_true", help="keep the keys in the server")
    options = parser.parse_args(words)
    place = parser.only_address([options.source])
    password = getpass.getpass(f"Password of {place}: ") if options.from_askpass else options.from_pass
    with reached(parser, options) as cluster:
        done = import_keys(cluster, place, Access(options.from_user, password), manner_of(options), options.copy)
        return 0 if done else 1


ONLY_PRIMARIES = ("--only-masters", "--only-primaries")
ONLY_REPLICAS = ("--only-replicas", "--only-slaves")


def run_call(words: list[str]) -> int:
    parser = Parser(
        "call",
        "HOST:PORT COMMAND ...",
        "Run a command in all nodes, and show the replies.",
        "  redpoll cluster call 127.0.0.1:7000 CONFIG SET maxmemory 1gb\n"
        "  redpoll cluster call 127.0.0.1:7000 --only-primaries DBSIZE",
    )
    parser.add_argument("node", metavar="HOST:PORT", help="any node of the cluster")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND ...", help="the command")
    parser.option(*ONLY_PRIMARIES, dest="primaries", action="store_true", help="in the primaries only")
    parser.option(*ONLY_REPLICAS, dest="replicas", action="store_true", help="in the replicas only")
    options = parser.parse_args(words)
    place, command = parser.take_address([options.node, *options.command])
    primaries, replicas = options.primaries, options.replicas
    kept = []
    for word in command:
        # They may also follow the command, as in the reference.
        plain = word.replace("--cluster-", "--", 1)
        primaries |= plain in ONLY_PRIMARIES
        replicas |= plain in ONLY_REPLICAS
        if plain not in (*ONLY_PRIMARIES, *ONLY_REPLICAS):
            kept.append(word)
    if primaries and replicas:
        parser.error("--only-primaries and --only-replicas together leave no node")
    if not kept:
        parser.error("after HOST:PORT comes the command, as in PING")
    with Cluster.reach(place, access_of(options)) as cluster:
        return 1 if call(cluster, kept, primaries, replicas) else 0


def run_set_timeout(words: list[str]) -> int:
    parser = Parser(
        "set-timeout",
        "HOST:PORT MILLISECONDS",
        "Set cluster-node-timeout in all nodes and their files: after how long a silent node counts as failed.",
        "  redpoll cluster set-timeout 127.0.0.1:7000 5000",
    )
    parser.add_argument("words", nargs="+", metavar="HOST:PORT MS", help="any node of the cluster; milliseconds")
    options = parser.parse_args(words)
    place, rest = parser.take_address(options.words)
    if len(rest) != 1 or not rest[0].isdecimal() or int(rest[0]) < SHORTEST_TIMEOUT_MS:
        parser.error(f"after HOST:PORT come the milliseconds, {SHORTEST_TIMEOUT_MS} or more: below, healthy nodes fail")
    with Cluster.reach(place, access_of(options)) as cluster:
        return 1 if set_timeout(cluster, int(rest[0])) else 0


COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "start": run_start,
    "create": run_create,
    "check": run_check,
    "fix": run_fix,
    "info": run_info,
    "add-node": run_add_node,
    "del-node": run_del_node,
    "reshard": run_reshard,
    "rebalance": run_rebalance,
    "import": run_import,
    "call": run_call,
    "set-timeout": run_set_timeout,
}


def main(words: list[str]) -> int:
    """Run `redpoll cluster`; return the exit status."""
    if not words or words[0] in ("--help", "-h", "help"):
        print(OVERVIEW, end="")
        return 0
    command = COMMANDS.get(words[0])
    if command is None:
        from difflib import get_close_matches

        close = get_close_matches(words[0], COMMANDS, 1)
        hint = f"; did you mean '{close[0]}'?" if close else "."
        print(f"redpoll cluster: there is no command '{words[0]}'{hint}  See redpoll cluster --help.", file=sys.stderr)
        return 2
    try:
        return command(words[1:])
    except Refusal as refused:
        print(f"redpoll cluster {words[0]}: {refused}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            f"\nredpoll cluster {words[0]}: interrupted. If slots were moving, one may be open: redpoll cluster check "
            "shows it, and redpoll cluster fix closes it",
            file=sys.stderr,
        )
        return 130
    except BrokenPipeError:
        # The reader of the output has closed it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
