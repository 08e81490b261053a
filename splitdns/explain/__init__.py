"""Why a client gets the answer that it gets: the decision of the server, told as values."""

from splitdns.explain.question import Ask, explain, settle
from splitdns.explain.tale import Places

__all__ = ["Ask", "Places", "explain", "settle"]
