"""A campaign of faults against the deployed stack, with an account of every profile."""

from local.campaign import (
    aws_outages,
    clocks,
    crashes,
    erasure,
    flood,
    long_outage,
    lost_ledger,
    many,
    parallel,
    poison,
    rainfocus_faults,
    repair,
    repeats,
    upgrade,
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
    *lost_ledger.SCENARIOS,
    *upgrade.SCENARIOS,
    *long_outage.SCENARIOS,
)
