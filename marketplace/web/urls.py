"""The addresses that belong to no part: the choice of theme, and the kit page of the one-machine stack."""

from django.urls import path

from marketplace.web import kit, theme

app_name = "web"

urlpatterns = [
    path("theme", theme.choose, name="theme"),
    path("kit", kit.kit, name="kit"),
]
