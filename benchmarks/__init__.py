"""What it costs: each figure a ratio measured in one run."""
