"""A short search, without what guides the long one: see docs/development.md."""

from dataclasses import replace
from random import Random
from unittest import mock

import pytest

from attendee_sync.mapping import normalisation
from attendee_sync.mapping.mapper import Mapper
from attendee_sync.outcome import AnswerKind, Fault, Reason
from attendee_sync.profile.pieces import PieceReader, Pushed
from attendee_sync.rainfocus import answers
from tests.fuzz.__main__ import TARGETS as NAMES
from tests.fuzz.__main__ import main
from tests.fuzz.mutations import MARK
from tests.fuzz.targets import TARGETS

pytestmark = [
    pytest.mark.usefixtures("no_sockets", "output"),
    # jmespath says so of `a` without quotes within.
    pytest.mark.filterwarnings("ignore:deprecated string literal:PendingDeprecationWarning"),
]

INPUTS = {"bodies": 500, "reader": 800, "answers": 500, "normalisation": 1_500, "expressions": 800}


def search(name: str, inputs: int) -> None:
    """Check so many inputs of a target; what reaches further is not known here."""
    target, random = TARGETS[name], Random(name)
    seeds = target.seeds()
    for _ in range(inputs):
        text = random.choice(seeds)
        for _ in range(random.choice((1, 1, 2, 4))):
            text = target.mutate(text, random)
        target.run(text)


@pytest.mark.parametrize("name", NAMES)
def test_a_short_search_finds_nothing(name: str) -> None:
    assert TARGETS.keys() == {*NAMES}
    search(name, INPUTS[name])


@pytest.mark.parametrize(
    "arguments", [["--input", __file__], ["--target", "reader", "--input", "-"]]
)
def test_an_input_is_tried_on_a_target_and_must_be_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["fuzz", *arguments])
    with pytest.raises(SystemExit, match="2"):
        main()
    assert "--input needs --target" in capsys.readouterr().err


# --- it would find something ----------------------------------------------------------------------

_piece, _decide, _kind = PieceReader.piece, Mapper.decide, answers._kind
_clean = normalisation.clean_text


def _other_text(*given: object) -> tuple[int, Pushed]:
    end, piece = _piece(*given)  # type: ignore[arg-type]
    return end, replace(piece, text="{}") if piece.profile else piece


def _telling(*given: object) -> tuple[int, Pushed]:
    end, piece = _piece(*given)  # type: ignore[arg-type]
    fault = Fault(Reason.MALFORMED, f"not {piece.text}")
    return end, piece if piece.profile is not None else replace(piece, fault=fault)


def _made_up(*given: object) -> object:
    decision = _decide(*given)  # type: ignore[arg-type]
    return replace(decision, fields={**decision.fields, "city": f"{MARK}ville"})


def _any_success(*given: object) -> AnswerKind:
    found = _kind(*given)  # type: ignore[arg-type]
    return AnswerKind.STORED if found is AnswerKind.PROFILE else found


MISTAKES = {
    "a profile is queued with another text": ("bodies", PieceReader, "piece", _other_text),
    "an error tells what was pushed": ("bodies", PieceReader, "piece", _telling),
    "a value is sent that nobody pushed": ("reader", Mapper, "decide", _made_up),
    "a refusal is taken for a success": ("answers", answers, "_kind", _any_success),
    "a text grows each time": ("normalisation", normalisation, "clean_text", lambda t: f"{t}x"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_planted_mistake_is_found(mistake: str) -> None:
    name, place, function, wrong = MISTAKES[mistake]
    with mock.patch.object(place, function, wrong), pytest.raises(AssertionError):
        search(name, 200)
