"""Where something stands in a YAML or JSON file: the line of a path, and of a word."""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import yaml

from workbench.application.settings import ROOT
from workbench.checks.checking.finding import Finding

_QUOTED = re.compile(r"[\"'`]([^\"'`]{2,})[\"'`]")

type Step = str | int


class Places:
    """A file's tree with the places of all that is in it; {} where it does not read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = _shown(path)
        self.text = path.read_text(encoding="utf-8", errors="replace")
        try:
            self._root = yaml.compose(self.text, Loader=yaml.CSafeLoader)
        except yaml.YAMLError:
            self._root = None

    def line(self, steps: Sequence[Step]) -> int:
        """Return the line of a path, or of as much of it as there is; 0 for a file without any."""
        node, line = self._root, 0
        for step in steps:
            found = self._step(node, step)
            if found is None:
                break
            line, node = found
        return line

    def _step(self, node: yaml.Node | None, step: Step) -> tuple[int, yaml.Node] | None:
        if isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            if step < len(node.value):
                return node.value[step].start_mark.line + 1, node.value[step]
        elif isinstance(node, yaml.MappingNode):
            merged = []
            for key, value in node.value:
                if key.value == str(step):
                    return key.start_mark.line + 1, value
                if key.value == "<<":
                    merged.append(value)
            for value in merged:
                if found := self._step(value, step):
                    return found
        return None

    def at(self, line: int) -> tuple[Step, ...]:
        """Return the path of what begins on a line, counted from 0; the deepest one before it."""
        found: tuple[Step, ...] = ()
        node = self._root
        while node is not None:
            inside = [(step, each) for step, start, each in _parts(node) if start <= line]
            if not inside:
                break
            step, node = inside[-1]
            found = (*found, step)
            if node.start_mark.line > line:
                break
        return found

    def of_word(self, word: str, within: Sequence[Step] = ()) -> int:
        """Return the line of a text or key that is this word, or else has it; 0 when none does.

        Only below a path, where one is given.
        """
        node = self._node(within)
        every = list(_scalars(node)) if node else []
        for fits in (lambda text: text == word, lambda text: word in text):
            for scalar in every:
                if fits(scalar.value):
                    return self._inside(scalar, word)
        return 0

    def _inside(self, scalar: yaml.ScalarNode, word: str) -> int:
        """Return the line of a word in a text of several lines."""
        first, last = scalar.start_mark.line, scalar.end_mark.line
        lines = self.text.splitlines()[first : last + 1]
        return next((first + n for n, line in enumerate(lines, 1) if word in line), first + 1)

    def has(self, steps: Sequence[Step]) -> bool:
        """Return whether all of a path is there."""
        return self._node(steps) is not None

    def keys(self, steps: Sequence[Step]) -> list[str]:
        """Return the keys of the mapping at a path."""
        node = self._node(steps)
        return [key.value for key, _ in node.value] if isinstance(node, yaml.MappingNode) else []

    def _node(self, steps: Sequence[Step]) -> yaml.Node | None:
        node = self._root
        for step in steps:
            found = self._step(node, step)
            if found is None:
                return None
            node = found[1]
        return node

    def state(self, name: str) -> tuple[Step, ...]:
        """Return the path of a state of a definition, wherever it stands."""
        return next((path for path in self._states(self._root, ()) if path[-1] == name), ())

    def _states(self, node: yaml.Node | None, path: tuple[Step, ...]) -> Iterator[tuple[Step, ...]]:
        if isinstance(node, yaml.SequenceNode):
            for number, each in enumerate(node.value):
                yield from self._states(each, (*path, number))
        elif isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                inside = (*path, key.value)
                if path and path[-1] == "States":
                    yield inside
                yield from self._states(value, inside)


def _parts(node: yaml.Node) -> Iterator[tuple[Step, int, yaml.Node]]:
    """Return step, line and node of each thing in a node."""
    if isinstance(node, yaml.SequenceNode):
        for number, each in enumerate(node.value):
            yield number, each.start_mark.line, each
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield key.value, key.start_mark.line, value


def _scalars(node: yaml.Node) -> Iterator[yaml.ScalarNode]:
    if isinstance(node, yaml.ScalarNode):
        yield node
    elif isinstance(node, yaml.SequenceNode):
        for each in node.value:
            yield from _scalars(each)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _scalars(key)
            yield from _scalars(value)


@cache
def _read(path: Path, changed: int) -> Places:
    return Places(path)


def of(path: Path) -> Places:
    """Return the places of a file, read once until it changes."""
    return _read(path, path.stat().st_mtime_ns)


def syntax(path: Path) -> Finding | None:
    """Return where a file is not valid YAML; None where it is."""
    try:
        text = path.read_text(encoding="utf-8")
        yaml.compose(text, Loader=yaml.CSafeLoader)
    except UnicodeDecodeError:
        return Finding(_shown(path), 1, "it is not UTF-8 text")
    except yaml.MarkedYAMLError as error:
        # What was opened and not closed is wrong where it begins; all else where it is seen.
        opened = "flow" in str(error.context) or "quoted" in str(error.context)
        mark = error.context_mark if opened and error.context_mark else error.problem_mark
        what = error.problem if not opened else f"{error.context}: {error.problem}"
        return Finding(_shown(path), mark.line + 1 if mark else 1, f"is not valid YAML: {what}")
    except yaml.YAMLError as error:
        return Finding(_shown(path), 1, f"is not valid YAML: {' '.join(str(error).split())}")
    return None


def line_of_message(at: Places, said: str, within: Sequence[Step] = ()) -> int:
    """Return the line of what a message names: of its words that the file has, the rarest.

    Only below a path, where one is given.
    """
    quoted = [word for word in _QUOTED.findall(said) if at.of_word(word, within)]
    words = quoted or {word.strip("'\"`:;,()[]") for word in said.split()}
    there = [word for word in words if len(word) > 2 and at.of_word(word, within)]
    rarest = min(there, key=lambda word: (at.text.count(word), -len(word)), default="")
    return at.of_word(rarest, within) if rarest else 0


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else path.name
