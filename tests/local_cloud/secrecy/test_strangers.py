"""Nobody but who has its keys gets anything out of the local cloud: no program, user or page.

Each test asks an emulator of the tests' own, and looks afterwards that nothing was done.
"""

import base64
import contextlib
import http.server
import json
import os
import queue
import shutil
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.local_cloud.emulator import ROLE, Emulator
from workbench.local_cloud import ports, processes
from workbench.local_cloud.emulator import keys
from workbench.local_cloud.emulator.faults import FAULTS
from workbench.permissions.asked import DECISIONS
from workbench.stages.stage import LOCAL_ACCOUNT, LOCAL_REGION, MODULES, ROOT

REFUSED = {
    "AccessDenied", "InvalidAccessKeyId", "InvalidClientTokenId", "SignatureDoesNotMatch",
    "UnrecognizedClientException", "MissingAuthenticationToken", "InvalidSignatureException", "403",
    "UnsupportedSignature",
}  # fmt: skip
CALLS = {
    "s3": lambda client: client.list_buckets(),
    "sts": lambda client: client.get_caller_identity(),
    "lambda": lambda client: client.list_functions(),
    "dynamodb": lambda client: client.list_tables(),
    "iam": lambda client: client.list_roles(),
    "secretsmanager": lambda client: client.list_secrets(),
}


def refusal(ask: Any) -> str:
    """The code that a call is refused with; a test's failure when it is not."""
    with pytest.raises(ClientError) as refused:
        ask()
    return str(refused.value.response["Error"]["Code"])


@pytest.mark.parametrize("service", CALLS)
def test_signature_of_every_key_is_verified(cloud: Emulator, service: str) -> None:
    root = cloud.keys
    wrong = [
        ("test", "test"),
        (LOCAL_ACCOUNT, "test"),
        ("123456789012", "test"),
        ("AKIA" + "A" * 16, "unknown"),
        (root.access_key_id, "not-the-secret"),
    ]

    for name, secret in wrong:
        client = cloud.client_as(service, aws_access_key_id=name, aws_secret_access_key=secret)
        code = refusal(lambda client=client: CALLS[service](client))
        assert code in REFUSED, f"{name}: {code}"
    unsigned = cloud.client_as(service, Config(signature_version=UNSIGNED))
    assert refusal(lambda: CALLS[service](unsigned)) in REFUSED
    assert CALLS[service](cloud.client(service))


def answer(cloud: Emulator, path: str, method: str = "GET", **headers: str) -> tuple[int, bytes]:
    """Status and body of the answer to a bare HTTP request."""
    url = f"http://{ports.HOST}:{cloud.port}{path}"
    request = urllib.request.Request(url, data=b"{}" if method != "GET" else None, method=method)
    for name, value in headers.items():
        request.add_header(name.replace("_", "-"), value)
    try:
        with urllib.request.urlopen(request, timeout=10) as found:  # noqa: S310
            return found.status, found.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def signed_by_root(cloud: Emulator, operation: str, **parameters: Any) -> str:
    """Path and query of an address that root has signed."""
    url = cloud.client_as("s3", Config(signature_version="s3v4")).generate_presigned_url(
        operation, Params=parameters
    )
    return "/" + str(url).partition(f":{cloud.port}/")[2]


def test_signed_address_is_good_for_what_it_says_only(
    cloud: Emulator, manifest: tuple[str, str]
) -> None:
    bucket, key = manifest
    path = signed_by_root(cloud, "get_object", Bucket=bucket, Key=key)
    before, _, signature = path.partition("X-Amz-Signature=")
    listing = before.replace(f"/{bucket}/{key}", "/")

    assert answer(cloud, path)[0] == 200
    assert answer(cloud, f"{before}X-Amz-Signature={'0' * 64}")[0] == 403
    assert answer(cloud, f"{listing}X-Amz-Signature={signature}")[0] == 403
    assert answer(cloud, f"{listing}X-Amz-Signature={'0' * 64}")[0] == 403
    assert answer(cloud, path, "PUT")[0] == 403
    assert cloud.client("s3").get_object(Bucket=bucket, Key=key)["ContentLength"] > 2


