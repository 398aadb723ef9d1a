"""The sentence under each field of a model, read from its source when it is asked for: checking a file needs none."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Mapping
from functools import cache
from itertools import pairwise


@cache
def field_docs(model: type) -> Mapping[str, str]:
    """Field name -> the sentence under it, inherited fields included; fields without one are left out."""
    found: dict[str, str] = {}
    for cls in reversed(model.__mro__):
        body = _bodies(cls.__module__).get(cls.__qualname__, [])
        for field, under in pairwise(body):
            match field, under:
                case (
                    ast.AnnAssign(target=ast.Name(id=name)),
                    ast.Expr(value=ast.Constant(value=str(sentence))),
                ):
                    found[name] = inspect.cleandoc(sentence)
    return found


@cache
def _bodies(module: str) -> Mapping[str, list[ast.stmt]]:
    """Class name -> its statements, for the classes at the top of a module of ours."""
    if not module.startswith("callisi_runtime"):
        return {}
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {node.name: node.body for node in tree.body if isinstance(node, ast.ClassDef)}
