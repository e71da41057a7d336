"""What a partner must be allowed to do in the uploads bucket, and what nobody may do there."""

from collections.abc import Iterator

from workbench.permissions.need import Need, bucket_key, key_uses, via
from workbench.permissions.policies import Request
from workbench.permissions.template import Template

BUCKET = "UploadsBucket"
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
_SSE = "s3:x-amz-server-side-encryption"
_SSE_KEY, _SSE_C = f"{_SSE}-aws-kms-key-id", f"{_SSE}-customer-algorithm"


def needs(template: Template) -> Iterator[Need]:
    """A partner puts a file: multipart uploads decrypt too. It may name the bucket's key.

    And it reads what was refused of its files, to correct it.
    """
    bucket, way = template.arn(BUCKET), "a partner uploads a file"
    where, tag = "PartnerUpload", {"aws:PrincipalTag/partner": "nordwind"}
    key, put = bucket_key(template, BUCKET), f"{bucket}/incoming/nordwind/a.csv"
    for named in ({}, {_SSE: "aws:kms", _SSE_KEY: key}):
        yield Need(where, Request("partner", "s3:PutObject", put, way, tag | named))
    refused = f"{bucket}/quarantine/nordwind/0123456789abcdef01234567/refused.csv"
    corrects = "a partner reads its refused lines"
    yield Need(where, Request("partner", "s3:GetObject", refused, corrects, tag))
    actions = ("GenerateDataKey", "Decrypt")
    yield from key_uses(where, "partner", key, way, actions, via("s3", s3=bucket))


def unwanted(template: Template) -> list[Request]:
    """What the uploads bucket must deny, whoever asks and whatever allows it."""
    bucket = template.arn(BUCKET)
    put = f"{bucket}/incoming/nordwind/a.csv"
    plain = {"aws:SecureTransport": "false"}
    other = f"{bucket_key(template, BUCKET)}-of-others"
    return [
        *(
            Request("partner", action, resource, "a connection without TLS", plain)
            for action, resource in (("s3:PutObject", put), ("s3:ListBucket", bucket))
        ),
        *(
            Request("partner", "s3:PutObject", put, f"an upload with {what}", headers)
            for what, headers in {
                "SSE-S3": {_SSE: "AES256"},
                "another kind of encryption and our key": {
                    _SSE: "aws:kms:dsse", _SSE_KEY: bucket_key(template, BUCKET)
                },
                "another key": {_SSE: "aws:kms", _SSE_KEY: other},
                "the account's key aws/s3": {_SSE: "aws:kms"},
                "a key of its own (SSE-C)": {_SSE_C: "AES256"},
            }.items()
        ),
    ]  # fmt: skip
