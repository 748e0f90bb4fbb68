"""Access control of the metrics and the page: the checks before any answer.

A foreign web page can make a browser on this machine send requests to the server.  Two checks stop that:

- `Host` must be an IP address, `localhost`, or a name of `metrics-names`.  A foreign name that
  points to this machine (DNS rebinding) is none of these.
- `Sec-Fetch-Site` and `Origin`, which a page cannot forge, must not name another site.

If `requirepass` is set, every request needs the password (HTTP Basic; the user is `default` or empty).  Without a
password, `protected-mode` refuses clients of other machines.
"""

from __future__ import annotations

import binascii
import socket

from redpoll.engine.engine import Engine
from redpoll.env.openssl import is_same_secret
from redpoll.net.http_requests import Refusal, Request


def check_access(engine: Engine, request: Request, is_local: bool) -> None:
    """Raise Refusal unless the request may be answered."""
    host = request.field(b"host")
    if not is_known_host(host_name(host), engine.config.string(b"metrics-names")):
        raise Refusal(403, "the field Host is neither an IP address, nor localhost, nor one of metrics-names")
    if request.field(b"sec-fetch-site") not in (b"", b"same-origin", b"none"):
        raise Refusal(403, "the request comes from another site")
    origin = request.field(b"origin")
    if origin and origin.lower() not in (b"http://" + host.lower(), b"https://" + host.lower()):
        raise Refusal(403, "the request comes from another site")
    if not engine.password:
        if engine.options.protected_mode and not is_local:
            raise Refusal(403, "protected mode: set requirepass, or protected-mode no")
    elif not has_password(request.field(b"authorization"), engine.password):
        if request.field(b"authorization"):
            engine.traffic.refused_passwords += 1
        raise Refusal(401, "the password of requirepass is needed, for the user default")


def host_name(host: bytes) -> str:
    """The host of a field Host, in lower case, without port and brackets; empty if the field is broken."""
    text = host.decode("latin-1").lower()
    if text.startswith("["):
        inner, bracket, port = text[1:].partition("]")
        return inner if bracket and is_port(port) else ""
    name, _, port = text.partition(":")
    return name if is_port(":" + port if port else "") else ""


def is_port(text: str) -> bool:
    """Whether a text is empty or `:digits`."""
    return text == "" or (text[0] == ":" and (text[1:].isascii() and text[1:].isdigit()))


def is_known_host(name: str, names: str) -> bool:
    """Whether a host name cannot be a foreign name that points to this machine."""
    if name == "localhost" or name in names.lower().split():
        return True
    try:
        socket.inet_pton(socket.AF_INET6 if ":" in name else socket.AF_INET, name)
    except (OSError, ValueError):
        return False
    return True


def has_password(authorization: bytes, password: bytes) -> bool:
    """Whether a field Authorization has the password.  The time of the comparison does not depend on the guess."""
    scheme, _, encoded = authorization.partition(b" ")
    if scheme.lower() != b"basic":
        return False
    try:
        user, _, guess = binascii.a2b_base64(encoded.strip(b" "), strict_mode=True).partition(b":")
    except binascii.Error:
        return False
    return is_same_secret(guess, password) and user in (b"", b"default")
