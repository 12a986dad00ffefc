"""The only writer of a setup's health; opens and resolves its alert. The table is in `transitions`."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import and_, not_, select
from sqlalchemy.orm import Session

from mailsetup.alerts.models import Alert
from mailsetup.alerts.open import count_repeats, open_alert, resolve_alerts
from mailsetup.core import queues
from mailsetup.core.clock import utcnow
from mailsetup.mail_services.errors import TransportError
from mailsetup.outbound import detours, happenings
from mailsetup.outbound.explain import explain_failure, own_explanation, public_context
from mailsetup.outbound.fingerprint import config_fingerprint
from mailsetup.outbound.mailboxes import limits_of, settle_keys
from mailsetup.outbound.models import BROKEN, DEGRADED, HEALTHY, PAUSED, SENDING_STATES, UNVERIFIED, OutboundConfig
from mailsetup.outbound.transitions import Event, next_state
from mailsetup.outbound.waiting import count_waiting

DRAIN = "mailsetup.outbox.jobs.drain"
FAILURES_UNTIL_STOPPED = 5
DEGRADED_UNTIL_STOPPED = timedelta(hours=1)
# What happens before a mail is named: failures here are the service's, never one mail's.
OPENING_STAGES = frozenset({"settings", "token", "resolve", "connect", "tls", "authenticate"})
PROBE_DELAYS = (timedelta(minutes=5), timedelta(minutes=15), timedelta(minutes=60))
SIGN_IN_PROBE_DELAY = timedelta(hours=6)
SIGN_IN_CHANNELS = frozenset({"entra_token"})
RETRY_AFTER_LIMITS = (1.0, 3600.0)
ALERT_CAUSE = "mail_stopped"
ACCEPTED_AGAIN = "The mail service accepts mail again."


def subject_key(config: OutboundConfig) -> str:
    """Under which key alerts about this setup are kept."""
    return f"outbound:{config.id}"


def needs_test(_session: Session, config: OutboundConfig) -> bool:
    """Whether the values or the credential changed since the last test that passed."""
    return config.tested_fingerprint != config_fingerprint(config)


def accepted(session: Session, config: OutboundConfig) -> None:
    """The service accepted a mail; the usual case, a healthy setup, costs nothing."""
    quiet = not config.failures_in_row and not config.refusals_in_row and config.blocked_until is None
    if config.health == HEALTHY and quiet:
        return
    _lock(session, config)
    if config.health != UNVERIFIED:
        _forget_failures(config)
    _move(session, config, Event.ACCEPTED, resolution=ACCEPTED_AGAIN)


def unsettled(session: Session, config_ids: Collection[uuid.UUID]) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """Those of these setups that an accepted mail is news for, as (workspace, setup)."""
    quiet = OutboundConfig.failures_in_row == 0, OutboundConfig.refusals_in_row == 0
    usual = and_(OutboundConfig.health == HEALTHY, *quiet, OutboundConfig.blocked_until.is_(None))
    query = select(OutboundConfig.workspace_id, OutboundConfig.id).where(OutboundConfig.id.in_(config_ids), not_(usual))
    return [(row.workspace_id, row.id) for row in session.execute(query.order_by(OutboundConfig.id))]


def backend_failed(session: Session, config: OutboundConfig, error: TransportError) -> None:
    """The service failed, whatever the mail: slows down or stops the setup, and alerts when it stops."""
    _lock(session, config)
    if config.health in {UNVERIFIED, PAUSED}:
        return
    _note_pause_asked(config, error)
    # A service that asks for a pause has answered: that is no failure to count.
    config.failures_in_row += error.stage in OPENING_STAGES and error.retry_after is None
    lasting = error.permanent or config.failures_in_row >= FAILURES_UNTIL_STOPPED or _nothing_accepted_for_long(config)
    if lasting or config.health != BROKEN:
        _note_reason(session, config, error)
    if lasting and config.health != BROKEN:
        _plan_probe(config, error)
    before = config.health
    _move(session, config, Event.STOPPED if lasting else Event.DELAYED)
    if lasting:
        # What failed until it stopped is counted once it has; from then on each failure is one.
        _alert(session, config, times=1 if before == BROKEN else max(config.failures_in_row, 1))


def failed_again(session: Session, config: OutboundConfig) -> None:
    """A mail that was on its way when the setup stopped failed too: counted, told to nobody."""
    if config.health == BROKEN:
        key = subject_key(config)
        count_repeats(session, workspace_id=config.workspace_id, subject_key=key, cause=ALERT_CAUSE)


def mail_refused(session: Session, config: OutboundConfig, error: TransportError) -> None:
    """A mail was refused for good. Many in a row stop the setup, before the service pauses the whole mailbox.

    Exchange Online does that for hours ("continuous error throttling", 550 5.2.251 to 5.2.255).
    """
    limit = limits_of(config).refusals_in_row
    if limit is None:
        return
    _lock(session, config)
    config.refusals_in_row += 1
    if config.refusals_in_row < limit or not config.sends:
        return
    config.explanation = own_explanation("repeated_refusals", quote=error.raw)
    config.health_cause, config.health_reason = "repeated_refusals", str(config.explanation["title"])
    config.next_probe_at, config.stopped_version = None, _credential_version(config)
    _move(session, config, Event.STOPPED)
    _alert(session, config, times=config.refusals_in_row)


def host_away(session: Session, config: OutboundConfig, error: TransportError) -> None:
    """The server was tried often enough by others: this setup's mail has stopped too, and its people are told."""
    config.failures_in_row = max(config.failures_in_row, FAILURES_UNTIL_STOPPED - 1)
    backend_failed(session, config, error)


