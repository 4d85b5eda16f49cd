"""Stand-ins for the AWS clients and for RainFocus. Requests are checked as botocore checks them."""

import functools
import io
import itertools
import json
import re
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import botocore.session
import requests
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError
from botocore.validate import ParamValidator
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

PROFILES_URL = "https://sqs.example.com/profiles.fifo"
DEAD_LETTERS_URL = "https://sqs.example.com/dead-letter.fifo"
TABLE = "ledger"
TOKEN_TABLE = "tokens"

# What an SQS message may hold:
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
_MESSAGE_BYTES = 1_048_576
_MESSAGE_ATTRIBUTES = 10
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
_ITEM_BYTES = 409_600
# https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html
_SECRET_BYTES = 65_536
_SECRET_VERSIONS = 100
_DAY = 86_400  # seconds for which no version is removed
_REFUSED_BY_SQS = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
_DEDUPLICATION_ID = re.compile(r"[!-~]{1,128}")

type Request = Mapping[str, Any]


def denied(code: str, operation: str = "Operation") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "made up"}}, operation)


def unreachable() -> EndpointConnectionError:
    return EndpointConnectionError(endpoint_url="https://aws.example.com")


def timed_out() -> ReadTimeoutError:
    return ReadTimeoutError(endpoint_url="https://aws.example.com")


@functools.cache
def _service(name: str) -> Any:
    return botocore.session.get_session().get_service_model(name)


class _Fake:
    """Counts and checks calls, and lets them fail when told to."""

    service: str

    def __init__(self) -> None:
        self.calls: list[tuple[str, Request]] = []
        # Calls that AWS would not take. Powertools catches what its store raises, so that a test
        # must ask for them; the fixture `aws` does.
        self.misuses: list[str] = []
        # What the next calls raise; None lets one through.
        self.failures: list[Exception | None] = []
        self.always: Exception | None = None
        self.on_call: Callable[[], object] = lambda: None
        self.calls_to_interruption = -1  # after so many calls comes Ctrl-C
        self._lock = threading.RLock()

    def count(self, operation: str) -> int:
        return sum(name == operation for name, _ in self.calls)

    def get_paginator(self, operation: str) -> "_Pages":
        return _Pages(getattr(self, operation))

    def _called(self, operation: str, request: Request) -> None:
        shape = _service(self.service).operation_model(operation).input_shape
        report = ParamValidator().validate(dict(request), shape)
        self._use(not report.has_errors(), report.generate_report())
        with self._lock:
            self.calls.append((operation, request))
            self.calls_to_interruption -= 1
            if self.calls_to_interruption == -1:
                raise KeyboardInterrupt
            failure = self.failures.pop(0) if self.failures else self.always
        self.on_call()
        if failure:
            raise failure

    def _use(self, proper: bool, why: str) -> None:
        if not proper:
            self.misuses.append(why)
            raise AssertionError(why)


@dataclass(frozen=True)
class _Pages:
    """A paginator: asks again with the token of the page before."""

    operation: Callable[..., dict[str, Any]]

    def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
        page = self.operation(**request)
        yield page
        while "NextToken" in page:
            page = self.operation(**request, NextToken=page["NextToken"])
            yield page


@dataclass(frozen=True)
class Sent:
    """A message on a queue."""

    body: str
    group: str
    deduplication_id: str
    attributes: dict[str, str]
    message_id: str = field(default="", compare=False)
    sequence: str = field(default="", compare=False)
    sent_at: int = field(default=0, compare=False)  # epoch milliseconds


