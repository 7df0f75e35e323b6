"""Azure's addresses, which users copy in many forms, and its deployments, whose names hide their models."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import attrs

from llmclient.dialects.azure import surface
from llmclient.endpoints import base_address, in_client
from llmclient.errors import ConfigurationError
from llmclient.provider import Provider

if TYPE_CHECKING:
    from llmclient.dialects.base import ChatDialect
    from llmclient.models import ModelInfo


class AzureProvider(Provider):
    """A provider on Azure. What is known of a model holds for the deployments of it that the option `deployments` names."""

    def address(self, other: str | None = None) -> str:
        """Return the caller's address or the resource's, without the end that requests bring along.

        An operation with another host has it at the same resource. Raises ConfigurationError for an address that is missing or malformed,
        and for an option that could move the request to another host.
        """
        given = self.config.get_api_base()
        if given is None and not self.config.get("resource"):
            variables = self.env.get("api_base", ())
            wanted = f"set {variables[0]}, or " if variables else ""
            raise ConfigurationError(self.label, f"there is no address; {wanted}pass api_base=, or {in_client(self.label, 'resource')}")
        if other is None or given is None:
            return surface.root_of(super().address(other))
        return self._beside(other)

    def _beside(self, other: str) -> str:
        """Return another address of the resource whose address the caller gave."""
        root = surface.root_of(super().address())
        host = urlsplit(root).hostname or ""
        resource, _, domain = host.partition(".")
        if not domain.endswith("azure.com"):
            # A gateway of the caller's own stands in for all hosts.
            return root + urlsplit(other).path
        config = attrs.evolve(self.config, api_base=None, extra={**self.config.extra, "resource": resource})
        return base_address(config, other, self.options, self.env)

    def chat_dialect(self, model: str, api: str | None = None) -> ChatDialect:
        """Return the dialect that a chat with this deployment speaks; raises NotSupportedError if there is none."""
        return super().chat_dialect(surface.model_of(self.config, model), api)

    def model_info(self, model: str) -> ModelInfo | None:
        """Return what is known of the model behind a deployment; None if nothing is."""
        return super().model_info(surface.model_of(self.config, model))
