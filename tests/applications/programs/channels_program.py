"""Channel layers of Django Channels: messages, groups, limits and expiry, over lists and over Pub/Sub."""

from __future__ import annotations

import asyncio
import sys

from channels.exceptions import ChannelFull
from channels_redis.core import RedisChannelLayer
from channels_redis.pubsub import RedisPubSubChannelLayer

PORT = int(sys.argv[1])
HOSTS = [{"address": f"redis://127.0.0.1:{PORT}/2"}]


async def received(layer, channel, seconds=10.0):
    return (await asyncio.wait_for(layer.receive(channel), seconds))["text"]


async def is_silent(layer, channel):
    try:
        await asyncio.wait_for(layer.receive(channel), 0.3)
    except TimeoutError:
        return True
    return False


async def lists() -> None:
    layer = RedisChannelLayer(hosts=HOSTS, capacity=5, expiry=60, group_expiry=60)
    await layer.flush()
    await layer.send("plain", {"type": "x", "text": "é"})
    print("message", await received(layer, "plain"))

    waiting = asyncio.ensure_future(received(layer, "later"))
    await asyncio.sleep(0.1)
    await layer.send("later", {"type": "x", "text": "waited"})
    print("waited", await waiting)

    for number in range(5):
        await layer.send("small", {"type": "x", "text": str(number)})
    try:
        await layer.send("small", {"type": "x", "text": "5"})
        print("not full")
    except ChannelFull:
        print("full", [await received(layer, "small") for _ in range(5)])

    names = [await layer.new_channel() for _ in range(8)]
    for name in names:
        await layer.group_add("room", name)
    await layer.group_send("room", {"type": "x", "text": "all"})
    print("group", [await received(layer, name) for name in names] == ["all"] * 8)
    await layer.group_discard("room", names[0])
    await layer.group_send("room", {"type": "x", "text": "again"})
    print("discarded", await received(layer, names[1]), await is_silent(layer, names[0]))

    # group_send of more messages than the capacity: the script leaves full channels out.
    for number in range(9):
        await layer.group_send("room", {"type": "x", "text": str(number)})
    print("capacity", [await received(layer, names[2]) for _ in range(5)])

    # Not closed, and not flushed: what is left expires, and that is deleted by a script.
    short = RedisChannelLayer(hosts=HOSTS, expiry=1)
    await short.send("brief", {"type": "x", "text": "gone"})
    await asyncio.sleep(1.2)
    print("expired", await is_silent(short, "brief"))
    await short.close_pools()
    await layer.flush()
    await layer.close_pools()


async def at_once() -> None:
    layer = RedisChannelLayer(hosts=HOSTS, prefix="other", channel_capacity={"vip": 2})
    await asyncio.gather(*(layer.send(f"many{number}", {"type": "x", "text": str(number)}) for number in range(50)))
    found = await asyncio.gather(*(received(layer, f"many{number}") for number in range(50)))
    print("at once", found == [str(number) for number in range(50)])
    await layer.close_pools()


async def pubsub() -> None:
    first, second = RedisPubSubChannelLayer(hosts=HOSTS), RedisPubSubChannelLayer(hosts=HOSTS)
    one, two = await first.new_channel(), await second.new_channel()
    await first.group_add("room", one)
    await second.group_add("room", two)
    await first.group_send("room", {"type": "x", "text": "to both"})
    print("pubsub", await received(first, one), await received(second, two))
    await first.send(two, {"type": "x", "text": "to one"})
    print("direct", await received(second, two))
    await second.group_discard("room", two)
    await first.group_send("room", {"type": "x", "text": "to the first"})
    print("left", await received(first, one), await is_silent(second, two))
    await first.flush()
    await second.flush()


async def main() -> None:
    await lists()
    await at_once()
    await pubsub()


asyncio.run(main())
