"""The chat: users of two servers in one room."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import redis
from examples.chat import HISTORY, ChatServer, Terminal, closed, main, who_key
from tests.process.running import PATIENCE


class Stage:
    """Two chat servers, and the users who come to them."""

    def __init__(self, url: str, presence: float = 30.0) -> None:
        self.one, self.other = ChatServer(url, presence), ChatServer(url, presence)
        self.terminals: list[Terminal] = []

    async def connect(self, server: ChatServer) -> Terminal:
        made = await Terminal.connect(server)
        self.terminals.append(made)
        return made

    async def come(self, server: ChatServer, name: str, room: str) -> Terminal:
        """A user who is in a room."""
        made = await self.connect(server)
        made.type(f"/name {name}", f"/join {room}")
        await made.until(f"{name} came")
        return made

    async def play(self, scene: Scene) -> None:
        await self.one.start()
        await self.other.start()
        try:
            await scene(self)
        finally:
            for terminal in self.terminals:
                await closed(terminal.writer)
            await self.one.close()
            await self.other.close()


Scene = Callable[[Stage], Coroutine[Any, Any, None]]
Play = Callable[[Scene], None]


@pytest.fixture
def play(client: redis.Redis, url: str) -> Play:
    """Run a scene with two chat servers."""
    return lambda scene: asyncio.run(Stage(url).play(scene))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.005)


def test_what_is_said_at_one_server_is_read_at_both(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        ann, bob = await stage.come(stage.one, "ann", "kitchen"), await stage.come(stage.other, "bob", "kitchen")
        carl = await stage.come(stage.one, "carl", "cellar")
        bob.type("hello", "tea?")
        assert await ann.until("tea?") == ["* bob came", "bob: hello", "bob: tea?"]
        assert await bob.until("tea?") == ["bob: hello", "bob: tea?"]
        carl.type("/who")
        assert await carl.line() == "* here: carl"

    play(scene)


def test_latecomers_read_the_last_lines(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        ann = await stage.come(stage.one, "ann", "kitchen")
        ann.type(*(f"line {number}" for number in range(20)))
        await ann.until("line 19")
        bob = await stage.connect(stage.other)
        bob.type("/join kitchen")
        lines = await bob.until("somebody came")
        assert lines[:-1] == [f"ann: line {number}" for number in range(20 - HISTORY, 20)]

    play(scene)


def test_the_room_knows_who_is_there(play: Play, client: redis.Redis) -> None:
    async def scene(stage: Stage) -> None:
        ann, bob = await stage.come(stage.one, "ann", "kitchen"), await stage.come(stage.other, "bob", "kitchen")
        ann.type("/who")
        assert (await ann.until("here"))[-1] == "* here: ann, bob"
        bob.writer.close()
        assert (await ann.until("went"))[-1] == "* bob went"
        ann.type("/who", "/name anna", "/who")
        assert (await ann.until("you are anna"))[0] == "* here: ann"
        assert "* here: anna" in await ann.until("here")

    play(scene)
    assert not client.exists(who_key("kitchen"))


def test_users_of_a_dead_server_go_by_themselves(url: str, client: redis.Redis) -> None:
    async def scene(stage: Stage) -> None:
        await stage.come(stage.one, "ann", "kitchen")
        client.hdel(who_key("kitchen"), "ann")
        await until(lambda: bool(client.exists(who_key("kitchen"))))  # the server renews it
        for task in stage.one.tasks:
            task.cancel()
        await until(lambda: not client.exists(who_key("kitchen")))

    asyncio.run(Stage(url, presence=0.06).play(scene))


def test_a_server_listens_to_the_rooms_of_its_users_alone(play: Play, client: redis.Redis) -> None:
    def listening(room: str) -> int:
        [(_, count)] = client.pubsub_numsub(f"chat:{room}")
        return int(count)

    async def scene(stage: Stage) -> None:
        ann, bob = await stage.come(stage.one, "ann", "kitchen"), await stage.come(stage.one, "bob", "kitchen")
        assert listening("kitchen") == 1
        bob.type("/leave")
        await bob.until("you left")
        assert listening("kitchen") == 1
        ann.type("/join cellar")
        await ann.until("ann came")
        await until(lambda: listening("kitchen") == 0)
        assert listening("cellar") == 1

    play(scene)


def test_one_must_join_before_one_speaks(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        ann = await stage.connect(stage.one)
        ann.type("hello", "/quit")
        assert await ann.line() == "* join a room first: /join kitchen"
        assert await ann.line() == ""

    play(scene)


def test_the_demonstration(url: str, client: redis.Redis, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--demo", "--url", url])
    told = capsys.readouterr().out
    assert "ann, on the first server, reads: bob: hello" in told
    assert "'* here: ann, bob, carl'" in told
