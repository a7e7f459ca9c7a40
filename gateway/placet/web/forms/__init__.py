"""Forms made from a JSON Schema: for the arguments of a call that somebody edits.

shapes    what a schema says of a place, as far as a form can show it
fields    the form: a tree of fields over a schema and a value
reading   from what was sent to the value, or to what is wrong with it
"""

from placet.web.forms.fields import Field, form_of, step
from placet.web.forms.reading import Read, read

__all__ = ["Field", "Read", "form_of", "read", "step"]
