"""The section `api` of algotrader.yaml: where the console listens, and who may come in."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, HttpUrl

from algotrader.core.loopback import LOOPBACK
from algotrader.live.settings import SECRET_NAME, Number, Section

RoleName = Literal["viewer", "trader", "admin"]


class OidcSettings(Section):
    """Signing in by another service (OpenID Connect), beside the password."""

    issuer: HttpUrl | None = Field(
        None, description="its address; absent: people sign in here alone"
    )
    client_id: str = Field("algotrader", description="our name there")
    client_secret: Annotated[str, Field(pattern=SECRET_NAME)] = Field(
        "ALGOTRADER_OIDC_SECRET", description="name of the secret that it gave us"
    )
    claim: str = Field("email", description="what of a person's claims is looked up in `people`")
    people: dict[str, RoleName] = Field(
        {}, description="who may come in, and as what: viewer, trader or admin; nobody else may"
    )


class ApiSettings(Section):
    """The console and the API, in a process beside the trader."""

    host: str = Field(
        "127.0.0.1", description="the address that listens; any other than this machine's own "
        "needs a password first"
    )  # fmt: skip
    port: int = Field(8_000, ge=1, le=65_535, description="of console and API")
    beside: bool = Field(True, description="whether `algotrader trade` on live bars starts it too")
    names: tuple[str, ...] = Field(
        (), description="host names by which it is reached, such as those of a proxy before it"
    )
    secure: bool = Field(
        False, description="a proxy before it speaks https: cookies are for https alone"
    )
    session_hours: Annotated[Number, Field(gt=0, le=24 * 90)] = Field(
        168.0, description="hours after which a person signs in again"
    )
    uploads: bool = Field(
        False, description="whether an admin may load strategies, which are code, from a browser"
    )
    body_mb: Annotated[Number, Field(ge=0.01, le=100)] = Field(
        1.0, description="longest request in MB"
    )
    oidc: OidcSettings = OidcSettings()

    @property
    def is_public(self) -> bool:
        """Whether other machines can reach it."""
        return self.host not in LOOPBACK