@pytest.mark.patch(name="root_has_a_secret")
@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "AWS {key}:AAAA",
        "Basic {key}",
        "Custom Credential={key}/20261124/eu-central-1/lambda/aws4_request",
        "AWS4-HMAC-SHA256 Credential={key}/20261124/eu-central-1/lambda/aws4_request",
        "AWS4-HMAC-SHA256 Credential={key}/20261124/eu-central-1/lambda/aws4_request, "
        "SignedHeaders=host, Signature=0000",
        "AWS4-Whatever Credential={key}/20261124/eu-central-1/lambda/aws4_request",
    ],
)
def test_root_is_nobody_without_its_signature(cloud: Emulator, authorization: str) -> None:
    given = {"Authorization": authorization.format(key=cloud.keys.access_key_id)}
    query = f"?X-Amz-Credential={cloud.keys.access_key_id}/20261124/eu-central-1/s3/aws4_request"
    query += "&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=0"

    for path in ("/2015-03-31/functions/", "/2015-03-31/functions/" + query, "/", "/" + query):
        status, body = answer(cloud, path, **(given if authorization else {}))
        assert status in (400, 401, 403), (path, body)


def test_unsigned_web_identity_gets_no_role(cloud: Emulator) -> None:
    client = cloud.client_as("sts", Config(signature_version=UNSIGNED))

    def ask() -> Any:
        return client.assume_role_with_web_identity(
            RoleArn=ROLE, RoleSessionName="me", WebIdentityToken="anything"
        )

    assert refusal(ask) in REFUSED


OWN = ("/_ministack/reset", "/_ministack/config", "/_ministack/health", "/_localstack/health",
       "/_aws/sqs/messages", FAULTS, DECISIONS)  # fmt: skip


@pytest.mark.patch(name="strangers_are_refused")
@pytest.mark.parametrize("path", OWN)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_own_addresses_are_for_the_holder_of_the_secret(
    cloud: Emulator, path: str, method: str
) -> None:
    status, body = answer(cloud, path, method)

    assert status == 403
    assert keys.HEADER in body.decode()
    assert answer(cloud, path, method, **{keys.HEADER: "guessed"})[0] == 403
    assert ROLE.rpartition("/")[2] in str(cloud.client("iam").list_roles()["Roles"])


