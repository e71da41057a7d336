"""S3: reading and listing objects."""

import re
import urllib.parse
from contextvars import ContextVar
from typing import Any
from xml.etree.ElementTree import Element  # nosec B405 - made here, nothing is parsed

from workbench.local_cloud.emulator.patches.targets import module


def ranges_of_versions() -> None:
    """A range of an object's version is a range.

    AWS answers `GetObject` with `Range` and `VersionId` with 206 and those bytes. MiniStack looks
    at the range only without a version, and answers with the whole object. The range is cut out
    of its answer.
    """
    objects = module("services.s3")
    get_object = objects._get_object

    def get_range(bucket: str, key: str, headers: Any, query_params: Any = None) -> Any:
        wanted = headers.get("range")
        if not (wanted and (query_params or {}).get("versionId")):
            return get_object(bucket, key, headers, query_params)
        # The whole object's checksum would not fit the part.
        plain = {name: text for name, text in headers.items() if name != "x-amz-checksum-mode"}
        status, answer, body = get_object(bucket, key, plain, query_params)
        if status != 200:
            return status, answer, body
        span = objects._parse_range(wanted, len(body))
        if span is None:
            answer = {"Content-Type": "application/xml", "Content-Range": f"bytes */{len(body)}"}
            return 416, answer, objects._xml_body(objects._range_error_xml(bucket, key))
        first, last = span
        part = body[first : last + 1]
        answer["Content-Length"] = str(len(part))
        answer["Content-Range"] = f"bytes {first}-{last}/{len(body)}"
        return 206, answer, part

    objects._get_object = get_range


_MISSING = (b"<Code>NoSuchKey</Code>", b"<Code>NoSuchVersion</Code>")


def missing_objects_are_kept_secret() -> None:
    """Whoever may not list a bucket gets 403 for an object that is not there.

    AWS says 404 only to those who have `s3:ListBucket`, for `GetObject`, `HeadObject`, versions and
    the source of a copy. MiniStack says 404 to all.
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
    """
    app, objects = module("app"), module("services.s3")
    evaluator, responses = module("core.iam_evaluator"), module("core.responses")
    handle = app.SERVICE_HANDLERS["s3"]

    async def handle_in_secret(
        method: str, path: str, headers: Any, body: bytes, query: Any
    ) -> Any:
        answer = await handle(method, path, headers, body, query)
        if answer[0] != 404:
            return answer
        copied = urllib.parse.unquote(headers.get("x-amz-copy-source", "")).partition("?")[0]
        bucket, _, key = (copied or path).lstrip("/").partition("/")
        said = any(code in answer[2] for code in _MISSING)
        silent = method == "HEAD" and key and objects._ensure_bucket(bucket) is not None
        if not (said or silent):
            return answer
        asked = (
            app.extract_access_key_id(headers, query), "s3:ListBucket", "s3",
            responses.get_region(), f"arn:aws:s3:::{bucket}", {"s3:prefix": key},
        )  # fmt: skip
        if evaluator.enforce(*asked) is None:
            return answer
        return objects._error("AccessDenied", "Access Denied", 403, path)

    app.SERVICE_HANDLERS["s3"] = handle_in_secret


def names_of_versions() -> None:
    """A listing of versions names objects with control characters.

    AWS writes what names a key in `ListObjectVersions` percent-encoded where `encoding-type=url`
    asks for it (API reference, ListObjectVersions; boto3 always asks), because XML 1.0 has no
    control characters. MiniStack does so in its listings of objects, not in that of versions: one
    such key, and nobody can read any listing of its bucket.
    """
    objects = module("services.s3")
    list_versions, xml_body = objects._list_object_versions, objects._xml_body
    encodes: ContextVar[bool] = ContextVar("encodes", default=False)

    def listed(bucket_name: str, query_params: Any) -> Any:
        asked = objects._qp(query_params, "encoding-type", "") == "url"
        token = encodes.set(asked)
        try:
            return list_versions(bucket_name, query_params)
        finally:
            encodes.reset(token)

    def written(root: Element) -> Any:
        if encodes.get() and root.tag == "ListVersionsResult":
            for name in ("Key", "KeyMarker", "NextKeyMarker", "Prefix", "Delimiter"):
                for element in root.iter(name):
                    element.text = objects._url_encode(element.text or "")
            kind = Element("EncodingType")
            kind.text = "url"
            root.insert(1, kind)
        return xml_body(root)

    objects._list_object_versions = listed
    objects._xml_body = written


_SSE = "x-amz-server-side-encryption"


def encryption_headers_are_evaluated() -> None:
    """A bucket's policy can say which key an upload may name, and refuse a key of the sender's own.

    AWS has the condition keys `s3:x-amz-server-side-encryption-aws-kms-key-id` and
    `…-customer-algorithm` for `PutObject`. MiniStack knows the one of the encryption's kind only,
    so that a policy that lets one key in refuses that key, too. What the request says is added;
    for a part, what the request that began its upload said.
    """
    actions, objects = module("core.iam_actions"), module("services.s3")
    ask, begin = actions._s3_object_context, objects._create_multipart_upload

    def named(headers: Any) -> dict[str, str]:
        keys = (f"{_SSE}-aws-kms-key-id", f"{_SSE}-customer-algorithm")
        return {f"s3:{key}": headers[key] for key in keys if headers.get(key)}

    def ask_with_keys(action: str, query: Any, path: str, headers: Any) -> Any:
        context = ask(action, query, path, headers)
        if action == "s3:PutObject" and context is not None:
            upload = actions._query_param(query, "uploadId")
            begun = objects._multipart_uploads.get(upload) or {} if upload else {}
            context |= begun.get("named_keys", {}) if upload else named(headers)
        return context

    def begin_and_keep(bucket: str, key: str, headers: Any) -> Any:
        answer = begin(bucket, key, headers)
        if upload := re.search(rb"<UploadId>([^<]+)</UploadId>", answer[2]):
            objects._multipart_uploads[upload[1].decode()]["named_keys"] = named(headers)
        return answer

    actions._s3_object_context = ask_with_keys
    objects._create_multipart_upload = begin_and_keep