class Sqs(_Fake):
    """FIFO queues with deduplication by group, and refusals of single entries.

    Of a group at most ten messages are given out, and no more until these are deleted or visible.
    """

    service = "sqs"

    def __init__(self) -> None:
        super().__init__()
        self.queues: dict[str, list[Sent]] = {PROFILES_URL: [], DEAD_LETTERS_URL: []}
        self.down: set[str] = set()  # queues that take nothing
        self.refuse: Callable[[Sent], bool] = lambda _: False
        self.lost_answers = 0  # that many calls are carried out and then time out
        self.on_send: Callable[[], object] = lambda: None
        self.hidden: dict[str, int] = {}
        self.empty_answers = 0  # so many times nothing is given out although there is something
        self.keep: Callable[[Sent], bool] = lambda _: False  # what can't be deleted
        self._given_out: dict[str, tuple[str, Sent]] = {}  # with the queue, by receipt
        self._receives: Counter[str] = Counter()
        self._numbers = itertools.count(1)
        self._seen: set[tuple[str, str, str]] = set()

    @property
    def profiles(self) -> list[Sent]:
        return self.queues[PROFILES_URL]

    @property
    def dead_letters(self) -> list[Sent]:
        return self.queues[DEAD_LETTERS_URL]

    def send_message_batch(self, **request: Any) -> dict[str, Any]:
        self._called("SendMessageBatch", request)
        self.on_send()
        url, entries = request["QueueUrl"], request["Entries"]
        if url in self.down:
            raise denied("ServiceUnavailable", "SendMessageBatch")
        _check_batch(entries)
        with self._lock:
            answer: dict[str, Any] = {"Successful": [], "Failed": []}
            for entry in entries:
                self._take(url, entry, answer)
            if self.lost_answers:
                self.lost_answers -= 1
                raise timed_out()
        return {name: each for name, each in answer.items() if each}

    def change_message_visibility_batch(self, **request: Any) -> dict[str, Any]:
        self._called("ChangeMessageVisibilityBatch", request)
        assert 1 <= len(request["Entries"]) <= 10
        for entry in request["Entries"]:
            assert 0 <= entry["VisibilityTimeout"] <= 43_200
            self.hidden[entry["ReceiptHandle"]] = entry["VisibilityTimeout"]
            if not entry["VisibilityTimeout"]:
                self._given_out.pop(entry["ReceiptHandle"], None)
        return {"Successful": [{"Id": entry["Id"]} for entry in request["Entries"]]}

    def get_queue_url(self, **request: Any) -> dict[str, Any]:
        self._called("GetQueueUrl", request)
        url = f"https://sqs.example.com/{request['QueueName']}"
        if url not in self.queues:
            raise denied("AWS.SimpleQueueService.NonExistentQueue", "GetQueueUrl")
        return {"QueueUrl": url}

    def get_queue_attributes(self, **request: Any) -> dict[str, Any]:
        self._called("GetQueueAttributes", request)
        hidden = len(self._of(request["QueueUrl"]))
        counts = {
            "ApproximateNumberOfMessages": len(self.queues[request["QueueUrl"]]) - hidden,
            "ApproximateNumberOfMessagesNotVisible": hidden,
            "ApproximateNumberOfMessagesDelayed": 0,
        }
        return {"Attributes": {name: str(counts[name]) for name in request["AttributeNames"]}}

    def receive_message(self, **request: Any) -> dict[str, Any]:
        self._called("ReceiveMessage", request)
        self._use(request["MaxNumberOfMessages"] <= 10, "SQS gives out at most ten")
        self._use(request["WaitTimeSeconds"] <= 20, "SQS waits for at most 20 s")
        if self.empty_answers:
            self.empty_answers -= 1
            return {}
        url = request["QueueUrl"]
        busy = {sent.group for sent in self._of(url)}
        some = [each for each in self.queues[url] if each.group not in busy]
        found = [self._give_out(url, each) for each in some[: request["MaxNumberOfMessages"]]]
        return {"Messages": found} if found else {}

    def delete_message_batch(self, **request: Any) -> dict[str, Any]:
        self._called("DeleteMessageBatch", request)
        self._use(1 <= len(request["Entries"]) <= 10, "SQS deletes at most ten at once")
        answer: dict[str, Any] = {"Successful": [], "Failed": []}
        for entry in request["Entries"]:
            url, sent = self._given_out.get(entry["ReceiptHandle"], ("", None))
            if sent is None or self.keep(sent):
                failed = {"Id": entry["Id"], "SenderFault": True, "Code": "ReceiptHandleIsInvalid"}
                answer["Failed"].append(failed)
                continue
            del self._given_out[entry["ReceiptHandle"]]
            self.queues[url].remove(sent)
            answer["Successful"].append({"Id": entry["Id"]})
        return answer

    def let_time_pass(self) -> None:
        """Let five minutes pass: what is given out is visible again, what was sent forgotten."""
        self._given_out.clear()
        self._seen.clear()

    @property
    def given_out(self) -> list[Sent]:
        return [sent for _, sent in self._given_out.values()]

    def _of(self, url: str) -> list[Sent]:
        return [sent for queue, sent in self._given_out.values() if queue == url]

    def _give_out(self, url: str, sent: Sent) -> dict[str, Any]:
        receipt = f"receipt-{next(self._numbers)}"
        self._given_out[receipt] = (url, sent)
        self._receives[sent.message_id] += 1
        return {
            "MessageId": sent.message_id,
            "ReceiptHandle": receipt,
            "Body": sent.body,
            "Attributes": {
                "SentTimestamp": str(sent.sent_at),
                "ApproximateReceiveCount": str(self._receives[sent.message_id]),
                "SequenceNumber": sent.sequence,
                "MessageGroupId": sent.group,
                "MessageDeduplicationId": sent.deduplication_id,
            },
            "MessageAttributes": {
                name: {"DataType": "String", "StringValue": text}
                for name, text in sent.attributes.items()
            },
        }

    def _take(self, url: str, entry: Request, answer: dict[str, Any]) -> None:
        attributes = {
            name: value["StringValue"] for name, value in entry["MessageAttributes"].items()
        }
        sent = Sent(
            entry["MessageBody"],
            entry["MessageGroupId"],
            entry["MessageDeduplicationId"],
            attributes,
        )
        fault = _fault(sent)
        if fault or self.refuse(sent):
            failed = {"Id": entry["Id"], "SenderFault": bool(fault), "Code": fault or "Internal"}
            answer["Failed"].append(failed)
            return
        identity = (url, sent.group, sent.deduplication_id)
        if identity not in self._seen:
            self._seen.add(identity)
            number = next(self._numbers)
            numbered = replace(
                sent,
                message_id=f"message-{number}",
                sequence=f"{number:020}",
                sent_at=int(time.time() * 1000),
            )
            self.queues[url].append(numbered)
        answer["Successful"].append({"Id": entry["Id"]})


