"""What can be wrong with a schema itself.

```text
SchemasError
├── NoSchemaError       it is no JSON Schema, or needs what nobody may make us do
└── UncheckableError    it is one, but a value cannot be held against it within bounds
```
"""

from __future__ import annotations


class SchemasError(ValueError):
    """A schema cannot be used."""


class NoSchemaError(SchemasError):
    """It is no JSON Schema, or needs what nobody may make us do; the message says what."""


class UncheckableError(SchemasError):
    """A value cannot be held against it within bounds; the message says why."""
