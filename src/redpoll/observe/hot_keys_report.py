"""The hot keys in INFO and HOTKEYS GET."""

from __future__ import annotations

from redpoll.engine.engine import Engine
from redpoll.engine.hot_keys import Measurement
from redpoll.engine.top_keys import TopKeys


def hot_key_lines(engine: Engine) -> list[str]:
    """The section `hotkeys` of INFO: the most used keys of the last complete window."""
    options = engine.options
    lines = [f"hotkey_window_seconds:{options.hotkey_window_seconds}"]
    for number, found in enumerate(engine.hot_keys.hottest()):
        shown = repr(found.key)[2:-1]
        lines.append(f"hotkey_{number}:db={found.db},qps={found.per_second},key={shown}")
    return lines


def measurement_fields(measured: Measurement) -> list[object]:
    """The reply of HOTKEYS GET: names and values in turn."""
    fields: list[object] = [
        b"tracking-active", int(measured.active),
        b"sample-ratio", measured.ratio,
        b"selected-slots", [],
        b"all-commands-all-slots-us", measured.all_us,
        b"net-bytes-all-commands-all-slots", measured.all_bytes,
        b"collection-start-time-unix-ms", measured.began_us // 1000,
        b"collection-duration-ms", measured.duration_us() // 1000,
    ]  # fmt: skip
    if measured.cpu:
        user_ms, system_ms = measured.processor_ms()
        fields += [b"total-cpu-time-user-ms", user_ms, b"total-cpu-time-sys-ms", system_ms]
    if measured.net:
        fields += [b"total-net-bytes", measured.all_bytes]
    if measured.cpu:
        fields += [b"by-cpu-time-us", ranking(measured.times, measured.count)]
    if measured.net:
        fields += [b"by-net-bytes", ranking(measured.sizes, measured.count)]
    return fields


def ranking(top: TopKeys, most: int) -> list[object]:
    """Keys and weights in turn, the heaviest first."""
    found: list[object] = []
    for weight, _, key in top.heaviest(most):
        found += [key, weight]
    return found
