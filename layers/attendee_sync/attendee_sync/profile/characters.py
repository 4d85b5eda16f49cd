"""Characters that nobody can have meant, since they can't be seen.

Imports the standard library alone, since ingest uses it.
"""

import re

# Control characters that are no blanks, surrogates (halves of a character), and of the invisible
# format characters the soft hyphen, the zero-width space and no-break space, annotation marks,
# invisible operators, and all that steer writing direction: https://www.unicode.org/reports/tr9/.
# The joiners U+200C and U+200D stay, because Persian and Indic names are misspelt without them.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f"
    "\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff]"
)


def remove_invisible(text: str) -> str:
    """Return a text without its invisible characters, but for joiners and blanks."""
    return _INVISIBLE.sub("", text)
