"""The files of deploy/ agree with the program: settings, commands, metrics, and each other."""

from __future__ import annotations

import base64
import http.server
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from configparser import RawConfigParser
from pathlib import Path

import click
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from banshi.cli.main import cli
from banshi.settings import Settings
from tests.deploy.files import DEPLOY, EXAMPLE, ROOT, SETTINGS, TEXTS, VARIABLES
from tests.web.conftest import close_site, indexed_folder, open_site

SCRIPTS = sorted(name for name, text in TEXTS.items() if text.startswith("#!"))
UNITS = sorted(name for name in TEXTS if name.endswith((".service", ".timer", ".conf")) and "systemd" in name)


# --- Settings


@pytest.mark.parametrize("name", TEXTS)
def test_every_setting_that_a_file_names_exists(name: str) -> None:
    assert set(re.findall(r"BANSHI_[A-Z0-9_]*[A-Z0-9]", TEXTS[name])) <= set(SETTINGS)


def test_the_example_lists_every_setting_with_its_default() -> None:
    assert set(SETTINGS) <= set(VARIABLES)
    # The folder of a service is not that of a checkout.
    settings = Settings.model_validate({name: VARIABLES[f"BANSHI_{name.upper()}"] for name in Settings.model_fields})
    assert settings.as_environment() == Settings.model_construct().as_environment() | {"BANSHI_DATA": "/var/lib/banshi"}


def test_the_example_as_it_is_makes_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    for name, value in re.findall(r"^([A-Z][A-Z0-9_]*)=(.*)$", EXAMPLE, re.MULTILINE):
        monkeypatch.setenv(name, value)
    assert Settings().data == Path("/var/lib/banshi")


def test_the_example_lists_what_compose_and_the_scripts_read_and_nothing_else() -> None:
    composed = {name for text in (TEXTS["compose.yaml"], TEXTS["compose.cluster.yaml"])
                for name in re.findall(r"(?<!\$)\$\{([A-Z_]+)", text)}  # fmt: skip
    assert composed <= set(VARIABLES)
    others = "".join(text for name, text in TEXTS.items() if name not in ("env.example", "README.md"))
    # Gunicorn reads this one.
    unread = [name for name in VARIABLES if name not in others and name not in SETTINGS]
    assert unread == ["FORWARDED_ALLOW_IPS"]


def test_no_value_of_the_example_needs_quotes_which_its_readers_take_differently() -> None:
    assert [value for value in VARIABLES.values() if re.search(r"[\s\"'$\\#]", value)] == []


# --- systemd


