"""What calls are billed for: units of AWS's price lists, from the requests that stand-ins took."""

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, cast

from tests.support import fakes
from tests.support.fakes.base import Request
from tests.support.stack import Aws

# Quantities by the names of prices.json; those of bytes in GB. A Counter counts parts as well,
# which its type does not know.
type Usage = Counter[str]
type _Item = Mapping[str, Mapping[str, object]]

GB = 1e9
# https://aws.amazon.com/sqs/pricing/: each 64 KB of a request is one
_SQS_CHUNK = 65_536
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html
_READ_UNIT, _WRITE_UNIT = 4_096, 1_024
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
_EVENT_BYTES = 26
# Lambda's own two lines of an invocation, platform.start and platform.report with its tracing:
# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-advanced.html
_PLATFORM_BYTES = 2 * _EVENT_BYTES + 190 + 430
# Headers of a signed call to AWS and of its answer, and what TLS, TCP and IP add: an estimate.
_CALL_BYTES = 1_500
_PACKET_BYTES = 150  # of TLS, TCP and IP, for a request of one packet or two and what confirms it


def of_services(aws: Aws) -> Usage:
    """Return what the calls of a stack's services were billed for."""
    used: Usage = Counter()
    for _, request in aws.sqs.calls:
        used["sqs_requests"] += math.ceil(max(_message_bytes(request), 1) / _SQS_CHUNK)
    for operation, request in aws.dynamodb.calls:
        used += _dynamodb(aws, operation, request)
    used["secret_reads"] += len(aws.secrets.calls)
    used["parameter_reads"] += len(aws.ssm.calls)
    return used


def of_lines(text: str, invocations: int) -> Usage:
    """Return what log lines are billed for, with those that Lambda writes of each invocation."""
    lines = text.splitlines()
    bytes_ = sum(len(line.encode()) + _EVENT_BYTES for line in lines)
    return _gb("log_gb", bytes_ + invocations * _PLATFORM_BYTES)


def of_calls(aws: Aws, http: fakes.Http) -> Usage:
    """Return what passes a NAT gateway where delivery is in a VPC, and what leaves AWS.

    Lambda itself receives from and deletes on the queue, and ingest is in no VPC.
    """
    out = sum(_http_bytes(each) for each in http.calls)
    inside = [*aws.dynamodb.calls, *(each for each in aws.sqs.calls if "Visibility" in each[0])]
    passed = sum(2 * len(json.dumps(request)) + _CALL_BYTES for _, request in inside)
    return _gb("data_out_gb", out) + _gb("nat_gb", passed + 2 * out)


def _http_bytes(call: fakes.Call) -> int:
    headers = sum(len(name) + len(value) + 4 for name, value in call.headers.items())
    return len(call.url) + headers + len(call.body.encode()) + _PACKET_BYTES


def counted(quantities: Mapping[str, float]) -> Usage:
    """Return quantities as usage, which can be added up."""
    return Counter(cast("Mapping[str, int]", quantities))


def _gb(name: str, bytes_: float) -> Usage:
    return counted({name: bytes_ / GB})


def _message_bytes(request: Request) -> int:
    entries: Iterable[Mapping[str, Any]] = request.get("Entries", [])
    return sum(len(json.dumps(each, ensure_ascii=False).encode()) for each in entries)


def _dynamodb(aws: Aws, operation: str, request: Request) -> Usage:
    match operation:
        case "BatchGetItem":
            [(table, wanted)] = request["RequestItems"].items()
            held = [aws.dynamodb.tables[table].get(each["key"]["S"]) for each in wanted["Keys"]]
            return Counter(dynamodb_read_units=_units(held, _READ_UNIT))
        case "GetItem":
            held = [aws.dynamodb.tables[request["TableName"]].get(request["Key"]["key"]["S"])]
            return Counter(dynamodb_read_units=_units(held, _READ_UNIT))
        case "BatchWriteItem":
            [(_, writes)] = request["RequestItems"].items()
            puts = [each["PutRequest"]["Item"] for each in writes]
            return Counter(dynamodb_write_units=_units(puts, _WRITE_UNIT))
        case "BatchExecuteStatement":
            texts = [
                value.get("S", "") for each in request["Statements"] for value in each["Parameters"]
            ]
            held = [item for key, item in aws.dynamodb.items.items() if key in texts]
            return Counter(dynamodb_write_units=_units(held, _WRITE_UNIT))
        case "PutItem":
            return Counter(dynamodb_write_units=_units([request["Item"]], _WRITE_UNIT))
        case _:  # changes an item that is small
            return Counter(dynamodb_write_units=1)


def _units(items: Iterable[_Item | None], unit: int) -> int:
    """Return the units of items, of which one that is not there is billed as one."""
    return sum(_units_of_one(each, unit) for each in items)


def _units_of_one(item: _Item | None, unit: int) -> int:
    attributes = (item or {}).items()
    bytes_ = sum(len(name) + len(str(*value.values()).encode()) for name, value in attributes)
    return math.ceil(max(bytes_, 1) / unit)
