"""What can be wrong with what policy is written in.

PolicyError
├── ConditionError   a `when` is none, or cannot be evaluated for a call
└── TemplateError    a `title` or a `reason` is no template
"""

from __future__ import annotations


class PolicyError(ValueError):
    """Anything of policy's own; the message never holds a value of an argument."""


class ConditionError(PolicyError):
    """A condition that is none, or cannot be evaluated."""


class TemplateError(PolicyError):
    """A text with braces that is no template."""
