"""Descriptions that are made from the code."""
