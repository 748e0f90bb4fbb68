"""The live settings: reading, showing, changing all or none, effects."""

from __future__ import annotations

import pytest

from redpoll.config.settings import Config, Effects, NameGlob
from redpoll.config.values import Value
from redpoll.env.files import MemoryFiles
from redpoll.keyspace.glob import Glob


class Globs(NameGlob):
    def matches(self, pattern: bytes, name: bytes) -> bool:
        return Glob(pattern.lower()).matches(name)


class Recorder(Effects):
    """Notes what it is told, and fails for the names given."""

    def __init__(self, *failing: bytes) -> None:
        self.failing = failing
        self.told: list[tuple[bytes, bytes]] = []

    def apply(self, name: bytes, config: Config) -> bytes:
        self.told.append((name, config.text(name)))
        return b"no luck" if name in self.failing else b""


@pytest.fixture
def config() -> Config:
    files = MemoryFiles()
    files.append(b"/data/x").close()
    return Config(files)


def failed(name: str, reason: str) -> bytes:
    return f"ERR CONFIG SET failed (possibly related to argument '{name}') - {reason}".encode()


def test_values_are_read_with_their_types(config: Config) -> None:
    assert config.integer(b"maxclients") == 10000
    assert config.flag(b"protected-mode")
    assert config.text(b"loglevel") == b"notice"
    assert config.words(b"bind") == [b"*", b"-::*"]
    assert config.string(b"dir") == "/"


def test_get_shows_names_as_spelled_and_each_once(config: Config) -> None:
    expected = [(b"TimeOut", b"0"), (b"port", b"6379")]
    assert config.get([b"TimeOut", b"timeout", b"port", b"TIMEOU?", b"no-such"], Globs()) == expected


def test_get_finds_hidden_directives_by_name_only(config: Config) -> None:
    assert config.get([b"key-load-*"], Globs()) == []
    assert config.get([b"Key-Load-Delay"], Globs()) == [(b"Key-Load-Delay", b"0")]


def test_get_finds_aliases_like_names(config: Config) -> None:
    names = [name for name, _ in config.get([b"SLOW*-max-len", b"slow[l]og-*"], Globs())]
    assert names == [b"slowlog-log-slower-than", b"slowlog-max-len"]


def test_set_changes_several_and_shows_them_through_every_name(config: Config) -> None:
    assert config.set([b"TIMEOUT", b"5", b"slowlog-max-len", b"7", b"maxclients", b"9"]) == b""
    assert config.get([b"timeout", b"commandlog-slow-*"], Globs()) == [
        (b"commandlog-slow-execution-max-len", b"7"),
        (b"timeout", b"5"),
    ]


def test_main_name_and_alias_count_as_two(config: Config) -> None:
    assert config.set([b"slowlog-max-len", b"5", b"commandlog-slow-execution-max-len", b"6"]) == b""
    assert config.integer(b"commandlog-slow-execution-max-len") == 6


@pytest.mark.parametrize(
    ("pairs", "error"),
    [
        ("nosuch 1 databases 3", b"ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'"),
        ("timeout x NoSuch 3", b"ERR Unknown option or number of arguments for CONFIG SET - 'NoSuch'"),
        ("timeout 1 Databases x", failed("Databases", "can't set immutable config")),
        ("dbfilename x nosuch 1", failed("dbfilename", "can't set protected config")),
        ("timeout 1 TIMEOUT 2 nosuch 1", failed("TIMEOUT", "duplicate parameter")),
        ("timeout 1 hz x", failed("hz", "argument couldn't be parsed into an integer")),
        ("timeout 1 tls-port 1", failed("tls-port", "tls-port is not supported by this version of redpoll: "
                                                    "only '0' is accepted")),
    ],
)  # fmt: skip
def test_a_refused_set_changes_nothing(config: Config, pairs: str, error: bytes) -> None:
    assert config.set(pairs.encode().split()) == error
    assert config.text(b"timeout") == b"0"


def test_protected_directives_open_as_enable_protected_configs_says(config: Config) -> None:
    config.values[b"enable-protected-configs"] = Value(b"local")
    assert config.set([b"dbfilename", b"a"]) == failed("dbfilename", "can't set protected config")
    assert config.set([b"dbfilename", b"a"], local=True) == b""
    config.values[b"enable-protected-configs"] = Value(b"yes")
    assert config.set([b"dbfilename", b"b"]) == b""


def test_effects_run_once_for_what_changed(config: Config) -> None:
    recorder = Recorder()
    for name in (b"timeout", b"hz", b"commandlog-slow-execution-max-len"):
        config.listen(name, recorder)
    pairs = [b"hz", b"10", b"timeout", b"4", b"slowlog-max-len", b"1", b"commandlog-slow-execution-max-len", b"2"]
    assert config.set(pairs) == b""
    assert recorder.told == [(b"timeout", b"4"), (b"commandlog-slow-execution-max-len", b"2")]


def test_a_failing_effect_undoes_values_and_effects(config: Config) -> None:
    recorder = Recorder(b"port")
    for name in (b"timeout", b"port", b"hz"):
        config.listen(name, recorder)
    assert config.set([b"timeout", b"4", b"port", b"7", b"hz", b"20"]) == failed("port", "no luck")
    assert [config.text(name) for name in (b"timeout", b"port", b"hz")] == [b"0", b"6379", b"10"]
    told = [(b"timeout", b"4"), (b"port", b"7"), (b"port", b"6379"), (b"timeout", b"0")]
    assert recorder.told == told


def test_listening_to_what_does_not_exist_is_a_mistake(config: Config) -> None:
    with pytest.raises(ValueError, match="no such directive"):
        config.listen(b"slowlog-max-len", Recorder())


def test_dir_moves_the_working_folder_and_back_again(config: Config) -> None:
    config.values[b"enable-protected-configs"] = Value(b"yes")
    assert config.set([b"dir", b"/nosuch"]) == failed("dir", "No such file or directory")
    assert config.set([b"dir", b"data", b"timeout", b"x"]).endswith(b"into an integer")
    assert config.files.working_folder() == config.text(b"dir") == b"/"
    assert config.set([b"dir", b"data"]) == b""
    assert config.files.working_folder() == config.text(b"dir") == b"/data"


def test_what_has_no_effect_is_remarked_once(config: Config) -> None:
    assert config.set([b"io-threads", b"4"]) == b""
    assert config.take_remarks() == ["io-threads is accepted, but has no effect in redpoll"]
    assert config.take_remarks() == []


def test_loading_refuses_some_names(config: Config) -> None:
    assert config.refused_while_loading([b"timeout", b"1", b"AppendOnly", b"no"])
    assert not config.refused_while_loading([b"timeout", b"1", b"nosuch", b"no"])


def test_two_configs_share_nothing(config: Config) -> None:
    other = Config(MemoryFiles())
    config.set([b"timeout", b"4"])
    assert other.text(b"timeout") == b"0"
