from django.urls import path

from portfolios.views import pages, taxes

urlpatterns = [
    path("models/", pages.models, name="models"),
    path("problems/", pages.problems, name="problems"),
    path("book/", pages.accounts, name="accounts"),
    path("book/<int:pk>/", pages.account, name="account"),
    path("households/<int:pk>/taxes/", taxes.household_taxes, name="household-taxes"),
    path("households/<int:pk>/taxes/change/", taxes.change_household_taxes, name="household-taxes-change"),
]
