"""Texts with `{{ … }}` in them: compiled once, checked while validating, rendered within bounds.

A template has if/else, `for` over a short list, `set`, attributes, comparisons and the filters of `FILTERS`; among them
`phone`, `spoken`, `date`, `time` and `duration` for German. An unknown name is an error and never an empty text.
"""

from __future__ import annotations

from callisi_runtime.templates.engine import Template, TemplateProblem, check, compile_template, render
from callisi_runtime.templates.sandbox import FILTERS

__all__ = ["FILTERS", "Template", "TemplateProblem", "check", "compile_template", "render"]
