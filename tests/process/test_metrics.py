"""`metrics-port`: what Prometheus and browsers get from a running server."""

from __future__ import annotations

import http.client
import re
import shutil
import subprocess
import urllib.request
from base64 import b64encode

import pytest
import redis
from prometheus_client.parser import text_string_to_metric_families
from tests.differential.servers import free_port
from tests.process.conftest import Start
from tests.process.running import Running, accepts, until


class Served:
    """A server with metrics, and a client of its HTTP port."""

    def __init__(self, start: Start, *words: str) -> None:
        self.http = free_port()
        self.server: Running = start(
            "--port", "{port}", "--bind", "127.0.0.1", "--metrics-port", str(self.http), *words
        ).ready()
        self.redis: redis.Redis = self.server.client()

    def get(self, path: str, method: str = "GET", **fields: str) -> tuple[int, bytes, http.client.HTTPMessage]:
        connection = http.client.HTTPConnection("127.0.0.1", self.http, timeout=20)
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in fields.items()})
        response = connection.getresponse()
        found = (response.status, response.read(), response.headers)
        connection.close()
        return found

    def samples(self) -> dict[str, float]:
        """Each sample as `name{label=value}`."""
        status, text, headers = self.get("/metrics")
        assert status == 200
        assert headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        return samples_of(text.decode())


def samples_of(text: str) -> dict[str, float]:
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}"] = sample.value
    return found


def use(client: redis.Redis) -> None:
    """Some of everything."""
    client.set("a", 1)
    client.get("a")
    client.get("nothing")
    client.hset("h", "field", "value")
    client.set("timed", "x", ex=1000)
    client.execute_command("SELECT", 3)
    client.sadd("s", *range(1000))
    client.execute_command("SELECT", 0)
    with pytest.raises(redis.ResponseError):
        client.lpush("a", 1)
    with pytest.raises(redis.ResponseError):
        client.execute_command("NO-SUCH")
    with pytest.raises(redis.ResponseError):
        client.execute_command("GET")


def test_metrics_are_what_happened(start: Start) -> None:
    served = Served(start)
    client = served.redis
    use(client)
    found = served.samples()
    assert found["redis_up{}"] == 1
    assert found["redis_connected_clients{}"] == 1
    assert found["redis_commands_total{cmd=get}"] == 2
    assert found["redis_commands_failed_calls_total{cmd=lpush}"] == 1
    assert found["redis_commands_rejected_calls_total{cmd=get}"] == 1
    assert found["redis_commands_duration_seconds_total{cmd=sadd}"] > 0
    assert found["redis_latency_percentiles_usec{cmd=get,quantile=50}"] > 0
    assert found["redis_latency_percentiles_usec_count{cmd=get}"] == 2
    assert found["redis_db_keys{db=db0}"] == 3
    assert found["redis_db_keys{db=db3}"] == 1
    assert found["redis_db_keys{db=db15}"] == 0
    assert found["redis_db_keys_expiring{db=db0}"] == 1
    assert 900 < found["redis_db_avg_ttl_seconds{db=db0}"] <= 1000
    assert found["redis_keyspace_hits_total{}"] == 1
    assert found["redis_keyspace_misses_total{}"] == 1
    assert found["redis_errors_total{err=WRONGTYPE}"] == 1
    assert found["redis_memory_used_bytes{}"] > 1 << 20
    assert found["redpoll_expire_lag_seconds{quantile=99}"] >= 0
    client.config_set("latency-tracking", "no")
    client.config_set("slowlog-log-slower-than", 0)
    client.get("a")
    client.set("gone", "x", px=1)
    until(lambda: served.samples()["redis_expired_keys_total{}"] == 1, "the key expires")
    found = served.samples()
    assert found["redis_slowlog_length{}"] >= 2
    assert found["redis_slowlog_last_id{}"] == found["redis_slowlog_length{}"] - 1
    assert not [name for name in found if name.startswith("redis_latency_percentiles")]


def test_hot_keys_are_metrics(start: Start) -> None:
    served = Served(start, "--hotkey-sampling-ratio", "100", "--hotkey-window-seconds", "1")
    key = 'sp"ot\n\\'

    def hot() -> bool:
        served.redis.get(key)
        name = "redpoll_hot_key_commands_per_second{db=db0,key=" + repr(key.encode())[2:-1] + "}"
        return served.samples().get(name, 0) > 0

    until(hot, "the hot key")


def test_responses_keep_browsers_apart_from_other_sites(start: Start) -> None:
    served = Served(start)
    for path in ("/", "/metrics", "/nothing", "/page.js"):
        status, body, headers = served.get(path)
        assert status == (404 if path == "/nothing" else 200)
        assert int(headers["content-length"]) == len(body)
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store"
        assert not [name for name in headers if name.lower().startswith("access-control")]
        assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", headers["date"])


def test_head_has_no_body_and_other_methods_are_refused(start: Start) -> None:
    served = Served(start)
    status, body, headers = served.get("/", "HEAD")
    assert (status, body) == (200, b"")
    assert int(headers["content-length"]) == len(served.get("/")[1])
    for method in ("OPTIONS", "DELETE", "TRACE"):
        status, _, headers = served.get("/metrics", method)
        assert (status, headers["allow"]) == (405, "GET, HEAD")
    assert served.get("/metrics", "POST")[0] == 405
    assert served.get("/page.css")[2]["content-type"] == "text/css; charset=utf-8"


def test_strangers_are_refused(start: Start) -> None:
    served = Served(start)
    assert served.get("/metrics", Host="rebound.example:9121")[0] == 403
    assert served.get("/metrics", Sec_Fetch_Site="cross-site")[0] == 403
    assert served.get("/metrics", Origin="http://evil.example")[0] == 403
    assert served.get("/metrics", Host="localhost", Origin="http://localhost", Sec_Fetch_Site="same-origin")[0] == 200
    served.redis.config_set("metrics-names", "rebound.example")
    assert served.get("/metrics", Host="rebound.example:9121")[0] == 200


