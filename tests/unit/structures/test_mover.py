"""Objects that move keep what they hold, and what was there before goes at the end."""

from __future__ import annotations

from librt.vecs import append, vec
from mypy_extensions import i64

from redpoll.structures.mover import HEAP_BITS, HEAP_TRIES, MOST_MOVED, SMALL, SPARE_LISTS, Mover, block, copied
from redpoll.structures.regions import REGION_BITS
from redpoll.structures.segment import Outside
from redpoll.types.hash import Hash
from redpoll.types.kinds import EncodingLimits
from redpoll.types.stream import LIGHT_BLOCKS, Stream
from redpoll.types.string import LongString


def moving() -> Mover:
    made = Mover(anywhere=True)
    made.start()
    return made


def test_while_it_counts_nothing_moves() -> None:
    mover = Mover(anywhere=True)
    data = bytes(100)
    objects: list[Outside] = [LongString(bytes(1000))]
    assert mover.bytes_(data) is data
    assert mover.objects(objects) is objects
    assert mover.regions.total >= 133
    assert (mover.filled, mover.moved) == (0, 0)


def test_bytes_are_copied_but_for_the_shortest_and_the_largest() -> None:
    mover = moving()
    for size in (2, 100, 479, 480, 5000, MOST_MOVED - 33):
        data = b"d" * size
        made = mover.bytes_(data)
        assert made == data
        assert made is not data
    for size in (0, 1, MOST_MOVED):
        data = b"d" * size
        assert mover.bytes_(data) is data
    assert mover.moved == 6


def test_columns_keep_their_numbers() -> None:
    mover = moving()
    for count in (0, 1, 3, 4, 5, 100):
        column = vec[i64]()
        for n in range(count):
            column = append(column, n * 3)
        made = mover.column(column)
        assert list(made) == list(column)


def test_light_objects_are_made_anew_with_their_key() -> None:
    mover = moving()
    small, large = Hash(), Hash()
    small.put(b"f", b"v")
    small.unshare()
    for n in range(2000):
        large.put(b"%d" % n, b"v")
    text = LongString(b"t" * 700)
    changed = LongString(b"c" * 700)
    changed.to_buffer()
    objects: list[Outside] = [small, large, text, changed]
    for n, found in enumerate(objects):
        found.key = b"k%d" % n
        found.accounted = 10 + n
    before = objects.copy()
    made = mover.objects(objects)
    assert [found.key for found in made] == [b"k0", b"k1", b"k2", b"k3"]
    assert [found.accounted for found in made] == [10, 11, 12, 13]
    assert [one is other for one, other in zip(before, made, strict=True)] == [False, True, False, True]
    assert mover.containers == [made[0], large]
    moved = made[0]
    assert isinstance(moved, Hash)
    assert moved.rows() == [b"f", b"v"]
    assert isinstance(made[2], LongString)
    assert made[2].text() == b"t" * 700


def stream(entries: int, group: bool = False) -> Stream:
    made = Stream()
    for k in range(1, entries + 1):
        made.append(k, 0, [b"field", b"value %d" % k], 0, EncodingLimits())
    if group:
        made.add_group(b"g", 0, 0, -1)
    return made


def test_streams_without_groups_and_with_few_blocks_are_made_anew() -> None:
    mover = moving()
    packed, few, grouped, many = stream(3), stream(150), stream(150, group=True), stream(2000)
    assert few.node_count() == 2 and many.node_count() > LIGHT_BLOCKS
    before: list[Outside] = [packed, few, grouped, many]
    rows = [each.rows() for each in (packed, few, grouped, many)]
    made = mover.objects(before.copy())
    assert [one is other for one, other in zip(before, made, strict=True)] == [False, False, True, True]
    for n, found in enumerate(made):
        at: i64 = 0
        while at >= 0:
            at = found.move_piece(mover, at)
        assert isinstance(found, Stream)
        assert found.rows() == rows[n]
        found.append(5000, 0, [b"field", b"new"], 0, EncodingLimits())
        assert found.rows()[-3:] == [b"5000-0", b"field", b"new"]
    assert few.length() == 150


def test_what_was_moved_is_kept_until_it_is_released() -> None:
    mover = moving()
    for n in range(5000):
        mover.bytes_(b"%100d" % n)
    assert mover.filled == 5000
    rounds = 1
    while mover.release(100):
        rounds += 1
    assert 50 <= rounds <= 52
    assert mover.fillers == []


def test_blocks_take_what_was_asked() -> None:
    for size in range(33, SMALL + 1, 16):
        made = block(size)
        assert isinstance(made, bytes)
        assert len(made) + 33 == (size + 15) // 16 * 16
    assert isinstance(block(20), int)


def test_sparse_regions_are_left() -> None:
    mover = Mover()
    mine = [copied(b"%100d" % n) for n in range(1000)]
    for data in mine:
        mover.regions.add(id(data), 10)
    for n in range(20):
        mover.regions.add((1 << 45) + (n << REGION_BITS), 800_000)
        mover.regions.add((1 << 44) + (n << REGION_BITS), 1000)
    mover.start()
    assert all(mover.regions.is_sparse(id(data)) for data in mine)
    while mover.fill(133, 1000):
        pass
    made = []
    for data in mine:
        while True:
            found = mover.bytes_(data)
            if not mover.starved:
                break
            while mover.fill(133, 1000):
                pass
        made.append(found)
    assert made == mine
    assert not any(mover.regions.is_sparse(id(data)) for data in made)
    mover.replace_spare_lists()
    while mover.release(SPARE_LISTS):
        pass


def test_large_bytes_leave_sparse_regions_of_the_heap() -> None:
    mover = Mover()
    mine = [copied(b"%1000d" % n) for n in range(100)]
    for data in mine:
        assert mover.bytes_(data) is data
    assert mover.heap.total == 100 * 1033
    assert mover.bytes_(bytes(MOST_MOVED)) == bytes(MOST_MOVED)
    assert mover.large == MOST_MOVED + 33
    for n in range(400):
        mover.heap.add((1 << 45) + (n << HEAP_BITS), 60_000)
    for n in range(400):
        mover.heap.add((1 << 44) + (n << HEAP_BITS), 1)
    mover.start()
    sparse = [data for data in mine if mover.heap.is_sparse(id(data))]
    for data in mine:
        while True:
            made = mover.bytes_(data)
            if not mover.starved:
                break
            assert mover.starved_size == 1033
            while mover.fill(mover.starved_size, 64):
                pass
        assert made == data
        assert not mover.heap.is_sparse(id(made))
    assert mover.moved == len(sparse)
    assert HEAP_TRIES > 0


def test_what_is_not_shown_needs_room() -> None:
    mover = Mover()
    for n in range(100):
        mover.regions.add((1 << 45) + (n << REGION_BITS), 1000)
    mover.start(80 << 20)
    assert not any(mover.regions.is_sparse((1 << 45) + (n << REGION_BITS)) for n in range(100))
