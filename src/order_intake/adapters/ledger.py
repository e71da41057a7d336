"""The ledger: one row for each upload, one for each content that came, in one DynamoDB table.

It keeps three promises, each by a conditional write and so also when two callers come at once:
- an upload is worked on by one claimant at a time (`claim`), and a claim expires; who lost it can
  neither load nor close the upload any more (`begin_load`, `hold`, `close`);
- a content belongs to one upload at a time (`claim_content`);
- an upload gets one outcome (`close`), the first one stands.

A row's `loaded` says whether the upload's lines are in the database: false means surely not, none
that it is not known (a load has begun), and it outlives the run of a failed upload.

An upload's row is `file#<file_id>`, a content's row is `content#<partner>#<sha256>`.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, get_args

import msgspec
from botocore.exceptions import ClientError

from order_intake.adapters import aws_clients, dynamo_values
from order_intake.domain.clock import stamp
from order_intake.domain.errors import PermanentError
from order_intake.domain.outcomes import Approval, Decision, LeftOut, OutcomeName, QuestionKind
from order_intake.domain.results import OrdersThere, Totals
from order_intake.domain.uploads import IncomingFile, Route

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import UpdateItemOutputTypeDef

type Values = dict[str, Any]

FINAL: frozenset[str] = frozenset(get_args(OutcomeName))
OPEN = {":registered": "Registered", ":awaiting": "AwaitingApproval"}
# Longer than a file can be on its way, all retries at their longest, from its registration or from
# an answer about it (tests/workflow/test_edges.py computes it).
LEASE_WORKFLOW = timedelta(days=8)
BATCH = 100  # BatchGetItem takes no more keys in one call
UNFINISHED = "Unfinished"
"""The index of the rows that have `unfinished`: open, or final and not announced."""
_PASS = {"pk": {"S": "pass#uploads"}}
FIRST_KIND: QuestionKind = "threshold"
"""The question of a row that does not say which one it waits with: once there was no other."""
_QUESTION = re.compile(rf"([0-9a-z]+)-([1-9][0-9]{{0,8}})-({'|'.join(get_args(QuestionKind))})")

# What one run of a file leaves in its row, and the next run of a failed file must not meet.
TRACES = (
    "sha256",
    "chunks",
    "terms",
    "registered_at",
    "closed_at",
    "lines_in",
    "accepted",
    "refused",
    "orders",
    "total",
    "currency",
    "house_total",
    "house_currency",
    "house_gross",
    "reason",
    "explanation",
    "duplicate_of",
    "corrects",
    "refused_file",
    "orders_there",
    "orders_compared",
    "left_out",
    "question",
    "approval",
    "task_token",
    "execution",
    "announced",
)


class FileRow(msgspec.Struct, frozen=True, kw_only=True):
    """An upload's row. Sizes in bytes, sums as decimal text, times ISO 8601 in UTC."""

    file_id: str
    partner: str
    bucket: str
    key: str
    version_id: str
    size: int
    uploaded_at: str
    route: Route
    correlation_id: str
    status: str
    claimed_by: str
    claim_expires_at: int = 0
    attempts: int = 0
    run: int = 1
    sha256: str | None = None
    chunks: int | None = None
    terms: dict[str, str] | None = None
    registered_at: str | None = None
    closed_at: str | None = None
    lines_in: int | None = None
    accepted: int | None = None
    refused: dict[str, int] | None = None
    orders: int | None = None
    total: str | None = None
    currency: str | None = None
    house_total: str | None = None
    house_currency: str | None = None
    house_gross: str | None = None
    allowed_gross: str | None = None
    """The gross amount that needs no question: an earlier run was allowed to load it."""
    rates: dict[str, Any] | None = None
    """The exchange rates of every run, as `steps.rates_of` keeps them."""
    reason: str | None = None
    explanation: str | None = None
    duplicate_of: str | None = None
    question: QuestionKind | None = None
    approval: Approval | None = None
    loaded: bool | None = None
    corrects: str | None = None
    refused_file: str | None = None
    orders_there: OrdersThere | None = None
    orders_compared: bool = False
    left_out: LeftOut | None = None
    execution: str | None = None
    announced: bool = False
    unfinished: str | None = None
    """Since when the file has been open, or has had its outcome and no announcement."""

    @property
    def is_final(self) -> bool:
        """Whether the file has its outcome."""
        return self.status in FINAL

    def keeps_its_content(self, now: datetime) -> bool:
        """Whether its content is taken: accepted, in work, or failed and perhaps loaded."""
        match self.status:
            case "Accepted":
                return True
            case "Failed":
                return self.loaded is not False
            case _:
                return not self.is_final and self.claim_expires_at >= now.timestamp()

    @property
    def file(self) -> IncomingFile:
        """The upload that the row is about."""
        return msgspec.convert(self, IncomingFile, from_attributes=True)

    @property
    def question_id(self) -> str:
        """The question that the file waits with, or waited with last in this run."""
        return question_id(self.file_id, self.run, self.question or FIRST_KIND)

    @property
    def answer(self) -> Approval | None:
        """The decision about the question that the file waits with, if there is one."""
        if self.approval is None:
            return None
        answered = self.approval.question_id or question_id(self.file_id, self.run, FIRST_KIND)
        return self.approval if answered == self.question_id else None

    @property
    def totals(self) -> Totals | None:
        """The file's sums; None when it was not read to its end."""
        if self.lines_in is None:
            return None
        return msgspec.convert(self, Totals, from_attributes=True)


