"""Exit codes that shells give a meaning to."""

INTERRUPTED = 130  # a program that Ctrl-C ended
