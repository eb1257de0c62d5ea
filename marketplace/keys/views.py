"""The published key set."""

from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET

from marketplace.keys import keyring


@require_GET
@cache_control(public=True, max_age=3600)
def jwks(request: HttpRequest) -> JsonResponse:
    """``/.well-known/jwks.json``."""
    return JsonResponse(keyring.jwks(), content_type="application/jwk-set+json")
