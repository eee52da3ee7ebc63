"""Pages of lists over gRPC.

Owns what a page token holds: where the next page begins. A token is opaque to callers, and one that this server did not give is refused.
"""

import base64
import binascii

from graphwire_server.core.errors import UUID_TEXT, InvalidField
from graphwire_server.core.model import MAX_PAGE, Page


def page_limit(size: int, default: int = 10) -> int:
    """How many rows a page has. Raises InvalidField."""
    if not 0 <= size <= MAX_PAGE:
        raise InvalidField("page_size", f"must be 1 to {MAX_PAGE}, or 0 for {default}")
    return size or default


def page(size: int, token: str, default: int = 10) -> Page:
    """The slice that a request asks for. Raises InvalidField for a token that this server did not give."""
    return Page(offset=_offset(token) if token else 0, limit=page_limit(size, default))


def next_token(asked: Page, returned: int) -> str:
    """The token of the page after this one; empty where this one was not full."""
    if returned < asked.limit:
        return ""
    return base64.urlsafe_b64encode(b"offset:%d" % (asked.offset + returned)).decode()


def page_start(token: str) -> str:
    """The checkpoint behind which a page of a history begins: such a page's token is the last checkpoint on it. Raises InvalidField."""
    if not UUID_TEXT.fullmatch(token):
        raise _foreign()
    return token


def _offset(token: str) -> int:
    try:
        name, _, number = base64.urlsafe_b64decode(token).partition(b":")
        if name == b"offset" and 0 <= int(number) < 2**62:
            return int(number)
    except (binascii.Error, ValueError):
        pass
    raise _foreign()


def _foreign() -> InvalidField:
    return InvalidField("page_token", "is not a token of this server; pass next_page_token unchanged")
