"""A campaign of faults against the deployed stack, with an account of every profile."""

from local.campaign import (
    aws_outages,
    clocks,
    crashes,
    erasure,
    flood,
    many,
    parallel,
    poison,
    rainfocus_faults,
    repair,
    repeats,
)

SCENARIOS = (
    *rainfocus_faults.SCENARIOS,
    *parallel.SCENARIOS,
    *crashes.SCENARIOS,
    *aws_outages.SCENARIOS,
    *repeats.SCENARIOS,
    *repair.SCENARIOS,
    *flood.SCENARIOS,
    *many.SCENARIOS,
    *poison.SCENARIOS,
    *erasure.SCENARIOS,
    *clocks.SCENARIOS,
)
