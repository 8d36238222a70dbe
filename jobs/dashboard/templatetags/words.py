"""Words in the language of the reader. Templates load this for Django's `i18n`: a table has hundreds of words."""

from __future__ import annotations

from django import template
from django.template.base import Node, Parser, Token
from django.template.context import Context
from django.templatetags import i18n
from django.utils.text import unescape_string_literal
from django.utils.translation import gettext

from jobs.dashboard.look import word_of
from jobs.dashboard.words import words_of_scripts

register = template.Library()
register.tag("blocktranslate", i18n.do_block_translate)
register.tag("get_current_language", i18n.do_get_current_language)
register.filter("word", word_of)
register.simple_tag(words_of_scripts)


class _Words(Node):
    """A text of a template, translated each time that it is shown."""

    def __init__(self, text: str) -> None:
        # Catalogues have each % twice, since some texts are formats.
        self._text, self._has_percent = text.replace("%", "%%"), "%" in text

    def render(self, context: Context) -> str:
        """Return the text in the language of the reader; catalogues are trusted like templates."""
        text = gettext(self._text)
        return text.replace("%%", "%") if self._has_percent else text


@register.tag
def translate(parser: Parser, token: Token) -> Node:
    """Translate a text: `{% translate "Queue" %}`. What else the tag can do it does as Django's."""
    parts = token.split_contents()
    if len(parts) == 2 and parts[1][0] in "\"'" and parts[1][-1] == parts[1][0]:
        return _Words(unescape_string_literal(parts[1]))
    return i18n.do_translate(parser, token)
