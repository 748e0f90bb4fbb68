"""The server-side function in Python that `scripts` measures: `redpoll server --functions` loads this file."""

from __future__ import annotations

import redpoll


@redpoll.function()
def python_incr(api: redpoll.FunctionApi, keys: list[bytes], args: list[bytes]) -> object:
    return api.call("INCR", keys[0])
