"""Where what stands in a YAML, Terraform or TOML file: its values, each with a path and a span.

Parsed, so that a flaw is made in one value and nowhere else; the rest of the text stays as it is.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import tree_sitter
import tree_sitter_hcl
import tree_sitter_toml
import yaml

type Walk = Callable[[tree_sitter.Node, tuple[str, ...]], Iterator[Place]]

ANCHOR = re.compile(r"(?<!\S)&[A-Z]\w*\s+")  # YAML: the name by which a value is repeated
ALIAS = "!alias"  # YAML: no tag that a file has
LOOP = "Fn::ForEach::"
NAMES = ("Sid", "Id", "Condition")  # what a list's item is called by, rather than its number


@dataclass(frozen=True)
class Place:
    """A value: the keys that lead to it, its source, and where it begins and ends (characters)."""

    path: tuple[str, ...]
    source: str
    start: int
    end: int
    cut: tuple[int, int] | None = None  # takes the value out, with its key; None: it is needed
    tag: str = ""  # YAML: `!Ref` and the like

    @property
    def key(self) -> str:
        """The last key."""
        return self.path[-1] if self.path else ""

    @property
    def name(self) -> str:
        """The whole path as text."""
        return ".".join(self.path)


class _Composer(yaml.SafeLoader):
    """Leaves an alias as it stands: a value of its own, `*Name`, not the one that it repeats."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if not self.check_event(yaml.AliasEvent):
            return super().compose_node(parent, index)
        event = self.get_event()  # type: ignore[no-untyped-call]
        return yaml.ScalarNode(ALIAS, f"*{event.anchor}", event.start_mark, event.end_mark)


def of_yaml(text: str) -> list[Place]:
    """All values of a YAML file, the outer ones before those in them."""
    root = yaml.compose(text, Loader=_Composer)
    return list(_of_node(text, root, ())) if root else []


def of_terraform(text: str) -> list[Place]:
    """All attributes, blocks and list items of a Terraform file."""
    return _of_grammar(text, tree_sitter_hcl.language(), _of_block)


def of_toml(text: str) -> list[Place]:
    """All values of a TOML file."""
    return _of_grammar(text, tree_sitter_toml.language(), _of_table)


def _of_node(
    text: str, node: yaml.Node, path: tuple[str, ...], cut: tuple[int, int] | None = None
) -> Iterator[Place]:
    start, end = node.start_mark.index, _end(text, node)
    if anchor := ANCHOR.match(text, start):  # whatever becomes of the value, its name stays
        start = anchor.end()
    tag = node.tag if node.tag.startswith("!") else ""
    yield Place(path, text[start:end], start, end, cut, tag)
    if isinstance(node, yaml.MappingNode):
        spans = [(key.start_mark.index, _end(text, value)) for key, value in node.value]
        for (key, value), cut in zip(node.value, _cuts(spans), strict=True):
            if str(key.value).startswith(LOOP):  # what it makes stands beside all else
                yield from _of_node(text, value.value[-1], path)
            else:
                yield from _of_node(text, value, (*path, str(key.value)), cut)
    elif isinstance(node, yaml.SequenceNode):
        spans = [(item.start_mark.index, _end(text, item)) for item in node.value]
        for number, (item, cut) in enumerate(zip(node.value, _cuts(spans), strict=True)):
            yield from _of_node(text, item, (*path, _name(item) or str(number)), cut)


