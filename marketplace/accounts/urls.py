"""Addresses of accounts: our own page, and allauth's."""

from django.urls import include, path

from marketplace.accounts import views

_OWN = [
    path("account", views.home, name="home"),
    path("account/act-for", views.act_for, name="act-for"),
    path("account/tokens", views.tokens, name="tokens"),
    path("account/tokens/<uuid:token_id>/revoke", views.revoke_token, name="revoke-token"),
    path("account/team", views.team, name="team"),
    path("account/team/invite", views.invite, name="invite"),
    path("account/team/leave", views.leave, name="leave"),
    path("account/team/invitations/<uuid:invitation_id>/withdraw", views.withdraw_invitation, name="withdraw"),
    path("account/team/<uuid:membership_id>/role", views.change_role, name="change-role"),
    path("account/team/<uuid:membership_id>/remove", views.remove, name="remove"),
    path("account/organisations/new", views.open_organisation, name="open-organisation"),
    path("invitations/<str:secret>", views.invitation, name="invitation"),
]

urlpatterns = [
    path("", include((_OWN, "accounts"))),
    path("accounts/", include("allauth.urls")),
]