def unit(name: str) -> RawConfigParser:
    parser = RawConfigParser(strict=False, delimiters=["="], comment_prefixes=["#"], interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(TEXTS[name])
    return parser


def test_there_is_a_service_for_the_web_and_a_nightly_one_for_each_chore() -> None:
    names = {name.partition("/")[2] for name in UNITS}
    chores = ("backup", "rebuild")
    assert names == {
        "banshi-web.service",
        "banshi-.service.d/hardening.conf",
        *(f"banshi-{chore}.{kind}" for chore in chores for kind in ("service", "timer")),
    }
    for chore in chores:
        assert unit(f"systemd/banshi-{chore}.service")["Service"]["Type"] == "oneshot"
        assert re.fullmatch(r"\*-\*-\* 0\d:\d\d:00", unit(f"systemd/banshi-{chore}.timer")["Timer"]["OnCalendar"])


@pytest.mark.parametrize("name", [name for name in UNITS if name.endswith(".service")])
def test_a_service_runs_what_exists_as_its_own_account(name: str) -> None:
    service = unit(name)["Service"]
    assert (service["User"], service["EnvironmentFile"]) == ("banshi", "/etc/banshi/banshi.env")
    program, *arguments = service["ExecStart"].split()
    if program.endswith("/banshi"):
        assert_command([argument for argument in arguments if not argument.startswith("$")])
    else:
        assert os.access(ROOT / program.removeprefix("/opt/banshi/"), os.X_OK)


def test_the_services_may_write_their_own_folders_only() -> None:
    service = unit("systemd/banshi-.service.d/hardening.conf")["Service"]
    expected = {"NoNewPrivileges": "yes", "ProtectSystem": "strict", "PrivateTmp": "yes", "CapabilityBoundingSet": ""}
    assert expected.items() <= dict(service).items()
    assert service["ReadWritePaths"] == VARIABLES["BANSHI_DATA"]
    assert unit("systemd/banshi-backup.service")["Service"]["ReadWritePaths"] == f"-{VARIABLES['BACKUP_FOLDER']}"
    assert f"BACKUP_FOLDER:-{VARIABLES['BACKUP_FOLDER']}" in TEXTS["backup.sh"]


def test_systemd_reads_the_units_without_a_complaint(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    for name in UNITS:
        path = tmp_path / name.removeprefix("systemd/")
        path.parent.mkdir(exist_ok=True)
        text = TEXTS[name].replace("/opt/banshi/.venv/bin/banshi", str(Path(sys.executable).with_name("banshi")))
        path.write_text(text.replace("/opt/banshi", str(ROOT)))
        assert unit(name).sections(), "any reader of such files can read it"
    if analyze:  # a machine without systemd has the test above
        units = sorted(tmp_path.glob("banshi-*.*e*r*"))
        files = [path for path in units if path.is_file()]
        ran = subprocess.run([analyze, "verify", "--man=no", *files], capture_output=True, text=True)
        assert (len(files), ran.returncode, ran.stdout + ran.stderr) == (5, 0, "")


# --- Commands


def assert_command(arguments: list[str]) -> None:
    """That `banshi` has the command and its options, and takes so many arguments."""
    command: click.Command = cli
    rest = list(arguments)
    while isinstance(command, click.Group):
        assert rest and rest[0] in command.commands, f"banshi {' '.join(arguments)}"
        command = command.commands[rest.pop(0)]
    options = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    given = {part.partition("=")[0] for part in rest if part.startswith("-")}
    assert given <= options, f"banshi {' '.join(arguments)}"


def commands_of(text: str) -> list[str]:
    """What follows `banshi` where it is called, up to the end of the call."""
    calls = r"(?:as-banshi |exec (?:-T )?web |^ *(?:- )?|[`'\"(]|\{ |&& |\|\| |Run: |; )\"?\$?banshi\"? "
    found = re.findall(rf"{calls}([a-z]+(?: [^\s;|&>`'\")}}]+)*)", text, re.MULTILINE)
    return [call.rstrip(".,") for call in found]


@pytest.mark.parametrize("name", [name for name in TEXTS if name not in ("nginx.conf",)])
def test_every_command_that_a_file_gives_exists(name: str) -> None:
    for call in commands_of(TEXTS[name]):
        assert_command([part for part in shlex.split(call, comments=True) if not part.startswith("$")])


def test_the_commands_of_the_guide_are_found() -> None:
    assert {"init", "index rebuild", "index rebuild --engine=embedded", "init --no-sample", "search 身份证丢了"} <= set(
        commands_of(TEXTS["README.md"])
    )


def test_the_guide_leads_to_files_that_exist() -> None:
    text = TEXTS["README.md"]
    for target in re.findall(r"\]\((?!#)([^)#]+)", text):
        assert (DEPLOY / target).exists(), target
    for path in re.findall(r"/opt/banshi/(deploy/[\w./-]+)", text):
        assert (ROOT / path).exists(), path
    for span in re.findall(r"`([a-z./-]+/|[a-z.-]+(?:/[a-z.-]+)*\.(?:sh|ya?ml|conf|example))`", text):
        assert span == "prometheus.yml" or (DEPLOY / span).exists(), span
    headings = {
        re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in re.findall(r"^## (.+)$", text, re.MULTILINE)
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= headings


@pytest.mark.parametrize("name", SCRIPTS)
def test_bash_reads_the_script(name: str) -> None:
    assert os.access(DEPLOY / name, os.X_OK)
    assert "set -euo pipefail" in TEXTS[name]
    ran = subprocess.run(["bash", "-n", DEPLOY / name], capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")


# --- Elasticsearch's user


class _Listener(http.server.BaseHTTPRequestHandler):
    """Keeps what is put."""

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.put.append((self.path, self.headers["Authorization"], json.loads(body)))  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def listener() -> Iterator[http.server.HTTPServer]:
    server = http.server.HTTPServer(("127.0.0.1", 0), _Listener)
    server.put = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def create_user(server: http.server.HTTPServer, password: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [DEPLOY / "elasticsearch/create-user.sh"],
        env={
            "PATH": os.environ["PATH"],
            "ELASTIC_PASSWORD": "first",
            "BANSHI_ELASTICSEARCH_PASSWORD": password,
            "BANSHI_ELASTICSEARCH_URLS": f"http://127.0.0.1:{server.server_port},http://nowhere.example:9200",
        },
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_banshis_user_of_elasticsearch_may_keep_banshis_indexes_only(listener: http.server.HTTPServer) -> None:
    ran = create_user(listener, "a1b2c3d4e5f6")
    assert ran.returncode == 0, ran.stderr
    authorization = "Basic " + base64.b64encode(b"elastic:first").decode()
    role = {"cluster": ["monitor"], "indices": [{"names": ["banshi-*"], "privileges": ["all"]}]}
    user = {"roles": ["banshi"], "password": "a1b2c3d4e5f6"}
    assert listener.put == [  # type: ignore[attr-defined]
        ("/_security/role/banshi", authorization, role),
        ("/_security/user/banshi", authorization, user),
    ]
    assert "a1b2c3d4e5f6" not in ran.stdout + ran.stderr


@pytest.mark.parametrize("password", ["", "short", 'with"quote123456'])
def test_a_password_that_would_not_get_through_is_refused(listener: http.server.HTTPServer, password: str) -> None:
    ran = create_user(listener, password)
    assert (ran.returncode, listener.put) == (1, [])  # type: ignore[attr-defined]
    assert "openssl rand" in ran.stderr


# --- Alerts


@pytest.fixture(scope="module")
def exposed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, set[str]], set[str]]]:
    """The labels of every sample of /metrics by its name, and the endpoints of the site."""
    app = open_site(indexed_folder(tmp_path_factory.mktemp("metrics")))
    client = app.test_client()
    assert client.get("/search?q=身份证").status_code == 200
    assert client.get("/api/v1/search?q=身份证").status_code == 200
    samples: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(client.get("/metrics").text):
        for sample in family.samples:
            samples.setdefault(sample.name, set()).update(sample.labels)
    yield samples, {rule.endpoint for rule in app.url_map.iter_rules()}
    close_site(app)


def queries() -> dict[str, str]:
    rules = [rule for group in yaml.safe_load(TEXTS["prometheus/alerts.yml"])["groups"] for rule in group["rules"]]
    alerts = {rule["alert"]: rule["expr"] for rule in rules}
    shown = re.findall(r"\| `([^`]*banshi_[^`]*)` \|", TEXTS["README.md"])
    assert len(alerts) == len(rules)
    return alerts | {query: query for query in shown}


def test_the_alerts_are_whole() -> None:
    (group,) = yaml.safe_load(TEXTS["prometheus/alerts.yml"])["groups"]
    for rule in group["rules"]:
        assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert set(rule["annotations"]) == {"summary", "description"}
    assert f"{len(group['rules'])} rules found" in TEXTS["README.md"]


@pytest.mark.parametrize("name", queries())
def test_a_query_asks_for_what_metrics_tells(name: str, exposed: tuple[dict[str, set[str]], set[str]]) -> None:
    samples, endpoints = exposed
    asked = re.findall(r"\b(banshi_\w+|up)(?:\{([^}]*)\})?", queries()[name])
    assert asked
    for metric, selector in asked:
        if metric == "up":
            continue
        assert metric in samples
        for label, operator, value in re.findall(r'(\w+)(=~|!~|!=|=)"([^"]*)"', selector):
            assert label in samples[metric], f"{metric} has no {label}"
            if label == "endpoint":
                assert any(re.fullmatch(value, endpoint) for endpoint in endpoints), f"{operator} {value}"
    for labels in re.findall(r"by \(([^)]*)\)", queries()[name]):
        known = {"instance"}.union(*(samples.get(metric, set()) for metric, _ in asked))
        assert {label.strip() for label in labels.split(",")} <= known


def test_prometheus_is_sent_to_the_web_machines_themselves() -> None:
    told = yaml.safe_load(TEXTS["prometheus/scrape.yml"])
    (job,) = told["scrape_configs"]
    assert job["job_name"] == "banshi"
    assert job["static_configs"] == [{"targets": [f"{VARIABLES['BANSHI_HOST']}:{VARIABLES['BANSHI_PORT']}"]}]
    assert told["rule_files"] == ["/etc/prometheus/banshi-alerts.yml"]
    assert told["rule_files"][0] in TEXTS["README.md"]


# --- What must not be in any file


@pytest.mark.parametrize("name", TEXTS)
def test_no_registry_and_no_path_of_a_machine_is_named(name: str) -> None:
    words = [
        "pypi." + "org",
        "python" + "hosted",
        "/ro" + "ot/",
        "/work" + "/",
        "docker." + "io",
        "docker." + "elastic",
        "ghcr" + ".",
    ]
    assert [word for word in words if word in TEXTS[name]] == []
