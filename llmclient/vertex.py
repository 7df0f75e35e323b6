"""Vertex AI's addresses: one for each region, one for each continent, and one for the world."""

from __future__ import annotations

from typing import Final

from llmclient.provider import Provider

_GLOBAL: Final = "https://aiplatform.googleapis.com"
_CONTINENT: Final = "https://aiplatform.{region}.rep.googleapis.com"
_REGION: Final = "https://{region}-aiplatform.googleapis.com"


class VertexProvider(Provider):
    """A provider on Vertex AI, whose host depends on the region in another way than by a placeholder."""

    def address(self, other: str | None = None) -> str:
        """Return the address that was given, else the region's (https://cloud.google.com/vertex-ai/generative-ai/docs/learn/locations).

        Raises ConfigurationError for an address that is malformed, and for a region that could move the request to another host.
        """
        region = self.config.region or "global"
        host = _GLOBAL if region == "global" else _CONTINENT if region in ("us", "eu") else _REGION
        return super().address((other or self.base_url).replace(_GLOBAL, host, 1))
