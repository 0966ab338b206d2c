"""The containers: compose files that say what they should, and an image without secrets and without rights."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from banshi.settings import Settings
from tests.deploy.files import DEPLOY, ROOT, TEXTS, VARIABLES

NODES = ["elasticsearch", "elasticsearch-2", "elasticsearch-3"]


def merged(*names: str) -> Any:
    """Compose files as compose lays them over each other, as far as these ones go."""
    result: dict[str, Any] = {"services": {}, "volumes": {}}
    for name in names:
        layer = yaml.safe_load(TEXTS[name])
        result["volumes"] |= layer["volumes"]
        for service, values in layer["services"].items():
            base = values.pop("extends", {}).get("service", service)
            below = result["services"].get(base, {})
            environment = below.get("environment", {}) | values.get("environment", {})
            depends = below.get("depends_on", {}) | values.get("depends_on", {})
            volumes = below.get("volumes", []) + values.get("volumes", [])
            found = below | values | {"environment": environment, "depends_on": depends, "volumes": volumes}
            result["services"][service] = found
    return result


SINGLE = merged("compose.yaml")
CLUSTER = merged("compose.yaml", "compose.cluster.yaml")
EVERY = pytest.mark.parametrize("composed", [SINGLE, CLUSTER], ids=["single", "cluster"])


@EVERY
def test_compose_has_the_services_and_every_lasting_one_says_when_it_is_well(composed: Any) -> None:
    services = composed["services"]
    nodes = NODES if composed is CLUSTER else NODES[:1]
    lasting = {name for name, service in services.items() if service.get("restart") == "unless-stopped"}
    assert lasting == {"database", "web", *nodes}
    once = set(services) - lasting
    assert once == {"elasticsearch-user", "prepare", "backup"} | ({"certificates"} if composed is CLUSTER else set())
    assert all(services[name]["healthcheck"]["test"] for name in lasting)
    assert "/readyz" in services["web"]["healthcheck"]["test"][-1]
    for service in services.values():
        for other, condition in service["depends_on"].items():
            expected = "service_healthy" if other in lasting else "service_completed_successfully"
            assert condition == {"condition": expected}, other


@EVERY
def test_compose_keeps_all_data_in_named_volumes_and_shows_only_the_web_to_this_machine(composed: Any) -> None:
    sources = {volume.partition(":")[0] for service in composed["services"].values() for volume in service["volumes"]}
    named = {source for source in sources if not source.startswith("./")}
    assert named == set(composed["volumes"])
    assert all((DEPLOY / source).is_file() for source in sources - named)
    ports = {name: service["ports"] for name, service in composed["services"].items() if "ports" in service}
    assert list(ports) == ["web"]
    assert all(port.startswith("127.0.0.1:") for port in ports["web"])


@EVERY
def test_compose_holds_no_password(composed: Any) -> None:
    for name, service in composed["services"].items():
        for variable, value in service["environment"].items():
            if re.search(r"PASSWORD|KEY$|SECRET", variable):
                assert value == "" or re.fullmatch(r"\$\{[A-Z_]+:\?[^}]*\}", value), f"{name}: {variable}"
            if "://" in str(value) and "@" in str(value):
                assert re.search(r"://[a-z]+:\$\{[A-Z_]+:\?[^}]*\}@", value), f"{name}: {variable}"


@EVERY
def test_compose_fetches_images_by_name_and_version_only(composed: Any) -> None:
    for service in composed["services"].values():
        if "build" not in service:
            assert re.fullmatch(r"[a-z]+:(\d|\$\{)[^/]*", service["image"])


@EVERY
def test_compose_gives_banshi_an_address_for_each_node(composed: Any) -> None:
    scheme, replicas, nodes = ("https", "1", NODES) if composed is CLUSTER else ("http", "0", NODES[:1])
    for name in ("prepare", "web", "backup"):
        environment = composed["services"][name]["environment"]
        assert environment["BANSHI_ELASTICSEARCH_URLS"] == ",".join(f"{scheme}://{node}:9200" for node in nodes)
        assert environment["BANSHI_ELASTICSEARCH_REPLICAS"] == replicas
        Settings.model_validate(
            {key.removeprefix("BANSHI_").lower(): v for key, v in environment.items() if key.startswith("BANSHI_")}
        )
    for node in nodes:
        environment = composed["services"][node]["environment"]
        assert environment["node.name"] == node
        assert environment["xpack.security.enabled"] == "true"
        assert environment["xpack.security.http.ssl.enabled"] == str(composed is CLUSTER).lower()


def test_each_node_has_the_certificate_that_is_made_for_it() -> None:
    assert CLUSTER["services"]["certificates"]["command"] == ["/certificates", *NODES]
    for node in NODES:
        environment = CLUSTER["services"][node]["environment"]
        for layer in ("http", "transport"):
            assert environment[f"xpack.security.{layer}.ssl.key"] == f"certificates/{node}/{node}.key"
            assert environment[f"xpack.security.{layer}.ssl.certificate"] == f"certificates/{node}/{node}.crt"
        assert environment["discovery.seed_hosts"] == environment["cluster.initial_master_nodes"] == ",".join(NODES)


def test_the_elasticsearch_is_the_one_that_the_tests_run() -> None:
    tested = re.search(r"<elasticsearch\.version>(.+?)<", (ROOT / "tests/elasticsearch/pom.xml").read_text())
    assert tested
    assert VARIABLES["ELASTICSEARCH_VERSION"] == tested[1]
    defaults = {found for text in TEXTS.values() for found in re.findall(r"\{ELASTICSEARCH_VERSION:-(.+?)\}", text)}
    assert defaults == {tested[1]}


def test_the_image_installs_locked_packages_and_runs_without_rights() -> None:
    lines = TEXTS["Dockerfile"].splitlines()
    for line in lines:
        if line.startswith("FROM"):
            assert re.match(r"FROM python:3\.11-slim-[a-z]+( AS [a-z]+)?$", line)
        if line.startswith("COPY") and "--from" not in line:
            assert all((ROOT / source).exists() for source in line.split()[1:-1]), line
    assert [line for line in lines if "pip install" in line and not re.search("--require-hashes|--no-deps", line)] == []
    assert [line for line in lines if line.startswith("USER")] == ["USER banshi"]
    assert lines[-1] == 'CMD ["banshi", "serve"]'


def test_the_image_is_built_without_secrets_and_without_data() -> None:
    assert {"**/.env", "**/*.env", ".*", "data", ".venv*"} <= set(TEXTS["Dockerfile.dockerignore"].splitlines())
