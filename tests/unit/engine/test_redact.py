"""Secrets among arguments are hidden, and nothing else is."""

from __future__ import annotations

import pytest

from redpoll.engine.redact import redacted

R = "(redacted)"


@pytest.mark.parametrize(
    ("name", "line", "shown"),
    [
        ("auth", "AUTH secret", f"AUTH {R}"),
        ("auth", "login user secret", f"login {R} {R}"),
        ("hello", "HELLO 3 AUTH user secret SETNAME me", f"HELLO 3 AUTH {R} {R} SETNAME me"),
        ("hello", "HELLO 3 auth user", f"HELLO 3 auth {R}"),
        ("hello", "HELLO 3 SETNAME me", "HELLO 3 SETNAME me"),
        ("config|set", "CONFIG SET requirepass secret port 1", f"CONFIG SET requirepass {R} port 1"),
        ("config|set", "CONFIG SET port 1 MasterAuth secret", f"CONFIG SET port 1 MasterAuth {R}"),
        ("config|set", "CONFIG SET nosuch secret requirepass", "CONFIG SET nosuch secret requirepass"),
        ("config|get", "CONFIG GET requirepass", "CONFIG GET requirepass"),
        ("acl|setuser", "ACL SETUSER name >secret", f"ACL SETUSER {R} {R}"),
        ("acl|getuser", "ACL GETUSER name", f"ACL GETUSER {R}"),
        ("migrate", "MIGRATE h 1 k 0 5 AUTH secret", f"MIGRATE h 1 k 0 5 AUTH {R}"),
        (
            "migrate",
            "MIGRATE h 1 k 0 5 COPY auth2 user secret KEYS auth",
            f"MIGRATE h 1 k 0 5 COPY auth2 {R} {R} KEYS auth",
        ),
        ("migrate", "MIGRATE h 1 k 0 5 KEYS auth a", "MIGRATE h 1 k 0 5 KEYS auth a"),
        ("migrate", "MIGRATE h 1 k 0 5 AUTH", "MIGRATE h 1 k 0 5 AUTH"),
        ("set", "SET auth secret", "SET auth secret"),
    ],
)
def test_secrets(name: str, line: str, shown: str) -> None:
    args = line.encode().split()
    before = list(args)
    found = redacted(name.encode(), args)
    assert b" ".join(found).decode() == shown
    assert args == before
    assert (found is args) == (line == shown)
