"""A nursery whose only error comes out bare, so that users of `connect` need no `except*`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio


@asynccontextmanager
async def open_flat_nursery() -> AsyncIterator[trio.Nursery]:
    """Open a nursery; one error inside is raised as it is, several as a group."""
    try:
        async with trio.open_nursery() as nursery:
            yield nursery
    except BaseExceptionGroup as group:
        only = _only(group)
        if only is None:
            raise
        # Without this the group, which holds the error, would become the error's own context.
        context = only.__context__
        try:
            raise only
        finally:
            only.__context__ = context
            del only, context


def _only(group: BaseExceptionGroup[BaseException]) -> BaseException | None:
    """Find the only error in a group of groups; of nothing but cancellations, the first."""
    leaves = leaves_of(group)
    errors = [leaf for leaf in leaves if not isinstance(leaf, trio.Cancelled)]
    if len(errors) > 1:
        return None
    return errors[0] if errors else leaves[0]


def leaves_of(error: BaseException) -> list[BaseException]:
    """List the errors in a group of groups; of a bare error, itself."""
    if not isinstance(error, BaseExceptionGroup):
        return [error]
    return [leaf for part in error.exceptions for leaf in leaves_of(part)]
