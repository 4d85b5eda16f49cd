import os
from pathlib import Path

from benchmarks import cold_start
from local.machine import emulator


def test_a_function_is_measured_with_the_dates_that_sams_zip_gives(tmp_path: Path) -> None:
    built = tmp_path / "built"
    (built / "package").mkdir(parents=True)
    (built / "package" / "module.py").write_text("VALUE = 1\n")
    os.utime(built / "package" / "module.py", (1_800_000_000, 1_800_000_000))

    deployed = emulator.as_deployed(built, tmp_path / "deployed")

    module = deployed / "package" / "module.py"
    assert module.read_text() == "VALUE = 1\n"
    assert abs(module.stat().st_mtime - 315_532_800) < 86_400  # 1980-01-01, in any time zone


def test_variables_are_the_parameters_defaults_and_made_up_where_there_are_none() -> None:
    parameters = {"MaxAgeHours": {"Default": 24}, "OrgId": {}}
    values = ({"Ref": "MaxAgeHours"}, {"Ref": "OrgId"}, {"Fn::GetAtt": ["Queue", "Arn"]}, "ingest")
    assert [cold_start._value(parameters, value) for value in values] == [
        "24",
        "bench",
        "bench",
        "ingest",
    ]
