"""Builds what `notification:` describes: outbox, channels, courier."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from algotrader.core.errors import AlgotraderError, ConfigurationError, UsageError
from algotrader.core.events import SettingsReloaded
from algotrader.core.ports import Clock, Notice, Severity, SystemClock
from algotrader.live.journal.folder import JournalFolder
from algotrader.live.operator import Inbox
from algotrader.ops.config import Configuration
from algotrader.ops.notification.alerts import QuietHours, TokenBucket
from algotrader.ops.notification.channels import Channel
from algotrader.ops.notification.commands import Commands
from algotrader.ops.notification.courier import Courier, Lane
from algotrader.ops.notification.follower import Follower
from algotrader.ops.notification.outbox import FOLDER, Outbox
from algotrader.ops.notification.reading import CommandReader
from algotrader.ops.notification.service import CourierLock, NotificationThread, Work
from algotrader.ops.notification.settings import NotificationSettings
from algotrader.ops.notification.telling import Memory, Teller
from algotrader.ops.notification.texts import Texts
from algotrader.ops.observing.logs import learn_secrets
from algotrader.ops.observing.redaction import Redactor
from algotrader.ops.okx_access import key_names
from algotrader.ops.reloading import read_again
from algotrader.ops.secrets import Secrets, secrets_of, without_asking
from algotrader.ops.standing import folder_of

if TYPE_CHECKING:
    from algotrader.ops.adapters.telegram import TelegramClient

log = logging.getLogger(__name__)
OUTBOX = "outbox.sqlite"


@contextmanager
def notifying(
    configuration: Configuration, environment: Mapping[str, str], *, listens: bool = True
) -> Iterator[NotificationThread | None]:
    """The Notifier of a workspace, as long as the block lasts; None where no channel is set up.

    Who does not listen takes no commands and does not tell what the journal holds: for a moment.

    ConfigurationError for a channel whose secret is missing, UsageError without the extra.
    """
    if not configuration.settings.notification.channels:
        yield None
        return
    set_up = _SetUp(configuration, environment, listens=listens)
    thread = set_up.thread
    try:
        if listens:
            set_up.begin()  # before trading begins: nothing of it is missed
        set_up.lock.take()
        thread.start()
        try:
            yield thread
        finally:
            thread.stop()
    finally:
        set_up.lock.release()


class _SetUp:
    """The parts of a workspace's notification, and those that change when settings do."""

    def __init__(
        self, configuration: Configuration, environment: Mapping[str, str], *, listens: bool
    ) -> None:
        self._environment, self._listens = environment, listens
        self._clock, self._outbox = SystemClock(), outbox_of(configuration)
        self._take(configuration)
        settings = self._settings
        self._teller = Teller(settings, texts_of(settings), Memory())
        self._follower = Follower(
            folder_of(configuration), self._outbox, self._teller, self._redacted, self._renew
        )
        self.lock = CourierLock(notification_folder(configuration))
        self.thread = NotificationThread(
            self._outbox, self._relay, self._clock, self.lock, self._build, self._teller.gone
        )

    def _take(self, configuration: Configuration) -> None:
        """Hold the settings, once their secrets are there and their channels can be made.

        ConfigurationError or UsageError changes nothing.
        """
        vault = secrets_of(configuration, self._environment)
        secrets = channel_secrets(configuration, vault)
        learn_secrets(secrets.values())  # F69: a new one is kept out of the log that is open
        section = configuration.settings.notification
        build_channels(section, secrets, telegram_clients(section, secrets))
        self._redactor = redactor(configuration, vault, self._environment)
        self._configuration, self._secrets = configuration, secrets

    @property
    def _settings(self) -> NotificationSettings:
        return self._configuration.settings.notification

    def begin(self) -> None:
        try:
            self._follower.begin()
        except sqlite3.Error as error:
            log.error("the outbox cannot be written, what happens may be told late: %s", error)

    def _redacted(self, notice: Notice) -> Notice:
        clean = self._redactor.text
        return Notice(
            severity=notice.severity, title=clean(notice.title), text=clean(notice.text),
            cause=clean(notice.cause), fields=notice.fields,
        )  # fmt: skip

    def _relay(self, notice: Notice) -> Notice | None:
        told = self._teller.relay(notice)
        return None if told is None else self._redacted(told)

    def _build(self) -> tuple[Courier, Sequence[Work]]:
        clients = telegram_clients(self._settings, self._secrets)
        channels = build_channels(self._settings, self._secrets, clients)
        courier = build_courier(self._settings, channels, self._outbox, self._clock)
        if not self._listens:
            return courier, ()
        self.begin()  # again: who delivered before may have read on
        courier.before_sorting.append(self._follower.follow)
        return courier, listeners(self._configuration, clients, self._outbox, self._clock)

    def _renew(self, event: SettingsReloaded) -> None:
        """The file was read again: begin anew with it, or say why it goes on as it was."""
        if not any(one.key.startswith("notification.") for one in event.changes):
            return
        try:
            section = read_again(self._configuration, self._environment).settings.notification
            settings = self._configuration.settings.model_copy(update={"notification": section})
            wanted = replace(self._configuration, settings=settings)
            with without_asking():
                self._take(wanted)
        except (AlgotraderError, ValueError) as error:
            log.error("the new channels cannot be used: %s", error)
            self._outbox.hear(
                Notice(
                    severity=Severity.CRITICAL, title=self._teller.say("channels_kept"),
                    text=self._redactor.text(str(error)), cause=f"settings:channels:{event.ts_event}",
                ),
                event.ts_known,
            )  # fmt: skip
            return
        self._teller.renew(section, texts_of(section))
        self.thread.begin_anew()


