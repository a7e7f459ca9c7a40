"""JSON Schemas of arguments, checked within bounds: whoever wrote one cannot make the check go on for ever."""

from placet.schemas._bounded import BoundedSchema
from placet.schemas.errors import NoSchemaError, SchemasError, UncheckableError

__all__ = ["BoundedSchema", "NoSchemaError", "SchemasError", "UncheckableError"]
