"""The picture of `redpoll top`, from two looks."""

from __future__ import annotations

from redpoll.cli.top import Look, family, look, picture, read_info


def looked(at: float, text: str) -> Look:
    found = Look(at)
    read_info(found, text.replace("\n", "\r\n").encode())
    return found


def test_rates_are_of_the_time_between_two_looks() -> None:
    before = looked(
        10.0, "total_commands_processed:100\nkeyspace_hits:0\nkeyspace_misses:0\ncmdstat_get:calls=100,usec=500"
    )
    now = looked(
        12.0,
        "total_commands_processed:300\nkeyspace_hits:30\nkeyspace_misses:10\n"
        "cmdstat_get:calls=300,usec=1500\ncmdstat_my.own:calls=10,usec=10\nused_memory:2048\nmaxmemory:4096",
    )
    lines = picture(now, before, 100)
    assert "commands   100/s   hit ratio 75.0 %" in lines
    assert "families   string 100/s   other 5/s" in lines
    assert any(line.startswith("get ") and line.split()[1:4] == ["100", "5.0", "0.1"] for line in lines)
    assert any("2.00K" in line and "limit 4.00K (50 %)" in line for line in lines)


def test_counters_that_began_again_are_no_negative_rates() -> None:
    before = looked(1.0, "total_commands_processed:1000\nkeyspace_hits:50\ncmdstat_get:calls=1000,usec=5")
    lines = picture(looked(2.0, "total_commands_processed:3\nkeyspace_hits:0\ncmdstat_get:calls=3,usec=1"), before, 80)
    assert "commands   0/s   hit ratio -" in lines
    assert "families   -" in lines


def test_a_server_that_knows_nothing() -> None:
    lines = picture(looked(2.0, ""), looked(1.0, ""), 80)
    assert lines[0].startswith("redis    port ?   ?   up 0 d 00:00:00")


def test_text_of_the_server_cannot_move_the_cursor_and_fits_the_width() -> None:
    now = looked(2.0, "server_name:\x1b[2Jevil\nhotkey_0:db=0,qps=1,key=\x1b]0;x\x07" + "y" * 200)
    now.slow.append((0, 5, "SET \x9b31m"))
    lines = picture(now, looked(1.0, ""), 60)
    assert all(line.isprintable() and len(line) <= 60 for line in lines)


def test_families() -> None:
    assert family("get") == family("GETEX") == "string"
    assert family("client|list") == "connection"
    assert family("no.such") == "other"


class Scripted:
    """A connection whose server refuses some commands."""

    def ask(self, *words: str) -> object:
        from redpoll.cli.resp import ServerComplaint

        if words == ("INFO",):
            return b"uptime_in_seconds:5\r\n"
        if words[0] == "SLOWLOG":
            return [[1, 1700000000, 1500, [b"GET", b"\xffk"], b"", b""], b"nonsense", [1]]
        raise ServerComplaint("ERR unknown")


def test_what_a_server_refuses_is_left_out() -> None:
    found = look(Scripted(), 1.0)  # type: ignore[arg-type]
    assert found.fields == {"uptime_in_seconds": "5"}
    assert found.slow == [(1700000000, 1500, "GET \\xffk")]
