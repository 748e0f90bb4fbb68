"""The logo that `always-show-logo` draws."""

from __future__ import annotations

from typing import Final

BIRD: Final = r"""
           .--.
      __  / o  \>
     /  \/  ,   |     redpoll {build}
  --<   (  ((   /     a data-structure server that speaks Redis
     \___`-..-'`
         " "          pid {pid}, port {port}
"""


def logo(build: str, pid: int, port: int) -> list[str]:
    """The lines of the drawing."""
    return BIRD.format(build=build, pid=pid, port=port).strip("\n").split("\n")