class UploadPass(msgspec.Struct, frozen=True, kw_only=True):
    """How far a pass over all uploads has come; times ISO 8601, UTC.

    It looks at what was uploaded from `since` until before `until`. `key` and `version` are where
    the listing goes on; both empty: it has come to its end.
    """

    since: str
    until: str
    key: str = ""
    version: str = ""

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to list."""
        return not self.key


class Claimed(msgspec.Struct, frozen=True):
    """The caller may work on the file; `attempts` counts this claimant's tries, from 1."""

    row: FileRow

    @property
    def attempts(self) -> int:
        """How often this claimant has claimed the file, this time included."""
        return self.row.attempts


class Taken(msgspec.Struct, frozen=True):
    """Somebody else is at work on the file, or it has its outcome."""

    row: FileRow


class Claim(msgspec.Struct, frozen=True):
    """Who goes on with a file now, and for how long it stays theirs.

    An execution that began before each step was asked who it is names no claimant: not checked.
    """

    claimant: str | None
    lease: timedelta
    now: datetime


class ClosedOtherwise(PermanentError):
    """The row is not as its writer left it: it has another outcome, or another claimant."""


class Ledger:
    """One table. Every method raises ServiceBusy when DynamoDB cannot answer now."""

    def __init__(self, table: str) -> None:
        self.table = table

    def claim(
        self, file: IncomingFile, claimant: str, lease: timedelta, now: datetime
    ) -> Claimed | Taken:
        """Claim an upload for `claimant` until `now` + `lease`.

        Granted for an upload that nobody claimed, whose claim has expired, or that has failed: then
        a new run begins, and the row with it. A claimant that meets its own claim (a retry) goes on
        where it was, with one more attempt.
        """
        try:
            return Claimed(self._start_first_run(file, claimant, lease, now))
        except _ConditionFailed as met:
            row = met.row
        try:
            if row.claimed_by == claimant and not row.is_final:
                mine = Claim(claimant, lease, now)
                return Claimed(self._renew(file.file_id, mine, add_one="attempts"))
            return Claimed(self._start_run(file, claimant, lease, now, _allowed_gross(row)))
        except _ConditionFailed as met:
            return Taken(met.row)

    def hand_over(
        self, file_id: str, claimant: str, new_claimant: str, lease: timedelta, now: datetime
    ) -> None:
        """Pass the claim on to a workflow's execution, which then meets it as its own.

        Raises ClosedOtherwise when the file is not `claimant`'s any more.
        """
        try:
            self._update(
                file_id,
                set_={
                    "claimed_by": new_claimant,
                    "claim_expires_at": _expiry(now, lease),
                    "route": "workflow",
                    "attempts": 0,
                    "unfinished": stamp(now),
                },
                condition="claimed_by IN (:me, :next) AND #status IN (:registered, :awaiting)",
                values={":me": claimant, ":next": new_claimant} | OPEN,
            )
        except _ConditionFailed as met:
            raise ClosedOtherwise(f"{file_id} cannot be handed over: {met}") from met

    def claim_content(self, partner: str, sha256: str, file_id: str, now: datetime) -> str | None:
        """Claim a content for an upload: None, or the id of the upload that it is taken by.

        Taken is what `FileRow.keeps_its_content` says; in every other case, and when its owner is
        not there at all, the content passes to this upload. An owner that comes back finds out by
        claiming again.
        """
        owner, claims = file_id, None  # as a content that nobody has claimed
        while True:
            try:
                self._write_content(partner, sha256, file_id, owner, claims)
            except _ConditionFailed as met:
                owner, claims = str(met.item["file_id"]), met.item.get("claims")
            else:
                return None
            if owner != file_id:
                row = self.find(owner)
                if row is not None and row.keeps_its_content(now):
                    return owner

    def _write_content(
        self, partner: str, sha256: str, file_id: str, owner: str, claims: int | None
    ) -> None:
        """Write who owns a content, if it is as it was seen: of this owner, claimed so often.

        The count changes with every claim, so that an owner that has just claimed it again, and so
        is at work, is not overtaken by one that looked before.
        """
        condition, values = "file_id = :owner AND attribute_not_exists(claims)", {":owner": owner}
        seen: Values = {}
        if claims is not None:
            condition, seen = "file_id = :owner AND claims = :seen", {":seen": claims}
        if owner == file_id:
            condition, seen = "attribute_not_exists(pk) OR file_id = :owner", {}
        sent = values | seen | {":file_id": file_id, ":zero": 0, ":one": 1}
        self._write(
            Key={"pk": {"S": f"content#{partner}#{sha256}"}},
            UpdateExpression=(
                "SET file_id = :file_id, claims = if_not_exists(claims, :zero) + :one"
            ),
            ConditionExpression=condition,
            ExpressionAttributeValues=dynamo_values.encode(sent),
        )

    def hold(self, file_id: str, claim: Claim, closing: OutcomeName) -> FileRow:
        """Make sure that the claimant can still close the upload so, and renew the claim.

        A row that this claimant has closed so already (a retry) is given as it is. Raises
        ClosedOtherwise when somebody else has taken the upload over, or it has another outcome.
        """
        try:
            return self._renew(file_id, claim)
        except _ConditionFailed as met:
            if met.item and _is_closed_so(met.row, closing, claim.claimant):
                return met.row
            raise ClosedOtherwise(f"{file_id} cannot become {closing}: {met}") from met

    def begin_load(self, file_id: str, claim: Claim, gross: str | None) -> FileRow:
        """Note that from now on it is not known whether the upload's lines are in the database.

        `gross` is the gross amount that is loaded. Renews the claim. Raises ClosedOtherwise when
        the upload is no longer the claimant's, or has its outcome.
        """
        try:
            return self._renew(file_id, claim, set_={"house_gross": gross}, remove=("loaded",))
        except _ConditionFailed as met:
            raise ClosedOtherwise(f"{file_id} cannot be loaded: {met}") from met

    def end_load(self, file_id: str, claimant: str | None, facts: Values) -> FileRow:
        """Note how a load ended; `facts` are fields of the row, `loaded` among them.

        Raises ClosedOtherwise as `begin_load` does.
        """
        condition, values = _still_theirs(claimant)
        try:
            return _row(self._update(file_id, set_=facts, condition=condition, values=values))
        except _ConditionFailed as met:
            raise ClosedOtherwise(f"{file_id} was loaded by someone who lost it: {met}") from met

    def record_registration(
        self,
        file_id: str,
        *,
        sha256: str,
        chunks: int,
        terms: dict[str, str],
        now: datetime,
        corrects: str | None = None,
    ) -> None:
        """Write down what the check of the file found, and the terms that hold for it.

        Raises ClosedOtherwise when the file has its outcome meanwhile.
        """
        facts = {
            "sha256": sha256,
            "chunks": chunks,
            "terms": terms,
            "corrects": corrects,
            "registered_at": stamp(now),
        }
        try:
            self._update(
                file_id,
                set_=facts,
                condition="#status = :registered",
                values={":registered": "Registered"},
            )
        except _ConditionFailed as met:
            raise ClosedOtherwise(f"{file_id} cannot be registered: {met}") from met

    def keep_rates(self, file_id: str, rates: Values, instead_of: Values | None) -> Values:
        """Keep a file's exchange rates for all its tries, and give those that are kept.

        The first ones stay, unless they are those that these come instead of. Raises
        ClosedOtherwise when the file has no row.
        """
        condition, values = "attribute_not_exists(rates)", {}
        if instead_of is not None:
            condition, values = "rates = :old", {":old": instead_of}
        try:
            self._update(
                file_id,
                set_={"rates": rates},
                condition=f"attribute_exists(pk) AND {condition}",
                values=values,
            )
        except _ConditionFailed as met:
            if "rates" not in met.item:
                raise ClosedOtherwise(f"{file_id} has no rates to keep: {met}") from met
            return dict(met.item["rates"])
        return rates

    def await_approval(
        self, file_id: str, question: QuestionKind, token: str, totals: Totals, until: datetime
    ) -> FileRow:
        """Keep the question, the task token that resumes the workflow, and the claim until `until`.

        A retry of the asking state brings a new token, which takes the old one's place; the
        question may have its answer already then (`FileRow.answer`). Raises ClosedOtherwise when
        the file has its outcome.
        """
        try:
            item = self._update(
                file_id,
                set_=msgspec.structs.asdict(totals)
                | {
                    "status": "AwaitingApproval",
                    "question": question,
                    "task_token": token,
                    "claim_expires_at": int(until.timestamp()),
                },
                condition="#status IN (:registered, :awaiting)",
                values=OPEN,
            )
        except _ConditionFailed as met:
            raise ClosedOtherwise(f"{file_id} cannot wait for a decision: {met}") from met
        return _row(item)

    def decide(
        self, file_id: str, question_id: str, decision: Decision, decided_by: str
    ) -> str | None:
        """Write a decision down and give the task token to resume the workflow with.

        The first decision wins. None when the file is unknown, does not wait for an answer to this
        question, or has one. The same decision again gives the token again until `forget_token`: so
        a call that could not resume the workflow can be tried again. A decision is never taken
        back: whether it resumed the workflow is not always known.
        """
        asked = _QUESTION.fullmatch(question_id)
        if asked is None or asked[1] != file_id:
            return None
        waits = "question = :kind"
        if asked[3] == FIRST_KIND:
            waits = f"({waits} OR attribute_not_exists(question))"
        try:
            item = self._update(
                file_id,
                set_={
                    "approval": {
                        "decision": decision,
                        "decided_by": decided_by,
                        "question_id": question_id,
                    }
                },
                # An approval that is there may answer an earlier question of this run.
                condition=(
                    "#status = :awaiting AND attribute_exists(task_token) AND "
                    f"run = :run AND {waits} AND (attribute_not_exists(approval) OR "
                    "(attribute_exists(approval.question_id) AND "
                    "approval.question_id <> :question_id) OR "
                    "(approval.decision = :decision AND approval.decided_by = :by))"
                ),
                values={
                    ":awaiting": "AwaitingApproval",
                    ":run": int(asked[2]),
                    ":kind": asked[3],
                    ":question_id": question_id,
                    ":decision": decision,
                    ":by": decided_by,
                },
            )
        except _ConditionFailed:
            return None
        return str(item["task_token"])

    def forget_token(self, file_id: str, token: str) -> bool:
        """Remove a task token that resumes nothing any more; False when it was gone already.

        A retry of the asking state may have put another one in its place, which stays.
        """
        try:
            self._update(
                file_id,
                remove=("task_token",),
                condition="task_token = :token",
                values={":token": token},
            )
        except _ConditionFailed:
            return False
        return True

    def close(
        self,
        file_id: str,
        outcome: OutcomeName,
        fields: Values,
        now: datetime,
        *,
        claimant: str | None = None,
        unclaimed: IncomingFile | None = None,
    ) -> FileRow:
        """Write a file's outcome, once, and give the row as it then stands.

        When the same outcome stands there already (a retry), the row is left as it is and given
        back, its first `closed_at` included. Raises ClosedOtherwise when another outcome does, or
        when the file is no longer claimed by `claimant`, if one is named. With `unclaimed`, a row
        that does not exist is made for that file and `claimant`.
        """
        closing = fields | {
            "status": outcome,
            "closed_at": stamp(now),
            "unfinished": stamp(now),
        }
        condition, values = _still_theirs(claimant)
        try:
            item = self._update(
                file_id, set_=closing, remove=("task_token",), condition=condition, values=values
            )
        except _ConditionFailed as met:
            if met.item and _is_closed_so(met.row, outcome, claimant):
                return met.row
            if met.item or unclaimed is None:
                raise ClosedOtherwise(f"{file_id} cannot become {outcome}: {met}") from met
            return self._close_unclaimed(unclaimed, claimant, closing)
        return _row(item)

    def _close_unclaimed(
        self, file: IncomingFile, claimant: str | None, closing: Values
    ) -> FileRow:
        facts = msgspec.structs.asdict(file) | {"claimed_by": claimant, "loaded": False} | closing
        try:
            item = self._update(file.file_id, set_=facts, condition="attribute_not_exists(pk)")
        except _ConditionFailed as met:
            raise ClosedOtherwise(f"{file.file_id} cannot be closed: {met}") from met
        return _row(item)

    def mark_announced(self, row: FileRow) -> None:
        """Note that the event of this outcome is on the bus; of a later run's, it says nothing."""
        try:
            self._update(
                row.file_id,
                set_={"announced": True},
                remove=("unfinished",),
                condition="closed_at = :closed_at",
                values={":closed_at": row.closed_at},
            )
        except _ConditionFailed:
            return

    def release(self, row: FileRow) -> None:
        """End the claim of a claimant that is gone, so that the file and its content are free."""
        try:
            self._update(
                row.file_id,
                set_={"claim_expires_at": 0},
                condition="claimed_by = :gone AND #status IN (:registered, :awaiting)",
                values={":gone": row.claimed_by} | OPEN,
            )
        except _ConditionFailed:
            return

    def unfinished(self) -> Iterator[str]:
        """Give the ids of the files that are open, or have an outcome that was not announced.

        From the index: it may lag behind the rows by some seconds.
        """
        more: Values = {}
        while True:
            with aws_clients.service_calls("dynamodb"):
                page = aws_clients.dynamodb().scan(
                    TableName=self.table, IndexName=UNFINISHED, **more
                )
            for item in page["Items"]:
                yield str(dynamo_values.decode(item)["pk"]).removeprefix("file#")
            if "LastEvaluatedKey" not in page:
                return
            more = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def upload_pass(self) -> UploadPass | None:
        """Give how far the pass over all uploads has come, or None before the first one."""
        with aws_clients.service_calls("dynamodb"):
            answer = aws_clients.dynamodb().get_item(
                TableName=self.table, Key=_PASS, ConsistentRead=True
            )
        item = answer.get("Item")
        return msgspec.convert(dynamo_values.decode(item), UploadPass) if item else None

    def keep_upload_pass(self, reached: UploadPass) -> None:
        """Keep how far the pass over all uploads has come."""
        facts = msgspec.structs.asdict(reached)
        self._write(
            Key=_PASS,
            UpdateExpression=f"SET {', '.join(f'#{name} = :{name}' for name in facts)}",
            ConditionExpression="attribute_exists(pk) OR attribute_not_exists(pk)",
            ExpressionAttributeNames={f"#{name}": name for name in facts},
            ExpressionAttributeValues=dynamo_values.encode(
                {f":{name}": value for name, value in facts.items()}
            ),
        )

    def find(self, file_id: str) -> FileRow | None:
        """Give a file's row, as last written, or None."""
        with aws_clients.service_calls("dynamodb"):
            answer = aws_clients.dynamodb().get_item(
                TableName=self.table, Key=_file_key(file_id), ConsistentRead=True
            )
        item = answer.get("Item")
        return _row(dynamo_values.decode(item)) if item else None

    def find_all(self, file_ids: Iterable[str]) -> dict[str, FileRow]:
        """Give the rows of those files that have one, by file id."""
        found: dict[str, FileRow] = {}
        ids = list(dict.fromkeys(file_ids))
        for first in range(0, len(ids), BATCH):
            keys = [_file_key(file_id) for file_id in ids[first : first + BATCH]]
            found |= {row.file_id: row for row in self._batch(keys)}
        return found

    def _batch(self, keys: list[Values]) -> list[FileRow]:
        rows: list[FileRow] = []
        while keys:
            with aws_clients.service_calls("dynamodb"):
                answer = aws_clients.dynamodb().batch_get_item(
                    RequestItems={self.table: {"Keys": keys, "ConsistentRead": True}}
                )
            items = answer["Responses"].get(self.table, [])
            rows += [_row(dynamo_values.decode(item)) for item in items]
            rest = answer.get("UnprocessedKeys", {}).get(self.table)
            keys = list(rest["Keys"]) if rest else []
        return rows

    def _start_first_run(
        self, file: IncomingFile, claimant: str, lease: timedelta, now: datetime
    ) -> FileRow:
        item = self._update(
            file.file_id,
            set_=_first_fields(file, claimant, lease, now) | {"loaded": False},
            add_one="run",
            condition="attribute_not_exists(pk)",
        )
        return _row(item)

    def _start_run(
        self,
        file: IncomingFile,
        claimant: str,
        lease: timedelta,
        now: datetime,
        allowed_gross: str | None,
    ) -> FileRow:
        fields = _first_fields(file, claimant, lease, now) | {"allowed_gross": allowed_gross}
        # Rates may be those of its day, which no later run of the upload changes.
        del fields["uploaded_at"]
        item = self._update(
            file.file_id,
            set_=fields,
            add_one="run",
            remove=TRACES,
            condition=(
                "#status = :failed OR (claimed_by <> :me AND "
                "claim_expires_at < :now AND #status IN (:registered, :awaiting))"
            ),
            values={
                ":me": claimant,
                ":now": int(now.timestamp()),
                ":failed": "Failed",
            }
            | OPEN,
        )
        return _row(item)

    def _renew(
        self,
        file_id: str,
        claim: Claim,
        *,
        set_: Values | None = None,
        add_one: str = "",
        remove: Iterable[str] = (),
    ) -> FileRow:
        condition, values = _still_theirs(claim.claimant)
        item = self._update(
            file_id,
            set_={
                "claim_expires_at": _expiry(claim.now, claim.lease),
                "unfinished": stamp(claim.now),
            }
            | (set_ or {}),
            add_one=add_one,
            remove=remove,
            condition=condition,
            values=values,
        )
        return _row(item)

    def _update(
        self,
        file_id: str,
        *,
        set_: Values | None = None,
        add_one: str = "",
        remove: Iterable[str] = (),
        condition: str,
        values: Values | None = None,
    ) -> Values:
        """Change a file's row under a condition, in which the status is called `#status`."""
        sets = {name: value for name, value in (set_ or {}).items() if value is not None}
        names = {"#status": "status"} if "#status" in condition or "status" in sets else {}
        names |= {f"#{name}": name for name in (*sets, *remove) if name != "status"}
        sent = {f":set_{name}": value for name, value in sets.items()} | (values or {})
        parts = [f"#{name} = :set_{name}" for name in sets]
        if add_one:
            names["#one"] = add_one
            sent |= {":zero": 0, ":one": 1}
            parts.append("#one = if_not_exists(#one, :zero) + :one")
        expression = f"SET {', '.join(parts)}" if parts else ""
        if remove:
            expression += f" REMOVE {', '.join(f'#{name}' for name in remove)}"
        request: Values = {"UpdateExpression": expression.strip()}
        if names:
            request["ExpressionAttributeNames"] = names
        if sent:
            request["ExpressionAttributeValues"] = dynamo_values.encode(sent)
        answer = self._write(
            Key=_file_key(file_id),
            ConditionExpression=condition,
            ReturnValues="ALL_NEW",
            **request,
        )
        return dynamo_values.decode(answer["Attributes"])

    def _write(self, **request: Any) -> "UpdateItemOutputTypeDef":
        """Make a conditional write; raises _ConditionFailed with what stood against it."""
        with aws_clients.service_calls("dynamodb"):
            try:
                return aws_clients.dynamodb().update_item(
                    TableName=self.table,
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                    **request,
                )
            except ClientError as error:
                if aws_clients.code_of(error) != "ConditionalCheckFailedException":
                    raise
                item: Any = error.response.get("Item", {})
                raise _ConditionFailed(dynamo_values.decode(item)) from error


