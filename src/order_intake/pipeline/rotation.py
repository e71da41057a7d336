"""Rotation of the database's password in four steps, with two users that take turns.

While one user's password is current, the other one gets a new password, is tried, and then becomes
current: whoever still holds the old secret can go on with it until the next rotation. Each step may
be done again. Neither user may change anything but the other one's password, through the function
`set_other_password` of migrations/bootstrap.sql: nobody's master password is needed here.
"""

import secrets as randomness
import string
from typing import Any

import msgspec
import psycopg
from botocore.exceptions import ClientError

from order_intake import logs
from order_intake.adapters import aws_clients, database
from order_intake.adapters.secrets import Database
from order_intake.domain.errors import DatabaseRefused, InvalidInput

CLONE = "_clone"
PASSWORD_LENGTH = 40
# Safe in a connection string and in a shell.
ALPHABET = string.ascii_letters + string.digits


def other_user(username: str) -> str:
    """Give the user whose turn is next: `x` and `x_clone` alternate."""
    return username.removesuffix(CLONE) if username.endswith(CLONE) else username + CLONE


def create(arn: str, token: str) -> None:
    """Keep a new password for the other user as the version `token`, in stage AWSPENDING."""
    if _find(arn, "AWSPENDING", token) or _find(arn, "AWSCURRENT", token):
        return
    current = _read(arn, "AWSCURRENT")
    password = "".join(randomness.choice(ALPHABET) for _ in range(PASSWORD_LENGTH))
    changed = {"username": other_user(current["username"]), "password": password}
    with aws_clients.service_calls("secretsmanager"):
        aws_clients.secrets_manager().put_secret_value(
            SecretId=arn,
            ClientRequestToken=token,
            SecretString=msgspec.json.encode(current | changed).decode(),
            VersionStages=["AWSPENDING"],
        )


def set_password(arn: str, token: str) -> None:
    """Give the other user its new password in the database, as the current user.

    What goes over the line is the password's verifier. Raises DatabaseRefused when the current
    user is refused, InvalidInput when the new secret leads to another database.
    """
    pending, current = _pending(arn, token), _form(_read(arn, "AWSCURRENT"))
    if (pending.host, pending.port, pending.dbname) != (current.host, current.port, current.dbname):
        raise InvalidInput("the new version of the secret leads to another database")
    if pending.username == current.username:
        return  # finished before
    try:
        database.connect(pending).close()
    except DatabaseRefused:
        with database.named_errors(), database.connect(current) as session:
            verifier = _verifier(session, pending)
            session.execute("SELECT set_other_password(%s)", [verifier])


def test(arn: str, token: str) -> None:
    """Log in with the new password and look at the orders; raises DatabaseRefused otherwise.

    When rotation is set up, Secrets Manager calls this one step to try it, with a version that says
    what the current one says. Before anybody has given the database its first password that is
    refused, and says nothing about the rotation: then a warning is all.
    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html
    """
    pending = _pending(arn, token)
    try:
        with database.named_errors(), database.connect(pending) as session:
            session.execute("SELECT 1 FROM order_line LIMIT 1")
    except DatabaseRefused:
        if _find(arn, "AWSCURRENT", token) or pending != _form(_read(arn, "AWSCURRENT")):
            raise
        logs.logger.warning("the database refuses the current password; is it set there?")


def finish(arn: str, token: str) -> None:
    """Make the version `token` the current one; the one before becomes AWSPREVIOUS.

    AWSPENDING goes: on a version that is not the current one it makes every later rotation fail,
    and it would be that as soon as somebody writes another version.
    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html
    """
    client = aws_clients.secrets_manager()
    with aws_clients.service_calls("secretsmanager"):
        versions = client.describe_secret(SecretId=arn)["VersionIdsToStages"]
        (current,) = (version for version, stages in versions.items() if "AWSCURRENT" in stages)
        if current != token:
            client.update_secret_version_stage(
                SecretId=arn,
                VersionStage="AWSCURRENT",
                MoveToVersionId=token,
                RemoveFromVersionId=current,
            )
        if "AWSPENDING" in versions.get(token, []):
            client.update_secret_version_stage(
                SecretId=arn, VersionStage="AWSPENDING", RemoveFromVersionId=token
            )


def _verifier(session: "psycopg.Connection[tuple[Any, ...]]", secret: Database) -> str:
    return session.pgconn.encrypt_password(
        secret.password.encode(), secret.username.encode(), b"scram-sha-256"
    ).decode()


def _pending(arn: str, token: str) -> Database:
    found = _find(arn, "AWSPENDING", token) or _find(arn, "AWSCURRENT", token)
    if found is None:
        raise InvalidInput(f"the secret has no version {token}: the step createSecret comes first")
    return _form(found)


def _form(secret: dict[str, Any]) -> Database:
    return msgspec.convert(secret, Database)


def _read(arn: str, stage: str) -> dict[str, Any]:
    with aws_clients.service_calls("secretsmanager"):
        answer = aws_clients.secrets_manager().get_secret_value(SecretId=arn, VersionStage=stage)
    return msgspec.json.decode(answer["SecretString"], type=dict[str, Any])


def _find(arn: str, stage: str, token: str) -> dict[str, Any] | None:
    """Give the version `token` if it is in this stage and holds a value."""
    try:
        with aws_clients.service_calls("secretsmanager"):
            answer = aws_clients.secrets_manager().get_secret_value(
                SecretId=arn, VersionId=token, VersionStage=stage
            )
    except ClientError as error:
        if aws_clients.code_of(error) in ("ResourceNotFoundException", "InvalidRequestException"):
            return None
        raise
    if stage not in answer["VersionStages"]:
        return None
    return msgspec.json.decode(answer["SecretString"], type=dict[str, Any])
