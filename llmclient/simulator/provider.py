"""The provider that answers from this process: `simulator/echo` needs no key and no other process."""

from __future__ import annotations

from llmclient.provider import Provider


class SimulatorProvider(Provider):
    """A provider whose address is that of the process's own simulator, started when it is first asked for."""

    def address(self, other: str | None = None) -> str:
        """Return the address that was given, else that of the process's simulator.

        Raises ConfigurationError for an address that is malformed.
        """
        if self.config.get_api_base() is not None:
            return super().address(other)
        from llmclient.simulator import shared  # here, since a server is the last thing that most programs need

        return f"{shared().url}/v1"
