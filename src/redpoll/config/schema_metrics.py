"""The directives of metrics and of the page that shows them: our own, so they are hidden."""

from __future__ import annotations

from typing import Final

from redpoll.config.directive import EFFECT, Directive
from redpoll.config.special_values import Addresses
from redpoll.config.values import Int, Text

DIRECTIVES: Final = [
    Directive(
        b"metrics-bind",
        Addresses(),
        b"127.0.0.1 -::1",
        EFFECT,
        "latency",
        "Addresses that `metrics-port` listens on, in the syntax of `bind`.",
        hidden=True,
    ),
    Directive(
        b"metrics-names",
        Text(),
        b"",
        EFFECT,
        "latency",
        "Further host names that HTTP requests may use, besides `localhost` and IP addresses.",
        hidden=True,
    ),
    Directive(
        b"metrics-port",
        Int(0, 65535),
        b"0",
        EFFECT,
        "latency",
        "HTTP port of `/metrics` for Prometheus and of a page with live charts (`/`); 0: none.",
        hidden=True,
    ),
]
