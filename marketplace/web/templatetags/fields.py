"""Django forms in the house's manner: ``{% load fields %}``, then ``{% form_errors form %}``, ``{% fields form %}`` or
``{% field form.email %}``; and the class of a note for one of Django's messages."""

from __future__ import annotations

from typing import Any

from django import forms, template
from django.contrib.messages import constants
from django.contrib.messages.storage.base import Message
from django.forms.boundfield import BoundField

register = template.Library()

_NOTES = {constants.SUCCESS: "ok", constants.WARNING: "warn", constants.ERROR: "bad"}


@register.inclusion_tag("web/field.html", name="field")
def one_field(field: BoundField) -> dict[str, Any]:
    """Label, hint, control and errors of one bound field; a hidden one is its control alone."""
    return {"field": field, "shape": _shape(field)}


@register.inclusion_tag("web/fields.html", name="fields")
def all_fields(form: forms.BaseForm) -> dict[str, Any]:
    """Every field of ``form`` in its order, hidden ones last."""
    return {"form": form}


@register.inclusion_tag("web/form_errors.html")
def form_errors(form: forms.BaseForm) -> dict[str, Any]:
    """A summary of what needs a change, each a link to its field; nothing when the form has no errors."""
    wrong = [bound for bound in form if bound.errors and not bound.is_hidden]
    hidden = [error for bound in form.hidden_fields() for error in bound.errors]
    general = [*form.non_field_errors(), *hidden]
    return {"wrong": wrong, "general": general, "count": len(wrong) + len(general)}


@register.filter
def note_level(message: Message) -> str:
    """The class of the note that shows ``message``: ok, warn, bad or none."""
    return _NOTES.get(message.level, "")


def _shape(field: BoundField) -> str:
    """How the control is laid out: ``tick`` (one checkbox), ``choices`` (a fieldset), ``text`` (the full width)."""
    widget = field.field.widget
    if isinstance(widget, forms.CheckboxInput):
        return "tick"
    if isinstance(widget, forms.RadioSelect | forms.CheckboxSelectMultiple):
        return "choices"
    return "text"
