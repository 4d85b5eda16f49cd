"""Files as people have them: from Excel, Windows, old Macs, databases, with titles and holes."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from attendee_sync_cli.console import FailureError
from attendee_sync_cli.profiles import profile_files
from attendee_sync_cli.profiles.profile_files import Reading
from tests.support.command_line import CommandLine
from tests.support.workbooks import workbook

ADA = {"email": "ada@example.com", "firstname": "Zoë", "city": "Lehi"}
TABLE = [["email", "firstname", "city"], ["ada@example.com", "Zoë", "Lehi"]]


def documents(content: bytes, how: Reading | None = None) -> list[dict[str, Any]]:
    found = profile_files.read(io.BytesIO(content), how or Reading()).found
    return [json.loads(each.pushed.text) for each in found]


def text(separator: str = ",", end: str = "\n") -> str:
    return "".join(separator.join(row) + end for row in TABLE)


@pytest.mark.parametrize(
    "content",
    [
        text().encode(),
        text(end="\r\n").encode("utf-8-sig"),
        text(end="\r").encode(),  # an old Mac
        text("\t").encode("utf-16"),  # Excel's "Unicode text"
        b"\xfe\xff" + text(";").encode("utf-16-be"),
        text().encode("utf-16-le"),
        text().encode("utf-16-be"),
        text().encode("utf-32"),
        (text() + "\x1a\0\0\0").encode(),
        text("|").encode(),
        ("sep=;\r\n" + text(";", "\r\n")).encode(),
        (text() + "\x1a").encode(),
        ("Attendees of the summit\n\n" + text()).encode(),
        b"email,firstname,city,,\nada@example.com,Zo\xc3\xab,Lehi,,\n",
        b"email,firstname,city,phone\nada@example.com,Zo\xc3\xab,Lehi\n",
        b'email,firstname,city\nada@example.com,Zo\xc3\xab,"Lehi"\n,,\n\n',
    ],
)
def test_tables_are_read_as_others_write_them(content: bytes) -> None:
    assert documents(content) == [ADA]


@pytest.mark.parametrize(
    "above",
    [
        "Attendees;2027;\n",
        "Attendees of Lehi;;\n\n;printed;today\n",
        "Summit;Lehi;May\nwith;all;of them\n",
    ],
)
def test_a_column_for_addresses_tells_the_header_whatever_stands_above(above: str) -> None:
    assert documents(f"{above}{text(';')}".encode()) == [ADA]
    content = f"{above}Kontakt;firstname;city\nada@example.com;Zoë;Lehi\n".encode()
    assert documents(content, Reading(columns={"Kontakt": "email"})) == [ADA]


@pytest.mark.parametrize(
    ("header", "path"),
    [
        ("Postal.Code", ["Postal.Code"]),  # as R writes names
        ("Zip.Code", ["Zip.Code"]),
        ("E.mail", ["E.mail"]),
        ("email.1", ["email.1"]),  # as pandas tells two columns apart
        ("No.", ["No."]),
        ("E-mail 1. Value", ["E-mail 1. Value"]),
        ("workAddress.city", ["workAddress", "city"]),
        ("person.name.firstName", ["person", "name", "firstName"]),
        ("mobilePhone.number", ["mobilePhone", "number"]),
        ("Email.Address", ["Email", "Address"]),
        ("b2b.companyName", ["b2b", "companyName"]),
        ("my.own", ["my", "own"]),
    ],
)
def test_dots_make_objects_where_they_mean_some(header: str, path: list[str]) -> None:
    expected: Any = "1"
    for step in reversed(path):
        expected = {step: expected}
    assert documents(f"{header},x\n1,\n".encode()) == [expected]


@pytest.mark.parametrize(
    "header", ["email,city,email", "email,Email,city", "First Name,email,first_name", "x,email,x"]
)
def test_columns_of_the_same_name_are_told(header: str) -> None:
    with pytest.raises(FailureError, match=r"columns 1 and [23] have the same name; rename one"):
        documents(f"{header}\na,b,c\n".encode())


def test_columns_that_nothing_reads_may_differ_in_case_alone() -> None:
    assert documents(b"email,id,ID\na,1,2\n") == [{"email": "a", "id": "1", "ID": "2"}]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["email;score", "a;1,5", "b;2,5"], {"email": "a", "score": "1,5"}),
        (["email;note", 'a;"he said ""x"", ok"'], {"email": "a", "note": 'he said "x", ok'}),
        (
            ["email\tname, in full", "a\tLovelace, Ada"],
            {"email": "a", "name, in full": "Lovelace, Ada"},
        ),
        (["email,tags", '"a","x;y"', '"b","x;y"'], {"email": "a", "tags": "x;y"}),
        (
            ["People, all of them, as of today", "email;city", "a;Lehi", "b;"],
            {"email": "a", "city": "Lehi"},
        ),
    ],
)
def test_the_separator_is_what_most_lines_agree_on(
    lines: list[str], expected: dict[str, str]
) -> None:
    assert documents("\n".join(lines).encode())[0] == expected


def test_a_byte_order_mark_is_surer_than_an_encoding_that_is_named() -> None:
    for encoding in ("utf-8-sig", "utf-16"):
        assert documents(text().encode(encoding), Reading("cp1252")) == [ADA]
        assert documents(text().encode(encoding), Reading(encoding)) == [ADA]


def test_what_is_called_a_table_and_is_none_is_told() -> None:
    with pytest.raises(FailureError, match="HTML or XML, whatever the file is called"):
        documents(b"\n<html><table><tr><td>email</td></tr></table></html>")
    file = io.BytesIO(json.dumps([ADA]).encode())
    file.name = "people.csv"
    assert [each.pushed.profile for each in profile_files.read(file).found] == [ADA]


def test_another_encoding_is_read_when_it_is_named() -> None:
    assert documents(text().encode("cp1252"), Reading("cp1252")) == [ADA]
    with pytest.raises(FailureError, match=r"line 2 is not UTF-8 text.*--encoding cp1252"):
        documents(text().encode("cp1252"))


def test_json_with_a_byte_order_mark_is_read() -> None:
    assert documents(json.dumps([ADA]).encode("utf-8-sig")) == [ADA]
    assert documents(json.dumps([ADA]).encode("utf-16")) == [ADA]


def test_a_column_can_be_read_under_another_name() -> None:
    content = b"E-mail 1. Value,No.,First Name\nada@example.com,7,Ada\n"
    how = profile_files.reading("", ["First Name=firstname", "E-mail 1. Value=email"])
    assert documents(content, how) == [{"email": "ada@example.com", "No.": "7", "firstname": "Ada"}]


def test_a_column_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(FailureError, match=r"no column 'Frist Name'.*'email', 'First Name'"):
        documents(b"email,First Name\na,b\n", Reading("", {"Frist Name": "firstname"}))


def test_options_that_are_none_are_usage_errors(line: CommandLine) -> None:
    for option in (["--encoding", "nonsense"], ["--column", "First Name"]):
        line.fail("preview", "default", "-", *option, given="{}", code=2)


def test_a_cell_is_as_long_as_a_profile_may_be() -> None:
    long = "x" * 500_000
    assert documents(f"email,note\na,{long}\n".encode()) == [{"email": "a", "note": long}]


def test_lines_are_numbered_as_in_the_file() -> None:
    content = b'sep=;\nTitle\n\nemail;city\n"a";"b\nc"\n\nd;e\n'
    assert [each.place for each in profile_files.read(io.BytesIO(content)).found] == [5, 8]


# --- spreadsheets ---


def test_a_spreadsheet_is_read_as_it_is() -> None:
    content = workbook(
        [],
        [
            ["Attendees"],
            ["email", "workAddress.city", "zip", "member", "score"],
            ["ada@example.com", "Lehi", 94107.0, True, 1.5],
            ["", "", "", "", ""],
            ["ben@example.com"],
        ],
    )
    assert documents(content) == [
        {
            "email": "ada@example.com",
            "workAddress": {"city": "Lehi"},
            "zip": 94107,
            "member": True,
            "score": 1.5,
        },
        {"email": "ben@example.com"},
    ]
    assert [each.place for each in profile_files.read(io.BytesIO(content)).found] == [3, 5]


def test_a_spreadsheet_is_shown_by_preview(line: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "people.xlsx"
    path.write_bytes(workbook([["email", "firstname"], ["ada@example.com", "Ada"]]))
    [found] = line.json("preview", "default", str(path))["profiles"]
    assert found["row"] == 2
    assert line.succeed("preview", "default", str(path)).startswith("row 2: delivered")
    assert found["attendee"] == {"email": "ada@example.com", "firstname": "Ada"}


def test_the_sheet_with_addresses_is_read() -> None:
    people: list[list[str | float | bool]] = [["E-Mail"], ["ada@example.com"]]
    content = workbook([["Read me"], ["Only the second sheet counts"]], people, [["mail"], ["x"]])
    assert documents(content) == [{"E-Mail": "ada@example.com"}]


def test_a_workbook_without_rows_is_told() -> None:
    with pytest.raises(FailureError, match="no profile"):
        documents(workbook([], []))
