"""Who may call the emulator: keys that were drawn for it, and no web page."""

import contextvars
import hashlib
import hmac
import json
import secrets
import urllib.parse
from typing import Any

from workbench.local_cloud.emulator import guard, keys
from workbench.local_cloud.emulator.patches.targets import module


def root_has_a_secret() -> None:
    """Root has one key, and its signature is verified as everybody's is.

    On AWS nobody calls without a key whose signature fits. MiniStack takes no key, `test`, every
    account id and `$AWS_ACCESS_KEY_ID` for root, and verifies none of them. One key counts as
    root's, drawn when the local cloud starts, and it is treated like any other key.
    """
    evaluator, tokens = module("core.iam_evaluator"), module("services.sts")
    root, resolve = keys.of_this_process(), evaluator.resolve_credential
    resolve_principal = evaluator.resolve_principal

    def is_root(access_key_id: str) -> bool:
        return access_key_id == root.access_key_id

    def resolve_with_secret(
        access_key_id: str, account_id: str | None = None, *token: Any, **named: Any
    ) -> Any:
        if not is_root(access_key_id):
            return resolve(access_key_id, account_id, *token, **named)
        account = account_id or module("core.responses").get_account_id()
        given = next(iter((*token, *named.values())), None)
        if isinstance(given, str) and given:  # root has no session
            return evaluator._invalid_session_token()
        return evaluator.ResolvedCredential(
            access_key_id=access_key_id,
            secret_access_key=root.secret_access_key,
            session_token=None,
            account_id=account,
            principal_arn=f"arn:aws:iam::{account}:root",
            principal_id=account,
            principal_type="Root",
            source_access_key_id=access_key_id,
        )

    def resolve_verified(access_key_id: str, account_id: str, credential: Any = None) -> Any:
        # A key that no signature of this request was checked for, but for addresses that S3 signs
        # and checks itself.
        unsigned = credential is None and evaluator._verified_key.get() != access_key_id
        if unsigned and not _S3_CHECKS.get():
            return evaluator.AuthError(
                "UnsupportedSignature", "The request signature does not conform to AWS standards."
            )
        return resolve_principal(access_key_id, account_id, credential)

    def scope_failure(service: str | None) -> Any:
        request = evaluator._signed_request.get()
        if request is not None:
            _S3_CHECKS.set(bool(request.s3_scoped) and service == "s3")
        return find_scope_failure(service)

    find_scope_failure = evaluator._s3_scope_failure
    evaluator._s3_scope_failure = scope_failure
    evaluator.resolve_principal = resolve_verified
    evaluator.is_root_access_key = tokens.is_root_access_key = is_root
    evaluator._is_root_key = lambda access_key_id: False
    for holder in (evaluator, tokens, module("services.s3")):
        holder.resolve_credential = resolve_with_secret


_S3_CHECKS: contextvars.ContextVar[bool] = contextvars.ContextVar("s3_checks", default=False)


def drawn_function_credentials() -> None:
    """Nobody can compute the credentials of a function's role.

    AWS draws them for each execution environment. MiniStack computes them from the ARNs of
    function and role, which anybody knows. A key that is drawn when the emulator starts goes in.
    """
    runtime, functions = module("core.lambda_runtime"), module("services.lambda_svc")
    key = secrets.token_bytes(32)

    def digest(*words: str) -> str:
        return hmac.new(key, ":".join(words).encode(), hashlib.sha256).hexdigest()

    def execution_credentials(config: Any) -> dict[str, str]:
        account, _ = runtime._account_region_from_function_config(config)
        role, function = config.get("Role", ""), config.get("FunctionArn", "")
        drawn = {
            "AWS_ACCESS_KEY_ID": f"ASIA{digest('id', function, role)[:16].upper()}",
            "AWS_SECRET_ACCESS_KEY": digest("secret", function, role),
            "AWS_SESSION_TOKEN": digest("token", function, role),
        }
        name, session = role.rsplit("/", 1)[-1], config.get("FunctionName", "ministack")[:64]
        module("services.sts").register_session(
            drawn["AWS_ACCESS_KEY_ID"],
            {
                "Arn": f"arn:aws:sts::{account}:assumed-role/{name}/{session}",
                "UserId": f"{name}:{session}",
                "SecretAccessKey": drawn["AWS_SECRET_ACCESS_KEY"],
                "SessionToken": drawn["AWS_SESSION_TOKEN"],
            },
        )
        return drawn

    runtime.execution_credentials = functions.execution_credentials = execution_credentials


