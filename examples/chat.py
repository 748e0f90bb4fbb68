"""A chat whose users are spread over several chat servers, joined by pub/sub (asyncio).

A user is connected to one chat server.  A server subscribes to a room's channel while one of its own users is in the
room, publishes what they say, and hands what comes from the channel to them.  So servers need not know each other, and
one can be added at any time.

Pub/sub keeps nothing: the last lines of a room are in a stream, for those who come later.  Who is in a room is a hash
whose fields expire.  A server renews its own users' fields; when it dies, they go by themselves.

    python examples/chat.py --url redis://127.0.0.1:6379 --port 7001     one server; talk to it: nc 127.0.0.1 7001
    python examples/chat.py --demo                                       two servers and their users

A user types `/name ann`, `/join kitchen`, `/who`, `/leave`, `/quit`, or a line to say.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
from typing import Any

import redis.asyncio

HISTORY = 10
PRESENCE_SECONDS = 30.0


class User:
    """One connection to a chat server."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self.name = "somebody"
        self.room: str | None = None

    def tell(self, line: str) -> None:
        self.writer.write(f"{line}\n".encode())


class ChatServer:
    """A server of users, on a port of its own."""

    def __init__(self, url: str, presence: float = PRESENCE_SECONDS) -> None:
        self.client = redis.asyncio.Redis.from_url(url, decode_responses=True)
        self.listener = self.client.pubsub(ignore_subscribe_messages=True)
        self.presence_ms = int(presence * 1000)
        self.rooms: dict[str, set[User]] = {}
        self.changing = asyncio.Lock()
        self.tasks: list[asyncio.Task[None]] = []
        self.users: set[User] = set()
        self.serving: set[asyncio.Task[Any]] = set()
        self.port = 0

    async def start(self, port: int = 0) -> None:
        """Listen on a port of the loopback; 0 takes a free one, see `port`."""
        # A subscription of its own keeps the connection open while no room is in use.
        await self.listener.subscribe("chat")
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self.port = self.server.sockets[0].getsockname()[1]
        self.tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._renew())]

    async def close(self) -> None:
        """Send all users away, and end."""
        self.server.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        for user in self.users:
            user.writer.close()
        await asyncio.gather(*self.serving, return_exceptions=True)
        await self.listener.aclose()
        await self.client.aclose()

    # ---- what users send

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.serving.add(task)
        task.add_done_callback(self.serving.discard)
        user = User(writer)
        self.users.add(user)
        try:
            while line := await reader.readline():
                if not await self._handle(user, line.decode(errors="replace").strip()):
                    break
                await writer.drain()
        except ConnectionError:
            pass  # gone without a word
        finally:
            self.users.discard(user)
            await self._leave(user)
            await closed(writer)

    async def _handle(self, user: User, line: str) -> bool:
        """Do what a line says; False for the last one."""
        word, _, rest = line.partition(" ")
        if word == "/quit":
            return False
        if word == "/name" and rest:
            room = user.room
            await self._leave(user)
            user.name = rest
            if room:
                await self._join(user, room)
            user.tell(f"* you are {rest}")
        elif word == "/join" and rest:
            await self._leave(user)
            await self._join(user, rest)
        elif user.room is None:
            user.tell("* join a room first: /join kitchen")
        elif word == "/leave":
            await self._leave(user)
            user.tell("* you left")
        elif word == "/who":
            names: Any = await self.client.hkeys(who_key(user.room))
            user.tell("* here: " + ", ".join(sorted(names)))
        elif line:
            await self._say(user.room, f"{user.name}: {line}")
        return True

    async def _join(self, user: User, room: str) -> None:
        """Let a user into a room, with its last lines.

        A line said at the very moment of entering may be missed: it can come from the channel between the two.
        """
        async with self.changing:
            if room not in self.rooms:
                await self.listener.subscribe(channel_of(room))
            entries: Any = await self.client.xrevrange(log_key(room), count=HISTORY)
            for _, entry in reversed(entries):
                user.tell(entry["line"])
            user.room = room
            self.rooms.setdefault(room, set()).add(user)
        await self._present(user)
        await self._say(room, f"* {user.name} came")

    async def _leave(self, user: User) -> None:
        room, user.room = user.room, None
        if room is None:
            return
        async with self.changing:
            members = self.rooms[room]
            members.discard(user)
            if not members:
                del self.rooms[room]
                await self.listener.unsubscribe(channel_of(room))
        await self.client.hdel(who_key(room), user.name)
        await self._say(room, f"* {user.name} went")

    # ---- redpoll

    async def _say(self, room: str, line: str) -> None:
        """Publish a line and keep it for those who come later, as one step."""
        async with self.client.pipeline() as both:
            both.publish(channel_of(room), json.dumps({"room": room, "line": line}))
            both.xadd(log_key(room), {"line": line}, maxlen=HISTORY)
            await both.execute()

    async def _present(self, user: User) -> None:
        if user.room is not None:
            await self.client.hsetex(who_key(user.room), user.name, "1", px=self.presence_ms)

    async def _listen(self) -> None:
        """Hand on what the channels bring."""
        async for message in self.listener.listen():
            said = json.loads(message["data"])
            for user in self.rooms.get(said["room"], ()):
                user.tell(said["line"])

    async def _renew(self) -> None:
        """Keep the fields of those who are here."""
        while True:
            await asyncio.sleep(self.presence_ms / 3000)
            for user in list(self.users):
                await self._present(user)