def _check_batch(entries: Iterable[Request]) -> None:
    entries = list(entries)
    ids = [entry["Id"] for entry in entries]
    if not 1 <= len(entries) <= 10:
        raise denied("AWS.SimpleQueueService.TooManyEntriesInBatchRequest")
    if len(set(ids)) < len(ids) or not all(map(_ID.fullmatch, ids)):
        raise denied("AWS.SimpleQueueService.InvalidBatchEntryId")
    if sum(_bytes(entry) for entry in entries) > _MESSAGE_BYTES:
        raise denied("AWS.SimpleQueueService.BatchRequestTooLong")


def _bytes(entry: Request) -> int:
    attributes = entry["MessageAttributes"].items()
    return len(entry["MessageBody"].encode()) + sum(
        len(f"{name}{value['DataType']}{value['StringValue']}".encode())
        for name, value in attributes
    )


def _fault(sent: Sent) -> str:
    texts = [sent.body, *sent.attributes.values()]
    if not all(texts) or any(map(_REFUSED_BY_SQS.search, texts)):
        return "InvalidMessageContents"
    if len(sent.attributes) > _MESSAGE_ATTRIBUTES:
        return "InvalidParameterValue"
    if not all(map(_DEDUPLICATION_ID.fullmatch, (sent.group, sent.deduplication_id))):
        return "InvalidParameterValue"
    return ""


