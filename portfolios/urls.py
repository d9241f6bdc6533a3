from django.urls import path

from portfolios.views import alternates, pages, ranges, taxes, wash

urlpatterns = [
    path("models/", pages.models, name="models"),
    path("models/<int:pk>/alternates/", alternates.model_alternates, name="model-alternates"),
    path("models/<int:pk>/alternates/change/", alternates.change_alternates, name="model-alternates-change"),
    path("problems/", pages.problems, name="problems"),
    path("book/", pages.accounts, name="accounts"),
    path("book/<int:pk>/", pages.account, name="account"),
    path("book/<int:pk>/ranges/", ranges.account_ranges, name="account-ranges"),
    path("book/<int:pk>/ranges/set/", ranges.set_range, name="account-range-set"),
    path("book/<int:pk>/ranges/drop/", ranges.drop_range, name="account-range-drop"),
    path("households/<int:pk>/wash-sales/", wash.household_wash_sales, name="household-wash-sales"),
    path("households/<int:pk>/wash-sales/file/", wash.household_wash_sales_file, name="household-wash-sales-file"),
    path("households/<int:pk>/taxes/", taxes.household_taxes, name="household-taxes"),
    path("households/<int:pk>/taxes/change/", taxes.change_household_taxes, name="household-taxes-change"),
]
