"""What profiles cost by AWS's list prices, so that no change makes them dearer unnoticed."""

import pytest

from benchmarks.cost import __main__ as command
from benchmarks.cost import scenarios
from benchmarks.cost.bill import Bill, bill, load_prices
from benchmarks.cost.scenarios import Scenario
from tests.support.template import TEMPLATE

BACK_FILL = 278.0  # profiles a second: a million in an hour
PLAYED = {each.name: each for each in scenarios.scenarios(BACK_FILL)}


def bill_of(scenario: Scenario) -> Bill:
    return bill(scenarios.million(scenario))


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("one by one", 7.0),
        ("by ten", 2.3),
        ("unchanged", 2.0),
        ("filtered", 2.1),
    ],
)
def test_a_million_profiles_cost_no_more_than_the_docs_say(name: str, most: float) -> None:
    made = bill_of(PLAYED[name])
    assert made.total <= most
    assert made.total >= most - 0.2, "they became cheaper: lower the bound, and mend the docs"


def test_ten_profiles_take_a_push_three_calls_of_sqs_and_ten_writes() -> None:
    used = bill_of(PLAYED["by ten"]).used
    assert used["api_requests"] == scenarios.MILLION / 10
    assert used["sqs_requests"] == 3 * scenarios.MILLION / 10
    assert used["dynamodb_write_units"] == pytest.approx(scenarios.MILLION, rel=0.1)
    assert used["dynamodb_read_units"] == pytest.approx(2 * scenarios.MILLION, rel=0.01)


def test_pushes_are_traced_as_the_template_says_and_no_others() -> None:
    rule = TEMPLATE["Resources"]["PushSampling"]["Properties"]["SamplingRule"]
    assert (rule["ReservoirSize"], rule["FixedRate"]) == (1, scenarios.SAMPLED_PUSHES)
    assert rule["ResourceARN"]["Fn::Sub"].endswith("/restapis/${Api}/stages/${Api.Stage}")


def test_a_vpc_and_a_key_of_ones_own_cost_more() -> None:
    made = bill_of(PLAYED["unchanged"])
    assert made.total < made.with_own_key(BACK_FILL) < made.with_vpc


def test_prices_tell_their_region_their_day_and_where_they_stand() -> None:
    prices = load_prices()
    assert prices["region"] == "us-east-1"
    assert prices["noted_on"].startswith("2026-")
    assert all(source.startswith("https://aws.amazon.com/") for source in prices["sources"])


def test_what_waits_for_an_hour_is_received_about_a_hundred_times() -> None:
    assert 80 <= scenarios.receives_in_an_hour() <= 120


@pytest.mark.parametrize("rate", ["0", "-1", "inf", "nan"])
def test_a_rate_that_is_none_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], rate: str
) -> None:
    monkeypatch.setattr("sys.argv", ["cost", "--per-second", rate])
    with pytest.raises(SystemExit, match="2"):
        command.main()
    assert "must be above 0" in capsys.readouterr().err