def channel_of(room: str) -> str:
    return f"chat:{room}"


def log_key(room: str) -> str:
    return f"chat:{room}:log"


def who_key(room: str) -> str:
    return f"chat:{room}:who"


async def closed(writer: asyncio.StreamWriter) -> None:
    """Close a connection, and return once it is closed."""
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


class Terminal:
    """A user's end of the connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, server: ChatServer) -> Terminal:
        return cls(*await asyncio.open_connection("127.0.0.1", server.port))

    def type(self, *lines: str) -> None:
        self.writer.writelines(f"{line}\n".encode() for line in lines)

    async def line(self) -> str:
        """The next line; empty when the server has closed."""
        return (await asyncio.wait_for(self.reader.readline(), 20)).decode().rstrip("\n")

    async def until(self, text: str) -> list[str]:
        """The lines up to one that has `text`."""
        lines = [await self.line()]
        while text not in lines[-1]:
            if not lines[-1]:
                raise EOFError(f"the server closed before {text!r}")
            lines.append(await self.line())
        return lines


async def demonstrate(url: str) -> None:
    """Two servers, a user at each, and a latecomer."""
    one, other = ChatServer(url), ChatServer(url)
    await one.start()
    await other.start()
    ann, bob, late = await Terminal.connect(one), await Terminal.connect(other), await Terminal.connect(other)
    ann.type("/name ann", "/join demo")
    await ann.until("ann came")
    bob.type("/name bob", "/join demo", "hello")
    print("ann, on the first server, reads:", (await ann.until("hello"))[-1])
    late.type("/name carl", "/join demo", "/who")
    print("carl, who came late, reads:", await late.until("here:"))
    for terminal in (ann, bob, late):
        await closed(terminal.writer)
    await one.close()
    await other.close()


async def serve(url: str, port: int) -> None:
    """Serve until cancelled."""
    server = ChatServer(url)
    await server.start(port)
    print(f"chat on port {server.port}", flush=True)
    try:
        await server.server.serve_forever()
    finally:
        await server.close()


def main(words: list[str] | None = None) -> None:
    """Serve a port, or show two servers."""
    parser = argparse.ArgumentParser(description="A chat over several servers.")
    parser.add_argument("--url", default="redis://127.0.0.1:6379")
    parser.add_argument("--port", type=int, default=7001)
    parser.add_argument("--demo", action="store_true")
    options = parser.parse_args(words)
    if options.demo:
        asyncio.run(demonstrate(options.url))
    else:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(serve(options.url, options.port))


if __name__ == "__main__":
    main()
