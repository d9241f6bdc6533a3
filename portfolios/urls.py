from django.urls import path

from portfolios.views import pages

urlpatterns = [
    path("models/", pages.models, name="models"),
    path("problems/", pages.problems, name="problems"),
    path("accounts-list/", pages.accounts, name="accounts"),
    path("account/<int:pk>/", pages.account, name="account"),
    path("plan/", pages.client, name="client-home"),
]
