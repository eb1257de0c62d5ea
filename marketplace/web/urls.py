"""The addresses that belong to no part: the choice of theme, the icon, and the kit page of the one-machine stack."""

from django.templatetags.static import static
from django.urls import path
from django.views.generic import RedirectView

from marketplace.web import kit, theme

app_name = "web"


class Icon(RedirectView):
    """Browsers ask for ``/favicon.ico`` where a page names no icon: the administration, a document, an error."""

    def get_redirect_url(self, *args: object, **kwargs: object) -> str:
        """Where the icon lies."""
        return static("icon.svg")


urlpatterns = [
    path("theme", theme.choose, name="theme"),
    path("kit", kit.kit, name="kit"),
    path("favicon.ico", Icon.as_view()),
]
