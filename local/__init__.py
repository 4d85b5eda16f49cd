"""The stack on one machine: a local cloud, a RainFocus simulator, a demo."""
