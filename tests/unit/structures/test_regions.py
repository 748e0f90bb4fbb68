"""Which megabytes shall be emptied."""

from __future__ import annotations

from redpoll.structures.regions import REGION_BYTES, Regions, common_offset

BASE = 0x7F00_0000_0000


def regions_of(kilobytes: list[int]) -> Regions:
    """Regions, far apart, with so much in use each."""
    made = Regions()
    for n, size in enumerate(kilobytes):
        for part in range(4):
            made.add(BASE + n * 7 * REGION_BYTES + part * 1000, size * 256)
    return made


def sparse(regions: Regions, count: int) -> list[int]:
    return [n for n in range(count) if regions.is_sparse(BASE + n * 7 * REGION_BYTES + 999_999)]


def test_the_fullest_regions_that_have_room_for_all_stay() -> None:
    regions = regions_of([100, 900, 50, 100, 20, 10, 10, 10, 10, 10])
    assert regions.total == (100 + 900 + 50 + 100 + 20 + 50) * 1024
    assert regions.choose() == 8
    assert sparse(regions, 10) in ([0, 2, 4, 5, 6, 7, 8, 9], [2, 3, 4, 5, 6, 7, 8, 9])
    assert not regions.is_sparse(BASE - 5 * REGION_BYTES)


def test_among_equals_some_stay() -> None:
    regions = regions_of([100] * 20)
    # 2,000 KB need three regions.
    assert regions.choose() == 17
    assert len(sparse(regions, 20)) == 17


def test_too_little_to_gain_is_left_alone() -> None:
    regions = regions_of([700] * 10)
    assert regions.choose() == 0
    assert sparse(regions, 10) == []


def test_what_is_elsewhere_needs_room_too() -> None:
    regions = regions_of([100] * 20)
    regions.elsewhere = 10 << 20
    assert regions.choose() == 6


def test_an_area_is_in_use_though_nothing_in_it_is_counted() -> None:
    regions = regions_of([800])
    regions.add_area(BASE + 100 * REGION_BYTES + 4096, BASE + 106 * REGION_BYTES + 4096)
    assert regions.count == 8
    assert regions.choose() == 7
    assert sparse(regions, 1) == []
    assert regions.is_sparse(BASE + 106 * REGION_BYTES + 5000)
    assert not regions.is_sparse(BASE + 107 * REGION_BYTES)


def test_thousands_of_regions() -> None:
    regions = regions_of([1 if n % 10 else 890 for n in range(5000)])
    regions.choose()
    assert regions.count == 5000
    assert set(sparse(regions, 5000)) <= {n for n in range(5000) if n % 10}
    assert len(sparse(regions, 5000)) > 4400


def test_regions_start_where_most_areas_start() -> None:
    areas = [(0x1234000, 0x1235000), (BASE + 0x14000, BASE + 0x14000 + 5 * REGION_BYTES), (BASE * 2, BASE * 2 + 4096)]
    assert common_offset(areas) == 0x14000
    assert common_offset([]) == 0
    regions = Regions()
    regions.offset = 0x14000
    regions.add(BASE + 0x14000, 10)
    regions.add(BASE + 0x14000 + REGION_BYTES - 1, 10)
    assert regions.count == 1


def test_small_regions() -> None:
    regions = Regions(16)
    for n in range(40):
        regions.add(BASE + (n << 16), 50_000 if n < 5 else 100)
    assert regions.choose() == 35
    assert not regions.is_sparse(BASE)
    assert regions.is_sparse(BASE + (10 << 16))
