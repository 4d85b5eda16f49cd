"""Where the local cloud is known to answer otherwise than AWS should."""

from collections.abc import Mapping

# By the name of the check. docs/guarantees.md says what else is not exercised there.
DIFFERS_LOCALLY: Mapping[str, str] = {
    "lines without a level count as info": "it drops no line",
    "metrics are made of log lines": "it makes no metrics of log lines",
    "an alarm of a query fires": "it has no alarms of queries",
    "a push that starts a process is answered in time": "the time is this machine's",
    "a changed setting is told in the log": "it sends no events of SSM",
    "a schedule runs once and is gone": "it runs no schedule that calls AWS itself",
    "a resource policy refuses even the owner": "it does not obey secrets' own policies",
    "versions of a day are limited": "it keeps any number of versions",
    "rights end at the keys that are named": "it does not know the keys",
    "who may call is changed by a deploy": "it lets everybody call",
}
