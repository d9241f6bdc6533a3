from django.urls import path

from portfolios.views import pages

urlpatterns = [
    path("models/", pages.models, name="models"),
    path("problems/", pages.problems, name="problems"),
    path("book/", pages.accounts, name="accounts"),
    path("book/<int:pk>/", pages.account, name="account"),
]