def outbox_of(configuration: Configuration) -> Outbox:
    return Outbox(notification_folder(configuration) / OUTBOX)


async def deliver(
    configuration: Configuration, environment: Mapping[str, str], says: Callable[[str], None]
) -> None:
    """Tell what happens in a workspace until cancelled: the notifier as a process of its own.

    UsageError if another process does; ConfigurationError without a channel or a secret.
    """
    require_channels(configuration.settings.notification)
    with notifying(configuration, environment) as thread:
        if thread is None or not thread.delivers:
            raise UsageError(
                "notification.taken",
                "another process delivers the messages of this workspace",
                hint="a trader does it by itself: start the notifier before it, or end it",
            )
        says(
            "telling what the journal holds, by "
            + ", ".join(configuration.settings.notification.channels)
        )
        await asyncio.Event().wait()


def require_channels(settings: NotificationSettings) -> None:
    """ConfigurationError if there is no channel."""
    if not settings.channels:
        raise ConfigurationError(
            "notification.no_channel",
            "no channel is set up: nobody would be told",
            hint="add notification.channels to algotrader.yaml; docs/guides/telegram.md leads there",
        )


def notification_folder(configuration: Configuration) -> Path:
    return folder_of(configuration).path / FOLDER


def journal_folder(configuration: Configuration) -> JournalFolder:
    return JournalFolder(configuration.path(configuration.settings.workspace.journal))


def channel_secrets(configuration: Configuration, secrets: Secrets) -> dict[str, str]:
    """The secret of each channel, by its name. ConfigurationError names what is missing (F68)."""
    channels = configuration.settings.notification.channels
    values = secrets.require(
        [one.secret_name for one in channels.values()],
        hint="algotrader secrets set NAME, or take the channel out of notification.channels",
    )
    return dict(zip(channels, values, strict=True))


def redactor(
    configuration: Configuration, secrets: Secrets, environment: Mapping[str, str]
) -> Redactor:
    """Hides the secrets of the channels and of the accounts, and those of the environment."""
    settings = configuration.settings
    names = [one.secret_name for one in settings.notification.channels.values()]
    names += [name for one in settings.accounts.values() for name in key_names(one.keys)]
    hides = Redactor.of_environment(environment)
    for name in names:
        with suppress(ConfigurationError):  # a vault that stays closed gives nothing away
            hides.learn([secrets.find(name) or ""])
    return hides


def telegram_clients(
    settings: NotificationSettings, secrets: Mapping[str, str]
) -> dict[str, TelegramClient]:
    """A client for each Telegram channel. UsageError without the extra."""
    from algotrader.ops.adapters.telegram import TelegramClient

    return {
        name: TelegramClient(secrets[name], one.url)
        for name, one in settings.channels.items()
        if one.kind == "telegram"
    }


def listeners(
    configuration: Configuration,
    clients: Mapping[str, TelegramClient],
    outbox: Outbox,
    clock: Clock,
) -> list[Work]:
    """Who takes commands: each Telegram channel that names users."""
    from algotrader.ops.adapters.telegram_commands import TelegramCommands

    settings = configuration.settings.notification
    texts = texts_of(settings)
    commands = Commands(
        accounts=tuple(sorted({one.account for one in configuration.settings.strategies.values()})),
        inbox=Inbox(folder_of(configuration).path),
        outbox=outbox,
        read=CommandReader(folder=configuration.folder, file=configuration.file),
        texts=texts,
        clock=clock,
    )
    return [
        TelegramCommands(
            client=client, users=frozenset(one.users), chats=frozenset(one.chats),
            commands=commands, outbox=outbox, texts=texts, clock=clock,
        )
        for name, client in clients.items()
        if (one := settings.channels[name]).users
    ]  # fmt: skip


def build_courier(
    settings: NotificationSettings, channels: Mapping[str, Channel], outbox: Outbox, clock: Clock
) -> Courier:
    lanes = {
        name: Lane(
            name=name,
            channel=channels[name],
            least=Severity(one.least),
            bucket=TokenBucket(one.per_minute),
        )
        for name, one in settings.channels.items()
    }
    return Courier(
        outbox=outbox, lanes=lanes, clock=clock, texts=texts_of(settings),
        quiet=quiet_hours(settings), window_ms=round(settings.window_s * 1000),
    )  # fmt: skip


def build_channels(
    settings: NotificationSettings,
    secrets: Mapping[str, str],
    clients: Mapping[str, TelegramClient],
) -> dict[str, Channel]:
    """UsageError without the extra, or for an address that is none."""
    from algotrader.ops.adapters.apprise import AppriseChannel
    from algotrader.ops.adapters.telegram import TelegramChannel

    return {
        name: TelegramChannel(clients[name], one.chats)
        if name in clients
        else AppriseChannel(secrets[name])
        for name, one in settings.channels.items()
    }


def texts_of(settings: NotificationSettings) -> Texts:
    return Texts(language=settings.language, zone=settings.time_zone)


def quiet_hours(settings: NotificationSettings) -> QuietHours | None:
    quiet = settings.quiet
    if quiet.begin is None or quiet.end is None:
        return None
    return QuietHours(begin=quiet.begin, end=quiet.end, zone=settings.time_zone)
