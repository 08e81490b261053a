"""What is wrong with a command line, in the words of all other errors: what is there, and what may be meant.

typer finds the mistake. Of a choice it says all that can be chosen, in pydantic's words.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Any

import typer
from typer.core import TyperGroup

_NO_CHOICE = re.compile(r"'(?P<found>[^']*)' is not one of (?P<known>'.*')\.")


class Commands(TyperGroup):
    """A group of commands whose users are told which choice they may have meant."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = in_our_words(error.message)
            raise


def in_our_words(message: str) -> str:
    """The message of a wrong option or argument.

    >>> in_our_words("Value error, 'bind' is not one of 'hosts', 'bind-views'.")
    "'bind' is not one of 'hosts', 'bind-views'; is 'bind-views' meant?"
    """
    message = message.removeprefix("Value error, ")
    found = _NO_CHOICE.fullmatch(message)
    if found is None:
        return message
    known = re.findall(r"'([^']*)'", found["known"])
    longer = [one for one in known if found["found"] and one.startswith(found["found"])]
    near = longer if len(longer) == 1 else get_close_matches(found["found"], known, 1)
    return f"{message.removesuffix('.')}; is {near[0]!r} meant?" if near else message
