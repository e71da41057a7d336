"""A DynamoDB table in memory that evaluates the condition and update expressions of the ledger."""

# ruff: noqa: N803 -- the arguments have boto3's names

import re
from typing import Any

from botocore.exceptions import ClientError

from order_intake.adapters import dynamo_values

TOKENS = re.compile(r"<>|<=|>=|[=<>(),+]|[#:]?\w+(?:\.\w+)*")


class FakeDynamoDB:
    """Does what boto3's client does, for the calls that the ledger makes."""

    def __init__(self, fail: Any) -> None:
        self.items: dict[str, dict[str, Any]] = {}
        self.page = 100  # rows in a page of a scan
        self.unprocessed = 0  # how many keys the next BatchGetItem leaves out
        self._fail = fail

    def get_item(self, *, Key: Any, **_: Any) -> dict[str, Any]:
        self._fail("get_item")
        item = self.items.get(Key["pk"]["S"])
        return {"Item": dynamo_values.encode(item)} if item else {}

    def batch_get_item(self, *, RequestItems: Any) -> dict[str, Any]:
        self._fail("batch_get_item")
        [(table, request)] = RequestItems.items()
        keys = request["Keys"]
        assert len(keys) <= 100
        left, self.unprocessed = keys[: self.unprocessed], 0
        there = [self.items.get(key["pk"]["S"]) for key in keys[len(left) :]]
        answer: dict[str, Any] = {
            "Responses": {table: [dynamo_values.encode(item) for item in there if item]}
        }
        if left:
            answer["UnprocessedKeys"] = {table: {"Keys": left}}
        return answer

    def scan(self, *, IndexName: str, ExclusiveStartKey: Any = None, **_: Any) -> dict[str, Any]:
        """A page of the sparse index holds `page` rows."""
        self._fail("scan")
        assert IndexName == "Unfinished"
        first = int(ExclusiveStartKey["n"]["N"]) if ExclusiveStartKey else 0
        every = [item for item in self.items.values() if "unfinished" in item]
        keys = [{name: item[name] for name in ("pk", "unfinished")} for item in every]
        answer: dict[str, Any] = {
            "Items": [dynamo_values.encode(each) for each in keys[first : first + self.page]]
        }
        if first + self.page < len(keys):
            answer["LastEvaluatedKey"] = {"n": {"N": str(first + self.page)}}
        return answer

    def update_item(
        self,
        *,
        Key: Any,
        UpdateExpression: str,
        ConditionExpression: str,
        ExpressionAttributeNames: Any = None,
        ExpressionAttributeValues: Any = None,
        **_: Any,
    ) -> dict[str, Any]:
        self._fail("update_item")
        pk = Key["pk"]["S"]
        old = self.items.get(pk, {})
        names = ExpressionAttributeNames or {}
        values = dynamo_values.decode(ExpressionAttributeValues or {})
        if not Expression(ConditionExpression, old, names, values).condition():
            refused: Any = {
                "Error": {"Code": "ConditionalCheckFailedException", "Message": ""},
                "ResponseMetadata": {"HTTPStatusCode": 400},
                "Item": dynamo_values.encode(old),
            }
            raise ClientError(refused, "UpdateItem")
        new = Expression(UpdateExpression, old, names, values).update()
        used = set(TOKENS.findall(f"{ConditionExpression} {UpdateExpression}"))
        assert set(names) | set(values) <= used, "DynamoDB refuses names and values without use"
        assert new, "DynamoDB refuses an empty update"
        self.items[pk] = {"pk": pk} | new
        return {"Attributes": dynamo_values.encode(self.items[pk])}


class Expression:
    """One expression of DynamoDB's over one item."""

    def __init__(self, text: str, item: Any, names: Any, values: Any) -> None:
        self.tokens = TOKENS.findall(text)
        self.item, self.names, self.values = item, names, values

    def condition(self) -> bool:
        result = self._or()
        assert not self.tokens, self.tokens
        return result

    def update(self) -> dict[str, Any]:
        new = dict(self.item)
        if self._take("SET"):
            while True:
                name = self._name(self.tokens.pop(0))
                self._expect("=")
                value = self._operand()
                if self._take("+"):
                    value += self._operand()
                new[name] = value
                if not self._take(","):
                    break
        if self._take("REMOVE"):
            while True:
                new.pop(self._name(self.tokens.pop(0)), None)
                if not self._take(","):
                    break
        assert not self.tokens, self.tokens
        return new

    def _or(self) -> bool:
        result = self._and()
        while self._take("OR"):
            result = self._and() or result
        return result

    def _and(self) -> bool:
        result = self._primary()
        while self._take("AND"):
            result = self._primary() and result
        return result

    def _primary(self) -> bool:
        if self._take("("):
            result = self._or()
            self._expect(")")
            return result
        if self.tokens[0] in ("attribute_exists", "attribute_not_exists"):
            wanted = self.tokens.pop(0) == "attribute_exists"
            self._expect("(")
            there = self._value(self.tokens.pop(0)) is not None
            self._expect(")")
            return bool(there == wanted)
        left, operator = self._operand(), self.tokens.pop(0)
        if operator == "IN":
            self._expect("(")
            among = [self._operand()]
            while self._take(","):
                among.append(self._operand())
            self._expect(")")
            return left in among
        right = self._operand()
        if operator == "<>":
            return bool(left != right)
        if left is None or type(left) is not type(right):
            return False
        if operator == "=":
            return bool(left == right)
        return bool(left < right if operator == "<" else left > right)

    def _operand(self) -> Any:
        token = self.tokens.pop(0)
        if token != "if_not_exists":
            return self._value(token)
        self._expect("(")
        value = self._value(self.tokens.pop(0))
        self._expect(",")
        other = self._operand()
        self._expect(")")
        return other if value is None else value

    def _value(self, token: str) -> Any:
        if token.startswith(":"):
            return self.values[token]
        value: Any = self.item
        for part in token.split("."):
            value = value.get(self._name(part)) if isinstance(value, dict) else None
        return value

    def _name(self, token: str) -> str:
        return str(self.names[token]) if token.startswith("#") else token

    def _take(self, token: str) -> bool:
        if self.tokens and self.tokens[0] == token:
            self.tokens.pop(0)
            return True
        return False

    def _expect(self, token: str) -> None:
        assert self._take(token), (token, self.tokens)