class Ssm(_Fake):
    """Parameters by name."""

    service = "ssm"

    def __init__(self, parameters: Mapping[str, str] | None = None, page_size: int = 10) -> None:
        super().__init__()
        self.parameters = dict(parameters or {})
        self._page_size = page_size

    def get_parameter(self, **request: Any) -> dict[str, Any]:
        self._called("GetParameter", request)
        if request["Name"] not in self.parameters:
            raise denied("ParameterNotFound", "GetParameter")
        return {"Parameter": {"Name": request["Name"], "Value": self.parameters[request["Name"]]}}

    def get_parameters_by_path(self, **request: Any) -> dict[str, Any]:
        self._called("GetParametersByPath", request)
        path = f"{request['Path'].rstrip('/')}/"
        under = [name for name in self.parameters if name.startswith(path)]
        is_deep = request.get("Recursive", False)
        names = sorted(name for name in under if is_deep or "/" not in name.removeprefix(path))
        start = int(request.get("NextToken", "0"))
        end = start + self._page_size
        page = [{"Name": name, "Value": self.parameters[name]} for name in names[start:end]]
        return {"Parameters": page} | ({"NextToken": str(end)} if end < len(names) else {})

    def put_parameter(self, **request: Any) -> dict[str, Any]:
        self._called("PutParameter", request)
        self._use(request["Type"] == "String" and request["Overwrite"], "unlike the template's")
        self.parameters[request["Name"]] = request["Value"]
        return {}

    def delete_parameter(self, **request: Any) -> dict[str, Any]:
        self._called("DeleteParameter", request)
        if self.parameters.pop(request["Name"], None) is None:
            raise denied("ParameterNotFound", "DeleteParameter")
        return {}

    def delete_parameters(self, **request: Any) -> dict[str, Any]:
        self._called("DeleteParameters", request)
        found = [name for name in request["Names"] if self.parameters.pop(name, None) is not None]
        missing = [name for name in request["Names"] if name not in found]
        return {"DeletedParameters": found, "InvalidParameters": missing}


