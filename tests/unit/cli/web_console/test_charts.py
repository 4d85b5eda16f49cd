"""How charts are laid out."""

from itertools import pairwise

import pytest

from attendee_sync_cli.web_console import charts, page


def test_bars_stand_upon_each_other() -> None:
    chart = charts.bars("Outcomes", ["09", "10"], {"delivered": [3, 0], "rejected": [1, 2]})
    first, second, third = chart.bars
    assert (first.series, second.series, third.series) == (1, 2, 2)
    assert first.x == second.x < third.x
    assert second.y + second.height == pytest.approx(first.y, abs=0.2)
    assert first.height == pytest.approx(3 * second.height, abs=0.3)
    assert third.words == "10: rejected 2"


def test_a_line_has_a_gap_where_nothing_is_known() -> None:
    chart = charts.lines("Latency", list("abcde"), {"p50": [1.0, 2.0, None, 4.0, None]})
    assert [len(line.points.split()) for line in chart.lines] == [2, 2]


@pytest.mark.parametrize("value", [0, 0.3, 1, 7, 99, 1_234, 1_000_000])
def test_nothing_stands_above_a_chart(value: float) -> None:
    chart = charts.bars("x", ["a"], {"s": [value]})
    assert all(0 <= each.y <= chart.height for each in chart.bars)
    assert all(above.y < below.y for below, above in pairwise(chart.gridlines))


@pytest.mark.parametrize("hours", [0, 1, 24, 168])
def test_labels_are_as_many_as_can_be_read(hours: int) -> None:
    chart = charts.bars("x", [str(n) for n in range(hours)], {"s": [1] * hours})
    assert len(chart.marks) <= 8
    assert len(chart.rows) == hours


def test_a_chart_has_its_numbers_behind_it_and_words_for_who_sees_none() -> None:
    labels = ["<09>", "10"]
    chart = charts.lines("Latency in seconds", labels, {"p50": [0.25, None], "p95": [1_234.5, 2]})
    template = page._templates.from_string(
        '{% import "charts.html" as charts %}{{ charts.draw(chart) }}'
    )
    html = template.render(chart=chart)
    assert 'aria-label="Latency in seconds: p50 at most 0.25, p95 at most 1,234"' in html
    assert '<td class="number">1,234</td>' in " ".join(html.split())
    assert "<09>" not in html
    assert "style" not in html


def test_there_are_no_more_series_than_colours() -> None:
    with pytest.raises(ValueError, match="colours"):
        charts.bars("x", [], {str(n): [] for n in range(charts.MAX_SERIES + 1)})
