from django.urls import path

from accounts.views.firms import choose_firm

urlpatterns = [path("firm/", choose_firm, name="choose-firm")]
