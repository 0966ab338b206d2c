"""Real Elasticsearch nodes for tests: one alone, or a cluster of several, on loopback, each in a process of its own.

A node keeps its ports and its folder for life, so one that was killed can be started again on what it had written.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.elasticsearch.distribution import LAUNCHER, distribution, java

HOST = "127.0.0.1"
READY_SECONDS = 90
_STOP_SECONDS = 60
"""It takes less than one, but on the first run Java writes the archive of classes when it ends."""
_REQUEST_SECONDS = 30
_POLL_SECONDS = 0.1
_LOG_LINES = 40

_JVM_OPTIONS = [
    "-XX:+UseSerialGC",
    "-XX:+ExitOnOutOfMemoryError",
    "-XX:-UsePerfData",
    # Java's own warnings, all about classes that it can't put in the archive, would bury the node's last words.
    "-Xlog:disable",
    "-Xlog:all=error",
    "--enable-native-access=ALL-UNNAMED",
    "-Dio.netty.noUnsafe=true",
    "-Dlog4j2.disable.jmx=true",
    # Log4j's own hook would run beside ours, and silence the node while it closes.
    "-Dlog4j.shutdownHookEnabled=false",
]
# Starting takes half the processor time without the second compiler; searches take half as long again.
_QUICK_START = ["-XX:TieredStopAtLevel=1"]
_SINGLE_HEAP = ["-Xms512m", "-Xmx1g"]
_CLUSTER_HEAP = ["-Xms256m", "-Xmx512m"]

_SETTINGS: dict[str, Any] = {
    "network.host": HOST,
    # A write to a mistaken name fails; it doesn't make an index.
    "action.auto_create_index": False,
    # In percent, as they are by default, a test machine's full disk would make indices read-only.
    "cluster.routing.allocation.disk.watermark.low": "200mb",
    "cluster.routing.allocation.disk.watermark.high": "100mb",
    "cluster.routing.allocation.disk.watermark.flood_stage": "50mb",
    # Real memory counts garbage, of which the serial collector leaves more lying about than this breaker is made for.
    "indices.breaker.total.use_real_memory": False,
}
_CLUSTER_SETTINGS: dict[str, Any] = {
    # A killed node is missed at once, since its connections close. These are for one that is suspended: missed after
    # 10 s instead of 30, and waited for with every change of the cluster's state for 10 s instead of 30, then 15 of 90.
    "cluster.fault_detection.follower_check.timeout": "5s",
    "cluster.fault_detection.follower_check.retry_count": 2,
    "cluster.fault_detection.leader_check.timeout": "5s",
    "cluster.fault_detection.leader_check.retry_count": 2,
    "cluster.publish.timeout": "10s",
    "cluster.follower_lag.timeout": "15s",
}
_LOGGING = """\
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%c{1.}] %m%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
# The native libraries aren't published; it says so at length.
logger.native.name = org.elasticsearch.nativeaccess
logger.native.level = error
"""


class NodeError(RuntimeError):
    """A node did not do what was asked of it; the message has the end of its log."""


class Node:
    """One Elasticsearch node: what it is, and its process while it runs."""

    def __init__(
        self,
        folder: Path,
        name: str = "node",
        *,
        ports: tuple[int, int] | None = None,
        settings: Mapping[str, Any] | None = None,
        jvm_options: list[str] | None = None,
    ) -> None:
        """Prepare a node in ``folder``, which is made; it is not started.

        Args:
            folder: the node's home, with ``config``, ``data`` and ``logs``.
            ports: for HTTP and for the transport between nodes; free ones if not given.
            settings: what ``elasticsearch.yml`` says beyond what all test nodes have; by default that it is alone.
            jvm_options: heap and others; by default those of a node that is alone.
        """
        self.folder = folder.resolve()
        self.name = name
        self.http_port, self.transport_port = ports or free_ports(2)
        self.url = f"http://{HOST}:{self.http_port}"
        self.log = self.folder / "logs" / "node.log"
        self._jvm_options = [*_SINGLE_HEAP, *_QUICK_START] if jvm_options is None else jvm_options
        self._is_alone = settings is None
        self._settings = {
            "node.name": name,
            "http.port": self.http_port,
            "transport.port": self.transport_port,
            **_SETTINGS,
            **({"discovery.type": "single-node"} if settings is None else settings),
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process that was started last."""
        if self._process is None:
            raise NodeError(f"{self.name} was never started")
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process lives; one that is suspended does."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the process. It answers some seconds later: see ``wait_ready``.

        Raises:
            DistributionError: this machine lacks what it needs.
            NodeError: it runs already.
        """
        if self.is_running:
            raise NodeError(f"{self.name} runs already")
        distribution_folder = distribution()
        self._lay_out(distribution_folder)
        command: list[str | Path] = [
            java(), *_JVM_OPTIONS, *self._jvm_options, *self._class_archive(distribution_folder / "classes.jsa"),
            f"-Djava.io.tmpdir={self.folder / 'tmp'}",
            "-cp", distribution_folder / "lib" / "*",
            LAUNCHER, self.folder,
        ]  # fmt: skip
        if threading.current_thread() is threading.main_thread():
            # Killed tests can't stop it. Linux watches the thread that started it, so for others, which may end long
            # before the tests do, the launcher must see by itself that its parent is gone.
            command = ["setpriv", "--pdeathsig=KILL", *command]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )

    def _class_archive(self, archive: Path) -> list[str]:
        """Options to share loaded classes between runs: again a third less processor time to start.

        Java writes the archive when a node ends in order and there is none that fits; only nodes that are alone do so,
        since it takes some seconds each. It is safe to read while it is written: its head, which makes it valid, comes
        last.
        """
        if self._is_alone:
            return ["-XX:+AutoCreateSharedArchive", f"-XX:SharedArchiveFile={archive}"]
        return [f"-XX:SharedArchiveFile={archive}"] if archive.exists() else []

    def _lay_out(self, distribution_folder: Path) -> None:
        """The home that Elasticsearch expects; what it wrote there before stays."""
        for name in ("config", "data", "logs", "plugins", "tmp"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        for name in ("lib", "modules"):
            link = self.folder / name
            link.unlink(missing_ok=True)
            link.symlink_to(distribution_folder / name)
        # A JSON value is a YAML value.
        lines = [f"{key}: {json.dumps(value)}\n" for key, value in self._settings.items()]
        (self.folder / "config" / "elasticsearch.yml").write_text("".join(lines))
        (self.folder / "config" / "log4j2.properties").write_text(_LOGGING)

    def wait_ready(self, seconds: float = READY_SECONDS) -> None:
        """Wait until every index can be searched and written: the status is yellow or green.

        Raises:
            NodeError: the process ended, or it took longer.
        """
        self._wait(lambda health: health["status"] in ("yellow", "green"), seconds, "ready")

    def _wait(self, is_reached: Callable[[Any], bool], seconds: float, what: str) -> None:
        """Ask for the cluster's health until it is as it should be."""
        deadline = time.monotonic() + seconds
        last: object = None
        while time.monotonic() < deadline:
            if not self.is_running:
                raise NodeError(f"{self.name} ended before it was {what}:\n{self._end_of_log()}")
            try:
                # Asked of the master it could wait for one; a node that can't reach it yet tells what it knows.
                status, last = self.request("GET", "/_cluster/health?local=true", seconds=5)
            except (OSError, http.client.HTTPException) as error:
                last = error
            else:
                if status == 200 and is_reached(last):
                    return
            time.sleep(_POLL_SECONDS)
        raise NodeError(f"{self.name} is not {what} after {seconds} s, last: {last}\n{self._end_of_log()}")

    def _end_of_log(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join([f"The end of {self.log}:", *lines[-_LOG_LINES:]])

    def request(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, seconds: float = _REQUEST_SECONDS
    ) -> tuple[int, Any]:
        """Status and JSON of the node's answer, over a connection of its own; None for an answer without content.

        Raises:
            OSError: no connection, or no answer within ``seconds``.
            http.client.HTTPException: the connection broke off.
        """
        connection = http.client.HTTPConnection(HOST, self.http_port, timeout=seconds)
        try:
            content = None if body is None else json.dumps(body)
            connection.request(method, path, content, {"Content-Type": "application/json"} if content else {})
            with connection.getresponse() as answer:
                received = answer.read()
                return answer.status, json.loads(received) if received else None
        finally:
            connection.close()

    def kill(self) -> None:
        """End the process at once, as a loss of power would (SIGKILL). Not an error if it has ended."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def suspend(self) -> None:
        """Halt the process (SIGSTOP): connections are accepted and nothing is answered."""
        process = self._running()
        process.send_signal(signal.SIGSTOP)
        # On a busy machine its threads halt one after another; told when the last has, we leave it as it was found.
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def resume(self) -> None:
        """Let a suspended process go on (SIGCONT)."""
        self._running().send_signal(signal.SIGCONT)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or not self.is_running:
            raise NodeError(f"{self.name} doesn't run")
        return self._process

    def stop(self) -> None:
        """End the process in order (SIGTERM), or at once if it takes too long. Not an error if it has ended."""
        if self._process is None:
            return
        self._process.terminate()
        self._process.send_signal(signal.SIGCONT)  # a suspended one would not hear of it
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_STOP_SECONDS)
        self.kill()


class Cluster:
    """Several nodes that form one cluster."""

    def __init__(self, folder: Path, size: int = 3) -> None:
        """Prepare the nodes, each in a folder of its own in ``folder``; none is started."""
        names = [f"node-{number}" for number in range(1, size + 1)]
        ports = free_ports(2 * size)
        settings = {
            "discovery.seed_hosts": [f"{HOST}:{port}" for port in ports[size:]],
            "cluster.initial_master_nodes": names,
            **_CLUSTER_SETTINGS,
        }
        self.nodes = [
            Node(
                folder / name,
                name,
                ports=(http_port, transport_port),
                settings=settings,
                jvm_options=[*_CLUSTER_HEAP, *_QUICK_START],
            )
            for name, http_port, transport_port in zip(names, ports[:size], ports[size:], strict=True)
        ]

    @property
    def urls(self) -> list[str]:
        """The addresses of all nodes, running or not."""
        return [node.url for node in self.nodes]

    def start(self) -> None:
        """Start every node that doesn't run; see ``wait_green``."""
        for node in self.nodes:
            if not node.is_running:
                node.start()

    def wait_green(self, seconds: float = 2 * READY_SECONDS) -> None:
        """Wait until the nodes that run, and no others, are one cluster in which no copy of any shard is missing.

        Raises:
            NodeError: one of them ended, or it took longer. A suspended node runs.
        """
        deadline = time.monotonic() + seconds
        running = [node for node in self.nodes if node.is_running]
        if not running:
            raise NodeError("No node of the cluster runs")

        def is_reached(health: Any) -> bool:
            return (health["status"], health["number_of_nodes"]) == ("green", len(running))

        for node in running:
            node._wait(is_reached, deadline - time.monotonic(), f"in a green cluster of {len(running)}")

    def stop(self) -> None:
        """Stop all nodes."""
        for node in self.nodes:
            node.stop()


def start_node(folder: Path) -> Node:
    """A node alone, started and ready.

    Raises:
        NodeError: it did not start; nothing of it runs.
        DistributionError: this machine lacks what it needs.
    """
    node = Node(folder)
    try:
        node.start()
        node.wait_ready()
    except BaseException:
        node.kill()
        raise
    return node


def start_cluster(folder: Path, size: int = 3) -> Cluster:
    """A cluster whose nodes have all joined.

    Raises:
        NodeError: a node did not start; none runs.
        DistributionError: this machine lacks what they need.
    """
    cluster = Cluster(folder, size)
    try:
        cluster.start()
        cluster.wait_green()
    except BaseException:
        for node in cluster.nodes:
            node.kill()
        raise
    return cluster


def free_ports(count: int) -> list[int]:
    """Different ports that nothing listens on, outside of the range that outgoing connections get theirs from.

    A port of that range could be taken while its node is dead: by any client, even by one that tries to reach the node
    and, given the node's port as its own, connects to itself.
    """
    first, last = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    candidates = [port for port in range(10_000, 65_536) if not first <= port <= last]
    random.shuffle(candidates)
    found: list[int] = []
    with contextlib.ExitStack() as held:
        for port in [*candidates, *[0] * count]:
            if len(found) == count:
                break
            listener = held.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                listener.bind((HOST, port))
                found.append(int(listener.getsockname()[1]))
    return found
