"""Sizes and names that keep the code readable."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAYER = "layers/attendee_sync"
FOLDERS = (LAYER, "cli", "local", "functions", "benchmarks", "docs")
MOST_LINES = 40
MOST_PARAMETERS = 5

type Function = ast.FunctionDef | ast.AsyncFunctionDef


def trees(folder: str) -> Iterator[tuple[str, ast.Module]]:
    for path in sorted((ROOT / folder).rglob("*.py")):
        yield str(path.relative_to(ROOT)), ast.parse(path.read_text())


def functions(folder: str) -> Iterator[tuple[str, Function]]:
    for path, tree in trees(folder):
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{path}:{node.lineno} {node.name}", node


def lines(function: Function) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def parameters(function: Function) -> list[ast.arg]:
    given = function.args
    return [
        each
        for each in [*given.posonlyargs, *given.args, *given.kwonlyargs]
        if each.arg not in ("self", "cls")
    ]


def is_command(function: Function) -> bool:
    """Tell whether a function is a command: its parameters are options, its docstring the help."""
    annotations = (each.annotation for each in parameters(function))
    return "typer.Context" in [ast.unparse(each) for each in annotations if each]


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_function_can_be_seen_at_once_and_called_without_counting(folder: str) -> None:
    found = list(functions(folder))
    assert found
    assert [
        f"{name}: {lines(each)} lines, {len(parameters(each))} parameters"
        for name, each in found
        if lines(each) > MOST_LINES or len(parameters(each)) > MOST_PARAMETERS
        if not (folder == "cli" and is_command(each))
    ] == []


def test_a_class_of_the_layer_has_a_name_of_its_own() -> None:
    names = Counter(
        node.name
        for _, tree in trees(LAYER)
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    )
    assert names
    assert [name for name, count in names.items() if count > 1] == []


def test_commands_are_told_from_other_functions() -> None:
    commands = {each.name for _, each in functions("cli") if is_command(each)}
    assert {"push", "redrive", "doctor", "lookup", "failures"} <= commands
    assert not {"_cases", "examine", "session"} & commands