def test_the_password_is_asked_for(start: Start) -> None:
    served = Served(start, "--requirepass", "secret")
    status, _, headers = served.get("/metrics")
    assert (status, headers["www-authenticate"]) == (401, 'Basic realm="redpoll", charset="UTF-8"')
    for path in ("/", "/page.js", "/data.json", "/nothing"):
        assert served.get(path)[0] == 401
    wrong, right = (b64encode(f"default:{word}".encode()).decode() for word in ("guess", "secret"))
    assert served.get("/metrics", Authorization=f"Basic {wrong}")[0] == 401
    assert served.get("/metrics", Authorization=f"Basic {right}")[0] == 200


def test_the_port_may_change_while_the_server_runs(start: Start) -> None:
    served = Served(start)
    before, taken = served.http, served.server.port
    assert served.get("/metrics")[0] == 200
    with pytest.raises(redis.ResponseError, match="Failed listening on metrics-port"):
        served.redis.config_set("metrics-port", taken)
    assert served.get("/metrics")[0] == 200
    served.http = free_port()
    served.redis.config_set("metrics-port", served.http)
    assert served.get("/metrics")[0] == 200
    assert not accepts(before)
    served.redis.config_set("metrics-port", 0)
    assert not accepts(served.http)


def test_it_listens_on_this_machine_only_unless_told(start: Start) -> None:
    served = Served(start)
    assert served.redis.config_get("metrics-bind") == {"metrics-bind": "127.0.0.1 -::1"}
    assert not accepts(served.http, "127.0.0.2")
    served.redis.config_set("metrics-bind", "127.0.0.2")
    assert accepts(served.http, "127.0.0.2")


def test_a_port_that_is_taken_ends_the_start(start: Start) -> None:
    served = Served(start)
    second = start("--port", "{port}", "--bind", "127.0.0.1", "--metrics-port", str(served.http))
    assert second.status() == 1
    assert "Failed listening on metrics-port 127.0.0.1" in second.log()


def test_the_library_is_loaded_only_for_the_port(start: Start) -> None:
    words = ["--port", "{port}", "--bind", "127.0.0.1"]
    verbose = {"PYTHONVERBOSE": "1"}
    off = start(*words, environment=verbose).ready()
    assert "import 'redpoll" in off.errors()
    assert "prometheus_client" not in off.errors()
    on = start(*words, "--metrics-port", str(free_port()), environment=verbose).ready()
    assert "prometheus_client" in on.errors()


EXPORTER = shutil.which("prometheus-redis-exporter") or shutil.which("redis_exporter")

THE_EXPORTER_ITSELF = re.compile(r"redis_exporter_|redis_target_scrape_|redis_last_key_groups_scrape_")
NOT_OURS = {"redis_db_keys_cached{db=db0}", "redis_db_keys_cached{db=db3}"}
"""The exporter reads `keys_with_volatile_items`, which follows the mean time to live, as a count of cached keys."""

MOVES = re.compile(r"redis_(cpu_|memory_|mem_|allocator_|uptime|net_|total_(reads|writes)|db_avg_ttl|start_time)")
"""What differs between two scrapes, a second or a request apart."""
ASKED_BY_THE_EXPORTER = re.compile(
    r"cmd=(info|config\|get|client\|setname|client\|list|slowlog\|\w+|latency\|\w+|hello|select)[,}]"
)
COUNTS_ITS_REQUESTS = {
    "redis_commands_processed_total{}",
    "redis_connections_received_total{}",
    "redis_connected_clients{}",
    "redis_client_recent_max_input_buffer_bytes{}",
    "redis_client_recent_max_output_buffer_bytes{}",
    "redis_total_error_replies{}",
    "redis_errors_total{err=ERR}",
}


@pytest.mark.slow
@pytest.mark.skipif(EXPORTER is None, reason="Debian's prometheus-redis-exporter is not installed")
def test_names_and_values_are_those_of_redis_exporter(start: Start) -> None:
    served = Served(start, "--slowlog-log-slower-than", "0")
    use(served.redis)
    port = free_port()
    exporter = subprocess.Popen(
        [
            str(EXPORTER),
            "-redis.addr",
            f"redis://127.0.0.1:{served.server.port}",
            "-web.listen-address",
            f"127.0.0.1:{port}",
        ],
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: accepts(port), "the exporter")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as response:
            # Some of its counters lack `_total`, which the parser would add.
            text = re.sub("^(# TYPE .*) counter$", r"\1 untyped", response.read().decode(), flags=re.MULTILINE)
    finally:
        exporter.terminate()
        exporter.wait(20)
    ours = served.samples()
    theirs = {
        name: value
        for name, value in samples_of(text).items()
        if name.startswith("redis_") and not THE_EXPORTER_ITSELF.match(name) and name not in NOT_OURS
    }
    assert len(theirs) > 150
    theirs = {name: value for name, value in theirs.items() if not ASKED_BY_THE_EXPORTER.search(name)}
    assert sorted(set(theirs) - set(ours)) == []
    moving = COUNTS_ITS_REQUESTS | {name for name in theirs if MOVES.match(name) or "slow" in name}
    different = {
        name: (value, ours[name])
        for name, value in theirs.items()
        if name not in moving and ours[name] != pytest.approx(value)
    }
    assert different == {}
    for name in ("redis_memory_used_bytes{}", "redis_memory_used_rss_bytes{}", "redis_start_time_seconds{}"):
        assert ours[name] == pytest.approx(theirs[name], rel=0.2)
