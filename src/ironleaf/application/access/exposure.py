"""What the settings say about who can reach the service, and what follows from it. Pure."""

from __future__ import annotations

from ironleaf.application.access.peers import PeerRules
from ironleaf.application.settings import ServerSettings, Settings, SettingsRefused
from ironleaf.web.front_guard import FrontRules
from ironleaf.web.hosts import Authority, HostRules, parse_address, parse_authority, read_origin

_HOST = "server.host (IRONLEAF_SERVER__HOST)"
_PUBLIC = "server.allow_public (IRONLEAF_SERVER__ALLOW_PUBLIC=true)"
_REQUIRE = "access.require_key (IRONLEAF_ACCESS__REQUIRE_KEY)"


def listens_beyond(server: ServerSettings) -> bool:
    """Tell whether others than this machine can reach the address."""
    authority = find_bound(server)
    return authority is None or not authority.is_loopback


def find_bound(server: ServerSettings) -> Authority | None:
    """Return the address that is listened on, or nothing if it is none (then listening fails)."""
    host = server.host.partition("%")[0]
    return parse_authority(f"[{host}]" if ":" in host else host)


def demands_keys(settings: Settings) -> bool:
    """Tell whether converting needs a key."""
    if settings.access.require_key != "auto":
        return settings.access.require_key == "always"
    outside = listens_beyond(settings.server) or _is_published(settings)
    return outside and not settings.server.allow_public


def _is_published(settings: Settings) -> bool:
    authority = parse_authority(settings.access.public_host)
    return authority is not None and not authority.is_loopback


def make_front_rules(settings: Settings) -> FrontRules:
    """Return under which names the service answers, and whose pages are its own."""
    bound, access = find_bound(settings.server), settings.access
    names = [*access.allowed_hosts, *(name for name in (access.public_host,) if name)]
    address = None if bound is None else bound.address
    anywhere = address is not None and address.is_unspecified
    if bound is not None and not anywhere:
        names.append(bound.host)
    origin = read_origin(access.public_url)
    return FrontRules(
        hosts=HostRules.of(names, any_address=anywhere), origins=frozenset() if origin is None else frozenset({origin})
    )


def make_peer_rules(settings: Settings) -> PeerRules:
    """Return whose word about a request's origin is believed."""
    behind = bool(settings.access.public_url or settings.server.root_path)
    return PeerRules.of(settings.access.trusted_proxies, behind_proxy=behind)


def require_guarded(settings: Settings, *, has_key: bool | None) -> None:
    """Return if nobody beyond this machine could use the service without a key, or if that is meant.

    ``has_key`` tells whether somebody holds a good key; None: the database cannot say at present. Then the service
    starts: it asks everybody for a key, and lets nobody in before it knows the keys again.

    Raises:
        SettingsRefused: anyone could, or nobody could.
    """
    if not listens_beyond(settings.server) or settings.server.allow_public:
        return
    if settings.access.require_key == "never":
        raise SettingsRefused(
            (f"{_HOST}: anyone who reaches this address could use the service; set {_PUBLIC} if that is meant",)
        )
    if settings.access.require_key == "auto" and has_key is False:
        advice = f"`ironleaf keys create` makes one; or set {_REQUIRE} to always, or {_PUBLIC} to ask for none"
        raise SettingsRefused((f"{_HOST}: callers of this address need a key, and there is none yet; {advice}",))


def say_login_base(settings: Settings, port: int) -> str:
    """Return the address under which a person on this machine reaches the service."""
    if settings.access.public_url:
        return settings.access.public_url.rstrip("/")
    bound = find_bound(settings.server)
    host = "127.0.0.1" if bound is None else bound.host
    address = parse_address(host)
    if address is not None and address.is_unspecified:
        host = "127.0.0.1" if address.version == 4 else "::1"  # noqa: PLR2004
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}{settings.server.root_path.rstrip('/')}"
