"""The banshi command: one JSON document on standard output, the rest on standard error; 0 done, 1 refused, 2 misused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from guides import document
from tests import catalogue
from tests.banshi.conftest import GUIDES, ID_CARD, ID_CARD_GUIDE, PASSPORT, Command, changed, write_lines

OF_THE_MACHINE = ("Traceback", 'File "', "Error:")


def refusal(outcome: Any) -> Any:
    """The error of a command refused with --json: one document, and the same sentence for people."""
    assert outcome.exit_code == 1
    error = outcome.json["error"]
    assert set(error) == {"code", "message", "field"}
    assert error["message"] in outcome.stderr
    assert not any(words in outcome.stderr for words in OF_THE_MACHINE)
    return error


# Every command that prints data


@pytest.mark.parametrize(
    "arguments",
    [
        ["search", "身份证"],
        ["suggest", "sfz"],
        ["guides", "show", ID_CARD_GUIDE.code],
        ["guides", "lint"],
        ["guides", "export", "{folder}/export.jsonl"],
        ["index", "status"],
        ["index", "sync"],
        ["index", "check"],
        ["index", "rebuild"],
        ["init", "--no-sample"],
    ],
    ids=" ".join,
)
def test_json_is_one_document_on_standard_output_and_without_it_there_are_words(
    banshi: Command, arguments: list[str]
) -> None:
    arguments = [argument.format(folder=banshi.folder) for argument in arguments]
    outcome = banshi(*arguments, "--json")
    assert outcome.exit_code == 0
    assert isinstance(outcome.json, dict)
    assert outcome.stderr == ""
    words = banshi(*arguments)
    assert words.exit_code == 0
    assert words.stdout
    with pytest.raises(json.JSONDecodeError):
        json.loads(words.stdout)


def test_the_command_as_a_process_keeps_standard_output_to_the_document(banshi: Command) -> None:
    outcome = banshi.process("search", "身份证", "--json")
    assert outcome.exit_code == 0
    assert outcome.json["results"][0]["title"] == ID_CARD.name
    assert outcome.stderr == ""


# search and suggest


def test_search_answers_as_the_api_does(banshi: Command) -> None:
    answer = banshi("search", "身份证丢了", "--division", "道里区", "--size", "5", "--json").json
    assert (answer["query"], answer["total"], answer["page"], answer["size"]) == ("身份证丢了", 1, 1, 5)
    assert answer["understood"]["division"] == "230102"
    assert answer["results"][0]["code"] == ID_CARD_GUIDE.code
    assert set(answer) >= {"engine", "degraded", "took_ms", "facets", "suggestions", "relaxed"}


def test_search_takes_the_filters_as_options(banshi: Command) -> None:
    answer = banshi("search", "--department", "公安局", "--applicant", "individual", "--sort", "limit", "--json").json
    assert answer["total"] == 2
    assert answer["understood"]["applicant"] == "individual"
    assert banshi("search", "身份证", "--theme", "legal/005", "--json").json["total"] == 0
    assert banshi("search", "身份证", "--engine", "embedded", "--json").json["engine"] == "embedded"


def test_search_for_people_shows_titles_places_and_codes(banshi: Command) -> None:
    outcome = banshi("search", "道里区身份证丢了")
    assert outcome.stdout.startswith("1 项")
    assert "[道里区]" in outcome.stdout
    assert f"{ID_CARD.name}  道里区公安局" in outcome.stdout
    assert ID_CARD_GUIDE.code in outcome.stdout
    assert "各区县分别办理" in banshi("search", "身份证丢了").stdout


def test_search_for_people_offers_what_there_is_without_the_filters(banshi: Command) -> None:
    outcome = banshi("search", "护照", "--applicant", "legal")
    assert outcome.exit_code == 0
    assert "去掉企业和单位后有 1 项" in outcome.stdout
    assert PASSPORT.name in outcome.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "field"),
    [
        (["search", "身份证", "--division", "火星"], "unknown_division", "division"),
        (["search", "身份证", "--department", "航天局"], "unknown_department", "department"),
        (["search"], "empty_query", "q"),
        (["search", "  "], "empty_query", "q"),
        (["search", "😀"], "nothing_readable", "q"),
        (["search", "长" * 10_000], "query_too_long", "q"),
        (["search", "身份证", "--page", "0"], "invalid_page", "page"),
        (["search", "身份证", "--page", "9"], "page_past_end", "page"),
        (["search", "身份证", "--size", "51"], "invalid_size", "size"),
    ],
)
def test_a_search_that_cannot_be_answered_is_refused_with_a_reason(
    banshi: Command, arguments: list[str], code: str, field: str
) -> None:
    error = refusal(banshi(*arguments, "--json"))
    assert (error["code"], error["field"]) == (code, field)
    for_people = banshi(*arguments)
    assert (for_people.exit_code, for_people.stdout) == (1, "")
    assert error["message"] in for_people.stderr


def test_an_unknown_division_offers_the_nearest_names(banshi: Command) -> None:
    assert "道里区" in refusal(banshi("search", "身份证", "--division", "道理区", "--json"))["message"]


@pytest.mark.parametrize("option", [[], ["--division"], ["--department"]])
def test_half_a_character_in_an_argument_does_not_crash(banshi: Command, option: list[str]) -> None:
    broken = "身份证".encode() + b"\xed\xa0\x80"
    arguments = ["身份证", *option, broken] if option else [broken]
    outcome = banshi.process("search", *arguments, "--json")
    assert "Traceback" not in outcome.stderr
    if option:
        assert outcome.exit_code == 1
        assert outcome.json["error"]["field"] == option[0].removeprefix("--")
    else:
        assert outcome.exit_code == 0
        assert outcome.json["query"].startswith("身份证")


def test_suggest_offers_items_by_their_sound(banshi: Command) -> None:
    for prefix in ("sfz", "shenfen", "身份"):
        assert banshi("suggest", prefix, "--json").json["suggestions"][0]["title"] == ID_CARD.name
    assert len(banshi("suggest", "证", "--size", "1", "--json").json["suggestions"]) == 1
    assert banshi("suggest", "飞船", "--json").json["suggestions"] == []
    assert ID_CARD.name in banshi("suggest", "sfz").stdout


# guides


def test_import_tells_what_it_added_changed_and_left(banshi: Command, tmp_path: Path) -> None:
    new = catalogue.guide(PASSPORT, "230102")
    path = write_lines(tmp_path / "in.jsonl", changed(ID_CARD_GUIDE, title="居民身份证遗失补领"), GUIDES[1], new)
    report = banshi("guides", "import", path, "--json").json
    assert report["guides"] == {"added": 1, "changed": 1, "unchanged": 1}
    assert report["records"]["guide"] == 3
    assert report["dry_run"] is False
    assert banshi("guides", "import", path).stdout.strip() == "已新增 0 份，修改 0 份，未变 3 份"
    assert banshi("guides", "show", ID_CARD_GUIDE.code, "--json").json["title"] == "居民身份证遗失补领"


def test_a_dry_run_counts_and_writes_nothing(banshi: Command, tmp_path: Path) -> None:
    path = write_lines(tmp_path / "in.jsonl", changed(ID_CARD_GUIDE, title="居民身份证遗失补领"))
    report = banshi("guides", "import", path, "--dry-run", "--json").json
    assert (report["guides"]["changed"], report["dry_run"]) == (1, True)
    assert banshi("guides", "import", path, "--dry-run").stdout.strip() == "将新增 0 份，修改 1 份，未变 0 份"
    assert banshi("guides", "show", ID_CARD_GUIDE.code, "--json").json["title"] == ID_CARD.name
    assert banshi("index", "status", "--json").json["lag"] == 0


def test_an_import_with_mistakes_is_refused_by_line_and_field_and_writes_nothing(
    banshi: Command, tmp_path: Path
) -> None:
    good = changed(ID_CARD_GUIDE, title="居民身份证遗失补领")
    bad = document.dump(GUIDES[1]) | {"visits": "many"}
    unknown = document.dump(GUIDES[2]) | {"item_code": "999999999999"}
    path = write_lines(tmp_path / "in.jsonl", good, bad, unknown)
    with path.open("a") as stream:
        stream.write("{not json}\n")
    outcome = banshi("guides", "import", path, "--json")
    assert outcome.exit_code == 1
    answer = outcome.json
    assert answer["error"]["code"] == "import_refused"
    assert answer["total"] == 3
    assert [(problem["line"], problem["field"]) for problem in answer["problems"]] == [
        (2, "visits"),
        (3, "item_code"),
        (4, ""),
    ]
    assert all(problem["message"] for problem in answer["problems"])
    for_people = banshi("guides", "import", path)
    assert (for_people.exit_code, for_people.stdout) == (1, "")
    assert "第 2 行 visits：应为整数" in for_people.stderr
    assert "没有导入任何内容" in for_people.stderr
    assert banshi("guides", "show", ID_CARD_GUIDE.code, "--json").json["title"] == ID_CARD.name


def test_a_file_that_is_no_catalogue_is_refused_line_by_line(banshi: Command, tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes("居民身份证".encode("gb18030") + b"\n\x00\x01\n[]\n" + b"[" * 100_000 + b"\n")
    outcome = banshi("guides", "import", path, "--json")
    assert outcome.exit_code == 1
    assert [problem["line"] for problem in outcome.json["problems"]] == [1, 2, 3, 4]


def test_an_export_can_be_imported_again_and_changes_nothing(banshi: Command, tmp_path: Path) -> None:
    path = tmp_path / "export.jsonl"
    report = banshi("guides", "export", path, "--json").json
    assert report["records"] == {"division": 5, "department": 5, "item": 2, "guide": 3}
    assert Path(report["file"]) == path
    assert len(path.read_text(encoding="utf-8").splitlines()) == 15
    again = banshi("guides", "import", path, "--json").json
    assert again["guides"] == {"added": 0, "changed": 0, "unchanged": 3}


def test_an_export_into_a_folder_that_is_not_there_is_refused(banshi: Command, tmp_path: Path) -> None:
    error = refusal(banshi("guides", "export", tmp_path / "no" / "export.jsonl", "--json"))
    assert "不存在" in error["message"]


def test_lint_passes_a_catalogue_without_mistakes(banshi: Command) -> None:
    answer = banshi("guides", "lint", "--json").json
    assert (answer["guides"], answer["errors"], answer["findings"]) == (3, 0, [])


def test_lint_names_guide_rule_and_field_and_exits_with_1(banshi: Command, tmp_path: Path) -> None:
    bad = changed(ID_CARD_GUIDE, complaint_phone=ID_CARD_GUIDE.consultation_phone)
    banshi("guides", "import", write_lines(tmp_path / "in.jsonl", bad))
    outcome = banshi("guides", "lint", "--json")
    assert outcome.exit_code == 1
    assert outcome.json["errors"] == 1
    (finding,) = outcome.json["findings"]
    assert (finding["code"], finding["field"], finding["severity"]) == (bad.code, "complaint_phone", "error")
    assert finding["message"] and finding["fix"]
    for_people = banshi("guides", "lint")
    assert for_people.exit_code == 1
    assert f"{bad.code} complaint_phone：投诉电话与咨询电话相同" in for_people.stdout


def test_lint_expects_the_area_code_of_the_settings(banshi: Command) -> None:
    answer = banshi("guides", "lint", "--json", BANSHI_AREA_CODE="010").json
    assert answer["warnings"] == 6
    assert answer["errors"] == 0


def test_show_gives_the_guide_whole(banshi: Command) -> None:
    assert banshi("guides", "show", ID_CARD_GUIDE.code, "--json").json == document.dump(ID_CARD_GUIDE)
    words = banshi("guides", "show", ID_CARD_GUIDE.code).stdout
    assert "居民户口簿" in words
    assert "示例路1号" in words


def test_an_unknown_guide_is_refused(banshi: Command) -> None:
    assert "no-such-guide" in refusal(banshi("guides", "show", "no-such-guide", "--json"))["message"]


# index


def test_status_counts_what_the_index_has_not_seen_and_sync_applies_it(banshi: Command, tmp_path: Path) -> None:
    before = banshi("index", "status", "--json").json
    assert (before["ready"], before["documents"], before["lag"]) == (True, 3, 0)
    path = write_lines(tmp_path / "in.jsonl", changed(ID_CARD_GUIDE, title="居民身份证遗失补领"))
    banshi("guides", "import", path)
    assert banshi("index", "status", "--json").json["lag"] == 1
    late = banshi("index", "check", "--json")
    assert (late.exit_code, late.json["passed"], late.json["behind"]) == (0, True, 1)
    report = banshi("index", "sync", "--json").json
    assert report["after"] - report["before"] == 1
    assert banshi("index", "status", "--json").json["lag"] == 0
    assert banshi("search", "身份证遗失", "--json").json["results"][0]["title"] == "居民身份证遗失补领"
    assert banshi("index", "sync", "--json").json["after"] == report["after"]


def test_check_finds_an_index_of_another_database_and_exits_with_1(banshi: Command, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    catalogue.filled_database(other, [ID_CARD, PASSPORT], [*GUIDES[:2], catalogue.guide(PASSPORT, "230103")]).close()
    outcome = banshi("index", "check", "--json", BANSHI_DATABASE_URL=f"sqlite:///{other / 'banshi.db'}")
    assert outcome.exit_code == 1
    assert outcome.json["passed"] is False
    assert len(outcome.json["missing"]) == 1
    assert outcome.json["surplus"] == [GUIDES[2].code]


def test_a_rebuild_makes_another_index_and_puts_it_in_place(banshi: Command) -> None:
    old = banshi("index", "status", "--json").json["index"]
    report = banshi("index", "rebuild", "--processes", "1", "--json").json
    assert (report["guides"], report["items"]) == (3, 2)
    assert report["name"] != old
    assert banshi("index", "status", "--json").json["index"] == report["name"]
    assert banshi("search", "身份证", "--json").json["total"] == 1


def test_without_an_index_commands_name_the_one_that_makes_it(empty_banshi: Command) -> None:
    assert empty_banshi("init", "--no-sample").exit_code == 0
    for arguments in (["search", "身份证"], ["suggest", "sfz"], ["index", "check"], ["index", "sync"]):
        assert "banshi index rebuild" in refusal(empty_banshi(*arguments, "--json"))["message"], arguments
    status = empty_banshi("index", "status", "--json")
    assert (status.exit_code, status.json["ready"]) == (1, False)
    assert "banshi index rebuild" in status.json["message"]
    serve = empty_banshi("serve")
    assert serve.exit_code == 1
    assert "banshi index rebuild" in serve.stderr


# init and settings


def test_init_makes_an_empty_database_and_may_be_repeated(empty_banshi: Command) -> None:
    for _ in range(2):
        assert empty_banshi("init", "--no-sample", "--json").json == {"guides": 0, "loaded": 0}
    assert (empty_banshi.folder / "banshi.db").exists()


def test_init_keeps_what_is_there(banshi: Command) -> None:
    assert banshi("init", "--json").json == {"guides": 3, "loaded": 0}


@pytest.mark.parametrize(
    "arguments",
    [
        ["guides", "show", "x"],
        ["guides", "lint"],
        ["guides", "export", "{folder}.jsonl"],
        ["guides", "import", __file__],
        ["index", "rebuild"],
        ["index", "sync"],
        ["index", "sync", "--follow"],
        ["index", "status"],
        ["index", "check"],
        ["serve"],
    ],
    ids=" ".join,
)
def test_without_a_database_commands_name_the_one_that_makes_it_and_make_none_themselves(
    empty_banshi: Command, arguments: list[str]
) -> None:
    outcome = empty_banshi(*(argument.format(folder=empty_banshi.folder) for argument in arguments))
    assert (outcome.exit_code, outcome.stdout) == (1, "")
    assert "banshi init" in outcome.stderr
    assert not (empty_banshi.folder / "banshi.db").exists()


def test_a_database_of_another_version_is_refused(banshi: Command) -> None:
    database = banshi.database()
    with database.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'another'")
    database.close()
    assert "banshi init" in refusal(banshi("guides", "lint", "--json"))["message"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BANSHI_PORT", "eighty"),
        ("BANSHI_PORT", "70000"),
        ("BANSHI_PORT", "0"),
        ("BANSHI_WORKERS", "-1"),
        ("BANSHI_THREADS", "2"),
        ("BANSHI_LOG_FORMAT", "xml"),
        ("BANSHI_INDEX_STALE_SECONDS", ""),
    ],
)
def test_a_setting_that_makes_no_sense_is_wrong_usage_and_named(banshi: Command, name: str, value: str) -> None:
    outcome = banshi("search", "身份证", "--json", **{name: value})
    assert (outcome.exit_code, outcome.stdout) == (2, "")
    assert f"设置有误：{name}" in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_a_setting_that_makes_no_sense_is_wrong_usage_for_a_process_too(banshi: Command) -> None:
    outcome = banshi.process("search", "身份证", BANSHI_PORT="eighty")
    assert (outcome.exit_code, outcome.stdout) == (2, "")
    assert "BANSHI_PORT" in outcome.stderr
    assert "Traceback" not in outcome.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["no-such-command"],
        ["search", "--no-such-option"],
        ["search", "身份证", "two", "arguments"],
        ["search", "身份证", "--applicant", "alien"],
        ["search", "身份证", "--sort", "luck"],
        ["search", "身份证", "--engine", "punchcards"],
        ["search", "身份证", "--page", "one"],
        ["suggest"],
        ["suggest", "s", "--size", "0"],
        ["guides", "show"],
        ["guides", "import", "/no/such/file.jsonl"],
        ["guides", "import", "/"],
        ["index", "rebuild", "--processes", "0"],
        ["serve", "--port", "70000"],
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_with_2_and_says_how_it_is_used(banshi: Command, arguments: list[str]) -> None:
    outcome = banshi(*arguments)
    assert (outcome.exit_code, outcome.stdout) == (2, "")
    assert "Usage: " in outcome.stderr


def test_every_command_has_help(banshi: Command) -> None:
    for arguments in (
        [],
        *(["init"], ["serve"], ["search"], ["suggest"], ["guides"], ["index"]),
        *(["guides", name] for name in ("import", "export", "lint", "show")),
        *(["index", name] for name in ("rebuild", "sync", "status", "check")),
    ):
        outcome = banshi(*arguments, "--help")
        assert outcome.exit_code == 0
        assert "Usage: " in outcome.stdout
        assert banshi(*arguments, "-h").stdout == outcome.stdout


def test_help_does_not_need_a_database(empty_banshi: Command) -> None:
    assert empty_banshi("search", "--help").exit_code == 0


def test_a_database_that_is_none_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "banshi.db").write_bytes(b"no database" * 1000)
    outcome = Command(tmp_path)("guides", "show", "1", "--json")
    assert outcome.exit_code == 1
    assert json.loads(outcome.stdout)["error"]["code"] == "system"


def test_a_damaged_pointer_is_told_and_mended_by_a_rebuild(tmp_path: Path) -> None:
    catalogue.filled_database(tmp_path, [catalogue.item()], [catalogue.guide(catalogue.item())]).close()
    banshi = Command(tmp_path)
    assert banshi("index", "rebuild").exit_code == 0
    (tmp_path / "index" / "current.json").write_text("{")
    for command in (("search", "身份证"), ("index", "sync"), ("serve",)):
        outcome = banshi(*command)
        assert outcome.exit_code == 1
        assert "banshi index rebuild" in outcome.stderr
    assert banshi("index", "rebuild").exit_code == 0
    assert banshi("search", "身份证").exit_code == 0