@pytest.mark.patch(name="strangers_are_refused")
@pytest.mark.parametrize(
    "header",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example:80"},
        {"Host": "localhost.evil.example"},
        {"Host": "[::1]@evil.example"},
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
def test_page_is_refused_whatever_it_holds(
    cloud: Emulator, manifest: tuple[str, str], header: dict[str, str]
) -> None:
    bucket, key = manifest
    path = signed_by_root(cloud, "get_object", Bucket=bucket, Key=key)

    for address in (path, "/health", FAULTS):
        status, body = answer(cloud, address, **header, **cloud.keys.headers)
        assert (status, "AccessDenied" in body.decode()) == (403, True), address
    assert answer(cloud, path, **{"Sec-Fetch-Site": "none"})[0] == 200


def test_websocket_is_refused_to_a_page(cloud: Emulator) -> None:
    request = (
        "GET /_aws/execute-api/a/b HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nOrigin: http://evil.example\r\n"
        f"Sec-WebSocket-Key: {base64.b64encode(b'0' * 16).decode()}\r\n\r\n"
    )
    with socket.create_connection((ports.HOST, cloud.port), timeout=10) as connection:
        connection.sendall(request.encode())
        assert b" 403 " in connection.recv(1000).splitlines()[0]


def test_code_of_a_function_is_for_who_was_given_its_address(cloud: Emulator) -> None:
    function = cloud.function("def handler(event, context): pass\n")
    location = cloud.client("lambda").get_function(FunctionName=function)["Code"]["Location"]
    path = "/" + location.partition(f":{cloud.port}/")[2]

    assert answer(cloud, path)[1].startswith(b"PK")
    assert answer(cloud, path.partition("?")[0])[0] == 403
    other = path.replace(function, cloud.function("def handler(event, context): return 1\n"))
    assert answer(cloud, other)[0] == 403


SHOWS = (
    "import os\n"
    "def handler(event, context):\n"
    "    place = '/proc/self/environ'\n"
    "    shown = open(place).read() if os.path.exists(place) else ''\n"
    "    return {'environment': str(dict(os.environ)), 'shown': shown,\n"
    "            'key': os.environ['AWS_ACCESS_KEY_ID'],\n"
    "            'secret': os.environ['AWS_SECRET_ACCESS_KEY']}\n"
)


def test_function_sees_nothing_of_roots(cloud: Emulator) -> None:
    source = f"{SHOWS}# {uuid.uuid4()}\n"
    for _ in range(3):  # later workers of a package are made in another way
        seen = cloud.invoke(cloud.function(source))
        for secret in (cloud.keys.secret_access_key, cloud.keys.control):
            assert secret not in seen["environment"]
            assert secret not in seen["shown"]
        assert seen["key"].startswith("ASIA")


@pytest.mark.patch(name="drawn_function_credentials")
def test_credentials_of_a_function_cannot_be_computed(cloud: Emulator) -> None:
    import hashlib

    function = cloud.function(SHOWS)
    seen = cloud.invoke(function)
    arn = f"arn:aws:lambda:{LOCAL_REGION}:{LOCAL_ACCOUNT}:function:{function}"

    digest = hashlib.sha256(f"{arn}:{ROLE}".encode()).hexdigest()

    assert seen["key"] != f"ASIA{digest[:16].upper()}"
    assert seen["secret"] != hashlib.sha256(f"secret:{digest}".encode()).hexdigest()


def test_aws_cli_finds_its_key_by_the_profile(
    cloud: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import boto3

    folder = tmp_path / "a $HOME of 'mine'"
    folder.mkdir()
    (folder / keys.FILE).write_text(
        json.dumps(
            {
                "Version": 1,
                "AccessKeyId": cloud.keys.access_key_id,
                "SecretAccessKey": cloud.keys.secret_access_key,
            }
        )
    )
    endpoint = f"http://{ports.HOST}:{cloud.port}"
    keys.write_profile(tmp_path / "aws-config", endpoint, LOCAL_REGION, folder / keys.FILE)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "aws-config"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")

    client = boto3.Session(profile_name=keys.PROFILE).client("sts")

    assert client.get_caller_identity()["Arn"] == f"arn:aws:iam::{LOCAL_ACCOUNT}:root"
    assert cloud.keys.secret_access_key not in (tmp_path / "aws-config").read_text()


def test_keys_are_drawn_anew_and_for_their_owner_only(tmp_path: Path) -> None:
    path = tmp_path / keys.FILE
    first = keys.make(path)

    assert keys.make(path) != first
    assert path.stat().st_mode & 0o777 == 0o600
    assert keys.read(path) != first


def test_emulator_without_keys_says_so_in_one_line() -> None:
    command = [
        str(ROOT / ".venv/cloud/bin/python"),
        "-m",
        "workbench.local_cloud.emulator.launcher",
    ]

    ended = subprocess.run(
        command, cwd=ROOT, env={"PYTHONPATH": MODULES}, capture_output=True, text=True
    )

    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert keys.VARIABLE in ended.stderr


# What another user of the machine tries; prints what it got.
SNOOPS = """
import encodings.idna, glob, os, sys, urllib.request
port, keys, log = sys.argv[1:]
os.setgroups([])
os.setresgid(65534, 65534, 65534)
os.setresuid(65534, 65534, 65534)
def reads(path):
    try:
        return open(path, "rb").read().decode(errors="replace")
    except OSError:
        return ""
def asks(path, method="GET", **headers):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", method=method,
        headers={name.replace("_", "-"): text for name, text in headers.items()})
    try:
        return urllib.request.urlopen(request, timeout=10).read().decode()
    except OSError as error:
        return f"{error}"
test = "AWS4-HMAC-SHA256 Credential=test/20261124/eu-central-1/lambda/aws4_request, " \\
       "SignedHeaders=host, Signature=0"
print([reads(path) for path in (keys, log)])
print([reads(path) for path in glob.glob("/proc/[0-9]*/environ")])
print([reads(path) for path in glob.glob("/proc/[0-9]*/cmdline")])
print(asks("/2015-03-31/functions/"), asks("/2015-03-31/functions/", Authorization=test))
print(asks("/_ministack/reset", "POST"), asks("/_workbench/decisions"))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_of_this_machine_gets_nothing(cloud: Emulator) -> None:
    function = cloud.function("def handler(event, context): pass\n")
    script = [sys.executable, "-I", "-c", SNOOPS, str(cloud.port)]
    files = [str(cloud.folder / keys.FILE), str(cloud.folder / "ministack.log")]

    found = subprocess.run([*script, *files], capture_output=True, text=True, cwd="/")

    assert found.returncode == 0, found.stderr
    for secret in (cloud.keys.secret_access_key, cloud.keys.control, cloud.keys.access_key_id):
        assert secret not in found.stdout
    assert function not in found.stdout
    assert found.stdout.count("Forbidden") == 4
    assert cloud.client("lambda").get_function(FunctionName=function)


BROWSER = next(
    (found for name in ("chromium-headless-shell", "chromium", "google-chrome")
     if (found := shutil.which(name))), None,
)  # fmt: skip
# A page that tries whatever a page can, and tells its own server what came of it.
PAGE = """<!doctype html><body><script>
const cloud = "http://127.0.0.1:%(port)s", got = [];
const plain = {method: "POST", mode: "no-cors", headers: {"Content-Type": "text/plain"}};
const zeros = "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20261124T000000Z&X-Amz-Expires=600" +
  "&X-Amz-SignedHeaders=host&X-Amz-Signature=" + "0".repeat(64) + "&X-Amz-Credential=";
const role = "Action=CreateRole&Version=2010-05-08&RoleName=%(role)s" +
  "&AssumeRolePolicyDocument=%%7B%%7D";
async function attempt(name, action) {
  try { got.push(name + ":" + await action()); } catch (error) { got.push(name + ":-"); }
}
const say = async answer => answer.type + answer.status + (await answer.text()).length;
(async () => {
  await attempt("reset", () => fetch(cloud + "/_ministack/reset", plain).then(say));
  await attempt("read", () => fetch(cloud + "/health").then(say));
  await attempt("messages", () => fetch(cloud + "/_ministack/sqs/messages").then(say));
  for (const key of ["test", "000000000000", "%(key)s"])
    await attempt("role", () => fetch(cloud + "/" + zeros + key +
      "/20261124/eu-central-1/iam/aws4_request", {...plain, body: role}).then(say));
  await attempt("image", () => new Promise(done => {
    const image = new Image(); image.onload = () => done("loaded"); image.onerror = () => done("-");
    image.src = cloud + "/%(picture)s"; }));
  await attempt("socket", () => new Promise(done => {
    const socket = new WebSocket("ws://127.0.0.1:%(port)s/_aws/execute-api/a/b");
    socket.onopen = () => done("open"); socket.onerror = () => done("-"); }));
  await fetch("/got", {method: "POST", body: got.join(" ")});
})();
</script>"""
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@contextlib.contextmanager
def site(page: str) -> Iterator[tuple[int, "queue.Queue[str]"]]:
    """Serve a page on a port of this machine; the port, and what the page sends back."""
    reported: queue.Queue[str] = queue.Queue()

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self, body: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(body.encode())

        def do_GET(self) -> None:
            self.answer(page)

        def do_POST(self) -> None:
            reported.put(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.answer("")

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer((ports.HOST, 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield int(server.server_address[1]), reported
    finally:
        server.shutdown()
        server.server_close()


def browser(folder: Path, *arguments: str) -> list[str]:
    """A command that opens a browser, for which `*.test` lead to this machine."""
    return [
        str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
        f"--user-data-dir={folder}", "--host-resolver-rules=MAP *.test 127.0.0.1", *arguments,
    ]  # fmt: skip


@pytest.mark.skipif(not BROWSER, reason="no Chromium; apt install chromium-headless-shell")
@pytest.mark.parametrize("name", ["evil.test", "127.0.0.1"])
def test_page_in_a_browser_gets_nothing_and_does_nothing(
    cloud: Emulator, manifest: tuple[str, str], tmp_path: Path, name: str
) -> None:
    role = f"page-{uuid.uuid4().hex[:8]}"
    client, (bucket, _) = cloud.client("s3"), manifest
    client.put_object(Bucket=bucket, Key="a.png", Body=PICTURE, ContentType="image/png")
    values = {
        "port": cloud.port,
        "role": role,
        "key": cloud.keys.access_key_id,
        # An address that a user was given, as an operator might open one.
        "picture": signed_by_root(cloud, "get_object", Bucket=bucket, Key="a.png")[1:],
    }
    with site(PAGE % values) as (port, reported):
        # It stays open for as long as somebody could talk to it.
        command = browser(tmp_path, "--remote-debugging-port=0", f"http://{name}:{port}/")
        running = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            got = reported.get(timeout=60).split()
        finally:
            processes.kill_group(running.pid)
            running.wait()
    client.delete_object(Bucket=bucket, Key="a.png")

    # A page may send what it likes; it learns at most that something answered.
    assert got == ["reset:opaque00", "read:-", "messages:-", *["role:opaque00"] * 3,
                   "image:-", "socket:-"]  # fmt: skip
    names = {found["RoleName"] for found in cloud.client("iam").list_roles()["Roles"]}
    assert role not in names
    assert ROLE.rpartition("/")[2] in names  # nothing was reset


@pytest.mark.skipif(not BROWSER, reason="no Chromium; apt install chromium-headless-shell")
def test_page_whose_name_is_led_here_reads_nothing(cloud: Emulator, tmp_path: Path) -> None:
    command = browser(tmp_path, "--dump-dom", f"http://rebound.test:{cloud.port}/health")

    found = subprocess.run(command, capture_output=True, text=True, timeout=120)

    assert "Host names another machine" in found.stdout
    assert "services" not in found.stdout


@pytest.mark.parametrize("path", ["/control", "/received"])
def test_outside_server_has_the_same_guard(cloud: Emulator, tmp_path: Path, path: str) -> None:
    drawn, port = keys.make(tmp_path / keys.FILE), ports.free()
    environment = {
        "PYTHONPATH": MODULES,
        "OUTSIDE_PORT": str(port), "OUTSIDE_HOST": ports.HOST, "PREFIX": "p",
        "REGION": LOCAL_REGION, "ENDPOINT": f"http://{ports.HOST}:{cloud.port}",
        keys.VARIABLE: str(tmp_path / keys.FILE),
    }  # fmt: skip
    python = str(ROOT / ".venv/cloud/bin/python")
    command = [python, "-m", "operations.services.outside"]
    server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout
        assert "listening" in server.stdout.readline()
        outside = Emulator(port, drawn, tmp_path)
        assert answer(outside, path)[0] == 403
        assert answer(outside, path, **{keys.HEADER: "guessed"})[0] == 403
        assert answer(outside, path, **drawn.headers)[0] == 200
        assert answer(outside, path, Origin="http://evil.example", **drawn.headers)[0] == 403
        assert answer(outside, "/health", Host="evil.example")[0] == 403
        assert answer(outside, "/health")[0] == 200
    finally:
        server.kill()
        server.wait()
