"""A client by our settings, and its errors as sentences that say what to do."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elastic_transport import ConnectionError as NoConnection
from elastic_transport import ConnectionTimeout, TlsError, Transport, TransportApiResponse, TransportError
from elasticsearch import ApiError, Elasticsearch, UnsupportedProductError

_MAX_DEAD_SECONDS = 3.0
"""A node that did not answer is asked again after so long at most; the client's own 30 s would outlast the trouble."""
_CONNECTIONS_PER_NODE = 10


@dataclass(frozen=True)
class ElasticsearchOptions:
    """Where Elasticsearch is and how to log in. ``index`` is the prefix of every index and alias that we make.

    ``api_key`` or ``user`` with ``password``; ``ca_file`` or ``fingerprint`` (SHA-256, hexadecimal) for https with an
    authority of one's own. ``timeout_seconds`` bounds a search; loading has its own, longer bound.
    """

    urls: tuple[str, ...]
    index: str = "banshi"
    api_key: str = ""
    user: str = ""
    password: str = ""
    ca_file: Path | None = None
    fingerprint: str = ""
    timeout_seconds: float = 2.0
    retries: int = 1
    replicas: int = 1
    shards: int = 1


class ElasticsearchUnavailableError(Exception):
    """Elasticsearch refused or did not answer. The message says why and what to do."""


class _SpeaksToEightAndNine(Transport):
    """Asks for the REST API as version 8 has it: 8.x and 9.x both answer that, while 8.x refuses what the client of
    version 9 asks for by itself. Nothing that we use differs between them."""

    def perform_request(self, method: str, target: str, **options: Any) -> TransportApiResponse:
        """Send a request."""
        headers = {
            name: value.replace("compatible-with=9", "compatible-with=8")
            for name, value in dict(options.pop("headers", None) or {}).items()
        }
        return super().perform_request(method, target, headers=headers, **options)


def connect(options: ElasticsearchOptions) -> Elasticsearch:
    """A client. Connects only when it is first used."""
    tls: dict[str, object] = {}
    if any(url.startswith("https:") for url in options.urls):
        if options.ca_file is not None:
            if not options.ca_file.is_file():
                raise ElasticsearchUnavailableError(
                    f"找不到证书文件 {options.ca_file}。请检查 BANSHI_ELASTICSEARCH_CA_FILE"
                )
            tls["ca_certs"] = str(options.ca_file)
        if options.fingerprint:
            tls["ssl_assert_fingerprint"] = options.fingerprint
    login: dict[str, object] = {}
    if options.api_key:
        login["api_key"] = options.api_key
    elif options.user:
        login["basic_auth"] = (options.user, options.password)
    try:
        return Elasticsearch(
            list(options.urls),
            request_timeout=options.timeout_seconds,
            max_retries=options.retries,
            # A node that is slow once is slow again: the standby answers sooner than a second wait.
            retry_on_timeout=False,
            retry_on_status=(502, 504),
            max_dead_node_backoff=_MAX_DEAD_SECONDS,
            connections_per_node=_CONNECTIONS_PER_NODE,
            transport_class=_SpeaksToEightAndNine,
            **tls,  # type: ignore[arg-type]
            **login,  # type: ignore[arg-type]
        )
    except ValueError as error:
        raise ElasticsearchUnavailableError(
            f"Elasticsearch 的设置有误：{error}。请检查 BANSHI_ELASTICSEARCH_URLS，例如 http://127.0.0.1:9200"
        ) from error


@contextlib.contextmanager
def translated(options: ElasticsearchOptions) -> Iterator[None]:
    """Turn the client's errors into ElasticsearchUnavailableError."""
    try:
        yield
    except (ApiError, TransportError, UnsupportedProductError) as error:
        raise ElasticsearchUnavailableError(explain(error, options)) from error


def explain(error: Exception, options: ElasticsearchOptions) -> str:
    """What went wrong with Elasticsearch, and the next step, in one or two sentences."""
    where = "、".join(options.urls)
    if isinstance(error, TlsError):
        text = str(error)
        if "fingerprint" in text.lower():
            return (
                f"{where} 的证书指纹与 BANSHI_ELASTICSEARCH_FINGERPRINT 不符。可能换过证书，也可能连到了别的机器："
                "请向管理员核对新证书的 SHA-256 指纹，再更新设置"
            )
        return (
            f"不能核实 {where} 的证书（{text[:200]}）。自建证书请设置 BANSHI_ELASTICSEARCH_CA_FILE "
            "或 BANSHI_ELASTICSEARCH_FINGERPRINT"
        )
    if isinstance(error, ConnectionTimeout):
        return (
            f"{where} 在 {options.timeout_seconds:g} 秒内没有回答。请检查集群负载和网络；"
            "必要时调大 BANSHI_ELASTICSEARCH_TIMEOUT_SECONDS"
        )
    if isinstance(error, NoConnection):
        return f"连不上 {where}。请检查 Elasticsearch 是否在运行，以及 BANSHI_ELASTICSEARCH_URLS 和防火墙"
    if isinstance(error, UnsupportedProductError):
        return f"{where} 回答的不是 Elasticsearch。请检查 BANSHI_ELASTICSEARCH_URLS"
    if isinstance(error, ApiError):
        return _explain_status(error.status_code, error_kind(error), str(error.message) + str(error.body), where)
    return f"{where}：{error}"


def explain_item(status: int, error: Mapping[str, Any], options: ElasticsearchOptions) -> str:
    """The same for one document's error in the answer to a bulk request."""
    return _explain_status(status, str(error.get("type", "")), str(error.get("reason", "")), "、".join(options.urls))


def _explain_status(status: int, kind: str, reason: str, where: str) -> str:
    """By HTTP status and the engine's own type of error."""
    if status == 401:
        return f"{where} 不认可用户名、密码或 API key。请检查 BANSHI_ELASTICSEARCH_USER、_PASSWORD 或 _API_KEY"
    if status == 403 and "security" in kind:
        return (
            f"{where} 的这个用户权限不够（{kind}）。它需要对本索引前缀的 manage、write、read 权限，"
            "和集群的 monitor 权限"
        )
    if "cluster_block" in kind and ("read-only" in reason or "flood" in reason or "read_only" in reason):
        return (
            f"{where} 的磁盘到了警戒线（flood stage），索引已被锁为只读。请腾出磁盘空间；空间够了锁会自动解除，"
            "同步会自己接着做"
        )
    if kind in (
        "search_phase_execution_exception",
        "no_shard_available_action_exception",
        "unavailable_shards_exception",
    ):
        return f"{where} 的集群状态是红色：索引的主分片没有分配。请看 _cluster/allocation/explain，修好缺失的节点"
    if "master_not_discovered" in kind or "cluster_block" in kind:
        return f"{where} 的集群没有主节点（多数节点不在）。请启动其余节点"
    if kind == "strict_dynamic_mapping_exception":
        return f"索引的结构与本程序不符：{reason[:200]}。请运行：banshi index rebuild"
    if status == 429:
        return f"{where} 忙不过来（429）。请稍后再试，或者给集群增加资源"
    return f"{where} 拒绝了请求：{status} {kind}"


def error_kind(error: ApiError) -> str:
    """The engine's own type of error, such as cluster_block_exception; empty where it names none."""
    body = error.body
    if isinstance(body, dict) and isinstance(body.get("error"), dict):
        return str(body["error"].get("type", ""))
    return str(error.message) if isinstance(error.message, str) else ""
