from __future__ import annotations

from django import template

from tracker.exports import Format, installed_formats

register = template.Library()
WORDS = {Format.CSV: "CSV", Format.JSON: "JSON", Format.PARQUET: "Parquet"}
# Of a page's address, what says which runs it shows; the rest (page, group, …) is how.
OF_THE_LIST = {"q", "where", "status", "sort", "columns", "which", "submission", "parent"}


@register.simple_tag
def export_formats() -> list[tuple[str, str, bool]]:
    """Name, word and whether it is installed here, of each format of an export."""
    installed = installed_formats()
    return [(one.value, WORDS[one], one in installed) for one in Format]


@register.simple_tag(takes_context=True)
def export_query(context: template.Context, **only: object) -> str:
    """The list of runs that the page's address asks for, encoded, within ``only`` (such as
    ``experiment=3``; what is empty counts for nothing)."""
    query = context["request"].GET.copy()
    for name in set(query) - OF_THE_LIST:
        del query[name]
    for name, value in only.items():
        if value not in (None, ""):
            query[name] = str(value)
    return query.urlencode()
