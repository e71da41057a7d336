"""A stand-in for AWS's Lambda image, made of what this machine has, where no registry answers.

It has this machine's Python and C library (not Amazon Linux's), boto3, and AWS's own runtime
interface client from PyPI. SAM adds its emulator of the Lambda service, as it does to AWS's image.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from pathlib import Path

from workbench.machine.packages import install_into
from workbench.sam_local import engine
from workbench.stages.errors import UserError
from workbench.stages.stage import PROJECT, ROOT

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
NAME = f"{PROJECT}/lambda-python-stand-in:{VERSION}"
MADE_OF = f"{PROJECT}.made-of"
REQUIREMENTS = ROOT / "requirements" / "lambda.txt"
# What SAM's own layer of the image needs, and a person who looks around in it.
PROGRAMS = ("sh", "mv", "chmod", "cp", "rm", "cat", "ls", "env")
# What the C library and the compiler bring for others: packages in a function are linked with it,
# or look for it by name while they run.
FOR_OTHERS = (
    "libnss_files.so.2", "libnss_dns.so.2", "libresolv.so.2", "libdl.so.2", "libpthread.so.0",
    "librt.so.1", "libutil.so.1", "libm.so.6", "libcrypt.so.1", "libgcc_s.so.1", "libstdc++.so.6",
)  # fmt: skip
LEFT_OUT = {"test", "idlelib", "tkinter", "turtledemo", "ensurepip", "site-packages", "__pycache__"}
SETTINGS = (
    "ENV PATH=/var/lang/bin:/usr/local/bin:/usr/bin:/bin:/opt/bin",
    "ENV LD_LIBRARY_PATH=/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/task/lib:/opt/lib",
    "ENV LAMBDA_TASK_ROOT=/var/task",
    "ENV LAMBDA_RUNTIME_DIR=/var/runtime",
    "ENV LANG=en_US.UTF-8",
    "ENV TZ=:UTC",
    "WORKDIR /var/task",
)
BOOTSTRAP = f"""\
#!/bin/sh
export AWS_EXECUTION_ENV=AWS_Lambda_python{VERSION}
exec /var/lang/bin/python{VERSION} /var/runtime/bootstrap.py
"""
# By this path SAM starts the runtime under a debugger.
BOOTSTRAP_PY = f"""\
import os
import sys

libraries = ["/opt/python/lib/python{VERSION}/site-packages", "/opt/python", "/var/runtime"]
sys.path[:0] = [os.environ["LAMBDA_TASK_ROOT"], *libraries]
from awslambdaric.__main__ import main

main(["bootstrap", os.environ["_HANDLER"]])
"""


def made_of() -> str:
    """What the stand-in of now would be made of, as a hash."""
    parts = (sys.version, sys.base_prefix, REQUIREMENTS.read_text(), Path(__file__).read_text())
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]


def is_current() -> bool:
    """Whether the stand-in is there, and made of what there is now."""
    return engine.label_of(NAME, MADE_OF) == made_of()


def build() -> None:
    """Make the stand-in; raises UserError when PyPI or the engine refuse."""
    with tempfile.TemporaryDirectory(prefix=f"{PROJECT}-image-") as folder:
        tree = Path(folder) / "root"
        _skeleton(tree)
        _python(tree)
        _runtime(tree / "var" / "runtime")
        _programs(tree)
        _libraries(tree)
        archive = Path(folder) / "image.tar"
        with tarfile.open(archive, "w") as tar:
            tar.add(tree, arcname=".", filter=_as_root)
        changes = [*SETTINGS, f"LABEL {MADE_OF}={made_of()}"]
        changes.append('LABEL description="stand-in, not AWS\'s image"')
        # The image that SAM made of the last one would be used on.
        for processor in ("x86_64", "arm64"):
            engine.remove_image(f"{NAME.partition(':')[0]}:rapid-{processor}")
        with archive.open("rb") as content:
            engine.import_image(NAME, changes, content)


def _skeleton(tree: Path) -> None:
    for name in ("bin", "lib", "lib64", "sbin"):
        (tree / "usr" / name).mkdir(parents=True)
        (tree / name).symlink_to(f"usr/{name}")
    for name in ("etc/ssl/certs", "opt", "proc", "dev", "var/task", "var/lang/bin", "var/rapid"):
        (tree / name).mkdir(parents=True)
    (tree / "tmp").mkdir()
    (tree / "tmp").chmod(0o1777)
    (tree / "etc" / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (tree / "etc" / "group").write_text("root:x:0:\n")
    (tree / "etc" / "nsswitch.conf").write_text("passwd: files\ngroup: files\nhosts: files dns\n")
    certificates = Path("/etc/ssl/certs/ca-certificates.crt")
    if certificates.exists():
        shutil.copy(certificates, tree / "etc" / "ssl" / "certs")


def _python(tree: Path) -> None:
    """This command's own interpreter, without what only developers need."""
    lang = tree / "var" / "lang"
    program = Path(os.path.realpath(sys.executable))
    shutil.copy(program, lang / "bin" / f"python{VERSION}")
    for name in ("python3", "python"):
        (lang / "bin" / name).symlink_to(f"python{VERSION}")
    standard = Path(sysconfig.get_path("stdlib", vars={"installed_base": sys.base_prefix}))
    shutil.copytree(
        standard,
        lang / "lib" / f"python{VERSION}",
        ignore=lambda folder, names: LEFT_OUT & set(names) | _archives(names),
    )


