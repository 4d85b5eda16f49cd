"""So much of Adobe's template language, Pebble, as the body template uses, by Jinja2.

`for`, `if` and `loop.last` are written and mean the same in both. What differs is played here:
`raw` prints a JsonNode of Jackson's, which is JSON, and leaves it unescaped; anything else would
be escaped for HTML, and what is not known is an error.
https://pebbletemplates.io/wiki/filter/raw/
https://experienceleague.adobe.com/en/docs/experience-platform/destinations/destination-sdk/functionality/destination-server/supported-functions
"""

import json

import jinja2
from markupsafe import Markup


def render(template: str, **context: object) -> str:
    """Return what a template gives for what it may use: `input`, `customerData`."""
    made = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    made.filters = {"raw": _raw}
    return made.from_string(template).render(context)


def _raw(node: object) -> Markup:
    return Markup(json.dumps(node, ensure_ascii=False))  # noqa: S704 - that is what it is for
