"""`redpoll.asyncio.open`: the loop does the background work of a store."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import redpoll
import redpoll.asyncio
from redpoll.asyncio import OpenedStore

PATIENCE = 20.0


async def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"awaited in vain: {what}"
        await asyncio.sleep(0.005)


def test_save_points_need_no_calls(tmp_path: Path) -> None:
    async def main() -> None:
        async with redpoll.asyncio.open(tmp_path, save="1 1") as store:
            store.rpush("list", *range(1000))
            await until((tmp_path / "dump.rdb").exists, "the snapshot")
            # A copy is what a crash would leave.
            (tmp_path / "copy").mkdir()
            (tmp_path / "copy" / "dump.rdb").write_bytes((tmp_path / "dump.rdb").read_bytes())

    asyncio.run(main())
    with redpoll.open(tmp_path / "copy") as store:
        assert store.llen("list") == 1000


def test_the_append_only_file_is_synced_without_calls(tmp_path: Path) -> None:
    async def main() -> None:
        async with redpoll.asyncio.open(tmp_path, appendonly=True) as store:
            store.set("k", "v")
            log = store.engine.durability.append_only
            assert log is not None
            await until(lambda: log.has_synced(store.session), "the sync")

    asyncio.run(main())
    with redpoll.open(tmp_path) as store:
        assert store.get("k") == b"v"


def test_the_end_of_the_block_closes_the_store_and_its_timer(tmp_path: Path) -> None:
    opened: list[OpenedStore] = []

    async def main() -> None:
        opening = redpoll.asyncio.open(tmp_path)
        opened.append(opening)
        with pytest.raises(ZeroDivisionError):
            async with opening as store:
                store.set("k", "v")
                with pytest.raises(redpoll.StoreError, match="is open in this process"):
                    async with redpoll.asyncio.open(tmp_path):
                        pass
                raise ZeroDivisionError
        assert store.closed
        with pytest.raises(RuntimeError, match="opened before"):
            async with opening:
                pass

    asyncio.run(main())
    timer = opened[0].timer
    assert timer is not None and timer.cancelled()
    with redpoll.open(tmp_path) as store:
        assert store.get("k") == b"v"


def test_a_store_that_the_program_closes_ticks_no_more() -> None:
    async def main() -> OpenedStore:
        opening = redpoll.asyncio.open()
        async with opening as store:
            store.close()
            before = opening.timer
            await until(lambda: before is not None and before.when() < asyncio.get_running_loop().time() - 0.01, "")
            assert opening.timer is before
        return opening

    asyncio.run(main())
