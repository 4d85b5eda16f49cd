"""The product's version, from which everything else that tells it is made."""

VERSION = "0.1.0"  # read by hatch, too, which builds the wheel
