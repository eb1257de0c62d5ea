"""Where events go, and the secrets they are signed with. https://docs.stripe.com/api/webhook_endpoints."""

from __future__ import annotations

from marketplace.local.stripe.errors import StripeError
from marketplace.local.stripe.operations import Answer, Call, change_metadata, operation
from marketplace.local.stripe.state import Object, World, random_text


@operation("PostWebhookEndpoints", "url enabled_events api_version connect description metadata")
def create(call: Call) -> Answer:
    """A new endpoint; its secret is shown this once."""
    asked = call.asked
    if not asked["url"].startswith(("http://", "https://")):
        raise StripeError("Invalid URL: An explicit scheme (such as https) must be provided.", param="url")
    made = add(
        call.world,
        url=asked["url"],
        secret=f"whsec_{random_text(32)}",
        events=asked["enabled_events"],
        connect=asked.get("connect", False),
        description=asked.get("description") or None,
    )
    change_metadata(made, asked)
    return call.world.put(made) | {"secret": made["_secret"]}


def add(
    world: World, *, url: str, secret: str, events: list[str], connect: bool, description: str | None = None
) -> Object:
    """An endpoint with a secret that is known already."""
    return world.make(
        "webhook_endpoint",
        url=url,
        enabled_events=events,
        status="enabled",
        description=description,
        api_version=world.document.version,
        _secret=secret,
        _connect=connect,
    )


@operation("GetWebhookEndpoints", lists=True)
def list_endpoints(call: Call) -> Answer:
    """All endpoints."""
    return call.world.page("webhook_endpoint", call.asked)


@operation("GetWebhookEndpointsWebhookEndpoint")
def retrieve(call: Call) -> Answer:
    """One endpoint, without its secret."""
    return call.world.get("webhook_endpoint", call.id)


@operation("PostWebhookEndpointsWebhookEndpoint", "url enabled_events description disabled metadata")
def update(call: Call) -> Answer:
    """Change where it leads, what it hears, or whether it hears at all."""
    endpoint = call.world.get("webhook_endpoint", call.id)
    for field in ("url", "enabled_events", "description"):
        if field in call.asked:
            endpoint[field] = call.asked[field] or None
    if "disabled" in call.asked:
        endpoint["status"] = "disabled" if call.asked["disabled"] else "enabled"
    change_metadata(endpoint, call.asked)
    return call.world.put(endpoint)


@operation("DeleteWebhookEndpointsWebhookEndpoint")
def delete(call: Call) -> Answer:
    """Forget an endpoint and all that was to be delivered there."""
    endpoint = call.world.get("webhook_endpoint", call.id)
    call.world.remove(endpoint)
    return {"id": endpoint["id"], "object": "webhook_endpoint", "deleted": True}
