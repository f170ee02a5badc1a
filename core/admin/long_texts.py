"""Long texts on the page of a row. The page shows the beginning and a link to the whole text as a file."""

import json
from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import FieldDoesNotExist, PermissionDenied
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.template.defaultfilters import linebreaksbr
from django.urls import path, reverse
from django.utils.html import format_html

from core.operations.visible import visible

EXCERPT = 20_000
"""Maximum number of characters of one text on the page of a row. Longer texts would make the page slow to load."""


class TextExcerpt:
    """A read-only admin field that shows the beginning of a text: for Django, a callable with a name and a label."""

    def __init__(self, field: Any) -> None:
        self.__name__, self.short_description, self._field = field.name, field.verbose_name, field

    def __call__(self, row: Any) -> Any:
        """Return the beginning of the field's text as HTML, or a dash if the field is empty."""
        value = getattr(row, self._field.name)
        if value in self._field.empty_values:
            return "-"
        return excerpt(text_of(value, self._field), text_address(row, self._field.name))


class LongTexts(admin.ModelAdmin):  # pyright: ignore[reportMissingTypeArgument]  # not generic at run time
    """Mixin that limits the size of a row's page by showing only the beginning of long texts."""

    def get_urls(self) -> list[Any]:
        """Return the URL patterns, including the pattern for text files."""
        view = self.admin_site.admin_view(self.text_view)
        name = f"{self.opts.app_label}_{self.opts.model_name}_text"
        return [path("<path:object_id>/text/<slug:field>/", view, name=name), *super().get_urls()]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the fieldsets with excerpts instead of long texts.

        Users who may change the row get the whole texts, because saving an excerpt would cut the stored text.
        """
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or self.has_change_permission(request, obj):
            return fieldsets
        return [(title, {**options, "fields": self._with_excerpts(options["fields"])}) for title, options in fieldsets]

    def _with_excerpts(self, fields: Iterable[Any]) -> list[Any]:
        return [
            tuple(self._with_excerpts(name)) if isinstance(name, list | tuple) else self._excerpt_field(name)
            for name in fields
        ]

    def _excerpt_field(self, name: Any) -> Any:
        field = long_field(self.model, str(name))
        return TextExcerpt(field) if field is not None else name

    def text_view(self, request: HttpRequest, object_id: str, field: str) -> HttpResponse:
        """Return the unchanged text of a field as a file.

        Raises PermissionDenied if the user may not view the row. Raises Http404 if the row or the field does not exist,
        or if the field has no long text.
        """
        row, column = self.get_object(request, unquote(object_id)), long_field(self.model, field)
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        if row is None or column is None:
            raise Http404
        name = f"{self.opts.model_name}-{row.pk}-{field}.txt"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
        text = text_of(getattr(row, field), column)
        return HttpResponse(text, content_type="text/plain; charset=utf-8", headers=headers)


def long_field(model: type[models.Model], name: str) -> Any:
    """Return the field with this name if it contains JSON or text of unlimited length, otherwise ``None``."""
    try:
        field: Any = model._meta.get_field(name)
    except FieldDoesNotExist:
        return None
    return field if isinstance(field, models.TextField | models.JSONField) and not field.choices else None


def text_of(value: Any, field: Any) -> str:
    """Return a field's value as text. JSON values are serialized, and ``None`` becomes an empty string."""
    if isinstance(field, models.JSONField):
        return json.dumps(value, ensure_ascii=False)
    return "" if value is None else str(value)


def text_address(row: Any, field: str) -> str:
    """Return the URL of a field's text file. The row's model must be registered in the admin."""
    name = f"admin:{row._meta.app_label}_{row._meta.model_name}_text"
    return reverse(name, args=[quote(row.pk), field])


def excerpt(text: str, address: str) -> Any:
    """Return the beginning of a text as HTML. A longer text is followed by a link to the whole text."""
    beginning = linebreaksbr(visible(text[:EXCERPT]), autoescape=True)
    if len(text) <= EXCERPT:
        return beginning
    return format_html(
        '{}… <p class="quiet">The first {} of {} characters. <a href="{}" download>Show all as a text file</a></p>',
        beginning, f"{EXCERPT:,}", f"{len(text):,}", address,
    )  # fmt: skip
