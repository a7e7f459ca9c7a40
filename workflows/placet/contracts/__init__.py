"""The models that cross a boundary, one module a subject."""