def _archives(names: list[str]) -> set[str]:
    return {name for name in names if name.startswith("config-") or name.endswith(".a")}


def _runtime(folder: Path) -> None:
    """AWS's runtime interface client and boto3, with hashes, and how they are started."""
    folder.mkdir(parents=True)
    install_into(folder, REQUIREMENTS)
    (folder / "bootstrap").write_text(BOOTSTRAP)
    (folder / "bootstrap").chmod(0o755)
    (folder / "bootstrap.py").write_text(BOOTSTRAP_PY)


def _programs(tree: Path) -> None:
    for name in PROGRAMS:
        found = shutil.which(name)
        if not found:
            raise UserError(f"{name} is not found on this machine; the stand-in needs it")
        shutil.copy(os.path.realpath(found), tree / "usr" / "bin" / name)


def _libraries(tree: Path) -> None:
    """The shared libraries of all that is in the tree, where it looks for them."""
    ours = tree / "var" / "lang" / "lib"
    programs = [*(tree / "usr" / "bin").iterdir(), *(tree / "var" / "lang" / "bin").iterdir()]
    needed = _linked([*programs, *tree.rglob("*.so"), *tree.rglob("*.so.*")])
    for library in needed | _found(FOR_OTHERS):
        if library.is_relative_to(tree):
            continue
        system = library.is_relative_to("/usr") or library.parts[1] in ("lib", "lib64")
        if system and not library.is_relative_to("/usr/local"):
            target = tree / "usr" / str(library).removeprefix("/usr").removeprefix("/")
        else:
            target = ours / library.name
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            shutil.copy(os.path.realpath(library), target)


def _linked(files: list[Path]) -> set[Path]:
    """The libraries that programs and libraries are linked with, as the loader finds them here."""
    answer = subprocess.run(
        ["ldd", *map(str, files)], capture_output=True, text=True, check=False,
        env=os.environ | {"LD_LIBRARY_PATH": str(Path(sys.base_prefix) / "lib")},
    )  # fmt: skip
    words = (line.split() for line in answer.stdout.splitlines())
    paths = (word for line in words for word in line if word.startswith("/"))
    return {Path(path) for path in paths if not path.endswith(":")}


def _found(names: tuple[str, ...]) -> set[Path]:
    program = shutil.which("ldconfig", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    known = subprocess.run([program or "ldconfig", "-p"], capture_output=True, text=True).stdout
    machine = "x86-64" if os.uname().machine == "x86_64" else "AArch64"
    lines = [line.split() for line in known.splitlines() if machine in line]
    return {Path(line[-1]) for line in lines if line[0] in names}


def _as_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    return entry
