"""The nodes that other tests run on: what is true of a real server must be true of them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.elasticsearch import distribution
from tests.elasticsearch.distribution import DistributionError
from tests.elasticsearch.node import Cluster, Node, NodeError, free_ports
from tests.waiting import eventually

INDEX = "/documents"
REPLICATED = {"settings": {"number_of_shards": 1, "number_of_replicas": 1}}
UNREPLICATED = {"settings": {"number_of_shards": 1, "number_of_replicas": 0}}


def write(node: Node, title: str) -> None:
    """Index a document under the number 1; it is searchable at once."""
    status, answer = node.request("PUT", f"{INDEX}/_doc/1?refresh=true", {"title": title})
    assert status in (200, 201), answer


def titles(node: Node) -> list[str]:
    status, answer = node.request("POST", f"{INDEX}/_search", {"query": {"match_all": {}}})
    assert (status, answer["_shards"]["failed"]) == (200, 0), answer
    return [hit["_source"]["title"] for hit in answer["hits"]["hits"]]


def test_a_node_answers_with_its_health(elasticsearch_node: Node) -> None:
    status, health = elasticsearch_node.request("GET", "/_cluster/health")
    assert (status, health["number_of_nodes"]) == (200, 1)
    assert health["status"] in ("yellow", "green")


def test_a_node_is_heard_on_loopback_alone(elasticsearch_node: Node) -> None:
    for port in (elasticsearch_node.http_port, elasticsearch_node.transport_port):
        with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.2", port), timeout=2):
            pass


def test_a_write_to_a_mistaken_name_makes_no_index(elasticsearch_node: Node) -> None:
    status, _ = elasticsearch_node.request("PUT", "/mistaken/_doc/1", {"title": "x"})
    assert status == 404
    assert elasticsearch_node.request("HEAD", "/mistaken") == (404, None)


def test_a_node_killed_and_started_again_keeps_what_it_was_given(tmp_path: Path) -> None:
    node = Node(tmp_path / "node")
    try:
        node.start()
        node.wait_ready()
        node.request("PUT", INDEX, UNREPLICATED)
        write(node, "居民身份证补领")
        first = node.pid
        node.kill()
        assert not node.is_running
        with pytest.raises(ConnectionRefusedError):
            node.request("GET", "/_cluster/health")
        node.start()
        node.wait_ready()
        assert node.pid != first
        assert titles(node) == ["居民身份证补领"]

        node.suspend()
        with pytest.raises(TimeoutError):
            node.request("GET", "/_cluster/health", seconds=0.5)
        node.resume()
        assert titles(node) == ["居民身份证补领"]

        node.suspend()
        node.stop()
        assert not node.is_running
        assert "[o.e.n.Node] closed" in node.log.read_text(), "it ended in order although it was suspended"
    finally:
        node.kill()


def test_a_node_that_can_not_start_tells_why(tmp_path: Path) -> None:
    node = Node(tmp_path / "node", settings={"discovery.type": "single-node", "no.such.setting": True})
    node.start()
    try:
        with pytest.raises(NodeError, match=r"unknown setting \[no\.such\.setting\]"):
            node.wait_ready()
        assert not node.is_running
    finally:
        node.kill()


@pytest.mark.parametrize("in_thread", [False, True], ids=["suspended", "started in a thread"])
def test_a_node_ends_when_whoever_started_it_is_killed(tmp_path: Path, in_thread: bool) -> None:
    """Linux kills even a node that is suspended; one whose thread had ended before lives on, and then ends by itself."""
    start = (
        "thread = threading.Thread(target=node.start); thread.start(); thread.join()" if in_thread else "node.start()"
    )
    program = (
        "import pathlib, sys, threading, time; from tests.elasticsearch.node import Node;"
        f"node = Node(pathlib.Path(sys.argv[1])); {start}; node.wait_ready(); print(node.pid, flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", program, tmp_path], stdout=subprocess.PIPE, text=True) as parent:
        try:
            assert parent.stdout is not None
            pid = int(parent.stdout.readline())
            assert is_running(pid)
            if not in_thread:
                os.kill(pid, signal.SIGSTOP)
        finally:
            parent.kill()
    try:
        assert eventually(lambda: not is_running(pid), 30)
    finally:
        if is_running(pid):
            os.kill(pid, signal.SIGKILL)


def is_running(pid: int) -> bool:
    """Whether a process lives; one that ended but was not fetched yet does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in ("Z", "X")


def test_a_cluster_with_a_replica_answers_when_one_node_is_killed(elasticsearch_cluster: Cluster) -> None:
    nodes = elasticsearch_cluster.nodes
    nodes[0].request("PUT", INDEX, REPLICATED)
    write(nodes[0], "不动产登记")
    elasticsearch_cluster.wait_green()
    _, holders = nodes[0].request("GET", "/_cat/shards?format=json")
    killed = next(node for node in nodes if node.name == holders[0]["node"])
    killed.kill()
    others = [node for node in nodes if node is not killed]
    assert eventually(lambda: [titles_or_none(node) for node in others] == [["不动产登记"]] * 2, 15)

    killed.start()
    elasticsearch_cluster.wait_green()
    assert [titles(node) for node in nodes] == [["不动产登记"]] * 3


def titles_or_none(node: Node) -> list[str] | None:
    """What is found, or nothing while the others have not noticed yet that a copy is lost."""
    status, answer = node.request("POST", f"{INDEX}/_search", {"query": {"match_all": {}}})
    if status != 200 or answer["_shards"]["failed"]:
        return None
    return [hit["_source"]["title"] for hit in answer["hits"]["hits"]]


def test_free_ports_are_different_and_never_given_to_a_client() -> None:
    first, last = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    ports = free_ports(20)
    assert len(set(ports)) == 20
    assert not [port for port in ports if first <= port <= last]


def test_without_a_jdk_that_is_new_enough_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jdk = tmp_path / "old"
    (jdk / "bin").mkdir(parents=True)
    (jdk / "bin" / "javac").touch(mode=0o755)
    (jdk / "release").write_text('IMPLEMENTOR="x"\nJAVA_VERSION="17.0.15"\n')
    monkeypatch.setenv("JAVA_HOME", str(jdk))
    monkeypatch.setenv("PATH", str(jdk / "bin"))
    monkeypatch.setattr(distribution, "JDK_FOLDER", tmp_path)
    with pytest.raises(DistributionError, match="JDK 21 or newer"):
        distribution.java()
    (jdk / "release").write_text('IMPLEMENTOR="x"\nJAVA_VERSION="21"\n')
    assert distribution.java() == jdk / "bin" / "java"
    monkeypatch.delenv("JAVA_HOME")
    assert distribution.java() == jdk / "bin" / "java"


def test_jars_other_than_the_listed_ones_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    maven = tmp_path / "mvn"
    maven.write_text(
        '#!/bin/sh\nfor last; do :; done\nmkdir -p "${last#*=}"\necho x > "${last#*=}/elasticsearch-9.0.8.jar"\n'
    )
    maven.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(DistributionError, match=r"other jars .*elasticsearch-9\.0\.8\.jar"):
        distribution.distribution()
    left = [path.name for path in (tmp_path / "cache" / "banshi-tests").iterdir()]
    assert left == [f"elasticsearch-{distribution.version()}.lock"]
