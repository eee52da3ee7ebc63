"""Composes the delivery of webhooks: a part of the composition root.

Owns what deliveries are made of, and the reading of the options that concern them.
"""

import asyncio
import importlib.metadata
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from graphwire_server.config import Settings
from graphwire_server.core.deliveries import Body, Deliveries, DeliveryStore, Pace, Sender
from graphwire_server.core.delivery import Delivery
from graphwire_server.core.errors import GraphwireError, StoreUnavailable
from graphwire_server.core.model import CancelAction, Run
from graphwire_server.core.output import output_of
from graphwire_server.core.ports import Clock, Later, States
from graphwire_server.core.tally import Tally
from graphwire_server.core.webhooks import Answer, Schedule, UrlPolicy
from graphwire_server.delivery.signing import secret_bytes
from graphwire_server.engine.webhooks import WebhookSection
from graphwire_server.security import SecurityError


def url_policy(section: WebhookSection, settings: Settings) -> UrlPolicy:
    """What webhooks may call: what langgraph.json says, and what an option adds."""
    if not settings.webhook_allow_private:
        return section.policy
    return replace(section.policy, allow_loopback=True, allow_private=True)


def read_secrets(settings: Settings) -> Sequence[bytes]:
    """The keys that sign deliveries, the present one first. Raises SecurityError."""
    try:
        return [secret_bytes(secret.get_secret_value()) for secret in settings.webhook_secret]
    except ValueError as error:
        raise SecurityError(f"GRAPHWIRE_WEBHOOK_SECRET: {error}; make one with: openssl rand -base64 32") from None


def deliveries(
    section: WebhookSection,
    settings: Settings,
    *,
    store: DeliveryStore,
    states: States,
    clock: Clock,
    later: Later,
    tally: Tally,
) -> Deliveries:
    """The deliveries of a server. Enter it before its runs, and leave it after them.

    Args:
        section: What langgraph.json says about webhooks.
        settings: The options of the server.
        store: Where deliveries are.
        states: Where the output of runs is.
        clock: The time.
        later: Does something at its time.
        tally: Counts the attempts.

    Raises:
        SecurityError: A secret cannot be used.
    """
    secrets, policy = read_secrets(settings), url_policy(section, settings)

    def made() -> Sender:
        from graphwire_server.delivery.sender import HttpSender, SenderOptions  # noqa: PLC0415  most servers call nothing, and are ready sooner

        agent = f"graphwire/{importlib.metadata.version('graphwire')}"
        options = SenderOptions(
            policy=policy, headers=section.headers, secrets=secrets, timeout=settings.webhook_timeout, agent=agent
        )
        return HttpSender(options, clock)

    schedule = Schedule(
        attempts=settings.webhook_attempts, first=settings.webhook_retry_delay, longest=settings.webhook_retry_delay_max
    )
    grace = min(settings.webhook_timeout, settings.drain_grace, timedelta(seconds=5))
    return Deliveries(
        store=store,
        sender=_OnFirstUse(made),
        body=_body(states, section, clock),
        clock=clock,
        later=later,
        pace=Pace(schedule=schedule, grace=grace),
        tally=tally,
    )


class _OnFirstUse:
    """A sender that is made when it is needed, on a thread: what it imports takes a tenth of a second."""

    def __init__(self, make: Callable[[], Sender]) -> None:
        self._make = make
        self._made: asyncio.Future[Sender] | None = None

    async def send(self, delivery: Delivery, body: bytes) -> Answer:
        """Sends a body (port `Sender`)."""
        if self._made is None:
            self._made = asyncio.ensure_future(asyncio.to_thread(self._make))
        return await (await asyncio.shield(self._made)).send(delivery, body)


def _body(states: States, section: WebhookSection, clock: Clock) -> Body:
    async def body(run: Run) -> bytes:
        from graphwire_server.rest.webhook_body import webhook_body  # noqa: PLC0415  a server that calls nothing and has no HTTP face is smaller without

        return webhook_body(run, await _values(run, states), clock(), section.allowed_fields)

    return body


async def _values(run: Run, states: States) -> bytes:
    """What a run gave. Nothing is left of one that was rolled back, nor where its thread or its graph is gone since."""
    if run.cancel is CancelAction.ROLLBACK:
        return b"null"
    try:
        return await output_of(run, states)
    except StoreUnavailable:
        raise
    except GraphwireError:
        return b"null"