def test_passed(session: Session, config: OutboundConfig, run_fingerprint: str) -> bool:
    """A test passed; counts only when it was about the values saved now."""
    _lock(session, config)
    if run_fingerprint != config_fingerprint(config):
        return False
    config.tested_at, config.tested_fingerprint = utcnow(), run_fingerprint
    settle_keys(session, config)
    _forget_failures(config)
    _move(session, config, Event.TEST_PASSED, resolution="A test passed with the saved values.")
    return True


def values_changed(session: Session, config: OutboundConfig) -> None:
    """Values or credential of the setup were replaced and no test says that they work: mail waits."""
    _forget_failures(config)
    _move(session, config, Event.CHANGED)


def probe_started(_session: Session, config: OutboundConfig, *, again_at: datetime) -> None:
    """A probe is on its way; if it gets lost another one follows at `again_at`."""
    config.next_probe_at = again_at
    config.stopped_version = _credential_version(config)


def probe_passed(session: Session, config: OutboundConfig) -> None:
    """Signing in worked again: mail is let through, and its first failure stops it again."""
    _lock(session, config)
    if config.health != BROKEN:
        return
    config.failures_in_row = FAILURES_UNTIL_STOPPED - 1
    config.next_probe_at = config.blocked_until = None
    _move(session, config, Event.PROBE_PASSED)


def probe_failed(session: Session, config: OutboundConfig, error: TransportError) -> None:
    """Signing in still fails: the next probe comes later, or not at all when only a person can help."""
    _lock(session, config)
    if config.health != BROKEN:
        return
    _note_reason(session, config, error)
    _plan_probe(config, error)


def pause(session: Session, config: OutboundConfig) -> None:
    """A person stops the setup: its mail waits."""
    _lock(session, config)
    _move(session, config, Event.PAUSED)


def resume(session: Session, config: OutboundConfig) -> None:
    """A person lets it go on; mail flows if the saved values once passed a test."""
    _lock(session, config)
    event = Event.RESUMED_DOUBTFUL if config.health_cause else Event.RESUMED
    _move(session, config, Event.RESUMED_UNTESTED if needs_test(session, config) else event)


def gone(session: Session, config: OutboundConfig) -> None:
    """The setup is being deleted: what was wrong with it is over."""
    _resolve(session, config, "The setup was deleted.", cause=None)


