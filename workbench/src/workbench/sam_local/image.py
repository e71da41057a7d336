"""Which image the functions run in: AWS's own wherever it can be had, else a stand-in for it."""

import platform

from workbench.sam_local import engine, standin
from workbench.stages.errors import UserError

PROCESSOR = "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
AWS_IMAGE = f"public.ecr.aws/lambda/python:{standin.VERSION}-{PROCESSOR}"
STAND_IN_NOTE = (
    f"note: in a stand-in for AWS's image, made of this machine's Python {standin.VERSION} and "
    "C library"
)


def choose() -> str:
    """The image to use; AWS's is fetched when nothing is there yet.

    Raises UserError when there is neither an image nor a registry.
    """
    if engine.has_image(AWS_IMAGE):
        return AWS_IMAGE
    if standin.is_current():
        return standin.NAME
    print(f"fetching AWS's image {AWS_IMAGE} …", flush=True)
    if engine.pull(AWS_IMAGE):
        return AWS_IMAGE
    raise UserError(
        f"{AWS_IMAGE} is not here and its registry cannot be reached; "
        "build a stand-in for it on this machine with: make sam-local-image"
    )


def provide() -> str:
    """The image to use; the stand-in is built when AWS's cannot be had. Says what it did."""
    if engine.has_image(AWS_IMAGE):
        print(f"AWS's own image is here: {AWS_IMAGE}")
        return AWS_IMAGE
    print(f"fetching AWS's image {AWS_IMAGE} …", flush=True)
    if engine.pull(AWS_IMAGE):
        print("AWS's own image is here now")
        return AWS_IMAGE
    if standin.is_current():
        print(f"its registry cannot be reached; the stand-in for it is here: {standin.NAME}")
        return standin.NAME
    print("its registry cannot be reached; building a stand-in for it …", flush=True)
    standin.build()
    print(
        f"built {standin.NAME}: this is not AWS's image. It has this machine's Python "
        f"{standin.VERSION} and C library, AWS's runtime interface client, and boto3."
    )
    return standin.NAME
