"""The error switches: every error by name, on for all calls or for the next few."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from mailsetup.core.errors import InvalidInput
from mailsetup.sandbox.faults import Aadsts, Fault, GraphFault, SmtpFault
from mailsetup.sandbox.faults_consent import CONSENT
from mailsetup.sandbox.faults_entra import ENTRA
from mailsetup.sandbox.faults_graph import GRAPH
from mailsetup.sandbox.faults_people import PEOPLE
from mailsetup.sandbox.faults_smtp import MAIL_SERVER, OPERATOR, OUTLOOK
from mailsetup.sandbox.store import Store

FAMILIES: Mapping[str, tuple[Fault, ...]] = {
    "entra": (*ENTRA, *CONSENT, *PEOPLE),
    "graph": GRAPH,
    "smtp": OUTLOOK,
    "mail-server": MAIL_SERVER,
    "operator": OPERATOR,
}
FAULTS: Mapping[str, Fault] = {fault.name: fault for family in FAMILIES.values() for fault in family}
ENTRA_BY_NUMBER: Mapping[int, Aadsts] = {fault.number: fault for fault in (*ENTRA, *CONSENT, *PEOPLE)}


class Switchboard:
    """Which errors are switched on, and for how many more calls (None: until switched off)."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        kept: dict[str, int | None] = store.get("world", "switches") or {}
        self._on = {name: left for name, left in kept.items() if name in FAULTS}

    def turn(self, name: str, on: bool, times: int | None = None) -> None:
        """Switches an error on (for the next `times` calls) or off. Raises InvalidInput."""
        if name not in FAULTS:
            raise InvalidInput({"name": f"There is no error switch {name}."})
        if times is not None and times < 1:
            raise InvalidInput({"times": "The number of calls is 1 or more."})
        with self._lock:
            self._on.pop(name, None)
            if on:
                self._on[name] = times
            self._keep()

    def all_off(self) -> None:
        """Switches every error off."""
        with self._lock:
            self._on.clear()
            self._keep()

    def on(self) -> dict[str, int | None]:
        """The errors that are on, with the calls left."""
        with self._lock:
            return dict(self._on)

    def entra(self, *places: str) -> Aadsts | None:
        """The error that hits this call to the sign-in service, if any."""
        fault = self._take("entra", places)
        return fault if isinstance(fault, Aadsts) else None

    def graph(self, *places: str) -> GraphFault | None:
        """The error that hits this call to Graph, if any."""
        fault = self._take("graph", places)
        return fault if isinstance(fault, GraphFault) else None

    def smtp(self, family: str, *places: str) -> SmtpFault | None:
        """The error that hits this step at an SMTP door, if any."""
        fault = self._take(family, places)
        return fault if isinstance(fault, SmtpFault) else None

    def _take(self, family: str, places: tuple[str, ...]) -> Fault | None:
        with self._lock:
            for name, left in self._on.items():
                fault = FAULTS[name]
                if fault in FAMILIES[family] and set(fault.places.split()) & set(places):
                    self._use(name, left)
                    return fault
        return None

    def _use(self, name: str, left: int | None) -> None:
        if left is None:
            return
        if left > 1:
            self._on[name] = left - 1
        else:
            del self._on[name]
        self._keep()

    def _keep(self) -> None:
        self._store.put("world", "switches", self._on)