# The emulator's own addresses, which change or show anything of anyone.
_CONTROL = ("/_ministack", "/_localstack", "/_aws", "/_workbench", "/_alb")
# Below them, what AWS serves without a signature, too, or under a token that was drawn.
_OPEN = ("/_aws/execute-api/", "/_aws/lambda-url/", "/_ministack/cfn-response/",
         "/_ministack/cfn-signal/")  # fmt: skip
_HEALTH = "/health"
_FORM = b"application/x-www-form-urlencoded"
_CODE = ("/_ministack/lambda-code/", "/_ministack/lambda-layers/")


def strangers_are_refused() -> None:
    """No web page, no unsigned request, and its own addresses only with the secret header.

    AWS is not reached by a page that somebody else wrote, and has no address that wipes an
    account. MiniStack answers any `Host` and any `Origin`, and its own addresses (reset,
    configuration, messages of all queues, code of all functions) to anyone. Every request is
    looked at before anything else is done with it. Addresses of a function's code, which AWS
    signs, are signed here, too.
    """
    app = module("app")
    serve, control = app.app, keys.of_this_process().control

    async def refuse_or_serve(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] not in ("http", "websocket") or not (refused := _refused(scope, control)):
            await serve(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        else:
            await _answer(scope, send, *refused)

    app.app = refuse_or_serve
    _sign_addresses_of_code(control)


def _refused(scope: Any, control: str) -> tuple[str, str] | None:
    """Code and reason of a refusal; None for a request that may go on."""
    headers = [(name.decode("latin-1"), text.decode("latin-1")) for name, text in scope["headers"]]
    path, query = scope["path"], urllib.parse.parse_qs(scope.get("query_string", b"").decode())
    if reason := guard.stranger(headers):
        return "AccessDenied", reason
    if path == _HEALTH or path.startswith(_OPEN):
        return None
    if path.startswith(_CODE):
        if query.get("X-Amz-Signature") == [_signature(path, control)]:
            return None
        return "AccessDenied", "the signature does not fit the address"
    if path.startswith(_CONTROL):
        if guard.holds(headers, control):
            return None
        return "AccessDenied", f"this address is for the holder of the secret: {keys.HEADER}"
    signed = any(name.lower() == "authorization" and value.startswith("AWS4-")
                 for name, value in headers)  # fmt: skip
    if signed or "X-Amz-Signature" in query:
        return None
    return "MissingAuthenticationToken", "the request is not signed"


def _signature(path: str, control: str) -> str:
    return hmac.new(control.encode(), path.encode(), hashlib.sha256).hexdigest()


async def _answer(scope: Any, send: Any, code: str, reason: str) -> None:
    if dict(scope["headers"]).get(b"content-type", b"").startswith(_FORM):  # services that say XML
        error = f"<Error><Code>{code}</Code><Message>{reason}</Message></Error>"
        kind, body = b"text/xml", f"<ErrorResponse>{error}</ErrorResponse>".encode()
    else:
        kind, body = b"application/json", json.dumps({"__type": code, "message": reason}).encode()
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _sign_addresses_of_code(control: str) -> None:
    functions = module("services.lambda_svc")
    code_url, layer_url = functions._presigned_code_url, functions._layer_content_url

    def signed(url: str) -> str:
        path = urllib.parse.urlsplit(url).path
        return f"{url.partition('?')[0]}?X-Amz-Signature={_signature(path, control)}"

    functions._presigned_code_url = lambda name: signed(code_url(name))
    functions._layer_content_url = lambda *which: signed(layer_url(*which))