def _lock(session: Session, config: OutboundConfig) -> None:
    """The row as it is now, held until the transaction ends: several workers judge the same setup."""
    session.flush()
    session.execute(select(OutboundConfig.id).where(OutboundConfig.id == config.id).with_for_update())
    session.refresh(config)


def _move(session: Session, config: OutboundConfig, event: Event, *, resolution: str = "") -> None:
    before, after = config.health, next_state(config.health, event)
    if after != before:
        config.health, config.health_since = after, utcnow()
        happenings.tell(session, config, before)
    if after in SENDING_STATES and before not in SENDING_STATES:
        queues.enqueue_after_commit(session, DRAIN)
    if resolution and after != UNVERIFIED:
        resolution = " ".join(filter(None, (resolution, meanwhile(session, config))))
        _resolve(session, config, resolution, waiting=count_waiting(session, [config.id])[config.id])


def meanwhile(session: Session, config: OutboundConfig) -> str:
    """How much of its mail went out through another setup since its alert was opened; empty when none did."""
    opened = session.scalar(
        select(Alert.opened_at).where(
            Alert.workspace_id == config.workspace_id,
            Alert.subject_key == subject_key(config),
            Alert.cause == ALERT_CAUSE,
            Alert.resolved_at.is_(None),
        )
    )
    return detours.since(session, config.id, opened) if opened else ""


def _resolve(
    session: Session, config: OutboundConfig, resolution: str, *, cause: str | None = ALERT_CAUSE, waiting: int = 0
) -> None:
    resolve_alerts(
        session,
        workspace_id=config.workspace_id,
        subject_key=subject_key(config),
        resolution=resolution,
        cause=cause,
        waiting=waiting,
    )


def _alert(session: Session, config: OutboundConfig, *, times: int) -> None:
    if config.health != BROKEN:
        return
    open_alert(
        session,
        workspace_id=config.workspace_id,
        subject_key=subject_key(config),
        subject_label=config.name,
        cause=ALERT_CAUSE,
        title=f"Mail through “{config.name}” has stopped: {config.health_reason}"[:300],
        explanation=config.explanation,
        fix_path=f"/outbound/{config.id}",
        notify_address=config.alerts_address,
        waiting=count_waiting(session, [config.id])[config.id],
        times=times,
    )


def _note_reason(session: Session, config: OutboundConfig, error: TransportError) -> None:
    public = public_context(session, config.credential)
    config.explanation = explain_failure(error, settings=config.settings, public=public)
    config.health_cause = str(config.explanation["cause"])[:80]
    config.health_reason = str(config.explanation["title"])


def _nothing_accepted_for_long(config: OutboundConfig) -> bool:
    return config.health == DEGRADED and utcnow() - config.health_since > DEGRADED_UNTIL_STOPPED


def _note_pause_asked(config: OutboundConfig, error: TransportError) -> None:
    if error.retry_after is None:
        return
    low, high = RETRY_AFTER_LIMITS
    until = utcnow() + timedelta(seconds=min(max(error.retry_after, low), high))
    config.blocked_until = max(until, config.blocked_until or until)


def _plan_probe(config: OutboundConfig, error: TransportError) -> None:
    config.stopped_version = _credential_version(config)
    config.next_probe_at = _next_probe(config, error)
    config.probes_in_row += 1


def _credential_version(config: OutboundConfig) -> int | None:
    return config.credential.version if config.credential else None


def _next_probe(config: OutboundConfig, error: TransportError) -> datetime | None:
    if error.permanent:
        # An admin mends it at Microsoft and nobody tells us: four looks a day notice, and lock nothing.
        return utcnow() + SIGN_IN_PROBE_DELAY if error.channel in SIGN_IN_CHANNELS else None
    return utcnow() + PROBE_DELAYS[min(config.probes_in_row, len(PROBE_DELAYS) - 1)]


def _forget_failures(config: OutboundConfig) -> None:
    config.failures_in_row = config.probes_in_row = config.refusals_in_row = 0
    config.blocked_until = config.next_probe_at = config.stopped_version = None
    config.health_cause = config.health_reason = ""
    config.explanation = {}