def _end(text: str, node: yaml.Node) -> int:
    """Where a node's own text ends: a block's mark lies behind the comments that follow it."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(text, last[1] if isinstance(last, tuple) else last)
    end = int(node.end_mark.index)
    return len(text[:end].rstrip()) if isinstance(node, yaml.ScalarNode) else end


def _cuts(spans: list[tuple[int, int]]) -> list[tuple[int, int] | None]:
    """For each of the neighbours what to cut so that the others stand as they did."""
    if len(spans) < 2:
        return [None] * len(spans)
    cuts: list[tuple[int, int] | None] = [(one[0], other[0]) for one, other in pairwise(spans)]
    return [*cuts, (spans[-2][1], spans[-1][1])]


def _name(item: yaml.Node) -> str:
    if item.tag == ALIAS:
        return str(item.value).removeprefix("*")
    if isinstance(item, yaml.MappingNode):
        named = {key.value: value for key, value in item.value}
        for key in (*NAMES, "<<"):
            if isinstance(named.get(key), yaml.ScalarNode):
                return str(named[key].value).removeprefix("*")
        for key, value in item.value:
            if key.value == "ErrorEquals":
                return "+".join(str(each.value) for each in value.value[:1])
    return ""


def _of_grammar(text: str, language: object, walk: Walk) -> list[Place]:
    """The places as a grammar's tree has them; its offsets count bytes, ours characters."""
    source = text.encode()
    root = tree_sitter.Parser(tree_sitter.Language(language)).parse(source).root_node

    def position(byte: int) -> int:
        return len(source[:byte].decode())

    return [
        replace(
            place,
            start=position(place.start),
            end=position(place.end),
            cut=place.cut and (position(place.cut[0]), position(place.cut[1])),
        )
        for place in walk(root, ())
    ]


def _source(node: tree_sitter.Node) -> str:
    return (node.text or b"").decode()


def _of_block(node: tree_sitter.Node, path: tuple[str, ...]) -> Iterator[Place]:
    for child in node.named_children:
        match child.type:
            case "body":
                yield from _of_block(child, path)
            case "block":
                inner = (*path, _label(child))
                span = child.start_byte, child.end_byte
                yield Place(inner, _source(child), *span, span)
                yield from _of_block(child, inner)
            case "attribute":
                key, value = child.named_children[0], child.named_children[-1]
                span = child.start_byte, child.end_byte
                inner = (*path, _source(key))
                yield Place(inner, _source(value), value.start_byte, value.end_byte, span)
                yield from _of_items(value, inner)


def _label(block: tree_sitter.Node) -> str:
    """`resource.aws_kms_key.data`, `statement.RulesSend`, `condition.aws:SourceArn`."""
    words = [
        _source(child).strip('"')
        for child in block.named_children
        if child.type in ("identifier", "string_lit")
    ]
    for body in (child for child in block.named_children if child.type == "body"):
        for attribute in body.named_children:
            if attribute.type == "attribute":
                key, value = attribute.named_children[0], attribute.named_children[-1]
                if _source(key) in ("sid", "variable"):
                    words.append(_source(value).strip('"'))
    return ".".join(words)


def _of_items(value: tree_sitter.Node, path: tuple[str, ...]) -> Iterator[Place]:
    """The items of the lists, and the values of the objects, in an attribute's value."""
    if value.type == "tuple":
        items = [child for child in value.named_children if child.type == "expression"]
        cuts = _cuts([(item.start_byte, item.end_byte) for item in items])
        for number, (item, cut) in enumerate(zip(items, cuts, strict=True)):
            inner = (*path, str(number))
            yield Place(inner, _source(item), item.start_byte, item.end_byte, cut)
    elif value.type == "object_elem":
        key, item = value.named_children[0], value.named_children[-1]
        inner = (*path, _source(key).strip('"'))
        span = value.start_byte, value.end_byte
        yield Place(inner, _source(item), item.start_byte, item.end_byte, span)
    else:
        for child in value.named_children:
            yield from _of_items(child, path)


def _of_table(node: tree_sitter.Node, path: tuple[str, ...]) -> Iterator[Place]:
    for child in node.named_children:
        if child.type == "table":
            yield from _of_table(child, (*path, _source(child.named_children[0])))
        elif child.type == "pair":
            key, value = child.named_children[0], child.named_children[1]
            span = child.start_byte, child.end_byte
            yield Place(
                (*path, _source(key)), _source(value), value.start_byte, value.end_byte, span
            )
