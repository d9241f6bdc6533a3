from django.urls import include, path

urlpatterns = [
    path("accounts/", include("allauth.urls")),
    path("api/custodian/v1/", include("trading.api.urls")),
    path("", include("accounts.urls")),
    path("", include("portfolios.urls")),
    path("", include("trading.urls")),
]
