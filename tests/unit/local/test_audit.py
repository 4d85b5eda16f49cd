import json

from local.checks.audit import verdict


def test_a_known_hole_of_a_package_fails_the_audit() -> None:
    hole = {"id": "PYSEC-1", "fix_versions": ["2.0"]}
    report = {"dependencies": [{"name": "thing", "version": "1.0", "vulns": [hole]}]}
    assert verdict(json.dumps(report)) == (["thing 1.0 has PYSEC-1; mended in 2.0"], 1)


def test_packages_without_a_known_hole_pass_in_silence() -> None:
    report = {"dependencies": [{"name": "thing", "version": "1.0", "vulns": []}]}
    assert verdict(json.dumps(report)) == ([], 0)


def test_a_database_that_is_not_reached_is_said_in_one_line_and_is_no_failure() -> None:
    skipped = {"dependencies": [{"name": "thing", "skip_reason": "not found"}]}
    for report in ("", json.dumps(skipped)):
        lines, status = verdict(report)
        assert (len(lines), status) == (1, 0)
        assert "can't be reached" in lines[0]
