"""How the OpenAPI schema describes our tokens; loaded by ``urls``."""

from __future__ import annotations

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema


class TokenScheme(OpenApiAuthenticationExtension):
    target_class = "tracker.api.authentication.TokenAuthentication"
    name = ["bearer", "basic", "header"]

    def get_security_definition(self, _auto_schema: AutoSchema) -> list[dict[str, str]]:
        return [
            {"type": "http", "scheme": "bearer"},
            {
                "type": "http",
                "scheme": "basic",
                "description": "any user name, the token as password: http://token:SECRET@host",
            },
            {"type": "apiKey", "in": "header", "name": "X-Queuecast-Token"},
        ]
