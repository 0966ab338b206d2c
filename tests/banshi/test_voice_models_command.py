"""``banshi voice models`` and ``banshi voice install``."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest

from tests.banshi.conftest import Command
from voice.model_store import DEFAULT_MODEL, ModelStore

KINDS = ["item_name", "saying", "division", "department"]


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ModelStore(tmp_path_factory.mktemp("none")).find(DEFAULT_MODEL).folder


@pytest.fixture
def another(bundled: Path, tmp_path: Path) -> Path:
    """A model to install."""
    folder = tmp_path / "another"
    shutil.copytree(bundled, folder)
    return folder


def test_the_model_of_the_product_is_there_without_data_or_network(empty_banshi: Command) -> None:
    outcome = empty_banshi("voice", "models", "--json")
    assert outcome.exit_code == 0, outcome.stderr
    (model,) = outcome.json["models"]
    assert (model["name"], model["chosen"], model["is_bundled"]) == (DEFAULT_MODEL, True, True)
    assert (model["problem"], model["rate"], model["takes_grammar"]) == (None, 16_000, True)
    assert Path(model["card"]).is_file()
    assert empty_banshi("voice", "models").stdout.startswith(f"* {DEFAULT_MODEL}")


def test_an_installed_model_is_listed_and_chosen_by_the_setting(empty_banshi: Command, another: Path) -> None:
    outcome = empty_banshi("voice", "install", another)
    assert outcome.exit_code == 0, outcome.stderr
    assert "BANSHI_VOICE_MODEL=another" in outcome.stdout
    assert "MD5" not in outcome.stdout, "nothing was compared"
    lines = empty_banshi("voice", "models", BANSHI_VOICE_MODEL="another").stdout.splitlines()
    assert [line[:3] for line in lines] == ["  b", "* a"]
    again = empty_banshi("voice", "install", another, "--json")
    assert (again.exit_code, again.json["error"]["code"]) == (1, "model_exists")
    replaced = empty_banshi("voice", "install", another, "--replace", "--json")
    assert (replaced.exit_code, replaced.json["name"], replaced.json["chosen"]) == (0, "another", False)


def test_what_cannot_be_installed_is_refused_in_a_sentence(empty_banshi: Command, another: Path, tmp_path) -> None:
    (another / "conf" / "mfcc.conf").write_text("--sample-frequency=8000\n")
    (tmp_path / "text.zip").write_text("no archive")
    for arguments, said in (
        ([another], "采样率是 8000，应为 16000"),
        ([tmp_path / "text.zip"], "不是完整的 ZIP 文件"),
        (["unheard-of"], "vosk-model-small-cn-0.22"),
        ([another, "--sha256", "0" * 64], "无法核对 SHA-256"),
    ):
        outcome = empty_banshi("voice", "install", *arguments)
        assert (outcome.exit_code, outcome.stdout) == (1, "")
        assert said in outcome.stderr
    assert len(empty_banshi("voice", "models", "--json").json["models"]) == 1


def test_a_zip_file_is_compared_with_the_checksum_given(empty_banshi: Command, bundled: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "zipped.zip", "w") as archive:
        for path in bundled.rglob("*"):
            archive.write(path, path.relative_to(bundled))
    outcome = empty_banshi("voice", "install", tmp_path / "zipped.zip", "--sha256", "0" * 64, "--json")
    assert (outcome.exit_code, outcome.json["error"]["code"]) == (1, "model_checksum")


def test_words_of_the_catalogue_that_the_model_lacks_are_reported_by_kind(banshi: Command) -> None:
    outcome = banshi("voice", "models", "--check", "--json")
    assert outcome.exit_code == 0, outcome.stderr
    assert [kind["kind"] for kind in outcome.json["coverage"]] == KINDS
    assert all(kind["words"] for kind in outcome.json["coverage"] if kind["kind"] != "saying")
    assert "事项名称：" in banshi("voice", "models", "--check").stdout
    assert banshi("voice", "models", "--json").json["coverage"] is None


def test_a_check_needs_a_model_with_words_and_an_index(banshi: Command, empty_banshi: Command, another: Path) -> None:
    missing = banshi("voice", "models", "--check", BANSHI_VOICE_MODEL="unheard-of")
    assert missing.exit_code == 1
    assert "banshi voice install unheard-of" in missing.stderr
    (another / "graph" / "HCLr.fst").rename(another / "graph" / "HCLG.fst")
    (another / "graph" / "words.txt").unlink()
    shutil.copytree(another, banshi.folder / "voice" / "models" / "wordless")
    wordless = banshi("voice", "models", "--check", BANSHI_VOICE_MODEL="wordless")
    assert wordless.exit_code == 1
    assert "没有 graph/words.txt" in wordless.stderr
    assert empty_banshi("voice", "models", "--check").exit_code == 1
