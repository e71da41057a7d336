"""S3: reading objects."""

from typing import Any

from tools.local_cloud.patches.targets import module


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
