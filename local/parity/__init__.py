"""What this project takes for granted of AWS, asked of AWS."""

from local.parity import (
    api,
    deliveries,
    events,
    functions,
    queues,
    rights,
    secret_versions,
    statements,
)

# Of each track one check after the other; tracks run side by side, and don't disturb each other.
TRACKS = (
    (*deliveries.CHECKS, *functions.CHECKS, *events.CHECKS, *api.CHECKS),
    queues.CHECKS,
    (*secret_versions.CHECKS, *statements.CHECKS, *rights.CHECKS),
)
LAST = (*deliveries.LAST, *api.LAST)
CHECKS = tuple(check for track in (*TRACKS, LAST) for check in track)
