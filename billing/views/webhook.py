"""Where Stripe says "look again"."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from billing import events
from billing.processor.events import NotSigned
from marketplace.web.problems import Problem


@csrf_exempt
@require_POST
def stripe_webhook(request: HttpRequest) -> HttpResponse:
    """Store an event; what it means is looked into afterwards. One that is there already is answered alike."""
    try:
        events.receive(request.body, request.headers.get("Stripe-Signature", ""))
    except NotSigned as error:
        raise Problem(400, "This event is not Stripe’s", str(error)) from error
    return HttpResponse(status=200)