class Secrets(_Fake):
    """Secrets with a current and a previous version, and a limit to how often one is written.

    Versions above 100 are removed, but none that is younger than a day: then writes fail.
    """

    service = "secretsmanager"

    def __init__(self, texts: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self.versions: dict[str, list[str]] = {name: [text] for name, text in (texts or {}).items()}
        self.deleted: dict[str, datetime] = {}  # scheduled for deletion
        self._written: dict[str, deque[float]] = {}  # when, within the last day

        self.page_size = 10

    def rotate(self, name: str, text: str) -> None:
        self.versions[name].append(text)

    def create_secret(self, **request: Any) -> dict[str, Any]:
        self._called("CreateSecret", request)
        if request["Name"] in self.versions:
            raise denied("ResourceExistsException", "CreateSecret")
        self._keep_quotas("CreateSecret", request["Name"], request["SecretString"])
        self.versions[request["Name"]] = [request["SecretString"]]
        return {}

    def describe_secret(self, **request: Any) -> dict[str, Any]:
        self._called("DescribeSecret", request)
        name = request["SecretId"]
        if name not in self.versions:
            raise denied("ResourceNotFoundException", "DescribeSecret")
        return {"Name": name} | (
            {"DeletedDate": self.deleted[name]} if name in self.deleted else {}
        )

    def delete_secret(self, **request: Any) -> dict[str, Any]:
        self._called("DeleteSecret", request)
        name = request["SecretId"]
        if name not in self.versions:
            raise denied("ResourceNotFoundException", "DeleteSecret")
        if name in self.deleted:
            raise denied("InvalidRequestException", "DeleteSecret")
        if request.get("ForceDeleteWithoutRecovery"):
            del self.versions[name]
            return {"DeletionDate": datetime(2027, 1, 1, tzinfo=UTC)}
        when = datetime(2027, 1, 1, tzinfo=UTC) + timedelta(days=request["RecoveryWindowInDays"])
        self.deleted[name] = when
        return {"DeletionDate": when}

    def list_secrets(self, **request: Any) -> dict[str, Any]:
        self._called("ListSecrets", request)
        [condition] = request["Filters"]
        self._use(condition["Key"] == "name", "other filters are not known")
        [prefix] = condition["Values"]
        names = sorted(name for name in self.versions if name.startswith(prefix))
        if not request.get("IncludePlannedDeletion"):
            names = [name for name in names if name not in self.deleted]
        start = int(request.get("NextToken", "0"))
        page: list[dict[str, Any]] = [
            {"Name": name} | ({"DeletedDate": self.deleted[name]} if name in self.deleted else {})
            for name in names[start : start + self.page_size]
        ]
        end = start + self.page_size
        return {"SecretList": page} | ({"NextToken": str(end)} if end < len(names) else {})

    def restore_secret(self, **request: Any) -> dict[str, Any]:
        self._called("RestoreSecret", request)
        del self.deleted[request["SecretId"]]
        return {}

    def get_secret_value(self, **request: Any) -> dict[str, Any]:
        self._called("GetSecretValue", request)
        if request["SecretId"] in self.deleted:
            raise denied("InvalidRequestException", "GetSecretValue")
        back = {"AWSCURRENT": 1, "AWSPREVIOUS": 2}[request["VersionStage"]]
        versions = self.versions.get(request["SecretId"], [])
        if len(versions) < back:
            raise denied("ResourceNotFoundException", "GetSecretValue")
        return {"SecretString": versions[-back]}

    def put_secret_value(self, **request: Any) -> dict[str, Any]:
        self._called("PutSecretValue", request)
        if request["SecretId"] not in self.versions:
            raise denied("ResourceNotFoundException", "PutSecretValue")
        self._keep_quotas("PutSecretValue", request["SecretId"], request["SecretString"])
        self.rotate(request["SecretId"], request["SecretString"])
        return {}

    def _keep_quotas(self, operation: str, name: str, text: str) -> None:
        now = time.time()
        written = self._written.setdefault(name, deque())
        while written and now - written[0] >= _DAY:
            written.popleft()
        if len(text.encode()) > _SECRET_BYTES or len(written) >= _SECRET_VERSIONS:
            raise denied("LimitExceededException", operation)
        written.append(now)


class DynamoDb(_Fake):
    """Tables keyed by `key`, with just the expressions that are used.

    An item that has expired is still there: DynamoDB deletes it days later.
    """

    service = "dynamodb"

    def __init__(self) -> None:
        super().__init__()
        self.tables: dict[str, dict[str, dict[str, Any]]] = {TABLE: {}, TOKEN_TABLE: {}}
        self.unprocessed = 0  # so many keys of a batch are left unread
        self.unwritten = 0  # so many items of a batch are left unwritten

    @property
    def items(self) -> dict[str, dict[str, Any]]:
        """The items of the ledger's table by their keys."""
        return self.tables[TABLE]

    @property
    def token_items(self) -> dict[str, dict[str, Any]]:
        """The items of the tokens' table by their keys."""
        return self.tables[TOKEN_TABLE]

    def get_item(self, **request: Any) -> dict[str, Any]:
        self._called("GetItem", request)
        item = self._item(request)
        return {"Item": item} if item else {}

    def batch_get_item(self, **request: Any) -> dict[str, Any]:
        self._called("BatchGetItem", request)
        [(table, wanted)] = request["RequestItems"].items()
        keys = [each["key"]["S"] for each in wanted["Keys"]]
        self._use(len(set(keys)) == len(keys) <= 100, "the same key twice, or too many")
        with self._lock:
            left, keys = keys[: self.unprocessed], keys[self.unprocessed :]
            self.unprocessed -= len(left)
            items = self.tables[table]
            found = [dict(items[key]) for key in keys if key in items]
        again = {table: {**wanted, "Keys": [{"key": {"S": key}} for key in left]}}
        return {"Responses": {table: found}, "UnprocessedKeys": again if left else {}}

    def put_item(self, **request: Any) -> dict[str, Any]:
        self._called("PutItem", request)
        with self._lock:
            self._require(request, _key_of(request))
            self._put(request)
        return {}

    def batch_write_item(self, **request: Any) -> dict[str, Any]:
        self._called("BatchWriteItem", request)
        [(table, writes)] = request["RequestItems"].items()
        items = [each["PutRequest"]["Item"] for each in writes]
        keys = [item["key"]["S"] for item in items]
        self._use(len(set(keys)) == len(keys) <= 25, "the same key twice, or too many")
        with self._lock:
            left, writes = writes[: self.unwritten], writes[self.unwritten :]
            self.unwritten -= len(left)
            self.tables[table] |= dict(list(zip(keys, items, strict=True))[len(left) :])
        return {"UnprocessedItems": {table: left} if left else {}}

    def transact_write_items(self, **request: Any) -> dict[str, Any]:
        self._called("TransactWriteItems", request)
        puts = [each["Put"] for each in request["TransactItems"]]
        keys = [put["Item"]["key"]["S"] for put in puts]
        self._use(len(set(keys)) == len(keys) <= 100, "the same key twice, or too many")
        with self._lock:
            try:
                for put, key in zip(puts, keys, strict=True):
                    self._require(put, key)
            except ClientError:
                raise denied("TransactionCanceledException", "TransactWriteItems") from None
            for put in puts:
                self._put(put)
        return {}

    def update_item(self, **request: Any) -> dict[str, Any]:
        self._called("UpdateItem", request)
        key = request["Key"]["key"]["S"]
        sets, _, removes = request["UpdateExpression"].removeprefix("SET ").partition(" REMOVE ")
        names, values = request["ExpressionAttributeNames"], request["ExpressionAttributeValues"]
        with self._lock:
            self._require(request, key)
            items = self.tables[request["TableName"]]
            item = {**items.get(key, {}), **request["Key"]}
            for assignment in sets.split(", "):
                name, value = assignment.split(" = ")
                item[names[name]] = values[value]
            for name in filter(None, removes.split(", ")):
                item.pop(names[name], None)
            items[key] = item
        return {}

    def delete_item(self, **request: Any) -> dict[str, Any]:
        self._called("DeleteItem", request)
        key = request["Key"]["key"]["S"]
        with self._lock:
            self._require(request, key)
            self.tables[request["TableName"]].pop(key, None)
        return {}

    def _item(self, request: Request) -> dict[str, Any]:
        with self._lock:
            return dict(self.tables[request["TableName"]].get(request["Key"]["key"]["S"], {}))

    def _put(self, request: Request) -> None:
        item = request["Item"]
        if sum(map(_attribute_bytes, item.items())) > _ITEM_BYTES:
            raise denied("ValidationException", "PutItem")
        self.tables[request["TableName"]][_key_of(request)] = item

    def _require(self, request: Request, key: str) -> None:
        """Refuse a write whose condition does not hold."""
        condition = request.get("ConditionExpression")
        if not condition:
            return
        try:
            item = self.tables[request["TableName"]].get(key, {})
            holds = _Condition(request, item).holds()
        except (AssertionError, KeyError) as error:
            self._use(False, f"{condition}: {error!r}")
        if not holds:
            raise denied("ConditionalCheckFailedException")


def _key_of(request: Request) -> str:
    return str(request["Item"]["key"]["S"])


def _attribute_bytes(attribute: tuple[str, Mapping[str, Any]]) -> int:
    name, value = attribute
    return len(name.encode()) + len(str(*value.values()).encode())


@functools.cache
def _split(condition: str) -> tuple[str, ...]:
    words = tuple(re.findall(r"[#:\w]+|<=|[=<()]", condition))
    assert "".join(words) == condition.replace(" ", "")
    return words


class _Condition:
    """A condition expression of comparisons, attribute_exists and its opposite, AND, OR, brackets.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
    """

    def __init__(self, request: Request, item: Mapping[str, Any]) -> None:
        self._words = list(_split(request["ConditionExpression"]))
        self._names = request.get("ExpressionAttributeNames", {})
        self._values = request.get("ExpressionAttributeValues", {})
        update = re.findall(r"[#:]\w+", request.get("UpdateExpression", ""))
        used = {word for word in [*self._words, *update] if word.startswith(("#", ":"))}
        assert used == {*self._names, *self._values}
        self._item = item

    def holds(self) -> bool:
        result = self._any()
        assert not self._words
        return result

    def _any(self) -> bool:
        results = [self._all()]
        while self._next_is("OR"):
            results.append(self._all())
        return any(results)

    def _all(self) -> bool:
        results = [self._one()]
        while self._next_is("AND"):
            results.append(self._one())
        return all(results)

    def _one(self) -> bool:
        if self._next_is("("):
            result = self._any()
            assert self._next_is(")")
            return result
        if self._words[0] in ("attribute_exists", "attribute_not_exists"):
            function, bracket, name, end = (self._words.pop(0) for _ in range(4))
            assert bracket + end == "()"
            exists = self._names.get(name, name) in self._item
            return exists is (function == "attribute_exists")
        name, operator, value = (self._words.pop(0) for _ in range(3))
        held = self._item.get(self._names.get(name, name))
        return _compare(held, operator, self._values[value])

    def _next_is(self, word: str) -> bool:
        if self._words[:1] == [word]:
            del self._words[0]
            return True
        return False


def _compare(held: Mapping[str, str] | None, operator: str, value: Mapping[str, str]) -> bool:
    """Compare as DynamoDB does: what is missing, or of another type, is not equal."""
    if held is None or held.keys() != value.keys():
        return False
    if operator == "=":
        return held == value
    assert operator in ("<", "<=")
    if "S" in held:
        return held["S"] < value["S"] or (operator == "<=" and held == value)
    left, right = float(held["N"]), float(value["N"])
    return left < right or (operator == "<=" and left == right)


class Lambda(_Fake):
    """Notes what was asked of it."""

    service = "lambda"

    def __init__(self) -> None:
        super().__init__()
        self.payloads: list[dict[str, Any]] = []
        # What a function answers that is waited for, if one is, and whether it failed.
        self.answer: object = None
        self.fails = False

    def invoke(self, **request: Any) -> dict[str, Any]:
        self._called("Invoke", request)
        self.payloads.append(json.loads(request["Payload"]))
        if request["InvocationType"] == "Event":
            return {"StatusCode": 202}
        self._use(self.answer is not None or self.fails, "nobody waits for a function")
        payload = io.BytesIO(json.dumps(self.answer).encode())
        error = {"FunctionError": "Unhandled"} if self.fails else {}
        return {"StatusCode": 200, "Payload": payload} | error


class CloudFormation(_Fake):
    """Stacks' outputs by the stacks' names."""

    service = "cloudformation"

    def __init__(self, outputs: Mapping[str, Mapping[str, str]] | None = None) -> None:
        super().__init__()
        self.outputs = {name: dict(each) for name, each in (outputs or {}).items()}
        self.resources: list[tuple[str, str]] = []  # types and physical ids, of every stack

    def describe_stacks(self, **request: Any) -> dict[str, Any]:
        self._called("DescribeStacks", request)
        if request["StackName"] not in self.outputs:
            raise denied("ValidationError", "DescribeStacks")
        outputs = self.outputs[request["StackName"]].items()
        shown = [{"OutputKey": key, "OutputValue": value} for key, value in outputs]
        return {"Stacks": [{"StackName": request["StackName"], "Outputs": shown}]}

    def list_stack_resources(self, **request: Any) -> dict[str, Any]:
        self._called("ListStackResources", request)
        if request["StackName"] not in self.outputs:
            raise denied("ValidationError", "ListStackResources")
        start = int(request.get("NextToken", "0"))
        page = [
            {"ResourceType": kind, "PhysicalResourceId": name, "ResourceStatus": "CREATE_COMPLETE"}
            for kind, name in self.resources[start : start + 3]
        ]
        more = start + 3 < len(self.resources)
        return {"StackResourceSummaries": page} | ({"NextToken": str(start + 3)} if more else {})


class Logs(_Fake):
    """Log groups, whose filters let all lines through as the local cloud's do."""

    service = "logs"

    def __init__(self, page_size: int = 1_000) -> None:
        super().__init__()
        self.groups: dict[str, list[dict[str, Any]]] = {}
        self.page_size = page_size
        self.gives_tokens = True  # the local cloud gives none

    def write(self, group: str, lines: str, at: float | None = None) -> None:
        """Add lines to a log group, at a time in epoch seconds or else now."""
        timestamp = int((at or time.time()) * 1000)
        events = self.groups.setdefault(group, [])
        for line in lines.splitlines():
            events.append({"timestamp": timestamp, "message": line})
        events.sort(key=lambda event: event["timestamp"])

    def filter_log_events(self, **request: Any) -> dict[str, Any]:
        self._called("FilterLogEvents", request)
        events = [
            event
            for event in self.groups.get(request["logGroupName"], [])
            if request["startTime"] <= event["timestamp"] <= request["endTime"]
        ]
        start = int(request.get("nextToken", "0"))
        end = start + self.page_size
        has_more = end < len(events) and self.gives_tokens
        return {"events": events[start:end]} | ({"nextToken": str(end)} if has_more else {})


@dataclass(frozen=True)
class Call:
    """An HTTP request that arrived."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: str
    timeout: object
    proxies: Mapping[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """An HTTP answer, or the error with which a call ends."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    error: Exception | None = None


def envelope(code: object = "0", message: str = "Success", status: int = 200, **more: str) -> Reply:
    body = {"responseCode": code, "responseMessage": message, **more}
    return Reply(status, json.dumps(body).encode(), {"Content-Type": "application/json"})


def stored() -> Reply:
    return envelope(attendeeId="1700000000000001abcd")


class Http(BaseAdapter):
    """What is at the other end of a session: a function from calls to replies."""

    def __init__(self, reply: Callable[[Call], Reply] | Reply | None = None) -> None:
        super().__init__()
        self.reply: Callable[[Call], Reply] | Reply = reply or stored()
        self.calls: list[Call] = []
        self._lock = threading.Lock()

    def session(self) -> requests.Session:
        made = requests.Session()
        made.trust_env = False
        made.mount("https://", self)
        made.mount("http://", self)
        return made

    def send(self, request: requests.PreparedRequest, *_: Any, **options: Any) -> requests.Response:
        body = request.body or ""
        text = body.decode() if isinstance(body, bytes) else body
        headers = dict(request.headers)
        call = Call(
            request.method or "",
            request.url or "",
            headers,
            text,
            options["timeout"],
            options["proxies"] or {},
        )
        with self._lock:
            self.calls.append(call)
        reply = self.reply(call) if callable(self.reply) else self.reply
        if reply.error:
            raise reply.error
        response = requests.Response()
        response.status_code = reply.status
        response.headers.update(reply.headers)
        response.request = request
        response.url = call.url
        response.raw = HTTPResponse(
            io.BytesIO(reply.body), dict(reply.headers), reply.status, preload_content=False
        )
        return response

    def close(self) -> None:
        """Nothing is open."""