class _ConditionFailed(Exception):
    """A conditional write was refused; `item` is what stands there ({} when nothing does)."""

    def __init__(self, item: Values) -> None:
        super().__init__(f"it is {item['status']}" if "status" in item else "there is no such row")
        self.item = item

    @property
    def row(self) -> FileRow:
        """The item as a file's row."""
        return _row(self.item)


def question_id(file_id: str, run: int, kind: QuestionKind) -> str:
    """Return the identity of the question that a run of a file asks for this reason."""
    return f"{file_id}-{run}-{kind}"


def _still_theirs(claimant: str | None) -> tuple[str, Values]:
    """Return the condition that a file is open, and claimed by `claimant` if one is named."""
    condition, values = "#status IN (:registered, :awaiting)", dict(OPEN)
    if claimant is None:
        return condition, values
    return f"{condition} AND claimed_by = :me", values | {":me": claimant}


def _is_closed_so(row: FileRow, outcome: OutcomeName, claimant: str | None) -> bool:
    return row.status == outcome and claimant in (None, row.claimed_by)


def _first_fields(file: IncomingFile, claimant: str, lease: timedelta, now: datetime) -> Values:
    return msgspec.structs.asdict(file) | {
        "status": "Registered",
        "claimed_by": claimant,
        "claim_expires_at": _expiry(now, lease),
        "attempts": 1,
        "unfinished": stamp(now),
    }


def _allowed_gross(row: FileRow) -> str | None:
    """Return the gross amount that the next run of a file may load without a question.

    It is what a person approved, or what a run has begun to load: that may be in the database, and
    nobody can decline it any more.
    """
    approved = row.approval is not None and row.approval.decision == "approved"
    if row.house_gross and (approved or row.loaded is not False):
        return row.house_gross
    return row.allowed_gross


def _file_key(file_id: str) -> Values:
    return {"pk": {"S": f"file#{file_id}"}}


def _row(item: Values) -> FileRow:
    return msgspec.convert(item, FileRow)


def _expiry(now: datetime, lease: timedelta) -> int:
    return int((now + lease).timestamp())
