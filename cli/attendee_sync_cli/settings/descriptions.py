"""What settings are for and what they can be, as their models say it."""

from collections.abc import Sequence
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo


def description(model: type[BaseModel], path: str) -> str:
    """Return what a setting is for, by its path, such as hashes.only; empty if nothing says it."""
    return _field(model, path).description or ""


def choices(model: type[BaseModel], path: str) -> Sequence[str]:
    """Return the texts that a setting can be, or its elements; none if it can be any."""
    return _literals(_field(model, path).annotation)


def _field(model: type[BaseModel], path: str) -> FieldInfo:
    name, _, rest = path.partition(".")
    field = model.model_fields[name]
    if not rest:
        return field
    inner = field.annotation
    if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
        raise KeyError(path)
    return _field(inner, rest)


def _literals(annotation: Any) -> Sequence[str]:
    annotation = getattr(annotation, "__value__", annotation)
    if get_origin(annotation) is tuple:
        return _literals(get_args(annotation)[0])
    return [each for each in get_args(annotation) if isinstance(each, str)]
