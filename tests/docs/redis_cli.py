"""What the pages use of redis-cli, which is not on every machine: `-p PORT`, one command, `--pipe`."""

from __future__ import annotations

import socket
import sys

import redis


def main(words: list[str]) -> int:
    port = 6379
    if words[:1] == ["-p"]:
        port = int(words[1])
        words = words[2:]
    if words == ["--pipe"]:
        with socket.create_connection(("127.0.0.1", port), timeout=60) as sock:
            sock.sendall(sys.stdin.buffer.read())
            sock.shutdown(socket.SHUT_WR)
            replies = b""
            while more := sock.recv(1 << 16):
                replies += more
        errors = [line for line in replies.split(b"\r\n") if line.startswith(b"-")]
        sys.stdout.write(f"errors: {len(errors)}\n")
        return 1 if errors else 0
    try:
        reply = redis.Redis(port=port, socket_timeout=60).execute_command(*words)
    except redis.ResponseError as refused:
        sys.stdout.write(f"(error) {refused}\n")
        return 1
    sys.stdout.write(f"{reply!r}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
