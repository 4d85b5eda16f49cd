"""DynamoDB."""

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from tests.support.fakes.base import Fake, Request, denied

TABLE = "ledger"
TOKEN_TABLE = "tokens"

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
_ITEM_BYTES = 409_600
# The statements of PartiQL that are used.
_INSERT = re.compile(r"""INSERT INTO "([\w.-]+)" VALUE {((?:'\w+': \?(?:, )?)+)}""")
_CLAUSE = re.compile(r'(SET|REMOVE|WHERE|AND) "(\w+)"(?:( = \?)| IS MISSING)?')
_UPDATE = re.compile(rf'UPDATE "([\w.-]+)"((?: {_CLAUSE.pattern})+)')


class DynamoDb(Fake):
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
        # What is empty may be left out.
        return {
            "Responses": {table: found} if keys else {},
            "UnprocessedKeys": again if left else {},
        }

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
        return {"UnprocessedItems": {table: left}} if left else {}

    def batch_execute_statement(self, **request: Any) -> dict[str, Any]:
        self._called("BatchExecuteStatement", request)
        statements = request["Statements"]
        self._use(len(statements) <= 25, "too many statements")
        with self._lock:
            return {"Responses": [self._execute(each) for each in statements]}

    def _execute(self, statement: Request) -> dict[str, Any]:
        """Do as a PartiQL statement says, and return its answer, which may be an error."""
        if self.unwritten:
            self.unwritten -= 1
            return {"Error": {"Code": "ThrottlingError", "Message": "made up"}}
        try:
            self._put(self._insert(statement) or self._update(statement))
        except ClientError as error:
            code = error.response["Error"]["Code"].removesuffix("Exception")
            return {"Error": {"Code": code, "Message": "made up"}}
        return {}

    def _insert(self, statement: Request) -> dict[str, Any] | None:
        if not (found := _INSERT.fullmatch(statement["Statement"])):
            return None
        table, members = found.groups()
        names = members.removesuffix("': ?").removeprefix("'").split("': ?, '")
        item = dict(zip(names, statement["Parameters"], strict=True))
        if item["key"]["S"] in self.tables[table]:
            raise denied("DuplicateItemException")
        return {"TableName": table, "Item": item}

    def _update(self, statement: Request) -> dict[str, Any]:
        found = _UPDATE.fullmatch(statement["Statement"])
        assert found, statement["Statement"]
        table, rest = found[1], found[2]
        parameters: Iterator[Any] = iter(statement["Parameters"])
        # What is missing, or is to be, is None.
        clauses: list[tuple[str, str, Any]] = [
            (word, name, next(parameters) if is_given else None)
            for word, name, is_given in _CLAUSE.findall(rest)
        ]
        self._use(next(parameters, None) is None, "too many parameters")
        changes = {name: value for word, name, value in clauses if word in ("SET", "REMOVE")}
        conditions = {name: value for word, name, value in clauses if word in ("WHERE", "AND")}
        held = self.tables[table].get(conditions["key"]["S"])
        if held is None or any(held.get(name) != value for name, value in conditions.items()):
            raise denied("ConditionalCheckFailedException")
        changed = {name: value for name, value in (held | changes).items() if value is not None}
        return {"TableName": table, "Item": changed}

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
            before = self.tables[request["TableName"]].pop(key, None)
        wants_it = request.get("ReturnValues") == "ALL_OLD"
        return {"Attributes": before} if before and wants_it else {}

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
    words = tuple(re.findall(r"[#:\w]+|[=<()]", condition))
    assert "".join(words) == condition.replace(" ", "")
    return words


class _Condition:
    """A condition expression of comparisons, attribute_exists, attribute_not_exists and OR.

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
        results = [self._one()]
        while self._next_is("OR"):
            results.append(self._one())
        return any(results)

    def _one(self) -> bool:
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
    assert operator == "<"
    return float(held["N"]) < float(value["N"])
