"""Converts the command line into lines of redis.conf: `[FILE] [-] [--directive value...]...`.

    FILE            the first word, unless it starts with `-`
    -               standard input is read too; only as the first word (after FILE or in its place) or as the last one
    --name          opens a line; the words up to the next `--` are its values
    --name value    in one word: holds its own value, split as in a file

A `--` word directly after a `--name` without values is its value, except after `--save`, which means `save ""` then.
"""

from __future__ import annotations

from redpoll.config.quoting import quote


class CommandLine:
    """A command line, parsed: `path` is None without a FILE, `lines` are lines of redis.conf.

    `stray` is the word that follows FILE or `-` without `--` in front, empty if there is none.  It begins a line of
    redis.conf, as in the reference.  If it names no directive, it probably is a second FILE.
    """

    def __init__(self, words: list[bytes]) -> None:
        self.path: bytes | None = None
        self.reads_stdin = False
        self.lines: list[bytes] = []
        at = 0
        if words and not words[0].startswith(b"-"):
            self.path = words[0]
            at = 1
        options: list[bytes] = []
        for place in range(at, len(words)):
            if words[place] == b"-" and (place == 0 or place == len(words) - 1):
                self.reads_stdin = True
            else:
                options.append(words[place])
        self.stray = options[0] if options and not options[0].startswith(b"-") else b""
        self.add_lines(options)

    def add_lines(self, options: list[bytes]) -> None:
        """Turn `--name value...` into lines, values quoted."""
        awaits_value = False
        for word in options:
            if word.startswith(b"--") and not awaits_value:
                self.lines.append(word[2:])
                awaits_value = b" " not in word
            elif word.startswith(b"--") and self.lines[-1].lower() == b"save":
                self.lines[-1] += b' ""'
                self.lines.append(word[2:])
                awaits_value = b" " not in word
            else:
                if not self.lines:
                    self.lines.append(b"")
                self.lines[-1] += (b" " if self.lines[-1] else b"") + quote(word)
                awaits_value = False
        if awaits_value and self.lines[-1].lower() == b"save":
            self.lines[-1] += b' ""'
